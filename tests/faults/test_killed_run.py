"""Fault: kill -9 of the process that trains. What was stored stays, and the run says where it stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlmodel import select

from core.settings import Settings
from core.store import Store
from core.tables import Adapter, RunStatus, TrainingRun
from core.training import records, runs
from tests import small_models
from tests.conftest import REPOSITORY
from tests.frozen_pairs import freeze_sixty


def the_run(store: Store) -> TrainingRun | None:
    with store.read() as session:
        return session.exec(select(TrainingRun)).first()


def wait_for_step(store: Store, process: subprocess.Popen[bytes], step: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        run = the_run(store)
        if run is not None and run.current_step >= step:
            return
        time.sleep(0.2)  # the other process decides when; there is nothing to wait on
    raise AssertionError(f"the run never reached step {step}")


@pytest.mark.training
def test_kill_9_during_training_leaves_an_interrupted_run_and_no_half_adapter(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    with store.write() as session:
        freeze_sixty(session)
    base = small_models.qwen3(tmp_path / "base")
    command = [sys.executable, "-m", "core.cli", "train", "--base", str(base), "--epochs", "100"]
    environment = os.environ | {"HONE_HOME": str(settings.home), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_for_step(store, process, 3)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()

    left = the_run(store)
    assert left is not None and left.status is RunStatus.RUNNING
    with store.write() as session:
        assert runs.recover(session) == [left.id]
    with store.read() as session:
        run = runs.get(session, left.id)
        logged = records.curve(session, left.id)
        adapters = session.exec(select(Adapter)).all()
        healthy = session.connection().exec_driver_sql("PRAGMA quick_check").scalar()
    assert run.status is RunStatus.INTERRUPTED
    assert run.error is not None and f"step {run.current_step} of {run.total_steps}" in run.error
    assert logged[-1].step >= 3
    assert (list(adapters), healthy) == ([], "ok")
    assert not (settings.home / "adapters" / str(left.id)).exists()
