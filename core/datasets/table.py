"""Frozen datasets as people look at them: the list, one in detail, its rows by pages, what changed since the last."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from core.datasets.freeze import existing
from core.preferences.pairs import Turns
from core.tables import DatasetKind, DatasetStatus, PairOrigin, Split, TrainingDataset

_datasets = SQLModel.metadata.tables["training_datasets"]
_rows = SQLModel.metadata.tables["dataset_pairs"]
_pairs = SQLModel.metadata.tables["preference_pairs"]
_runs = SQLModel.metadata.tables["training_runs"]


@dataclass(frozen=True, slots=True)
class ListedDataset:
    id: UUID
    name: str
    version: str
    status: DatasetStatus
    agent_ids: list[str]
    total_examples: int
    human_verified_percentage: float | None
    content_hash: str | None
    frozen_by: str | None
    frozen_at: datetime | None
    runs: int


@dataclass(frozen=True, slots=True)
class Diff:
    """Against the dataset of the same agent that was frozen before; None for the first one."""

    previous_id: UUID
    previous_name: str
    added: int
    removed: int
    kept: int


@dataclass(frozen=True, slots=True)
class DatasetDetail:
    dataset: TrainingDataset
    by_split: dict[Split, int]
    by_origin: dict[PairOrigin, int]
    diff: Diff | None


@dataclass(frozen=True, slots=True)
class ExampleRow:
    position: int
    pair_id: UUID
    split: Split
    origin: PairOrigin
    messages: Turns
    chosen: str
    rejected: str


def listing(session: Session, *, agent_id: str | None = None, limit: int = 50, offset: int = 0) -> list[ListedDataset]:
    """Datasets of pairs, the newest first."""
    runs = sa.select(sa.func.count()).where(_runs.c.dataset_id == _datasets.c.id).correlate(_datasets)
    names = [field for field in ListedDataset.__dataclass_fields__ if field != "runs"]
    query = (
        sa.select(*(_datasets.c[name] for name in names), runs.scalar_subquery().label("runs"))
        .where(*_of(agent_id))
        .order_by(_datasets.c.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [ListedDataset(*row) for row in session.execute(query)]


def matching(session: Session, *, agent_id: str | None = None) -> int:
    """How many datasets ``listing`` has pages for."""
    return session.scalar(sa.select(sa.func.count()).select_from(_datasets).where(*_of(agent_id))) or 0


def detail(session: Session, dataset_id: UUID) -> DatasetDetail:
    """One dataset with its counts and its difference to the one before. Raises NotFound."""
    dataset = existing(session, dataset_id)
    query = (
        sa.select(_rows.c.split, _pairs.c.origin, sa.func.count().label("n"))
        .join(_pairs, _pairs.c.id == _rows.c.pair_id)
        .where(_rows.c.dataset_id == dataset_id)
        .group_by(_rows.c.split, _pairs.c.origin)
    )
    grouped = session.execute(query).all()
    return DatasetDetail(
        dataset=dataset,
        by_split={split: sum(row.n for row in grouped if row.split is split) for split in Split},
        by_origin={origin: sum(row.n for row in grouped if row.origin is origin) for origin in PairOrigin},
        diff=diff(session, dataset_id),
    )


def examples(
    session: Session, dataset_id: UUID, *, split: Split | None = None, limit: int = 20, offset: int = 0
) -> list[ExampleRow]:
    """The rows as they were frozen, page by page."""
    columns = (_rows.c.position, _rows.c.pair_id, _rows.c.split, _pairs.c.origin)
    query = (
        sa.select(*columns, _rows.c.messages, _rows.c.chosen, _rows.c.rejected)
        .join(_pairs, _pairs.c.id == _rows.c.pair_id)
        .where(_rows.c.dataset_id == dataset_id)
        .order_by(_rows.c.position)
        .limit(limit)
        .offset(offset)
    )
    if split is not None:
        query = query.where(_rows.c.split == split)
    return [ExampleRow(*row) for row in session.execute(query)]


def diff(session: Session, dataset_id: UUID) -> Diff | None:
    """Which pairs came and went since the agent's last dataset, in numbers. Raises NotFound."""
    dataset = existing(session, dataset_id)
    before = session.execute(
        sa.select(_datasets.c.id, _datasets.c.name)
        .where(_same_agents(dataset.agent_ids), _datasets.c.id < dataset_id, _datasets.c.frozen_at.is_not(None))
        .order_by(_datasets.c.id.desc())
        .limit(1)
    ).first()
    if before is None:
        return None
    now_in, then_in = _pair_ids(dataset_id), _pair_ids(before.id)
    kept = _count(session, _rows.c.dataset_id == dataset_id, _rows.c.pair_id.in_(then_in))
    added = _count(session, _rows.c.dataset_id == dataset_id, _rows.c.pair_id.not_in(then_in))
    removed = _count(session, _rows.c.dataset_id == before.id, _rows.c.pair_id.not_in(now_in))
    return Diff(before.id, before.name, added=added, removed=removed, kept=kept)


def _of(agent_id: str | None) -> list[sa.ColumnElement[bool]]:
    conditions = [_datasets.c.kind == DatasetKind.PAIRS]
    return conditions if agent_id is None else [*conditions, _same_agents([agent_id])]


def _same_agents(agent_ids: list[Any]) -> sa.ColumnElement[bool]:
    """A dataset of pairs has one agent, so its list is compared as the text it is stored as."""
    return sa.cast(_datasets.c.agent_ids, sa.Text) == json.dumps(agent_ids)


def _pair_ids(dataset_id: UUID) -> sa.Select[Any]:
    return sa.select(_rows.c.pair_id).where(_rows.c.dataset_id == dataset_id)


def _count(session: Session, *conditions: sa.ColumnElement[bool]) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(_rows).where(*conditions)) or 0
