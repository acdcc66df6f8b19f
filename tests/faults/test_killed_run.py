"""Faults: the process that trains is killed or told to end. What was stored stays, and the run can go on from there."""

from __future__ import annotations

import json
import random
from pathlib import Path
from uuid import UUID

import psutil
import pytest

from core.settings import Settings
from core.store import Store
from core.tables import JobStatus, RunStatus
from tests.faults.conftest import Start, healthy, wait_for
from tests.faults.runs_under_way import (
    adapter_hash,
    adapters_on_disk,
    ask,
    curve,
    job_now,
    restarted,
    resume,
    run_now,
    wait_for_step,
)

pytestmark = pytest.mark.training

STEPS = 120
EXIT_S = 30.0


def test_kill_9_of_app_during_training_and_the_run_goes_on_to_the_same_adapter(
    store: Store, settings: Settings, start: Start, dataset_id: UUID, model_folders: dict[str, Path]
) -> None:
    """Fault: kill -9 of app during training."""
    killed = ask(store, settings, dataset_id, model_folders["qwen3"])
    app = start("worker", "training")
    wait_for_step(store, killed, random.Random(9).randrange(5, STEPS // 2))
    app.kill()
    left = run_now(store, killed)
    assert (left.status, healthy(store), adapters_on_disk(settings)) == (RunStatus.RUNNING, True, [])

    with restarted(store, settings):
        run = run_now(store, killed)
        assert (run.status, job_now(store, killed).status) == (RunStatus.INTERRUPTED, JobStatus.INTERRUPTED)
        assert run.error is not None and f"at step {run.current_step:,} of {STEPS}" in run.error
        assert run.current_step >= left.current_step and "Resume it" in run.error
        resume(store, settings, killed)
        straight = ask(store, settings, dataset_id, model_folders["qwen3"])
        wait_for(lambda: run_now(store, straight).status is RunStatus.COMPLETED, "both runs are through")
    assert run_now(store, killed).status is RunStatus.COMPLETED
    assert curve(store, killed) == curve(store, straight)
    assert adapter_hash(store, killed) == adapter_hash(store, straight) is not None


@pytest.mark.sqlite  # about a signal; which database stands behind the process changes nothing
def test_sigterm_of_app_during_training_leaves_a_checkpoint_and_an_interrupted_run(
    store: Store, settings: Settings, start: Start, dataset_id: UUID, model_folders: dict[str, Path]
) -> None:
    """Fault: SIGTERM / Ctrl-C / deploy."""
    run_id = ask(store, settings, dataset_id, model_folders["qwen3"], epochs=100)
    app = start("worker", "training")
    wait_for_step(store, run_id, 3)
    took_s = app.terminate()
    run = run_now(store, run_id)
    assert (took_s < EXIT_S, app.process.returncode) == (True, 0)
    assert (run.status, job_now(store, run_id).status) == (RunStatus.INTERRUPTED, JobStatus.INTERRUPTED)
    assert run.error is not None and f"go on from step {run.current_step}" in run.error
    checkpoint = settings.home / "checkpoints" / str(run_id) / f"checkpoint-{run.current_step}" / "COMPLETE.json"
    assert json.loads(checkpoint.read_text())["step"] == run.current_step
    assert adapters_on_disk(settings) == []


@pytest.mark.sqlite  # about two processes and a signal; which database they share changes nothing
def test_kill_9_of_app_ends_a_training_process_of_its_own_too(
    store: Store, settings: Settings, start: Start, dataset_id: UUID, model_folders: dict[str, Path]
) -> None:
    """Fault: kill -9 of app during training (``HONE_EXECUTOR=process``)."""
    run_id = ask(store, settings, dataset_id, model_folders["qwen3"], epochs=100)
    app = start("worker", "training", HONE_EXECUTOR="process")
    wait_for_step(store, run_id, 3)
    [trainer] = psutil.Process(app.process.pid).children()
    app.kill()
    trainer.wait(EXIT_S)
    with restarted(store, settings):
        run = run_now(store, run_id)
    assert (run.status, adapters_on_disk(settings)) == (RunStatus.INTERRUPTED, [])
