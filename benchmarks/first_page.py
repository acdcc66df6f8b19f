"""First page on screen, from process start, with a migrated database; opponent: an empty Streamlit app."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.report import head, spread, verdict
from benchmarks.server import REPOSITORY, SETTLED, browser, served, wait_until_healthy
from core.settings import Settings
from core.store import Store

REPEATS = 5
LIMIT_S = 8.0


def main() -> bool:
    head("first page on screen, from process start")
    with tempfile.TemporaryDirectory() as folder, browser() as chromium:
        home = Path(folder)
        Store.open(Settings(home=home, _env_file=None)).close()
        empty = home / "empty.py"
        empty.write_text("import streamlit as st\nst.title('Empty')\n")
        ours, theirs = [], []
        for _ in range(REPEATS):
            ours.append(_once(chromium, REPOSITORY / "app.py", home))
            theirs.append(_once(chromium, empty, home))
    print(f"   Hone:                {spread(ours, 's')}")
    print(f"   empty Streamlit app: {spread(theirs, 's')}   ratio {median(ours) / median(theirs):.2f}")
    return verdict(f"at most {LIMIT_S:.0f} s", met=median(ours) <= LIMIT_S)


def _once(chromium: Any, script: Path, home: Path) -> float:
    page = chromium.new_page()
    started = time.monotonic()
    with served(script, home=home) as (address, _):
        wait_until_healthy(address)
        page.goto(address)
        page.locator("h1").first.wait_for(timeout=60_000)
        page.wait_for_function(SETTLED, timeout=60_000)
        elapsed = time.monotonic() - started
        page.close()
    return elapsed
