"""Measuring a model on a frozen dataset: the numbers a run measured itself, and what cannot be measured."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlmodel import Session

from core.adapters import measuring, registry
from core.datasets import freeze
from core.datasets.rows import PairRow
from core.errors import DatasetChanged, HoneError, InputRejected, NotFound
from core.settings import Settings
from core.store import Store
from core.tables import (
    Adapter,
    DatasetPair,
    DatasetStatus,
    Moment,
    PreferencePair,
    Split,
    TrainingDataset,
    TrainingRun,
    TrainingType,
    new_id,
)
from tests.core.preference_rows import pair
from tests.training_runs import Done, pairs, splits


def frozen(session: Session, rows: dict[str, list[PairRow]]) -> TrainingDataset:
    """The rows as a frozen dataset."""
    dataset = TrainingDataset(name="d", agent_ids=["support"], status=DatasetStatus.READY)
    session.add(dataset)
    session.flush()
    listed = [(Split(split), row) for split, of_split in rows.items() for row in of_split]
    for at, (split, row) in enumerate(listed):
        copied: PreferencePair = pair(session, row.messages[-1]["content"], row.chosen, row.rejected)
        texts = {"messages": row.messages, "chosen": row.chosen, "rejected": row.rejected}
        session.add(
            DatasetPair(dataset_id=dataset.id, pair_id=copied.id, position=at, split=split, prompt_group="g", **texts)
        )
    dataset.content_hash = freeze.content_hash((split, row.messages, row.chosen, row.rejected) for split, row in listed)
    session.flush()
    return dataset


def registered(session: Session, done: Done, base: Path, home: Path) -> Adapter:
    dataset = frozen(session, splits())
    run = TrainingRun(
        agent_id="support",
        dataset_id=dataset.id,
        training_type=TrainingType.DPO,
        base_model=str(base),
        config={"max_length": 96},
        artifact_path=str(done.out),
    )
    session.add(run)
    session.flush()
    return registry.register(session, run, files=done.result.files, parameters=done.result.parameters)


@pytest.mark.training
def test_an_adapter_measures_as_its_run_did(
    store: Store, settings: Settings, first_run: Done, model_folders: dict[str, Path]
) -> None:
    with store.write() as session:
        adapter = registered(session, first_run, model_folders["qwen3"], settings.home)
    for split in ("validation", "test"):
        with store.read() as session:
            question = measuring.ask(session, adapter_id=adapter.id, split=Split(split))
        measured = measuring.measure(settings, question)
        itself = first_run.notes.accuracies[Moment.AFTER, split]
        assert (measured.accuracy.n, measured.accuracy.correct) == (itself.n, itself.correct)
        assert measured.accuracy.mean_margin == pytest.approx(itself.mean_margin, abs=1e-3)


@pytest.mark.training
def test_a_base_measures_as_before_the_run(
    store: Store, settings: Settings, first_run: Done, model_folders: dict[str, Path]
) -> None:
    with store.write() as session:
        dataset = frozen(session, splits())
    with store.read() as session:
        question = measuring.ask(session, base=str(model_folders["qwen3"]), dataset_id=dataset.id)
    seen: list[tuple[int, int]] = []
    measured = measuring.measure(settings, question, on_progress=lambda done, total: seen.append((done, total)))
    before = first_run.notes.accuracies[Moment.BEFORE, "test"]
    assert (measured.accuracy.n, measured.accuracy.correct, measured.left_out) == (before.n, before.correct, 0)
    assert measured.accuracy.low <= measured.accuracy.accuracy <= measured.accuracy.high
    assert seen == [(2, 2)]


def test_without_a_dataset_the_newest_frozen_one_is_taken(store: Store) -> None:
    with store.read() as session, pytest.raises(InputRejected, match="no frozen dataset"):
        measuring.ask(session)
    with store.write() as session:
        frozen(session, splits())
        newest = frozen(session, {"test": pairs(2, start=500)})
    with store.read() as session:
        assert measuring.ask(session).dataset.id == newest.id


def test_an_empty_split_cannot_be_measured(store: Store) -> None:
    with store.write() as session:
        dataset = frozen(session, {"train": splits()["train"]})
    with store.read() as session, pytest.raises(InputRejected, match="no test pairs"):
        measuring.ask(session, dataset_id=dataset.id)


def test_a_dataset_that_was_changed_is_not_measured_on(store: Store) -> None:
    with store.write() as session:
        dataset = frozen(session, splits())
        dataset.content_hash = "0" * 64
    with store.read() as session, pytest.raises(DatasetChanged):
        measuring.ask(session, dataset_id=dataset.id)


def test_an_unknown_adapter_is_not_found(store: Store) -> None:
    with store.read() as session, pytest.raises(NotFound):
        measuring.ask(session, adapter_id=new_id())


@pytest.mark.training
def test_a_changed_adapter_is_not_measured(
    store: Store, settings: Settings, first_run: Done, model_folders: dict[str, Path]
) -> None:
    with store.write() as session:
        adapter = registered(session, first_run, model_folders["qwen3"], settings.home)
        adapter.files = {name: {**entry, "sha256": "0" * 64} for name, entry in adapter.files.items()}
    with store.read() as session:
        question = measuring.ask(session, adapter_id=adapter.id)
    with pytest.raises(HoneError, match="missing or were changed"):
        measuring.measure(settings, question)
