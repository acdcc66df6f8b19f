"""Rows of datasets, runs and adapters for the tests of the training pages, and a worker that only listens."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import col, select
from streamlit.testing.v1 import AppTest

from core.adapters import registry
from core.api.process import Process
from core.jobs import queue
from core.settings import Settings
from core.store import Store
from core.tables import (
    Adapter,
    AdapterStatus,
    DatasetPair,
    DatasetStatus,
    JobStatus,
    Moment,
    PairOrigin,
    PairStatus,
    PreferencePair,
    RunEvaluation,
    RunOutcome,
    RunStatus,
    Side,
    Split,
    TrainingDataset,
    TrainingRun,
    TrainingType,
    now,
)
from core.training import records
from core.training.presets import PRESETS

HOSTILE = "<script>alert(1)</script> **bold** :red[x] [l](http://evil.example)"


class Bell:
    """A worker that only hears that it was woken."""

    def __init__(self) -> None:
        self.rung = 0

    def start(self) -> None: ...

    def wake(self) -> None:
        self.rung += 1

    def stop(self, *, timeout_s: float = 20.0) -> None: ...


@pytest.fixture(autouse=True)
def bell(at_work: Process) -> Bell:
    bell = Bell()
    at_work._worker = bell
    return bell


def dataset(store: Store, n: int = 60, *, name: str = "support, first week") -> TrainingDataset:
    with store.write() as session:
        frozen = TrainingDataset(
            name=name,
            agent_ids=["support"],
            total_examples=n,
            content_hash="a" * 64,
            frozen_by="ada",
            frozen_at=now(),
            status=DatasetStatus.READY,
        )
        session.add(frozen)
        session.flush()
        for at in range(n):
            pair = PreferencePair(
                agent_id="support",
                prompt=f"question {at}",
                prompt_group=f"g{at}",
                answer_a="yes",
                answer_b="no",
                preferred=Side.A,
                status=PairStatus.ACCEPTED,
                origin=PairOrigin.RATING,
                content_key=hashlib.sha256(f"{frozen.id} {at}".encode()).hexdigest(),
            )
            session.add(pair)
            session.flush()
            session.add(
                DatasetPair(
                    dataset_id=frozen.id,
                    pair_id=pair.id,
                    position=at,
                    split=(Split.TRAIN, Split.TRAIN, Split.TRAIN, Split.VALIDATION, Split.TEST)[at % 5],
                    prompt_group=pair.prompt_group,
                    messages=[{"role": "user", "content": pair.prompt}],
                    chosen="yes",
                    rejected="no",
                )
            )
    return frozen


# The job that stands behind a run which has not ended.
_HELD = {
    RunStatus.PENDING: JobStatus.QUEUED,
    RunStatus.RUNNING: JobStatus.RUNNING,
    RunStatus.INTERRUPTED: JobStatus.INTERRUPTED,
}


def run(store: Store, status: RunStatus, *, on: TrainingDataset | None = None, **values: Any) -> TrainingRun:
    on = on or dataset(store)
    with store.write() as session:
        row = TrainingRun(
            agent_id="support",
            dataset_id=on.id,
            training_type=TrainingType.DPO,
            config=PRESETS["demo"].model_dump(mode="json"),
            base_model="demo",
            status=status,
            requested_by="ada",
            started_at=now() - timedelta(minutes=2),
            heartbeat_at=now(),
            **values,
        )
        session.add(row)
        session.flush()
        if status in _HELD:
            job = queue.enqueue(session, "train", requested_by="ada", subject_id=row.id)
            job.status = _HELD[status]
    return row


def log(store: Store, run_id: UUID, steps: int, *, chosen: float = 0.01) -> None:
    """``steps`` logged steps of a second each; the chosen reward moves by ``chosen`` a step."""
    with store.write() as session:
        rows = [
            {"step": at, "loss": 0.7 - at / 1000, "chosen_reward": chosen * at, "rejected_reward": -at / 10}
            | {"reward_margin": at / 10, "reward_accuracy": 0.6, "elapsed_s": float(at), "tokens": 100 * at}
            for at in range(1, steps + 1)
        ]
        records.record_metrics(session, run_id, rows)


def measured(store: Store, run_id: UUID, before: int, after: int, *, n: int = 100) -> None:
    with store.write() as session:
        for moment, correct in ((Moment.BEFORE, before), (Moment.AFTER, after)):
            share = correct / n
            records.record_evaluation(
                session,
                RunEvaluation(
                    run_id=run_id,
                    moment=moment,
                    split="held_out",
                    n=n,
                    correct=correct,
                    accuracy=share,
                    low=max(0.0, share - 0.05),
                    high=min(1.0, share + 0.05),
                    mean_margin=0.5,
                ),
            )


def adapter(store: Store, settings: Settings) -> Adapter:
    """A candidate with one file on the disk."""
    made = run(store, RunStatus.COMPLETED, outcome=RunOutcome.OK, current_step=30, total_steps=30)
    measured(store, made.id, 50, 90)
    folder = settings.home / "adapters" / str(made.id)
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_bytes(b"{}")
    files = {"adapter_config.json": {"sha256": hashlib.sha256(b"{}").hexdigest(), "bytes": 2}}
    with store.write() as session:
        row = session.get_one(TrainingRun, made.id)
        row.artifact_path = f"adapters/{made.id}"
        return registry.register(session, row, files=files, parameters=1234)


def all_runs(store: Store) -> list[TrainingRun]:
    with store.read() as session:
        return list(session.exec(select(TrainingRun).order_by(col(TrainingRun.id))).all())


def status_of(store: Store, adapter_id: UUID) -> AdapterStatus:
    with store.read() as session:
        return registry.get(session, adapter_id).status


def press(page: AppTest, words: str) -> AppTest:
    return next(button for button in page.button if button.label == words).click().run()


def words_of(page: AppTest) -> str:
    elements = [*page.markdown, *page.caption, *page.title, *page.subheader, *page.error, *page.warning]
    return (
        "\n".join(str(element.value) for element in elements).replace("\\", "").replace("\u00a0", " ")
    )  # as a reader sees it
