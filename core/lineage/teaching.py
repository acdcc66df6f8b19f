"""Who taught an adapter: the labels its pairs were frozen with, by annotator, and where the pairs came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from core.errors import NotFound
from core.lineage.links import FROZEN_LABELS, TAUGHT
from core.tables import Adapter, PairOrigin, TrainingDataset, TrainingRun

SHOWN = 50  # annotators named; their number is whole

_pairs, _copies = SQLModel.metadata.tables["preference_pairs"], SQLModel.metadata.tables["dataset_pairs"]
_labels = SQLModel.metadata.tables["pair_labels"]


@dataclass(frozen=True, slots=True)
class Teaching:
    """Labels that stand, decide something and were given before the dataset was frozen. Annotators are foreign text."""

    dataset_id: UUID
    pairs: int
    by_origin: dict[PairOrigin, int]
    labels: int
    people: int
    by_annotator: dict[str, int]  # who gave most comes first


def taught_by(session: Session, row_id: UUID) -> Teaching:
    """Who taught the adapter, run or dataset with this id. Raises NotFound."""
    dataset_id = _dataset_of(session, row_id)
    by_origin = _by_origin(session, dataset_id)
    labels, people = _totals(session, dataset_id)
    return Teaching(
        dataset_id=dataset_id,
        pairs=sum(by_origin.values()),
        by_origin=by_origin,
        labels=labels,
        people=people,
        by_annotator=_by_annotator(session, dataset_id),
    )


def _dataset_of(session: Session, row_id: UUID) -> UUID:
    adapter = session.get(Adapter, row_id)
    run = session.get(TrainingRun, adapter.run_id if adapter else row_id)
    if run is not None:
        return run.dataset_id
    if session.get(TrainingDataset, row_id) is None:
        raise NotFound("Adapter", row_id)
    return row_id


def _by_origin(session: Session, dataset_id: UUID) -> dict[PairOrigin, int]:
    query = (
        sa.select(_pairs.c.origin, sa.func.count())
        .join(_copies, _copies.c.pair_id == _pairs.c.id)
        .where(_copies.c.dataset_id == dataset_id)
        .group_by(_pairs.c.origin)
    )
    found: dict[PairOrigin, int] = {origin: n for origin, n in session.execute(query)}
    return {origin: found.get(origin, 0) for origin in PairOrigin}


def _totals(session: Session, dataset_id: UUID) -> tuple[int, int]:
    labels, people = session.execute(
        _given(dataset_id, sa.func.count(), sa.func.count(_labels.c.annotator.distinct()))
    ).one()
    return labels, people


def _by_annotator(session: Session, dataset_id: UUID) -> dict[str, int]:
    query = _given(dataset_id, _labels.c.annotator, sa.func.count()).group_by(_labels.c.annotator)
    first = query.order_by(sa.func.count().desc(), _labels.c.annotator).limit(SHOWN)
    return {annotator: n for annotator, n in session.execute(first)}


def _given(dataset_id: UUID, *columns: Any) -> sa.Select[Any]:
    return sa.select(*columns).select_from(FROZEN_LABELS).where(_copies.c.dataset_id == dataset_id, *TAUGHT)
