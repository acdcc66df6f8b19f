"""CPU of each page's script at 100,000 feedback and 100,000 rewards, warm; opponent: an empty page's script."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.report import head, verdict
from benchmarks.scale import fill
from benchmarks.server import REPOSITORY
from core.settings import Settings
from core.store import Store

ROWS = 100_000
REPEATS = 15
LIMIT_MS = 60.0
PAGES = (
    "pages/overview/home.py",
    "pages/review/triage.py",
    "pages/review/evaluations.py",
    "pages/review/rewards.py",
    "pages/curate/pairs.py",
    "pages/curate/datasets.py",
    "pages/train/runs.py",
    "pages/train/adapters.py",
    "pages/admin/import_data.py",
)


def main() -> bool:
    head(f"a page's script at {ROWS:,} feedback and {ROWS:,} rewards, CPU of a warm rerun")
    from streamlit.testing.v1 import AppTest

    os.chdir(REPOSITORY)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HONE_HOME"] = folder
        store = Store.open(Settings(home=Path(folder), _env_file=None))
        fill(store, rows=ROWS)
        with store.engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE")
            connection.commit()
        empty = _cost(AppTest.from_string("import streamlit as st\nst.title('Empty')", default_timeout=120))
        print(f"   {'an empty page':<28} {median(empty):6.1f} ms (n = {REPEATS})")
        app = AppTest.from_file(str(REPOSITORY / "app.py"), default_timeout=120).run()
        worst = 0.0
        for page in PAGES:
            app.switch_page(page).run()
            if app.exception:
                print(f"   {page}: {app.exception[0].message}")
                return verdict(f"{page} raised", met=False)
            cost = _cost(app)
            worst = max(worst, median(cost))
            span, ratio = f"{min(cost):.1f}–{max(cost):.1f}", median(cost) / median(empty)
            print(f"   {page:<28} {median(cost):6.1f} ms (n = {REPEATS}, {span}), ratio {ratio:.0f}", flush=True)
    return verdict(f"every page at most {LIMIT_MS:.0f} ms", met=worst <= LIMIT_MS)


def _cost(app: Any) -> list[float]:
    """CPU milliseconds of reruns after two that warm the caches; garbage is not collected in between, as in the app."""
    import gc

    for _ in range(2):
        app.run()
    gc.collect()
    gc.freeze()
    costs = []
    for _ in range(REPEATS):
        started = time.process_time()
        app.run()
        costs.append((time.process_time() - started) * 1000)
    return costs
