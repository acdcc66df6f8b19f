"""Freezes accepted pairs into a dataset: which are usable, how they split, and the hash that proves nothing moved.

In come the pairs of one agent; out goes a dataset with copies of them, in order, split by prompt. What reads and
proves a frozen dataset (``core.datasets.frozen``) is offered here too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from core.datasets.copying import Copy, copy_pairs, plan_of
from core.datasets.frozen import advance, content_hash, existing, rows, verify
from core.datasets.split import SHARES, Shares
from core.datasets.usable import SEED, Preview, free, recipe_preview, split_of, usable, usable_count, usable_rows
from core.errors import InputRejected
from core.preferences.checks import chosen, rejected
from core.preferences.pairs import conversation
from core.store import Store
from core.tables import (
    DatasetKind,
    DatasetStatus,
    LabelChoice,
    PairOrigin,
    Split,
    TrainingDataset,
    new_id,
    now,
)
from core.untrusted import clean

__all__ = [
    "SEED",
    "Prepared",
    "Preview",
    "advance",
    "content_hash",
    "existing",
    "freeze",
    "freeze_now",
    "prepare",
    "recipe_preview",
    "rows",
    "store_frozen",
    "usable",
    "usable_count",
    "verify",
]

_pairs = SQLModel.metadata.tables["preference_pairs"]
_labels = SQLModel.metadata.tables["pair_labels"]
_datasets = SQLModel.metadata.tables["training_datasets"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A dataset as it would be frozen at one moment, all but stored."""

    agent_id: str
    seed: int
    shares: Shares
    moment: datetime
    dataset_id: UUID
    plan: str  # which pair goes where
    versions: dict[UUID, int]  # of the pairs when they were read
    facts: dict[str, Any]  # columns of the dataset that describe its rows


def freeze_now(
    store: Store,
    *,
    agent_id: str,
    frozen_by: str,
    name: str | None = None,
    seed: int = SEED,
    shares: Shares = SHARES,
) -> TrainingDataset:
    """``freeze`` in transactions of its own: others may write while it reads and computes."""
    with store.read() as session:
        prepared = prepare(session, agent_id=agent_id, seed=seed, shares=shares)
    with store.write() as session:
        return store_frozen(session, prepared, frozen_by=frozen_by, name=name)


def freeze(
    session: Session,
    *,
    agent_id: str,
    frozen_by: str,
    name: str | None = None,
    seed: int = SEED,
    shares: Shares = SHARES,
) -> TrainingDataset:
    """Copy all usable pairs of the agent into a new dataset and close it. Raises InputRejected when there are none."""
    prepared = prepare(session, agent_id=agent_id, seed=seed, shares=shares)
    return store_frozen(session, prepared, frozen_by=frozen_by, name=name)


def prepare(session: Session, *, agent_id: str, seed: int = SEED, shares: Shares = SHARES) -> Prepared:
    """Everything of a freeze but the writing. Raises InputRejected when there are no usable pairs."""
    pairs = session.execute(usable_rows(session, agent_id, *_COPIED)).all()
    splits = split_of(pairs, seed, shares)
    if not pairs:
        raise InputRejected(
            f"No pair of {agent_id} can be frozen: none is accepted, or all are in use by a run. "
            "Label or import pairs first; nothing was frozen."
        )
    dataset_id = new_id()
    plan = plan_of([Copy(new_id(), pair.id, split) for pair, split in zip(pairs, splits, strict=True)])
    facts = _facts(pairs, splits, verified=_verified(session, agent_id))
    facts["recipe"] |= {"agent_id": agent_id, "seed": seed, "shares": list(shares)}
    facts["content_hash"] = content_hash(
        (split, conversation(pair.prompt, pair.messages), pair.chosen, pair.rejected)
        for pair, split in zip(pairs, splits, strict=True)
    )
    versions = {pair.id: pair.version for pair in pairs}
    return Prepared(agent_id, seed, shares, now(), dataset_id, plan, versions, facts)


def store_frozen(session: Session, prepared: Prepared, *, frozen_by: str, name: str | None = None) -> TrainingDataset:
    """Write what was prepared, all of it or nothing. Call it within ``store.write()``.

    Where one of its pairs has changed or was taken by a run since, it is prepared anew, with nobody in between.
    """
    if not _still(session, prepared):
        prepared = prepare(session, agent_id=prepared.agent_id, seed=prepared.seed, shares=prepared.shares)
    dataset = _collecting(session, prepared, frozen_by=frozen_by, name=name)
    copy_pairs(session, prepared.plan, dataset_id=dataset.id, moment=prepared.moment)
    advance(dataset, DatasetStatus.READY)
    session.flush()
    return dataset


def _still(session: Session, prepared: Prepared) -> bool:
    """Whether every pair is still usable as it was read. Texts never change, so the checks need no second look."""
    standing = sa.select(_pairs.c.id, _pairs.c.version).where(*free(prepared.agent_id))
    present = {pair_id: version for pair_id, version in session.execute(standing)}
    return prepared.versions.items() <= present.items()


_COPIED = (
    _pairs.c.id,
    _pairs.c.version,
    _pairs.c.prompt,
    _pairs.c.messages,
    _pairs.c.prompt_group,
    _pairs.c.origin,
    chosen.label("chosen"),
    rejected.label("rejected"),
)


def _collecting(session: Session, prepared: Prepared, *, frozen_by: str, name: str | None) -> TrainingDataset:
    title = clean(name, limit=300) if name else f"Agent_{prepared.agent_id}_Dataset_{prepared.moment:%Y%m%d}"
    earlier = session.scalar(sa.select(sa.func.count()).where(_datasets.c.name == title)) or 0
    dataset = TrainingDataset(
        id=prepared.dataset_id,
        name=title,
        version=f"1.{earlier}",
        kind=DatasetKind.PAIRS,
        agent_ids=[prepared.agent_id],
        frozen_by=frozen_by,
        frozen_at=prepared.moment,
        status=DatasetStatus.COLLECTING,
        **prepared.facts,
    )
    session.add(dataset)
    session.flush()
    return dataset


def _facts(pairs: Sequence[Any], splits: list[Split], *, verified: set[UUID]) -> dict[str, Any]:
    """Every pair holds one good and one bad example; a person verified it who compared its sides or wrote one."""
    by_origin, by_split = Counter(pair.origin for pair in pairs), Counter(splits)
    seen = sum(pair.id in verified or pair.origin is PairOrigin.CORRECTION for pair in pairs)
    return {
        "total_examples": len(pairs),
        "positive_examples": len(pairs),
        "negative_examples": len(pairs),
        "correction_examples": by_origin[PairOrigin.CORRECTION],
        "human_verified_percentage": round(100 * seen / len(pairs), 2),
        "recipe": {
            "by_split": {split.value: by_split[split] for split in Split},
            "by_origin": {origin.value: n for origin, n in sorted(by_origin.items())},
            "groups": len({pair.prompt_group for pair in pairs}),
        },
    }


def _verified(session: Session, agent_id: str) -> set[UUID]:
    """The pairs of the agent that a person's label decided."""
    query = (
        sa.select(_labels.c.pair_id)
        .join(_pairs, _pairs.c.id == _labels.c.pair_id)
        .where(
            _pairs.c.agent_id == agent_id, _labels.c.is_current, _labels.c.choice.in_([LabelChoice.A, LabelChoice.B])
        )
    )
    return set(session.scalars(query))
