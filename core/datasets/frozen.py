"""A dataset that was frozen: its rows, and the proof that they still are what was frozen.

A frozen dataset never changes: whatever happens to the pairs later, its rows stay, and ``verify`` tells if they did
not. Training reads ``rows`` and nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from core.datasets.rows import PairRow
from core.errors import DatasetChanged, InvalidTransition, NotFound
from core.tables import DATASET_TRANSITIONS, DatasetStatus, Split, TrainingDataset

_rows = SQLModel.metadata.tables["dataset_pairs"]


def verify(session: Session, dataset_id: UUID) -> TrainingDataset:
    """The dataset, if its rows still are what was frozen. Raises DatasetChanged, NotFound."""
    dataset = existing(session, dataset_id)
    columns = (_rows.c.split, _rows.c.messages, _rows.c.chosen, _rows.c.rejected)
    query = sa.select(*columns).where(_rows.c.dataset_id == dataset_id).order_by(_rows.c.position)
    rows = session.execute(query).yield_per(1_000)
    found = content_hash((row.split, row.messages, row.chosen, row.rejected) for row in rows)
    if found != dataset.content_hash:
        raise DatasetChanged(dataset_id, dataset.name)
    return dataset


def rows(session: Session, dataset_id: UUID) -> dict[Split, list[PairRow]]:
    """The rows training reads, in order, under each of the three splits. Raises NotFound."""
    existing(session, dataset_id)
    query = sa.select(_rows).where(_rows.c.dataset_id == dataset_id).order_by(_rows.c.position)
    by_split: dict[Split, list[PairRow]] = {split: [] for split in Split}
    for row in session.execute(query).yield_per(1_000):
        by_split[row.split].append(PairRow(str(row.pair_id), row.messages, row.chosen, row.rejected))
    return by_split


def content_hash(rows: Iterable[tuple[Split, list[Any], str, str]]) -> str:
    """sha256 over the rows as canonical JSON lines, in order: split, messages, chosen, rejected.

    Ids stay out: the same pairs, frozen with the same seed into another store, have the same hash.
    """
    digest = hashlib.sha256()
    for split, messages, preferred, other in rows:
        line = {"split": split, "messages": messages, "chosen": preferred, "rejected": other}
        digest.update(json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")
    return digest.hexdigest()


def advance(dataset: TrainingDataset, to: DatasetStatus) -> TrainingDataset:
    """Move the dataset to ``to``. Raises InvalidTransition."""
    if to not in DATASET_TRANSITIONS[dataset.status]:
        raise InvalidTransition("dataset", dataset.id, was=dataset.status.value, to=to.value)
    dataset.status = to
    return dataset


def existing(session: Session, dataset_id: UUID) -> TrainingDataset:
    dataset = session.get(TrainingDataset, dataset_id)
    if dataset is None:
        raise NotFound("Dataset", dataset_id)
    return dataset
