"""CPU of training inside the app over the same TRL call in a bare script; thread time, alternating repeats.

The app is a real server with one idle page open; each run goes through the queue, the executor, the metrics and the
watch. The opponent is ``benchmarks.bare_trl`` in a process of its own. One warm-up of each is not counted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

from benchmarks.report import head, spread, verdict
from benchmarks.server import REPOSITORY, SETTLED, browser, served, wait_until_healthy
from core import workspace
from core.datasets import freeze
from core.inference.folder import resolve_base
from core.settings import Settings
from core.store import Store
from core.tables import TERMINAL_RUNS, RunStatus
from core.training import runs
from core.training.presets import PRESETS

REPEATS = 5
LIMIT = 1.05


def main() -> bool:
    head("training in the app against the same TRL call in a bare script, thread CPU")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), _env_file=None)
        store = Store.open(settings)
        dataset_id, job = _prepare(store, settings)
        with _bare() as bare, browser() as chromium, served(REPOSITORY / "app.py", home=settings.home) as (address, _):
            wait_until_healthy(address)
            page = chromium.new_page()
            page.goto(f"{address}/datasets")
            page.wait_for_function(SETTLED, timeout=60_000)
            in_app, in_script = [], []
            for repeat in range(REPEATS + 1):
                app_s, script_s = _in_app(store, dataset_id), _in_script(bare, job)
                if repeat:
                    in_app.append(app_s)
                    in_script.append(script_s)
    ratios = [ours / theirs for ours, theirs in zip(in_app, in_script, strict=True)]
    print(f"   in the app:  {spread(in_app, 's')}")
    print(f"   bare script: {spread(in_script, 's')}")
    print(f"   ratio:       {spread(ratios, '')}")
    return verdict(f"median ratio at most {LIMIT}", met=median(ratios) <= LIMIT)


def _prepare(store: Store, settings: Settings) -> tuple[UUID, str]:
    """A frozen dataset of the sample workspace, and the same job for the script."""
    workspace.load_sample(store, settings)
    with store.write() as session:
        dataset = freeze.freeze(session, agent_id=workspace.SAMPLE_AGENT, frozen_by="benchmark")
        rows = freeze.rows(session, dataset.id)
    base = resolve_base("demo", models_dir=settings.home / "models", allow_hub=False)
    job = {
        "spec": PRESETS["demo"].model_dump(mode="json"),
        "base": str(base),
        "rows": {split.value: [asdict(row) for row in members] for split, members in rows.items()},
    }
    return dataset.id, json.dumps(job)


def _bare() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.bare_trl"],
        cwd=REPOSITORY,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _in_script(bare: subprocess.Popen[str], job: str) -> float:
    assert bare.stdin is not None and bare.stdout is not None
    bare.stdin.write(job + "\n")
    bare.stdin.flush()
    answer: dict[str, Any] = json.loads(bare.stdout.readline())
    return float(answer["cpu_s"])


def _in_app(store: Store, dataset_id: UUID) -> float:
    with store.write() as session:
        run_id = runs.request(
            session,
            dataset_id,
            spec=PRESETS["demo"],
            agent_id=workspace.SAMPLE_AGENT,
            requested_by="benchmark",
            min_pairs=50,
        ).id
    while True:
        time.sleep(1)
        with store.read() as session:
            run = runs.get(session, run_id)
        if run.status in TERMINAL_RUNS:
            break
    if run.status is not RunStatus.COMPLETED:
        raise RuntimeError(f"the run is {run.status}: {run.error}")
    return float(run.metrics["cpu_s"])
