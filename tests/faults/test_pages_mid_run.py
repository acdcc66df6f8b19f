"""Faults: the tab is closed, the page reloaded, a source file changed, the app stopped, all in the middle of a run.

A run belongs to the process, never to a browser session: the page finds everything in the store.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from benchmarks.server import free_port, wait_until_healthy
from benchmarks.visitor import Visitor
from core.settings import Settings
from core.store import Store
from core.tables import Job, RunStatus, TrainingRun
from core.training import records, runs
from tests.conftest import REPOSITORY
from tests.faults import runs_under_way as training_runs
from tests.frozen_pairs import freeze_sixty
from tests.pages.conftest import OpenPage, at_work, open_page
from tests.training_runs import SMALL

__all__ = ["at_work", "open_page"]

EXIT_S = 30.0
SOURCES = ("core", "pages", "static", ".streamlit")


def test_browser_refresh_mid_run_shows_what_the_store_says(open_page: OpenPage, store: Store) -> None:
    """Fault: browser refresh / tab close / sleep mid-run."""
    with store.write() as session:
        asked = {"spec": SMALL, "agent_id": "support", "requested_by": "ada", "min_pairs": 50}
        run_id = runs.request(session, freeze_sixty(session), **asked).id  # type: ignore[arg-type]
        runs.begin(session, run_id)
        records.record_progress(session, run_id, step=12, total=240)
        records.record_metrics(session, run_id, [{"step": step, "loss": 0.7, "elapsed_s": step} for step in (1, 12)])
    open_page("runs", run=str(run_id))
    again = open_page("runs", run=str(run_id))  # a session that knows nothing of the first
    words = " ".join(str(element.value) for kind in (again.caption, again.markdown) for element in kind)
    assert not again.exception
    assert "Step 12 of 240" in words


@dataclass
class Seen:
    """What was seen of one run while things happened to the app around it."""

    first: list[str] = field(default_factory=list)  # words of the run's page before
    second: list[str] = field(default_factory=list)  # and of another session after
    job: Job | None = None
    steps: tuple[int, int] = (0, 0)  # before and after
    ended_s: float = 0.0
    code: int | None = None
    left: TrainingRun | None = None


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, model_folders: dict[str, Path]) -> Seen:
    """A real server on a copy of the sources, training; its page is opened, left, and opened after files changed."""
    home, copy = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("sources")
    settings = Settings(home=home, db="", _env_file=None)
    store = Store.open(settings)
    with store.write() as session:
        dataset_id = freeze_sixty(session)
    run_id = training_runs.ask(store, settings, dataset_id, model_folders["qwen3"], epochs=100)
    seen = Seen()
    with _server(copy, home) as (address, server):
        training_runs.wait_for_step(store, run_id, 3)
        seen.first = asyncio.run(_words(address, str(run_id)))
        before = training_runs.run_now(store, run_id).current_step
        for source in ("pages/train/run_live.py", "core/training/runs.py"):
            with (copy / source).open("a") as file:
                file.write("# changed while a run trains\n")
        training_runs.wait_for_step(store, run_id, before + 2)
        seen.second = asyncio.run(_words(address, str(run_id)))
        training_runs.wait_for_step(store, run_id, before + 5)
        seen.job = training_runs.job_now(store, run_id)
        seen.steps = before, training_runs.run_now(store, run_id).current_step
        asked = time.monotonic()
        server.terminate()
        seen.code = server.wait(2 * EXIT_S)
        seen.ended_s = time.monotonic() - asked
    seen.left = training_runs.run_now(store, run_id)
    store.close()
    return seen


@contextmanager
def _server(folder: Path, home: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """``streamlit run app.py`` in a folder of its own; killed if it still runs at the end."""
    for name in SOURCES:
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "app.py", folder)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
        cwd=folder,
        env=os.environ | {"HONE_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}", process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


async def _words(address: str, run_id: str) -> list[str]:
    async with Visitor(address) as visitor:
        await visitor.open("runs", query=f"run={run_id}")
        return list(visitor.texts)


# About one process and its sessions; which database it uses changes nothing, and a server takes its time to start.


@pytest.mark.training
def test_tab_closed_mid_run_leaves_the_run_going_and_another_session_shows_it(seen: Seen) -> None:
    """Fault: browser refresh / tab close / sleep mid-run."""
    assert any("Training run" in text for text in seen.first)
    assert any("Training run" in text for text in seen.second)
    assert seen.steps[1] > seen.steps[0]


@pytest.mark.training
def test_hot_reload_mid_run_leaves_the_run_in_the_same_hands(seen: Seen) -> None:
    """Fault: Streamlit source hot-reload mid-run: a source file changes while a run trains."""
    assert seen.job is not None
    assert (seen.job.status.value, seen.job.attempt, seen.job.failures) == ("running", 1, 0)
    assert not any("could not be drawn" in text for text in seen.second)


@pytest.mark.training
def test_sigterm_of_the_server_ends_it_within_half_a_minute_and_interrupts_the_run(seen: Seen) -> None:
    """Fault: SIGTERM / Ctrl-C / deploy."""
    assert seen.left is not None
    assert (seen.ended_s < EXIT_S, seen.left.status) == (True, RunStatus.INTERRUPTED)
    assert seen.left.error is not None and "go on from step" in seen.left.error
