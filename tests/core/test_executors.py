"""A run through the queue, trained for real on tiny models of different kinds: it ends once, and says how."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import select

from core.adapters import registry
from core.datasets import freeze
from core.settings import Settings
from core.store import Store
from core.tables import (
    Adapter,
    DatasetPair,
    Moment,
    RunOutcome,
    RunStatus,
    TrainingRun,
)
from core.training import records, runs
from core.training.executors import ThreadExecutor, run_next
from core.training.spec import TrainSpec
from tests.frozen_pairs import PAIRS, freeze_sixty
from tests.training_runs import SMALL


@pytest.fixture
def dataset_id(store: Store) -> UUID:
    with store.write() as session:
        return freeze_sixty(session)


def spec_for(base: Path | str, **changes: object) -> TrainSpec:
    return SMALL.changed(**{"base": str(base), "num_epochs": 1} | changes)


def ask(store: Store, dataset_id: UUID, spec: TrainSpec) -> UUID:
    with store.write() as session:
        return runs.request(session, dataset_id, spec=spec, agent_id="support", requested_by="ada", min_pairs=50).id


def train(store: Store, settings: Settings, **how: object) -> None:
    assert run_next(store, settings, on_trained=registry.register_trained, **how)  # type: ignore[arg-type]


def ended(store: Store, run_id: UUID) -> TrainingRun:
    with store.read() as session:
        return runs.get(session, run_id)


@pytest.mark.training
@pytest.mark.parametrize("kind", ["qwen3", "gpt2", "llama_plain"])
def test_a_run_on_any_kind_of_model_becomes_an_adapter(
    store: Store, settings: Settings, dataset_id: UUID, model_folders: dict[str, Path], kind: str
) -> None:
    run_id = ask(store, dataset_id, spec_for(model_folders[kind]))
    train(store, settings)
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
    gone = ask(store, dataset_id, spec_for(tmp_path / "gone"))
    good = ask(store, dataset_id, spec_for(model_folders["qwen3"]))
    train(store, settings)
    train(store, settings)
    failed = ended(store, gone)
    assert (failed.status, failed.outcome) == (RunStatus.FAILED, RunOutcome.CRASHED)
    assert failed.error is not None and "gone" in failed.error
    assert ended(store, good).status is RunStatus.COMPLETED


@pytest.mark.training
def test_a_dataset_that_was_changed_is_not_trained_on(
    store: Store, settings: Settings, dataset_id: UUID, model_folders: dict[str, Path]
) -> None:
    run_id = ask(store, dataset_id, spec_for(model_folders["qwen3"]))
    with store.write() as session:
        session.exec(select(DatasetPair)).first().chosen = "something else"  # type: ignore[union-attr]
    train(store, settings)
    failed = ended(store, run_id)
    assert failed.status is RunStatus.FAILED
    assert failed.error is not None and "do not match its hash" in failed.error


class StopsAtStep:
    """Looks like progress to the run; does ``act`` once a step is reached."""

    def __init__(self, step: int, act: Callable[[], None]) -> None:
        self._step, self._act = step, act

    def __call__(self, phase: str, step: int, total: int) -> None:
        if phase == "training" and step == self._step:
            self._act()


@pytest.mark.training
def test_stopping_the_app_leaves_the_run_interrupted_and_its_pairs_held(
    store: Store, settings: Settings, dataset_id: UUID, model_folders: dict[str, Path]
) -> None:
    shutdown = threading.Event()
    run_id = ask(store, dataset_id, spec_for(model_folders["qwen3"]))
    train(store, settings, shutdown=shutdown, on_progress=StopsAtStep(2, shutdown.set))
    run = ended(store, run_id)
    assert run.status is RunStatus.INTERRUPTED
    assert run.error is not None and f"at step {run.current_step}" in run.error
    with store.read() as session:
        assert freeze.usable_count(session, agent_id="support") == 0
    assert not (settings.home / "adapters" / str(run_id)).exists()


@pytest.mark.training
def test_cancelling_mid_run_ends_it_and_gives_the_pairs_back(
    store: Store, settings: Settings, dataset_id: UUID, model_folders: dict[str, Path]
) -> None:
    run_id = ask(store, dataset_id, spec_for(model_folders["qwen3"], num_epochs=100))
    cancelled = threading.Event()

    def cancel() -> None:
        with store.write() as session:
            runs.request_cancel(session, run_id, by="lea")
        cancelled.set()

    train(store, settings, on_progress=StopsAtStep(1, cancel))
    assert cancelled.is_set()
    run = ended(store, run_id)
    assert run.status is RunStatus.CANCELLED
    assert run.total_steps is not None and run.current_step < run.total_steps
    with store.read() as session:
        assert freeze.usable_count(session, agent_id="support") == PAIRS


@pytest.mark.training
def test_the_executor_takes_what_waits_in_the_queue_and_stops_when_asked(
    store: Store, settings: Settings, dataset_id: UUID, model_folders: dict[str, Path]
) -> None:
    trained = threading.Event()

    def on_trained(*_: object) -> None:
        trained.set()

    run_id = ask(store, dataset_id, spec_for(model_folders["qwen3"]))
    executor = ThreadExecutor(store, settings, on_trained=on_trained)
    executor.start()
    executor.wake()
    assert trained.wait(60)
    executor.stop()
    assert ended(store, run_id).status is RunStatus.COMPLETED


def test_an_empty_queue_is_no_work(store: Store, settings: Settings) -> None:
    assert not run_next(store, settings, on_trained=registry.register_trained)
