"""Walks from a frozen dataset back to what people said, and forward to what was trained on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from core.datasets.freeze import existing
from core.tables import AdapterStatus, LabelChoice, PairOrigin, RunOutcome, RunStatus

_IDS = 100  # ids listed of each kind; the counts are whole

_rows = SQLModel.metadata.tables["dataset_pairs"]
_pairs = SQLModel.metadata.tables["preference_pairs"]
_labels = SQLModel.metadata.tables["pair_labels"]
_runs = SQLModel.metadata.tables["training_runs"]
_adapters = SQLModel.metadata.tables["adapters"]


@dataclass(frozen=True, slots=True)
class Source:
    """Rows of one kind that the dataset rests on: how many, and the first hundred."""

    count: int
    ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class RunLink:
    id: UUID
    status: RunStatus
    outcome: RunOutcome | None


@dataclass(frozen=True, slots=True)
class AdapterLink:
    id: UUID
    run_id: UUID
    version: int
    status: AdapterStatus


@dataclass(frozen=True, slots=True)
class Lineage:
    dataset_id: UUID
    pairs_by_origin: dict[PairOrigin, int]
    pairs: Source
    labels_by_annotator: dict[str, int]  # labels that stand and decide, of its pairs
    interactions: Source
    feedback: Source
    learning_examples: Source
    imports: Source
    runs: list[RunLink]
    adapters: list[AdapterLink]


def lineage(session: Session, dataset_id: UUID) -> Lineage:
    """Everything one step up and down the loop from a dataset. Raises NotFound."""
    existing(session, dataset_id)
    by_origin = _counted(session, dataset_id, _pairs.c.origin)
    sides = [_used(dataset_id, _pairs.c[name]) for name in ("interaction_a_id", "interaction_b_id")]
    return Lineage(
        dataset_id=dataset_id,
        pairs_by_origin={origin: by_origin.get(origin, 0) for origin in PairOrigin},
        pairs=_source(session, _used(dataset_id, _pairs.c.id)),
        labels_by_annotator=_labels_by_annotator(session, dataset_id),
        interactions=_source(session, sa.union(*sides)),
        feedback=_source(session, _used(dataset_id, _pairs.c.feedback_id)),
        learning_examples=_source(session, _used(dataset_id, _pairs.c.learning_example_id)),
        imports=_source(session, _used(dataset_id, _pairs.c.import_id)),
        runs=_run_links(session, dataset_id),
        adapters=_adapter_links(session, dataset_id),
    )


def _used(dataset_id: UUID, column: sa.Column[Any]) -> sa.Select[Any]:
    return (
        sa.select(column.label("id"))
        .distinct()
        .select_from(_pairs)
        .join(_rows, _rows.c.pair_id == _pairs.c.id)
        .where(_rows.c.dataset_id == dataset_id, column.is_not(None))
    )


def _source(session: Session, query: sa.Select[Any] | sa.CompoundSelect[Any]) -> Source:
    found = query.subquery("found")
    count = session.scalar(sa.select(sa.func.count()).select_from(found)) or 0
    ids = session.scalars(sa.select(found.c.id).order_by(found.c.id).limit(_IDS)) if count else ()
    return Source(count, tuple(ids))


def _counted(session: Session, dataset_id: UUID, column: sa.Column[Any]) -> dict[Any, int]:
    query = (
        sa.select(column, sa.func.count())
        .select_from(_pairs)
        .join(_rows, _rows.c.pair_id == _pairs.c.id)
        .where(_rows.c.dataset_id == dataset_id)
        .group_by(column)
    )
    return {value: n for value, n in session.execute(query)}


def _labels_by_annotator(session: Session, dataset_id: UUID) -> dict[str, int]:
    query = (
        sa.select(_labels.c.annotator, sa.func.count())
        .join(_rows, _rows.c.pair_id == _labels.c.pair_id)
        .where(_rows.c.dataset_id == dataset_id, _labels.c.is_current, _labels.c.choice != LabelChoice.SKIP)
        .group_by(_labels.c.annotator)
        .order_by(sa.func.count().desc(), _labels.c.annotator)
    )
    return {annotator: n for annotator, n in session.execute(query)}


def _run_links(session: Session, dataset_id: UUID) -> list[RunLink]:
    query = sa.select(_runs.c.id, _runs.c.status, _runs.c.outcome).where(_runs.c.dataset_id == dataset_id)
    return [RunLink(*row) for row in session.execute(query.order_by(_runs.c.id))]


def _adapter_links(session: Session, dataset_id: UUID) -> list[AdapterLink]:
    query = (
        sa.select(_adapters.c.id, _adapters.c.run_id, _adapters.c.version, _adapters.c.status)
        .join(_runs, _runs.c.id == _adapters.c.run_id)
        .where(_runs.c.dataset_id == dataset_id)
        .order_by(_adapters.c.id)
    )
    return [AdapterLink(*row) for row in session.execute(query)]
