"""A run as a job, trained for real on tiny models of different kinds: it ends once, says how, can be stopped."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import UUID

import psutil
import pytest
from sqlmodel import Session, select

from core.adapters import registry
from core.datasets import freeze
from core.jobs import queue, training
from core.jobs.worker import Worker, do_here
from core.settings import Settings
from core.store import Store
from core.tables import (
    Adapter,
    DatasetPair,
    Job,
    JobStatus,
    Moment,
    RunOutcome,
    RunPhase,
    RunStatus,
    TrainingRun,
    new_id,
)
from core.training import records, runs
from core.training.spec import TrainSpec
from core.work import OnProgress
from tests.frozen_pairs import PAIRS, freeze_sixty
from tests.training_runs import SMALL


@pytest.fixture
def dataset_id(store: Store) -> UUID:
    with store.write() as session:
        return freeze_sixty(session)


def spec_for(base: Path | str, **changes: object) -> TrainSpec:
    return SMALL.changed(**{"base": str(base), "num_epochs": 1} | changes)


def ask(store: Store, settings: Settings, dataset_id: UUID, spec: TrainSpec) -> UUID:
    with store.write() as session:
        return training.request_run(
            session,
            dataset_id,
            spec=spec,
            agent_id="support",
            requested_by="ada",
            min_pairs=50,
            home=settings.home,
        ).id


def job_of(store: Store, run_id: UUID) -> Job:
    with store.read() as session:
        job = queue.of_subject(session, run_id)
    assert job is not None
    return job


def train(store: Store, settings: Settings, run_id: UUID, on_progress: OnProgress | None = None) -> Job:
    return do_here(store, settings, job_of(store, run_id).id, on_progress=on_progress)


def ended(store: Store, run_id: UUID) -> TrainingRun:
    with store.read() as session:
        return runs.get(session, run_id)


def wait_for(holds: Callable[[], bool]) -> None:
    """Another thread or process decides when; there is nothing to wait on but the store."""
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def act(store: Store, change: Callable[[Session], object]) -> None:
    with store.write() as session:
        change(session)


@pytest.mark.training
@pytest.mark.parametrize("kind", ["qwen3", "gpt2", "llama_plain"])
def test_a_run_on_any_kind_of_model_becomes_an_adapter(
    store: Store, settings: Settings, dataset_id: UUID, model_folders: dict[str, Path], kind: str
) -> None:
    run_id = ask(store, settings, dataset_id, spec_for(model_folders[kind]))
    train(store, settings, run_id)
    with store.read() as session:
        run = runs.get(session, run_id)
        detail = records.detail(session, run)
        adapter = session.exec(select(Adapter)).one()
        logged = records.curve(session, run_id)
    assert (run.status, run.outcome, run.error) == (RunStatus.COMPLETED, RunOutcome.OK, None)
    assert adapter.run_id == run_id
    assert registry.damaged_files(settings, adapter) == []
    assert len(logged) == run.current_step == run.total_steps
    before, after = detail.evaluation(Moment.BEFORE), detail.evaluation(Moment.AFTER)
    assert before is not None and after is not None and before.n == after.n > 0
    assert all(sample.after is not None for sample in detail.samples)
    assert str(settings.home) not in json.dumps(adapter.files)


@pytest.mark.training
def test_a_vanished_base_model_is_a_sentence_and_the_next_run_starts(
    store: Store, settings: Settings, dataset_id: UUID, model_folders: dict[str, Path], tmp_path: Path
) -> None:
    gone = ask(store, settings, dataset_id, spec_for(tmp_path / "gone"))
    good = ask(store, settings, dataset_id, spec_for(model_folders["qwen3"]))
    train(store, settings, gone)
    train(store, settings, good)
    failed = ended(store, gone)
    assert (failed.status, failed.outcome) == (RunStatus.FAILED, RunOutcome.CRASHED)
    assert failed.error is not None and "gone" in failed.error
    assert ended(store, good).status is RunStatus.COMPLETED


@pytest.mark.training
def test_a_dataset_that_was_changed_is_not_trained_on(
    store: Store, settings: Settings, dataset_id: UUID, model_folders: dict[str, Path]
) -> None:
    run_id = ask(store, settings, dataset_id, spec_for(model_folders["qwen3"]))
    with store.write() as session:
        session.exec(select(DatasetPair)).first().chosen = "something else"  # type: ignore[union-attr]
    train(store, settings, run_id)
    failed = ended(store, run_id)
    assert failed.status is RunStatus.FAILED
    assert failed.error is not None and "do not match its hash" in failed.error


def meanwhile(store: Store, settings: Settings, run_id: UUID, *, once_at: int, do: Callable[[], object]) -> Job:
    """Train in a thread; once ``once_at`` steps are done, do something beside it."""
    trainer = threading.Thread(target=lambda: train(store, settings, run_id))
    trainer.start()
    wait_for(lambda: ended(store, run_id).current_step >= once_at)
    do()
    trainer.join(120)
    return job_of(store, run_id)


@pytest.mark.training
def test_a_paused_run_goes_on_and_ends_as_if_it_had_never_stopped(
    store: Store, settings: Settings, dataset_id: UUID, model_folders: dict[str, Path]
) -> None:
    spec = spec_for(model_folders["qwen3"], num_epochs=12)
    straight, halting = ask(store, settings, dataset_id, spec), ask(store, settings, dataset_id, spec)
    train(store, settings, straight)
    pause = partial(act, store, lambda session: training.pause_run(session, halting, by="lea"))
    job = meanwhile(store, settings, halting, once_at=1, do=pause)
    paused = ended(store, halting)
    assert (job.status, paused.status, paused.phase) == (JobStatus.PAUSED, RunStatus.INTERRUPTED, RunPhase.PAUSED)
    act(store, lambda session: training.resume_run(session, halting, by="lea", home=settings.home))
    train(store, settings, halting)
    with store.read() as session:
        curves = [[(row.step, row.loss) for row in records.curve(session, run_id)] for run_id in (straight, halting)]
        files = {adapter.run_id: adapter.files for adapter in session.exec(select(Adapter))}
    assert curves[0] == curves[1]
    assert files[straight]["adapter_model.safetensors"] == files[halting]["adapter_model.safetensors"]


@pytest.mark.training
def test_stopping_the_app_leaves_the_run_interrupted_and_its_pairs_held(
    store: Store, settings: Settings, dataset_id: UUID, model_folders: dict[str, Path]
) -> None:
    """Fault: SIGTERM, deploy."""
    run_id = ask(store, settings, dataset_id, spec_for(model_folders["qwen3"], num_epochs=50))
    worker = Worker(store, settings, only=["training"])
    worker.start()
    wait_for(lambda: ended(store, run_id).current_step >= 2)
    worker.stop()
    run = ended(store, run_id)
    assert run.status is RunStatus.INTERRUPTED
    assert run.error is not None and f"at step {run.current_step}" in run.error and "go on from step" in run.error
    with store.read() as session:
        assert freeze.usable_count(session, agent_id="support") == 0
    assert not (settings.home / "adapters" / str(run_id)).exists()


@pytest.mark.training
def test_cancelling_mid_run_ends_it_and_gives_the_pairs_back(
    store: Store, settings: Settings, dataset_id: UUID, model_folders: dict[str, Path]
) -> None:
    run_id = ask(store, settings, dataset_id, spec_for(model_folders["qwen3"], num_epochs=100))
    cancel = partial(act, store, lambda session: training.cancel_run(session, run_id, by="lea"))
    job = meanwhile(store, settings, run_id, once_at=1, do=cancel)
    run = ended(store, run_id)
    assert (job.status, run.status) == (JobStatus.CANCELLED, RunStatus.CANCELLED)
    assert run.total_steps is not None and run.current_step < run.total_steps
    assert not (settings.home / "checkpoints" / str(run_id)).exists()
    with store.read() as session:
        assert freeze.usable_count(session, agent_id="support") == PAIRS


def test_cancelling_a_waiting_run_ends_it_and_its_job(store: Store, settings: Settings, dataset_id: UUID) -> None:
    run_id = ask(store, settings, dataset_id, spec_for("demo"))
    for _ in range(2):
        act(store, lambda session: training.cancel_run(session, run_id, by="lea"))
    assert (ended(store, run_id).status, job_of(store, run_id).status) == (RunStatus.CANCELLED, JobStatus.CANCELLED)


def test_asking_twice_with_one_id_is_one_run_and_one_job(store: Store, settings: Settings, dataset_id: UUID) -> None:
    run_id = new_id()
    for _ in range(2):
        act(
            store,
            lambda session: training.request_run(
                session,
                dataset_id,
                spec=spec_for("demo"),
                agent_id="support",
                requested_by="ada",
                min_pairs=50,
                home=settings.home,
                run_id=run_id,
            ),
        )
    with store.read() as session:
        assert len(session.exec(select(Job)).all()) == 1


def test_runs_of_an_earlier_version_get_their_job(store: Store, settings: Settings, dataset_id: UUID) -> None:
    with store.write() as session:
        asked = {"spec": spec_for("demo"), "agent_id": "support", "requested_by": "ada", "min_pairs": 50}
        ran = runs.request(session, dataset_id, **asked).id  # type: ignore[arg-type]
        waits = runs.request(session, dataset_id, **asked).id  # type: ignore[arg-type]
        runs.begin(session, ran)
    act(store, lambda session: training.adopt(session, settings.home))
    act(store, lambda session: training.adopt(session, settings.home))
    assert ended(store, ran).status is RunStatus.INTERRUPTED
    assert job_of(store, waits).status is JobStatus.QUEUED
    with store.read() as session:
        assert len(session.exec(select(Job)).all()) == 1


@pytest.mark.training
def test_in_a_process_of_its_own_a_run_ends_as_in_a_thread(
    store: Store, settings: Settings, dataset_id: UUID, model_folders: dict[str, Path]
) -> None:
    spec = spec_for(model_folders["qwen3"])
    in_thread, in_process = ask(store, settings, dataset_id, spec), ask(store, settings, dataset_id, spec)
    train(store, settings, in_thread)
    apart = settings.model_copy(update={"executor": "process", "db": store.url.render_as_string(hide_password=False)})
    job = train(store, apart, in_process)
    assert job.status is JobStatus.COMPLETED
    with store.read() as session:
        files = {adapter.run_id: adapter.files for adapter in session.exec(select(Adapter))}
    assert files[in_thread]["adapter_model.safetensors"] == files[in_process]["adapter_model.safetensors"]


@pytest.mark.training
def test_a_training_process_that_is_killed_leaves_a_run_that_can_be_resumed(
    store: Store, settings: Settings, dataset_id: UUID, model_folders: dict[str, Path]
) -> None:
    """Fault: GPU or memory faults take the training process, not the app."""
    run_id = ask(store, settings, dataset_id, spec_for(model_folders["qwen3"], num_epochs=100, checkpoint_steps=5))
    apart = settings.model_copy(update={"executor": "process", "db": store.url.render_as_string(hide_password=False)})

    def kill() -> None:
        children = [child for child in psutil.Process().children() if "core.jobs.train_child" in child.cmdline()]
        children[0].kill()

    job = meanwhile(store, apart, run_id, once_at=6, do=kill)
    run = ended(store, run_id)
    assert (job.status, run.status) == (JobStatus.INTERRUPTED, RunStatus.INTERRUPTED)
    assert run.error is not None and "signal 9" in run.error and "go on from step" in run.error
