"""Freezes accepted pairs into a dataset: which are usable, how they split, and the hash that proves nothing moved.

In come the pairs of one agent; out goes a dataset with copies of them, in order, split by prompt. A frozen dataset
never changes: whatever happens to the pairs later, its rows stay, and ``verify`` tells if they did not. Training
reads ``rows`` and nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from core.datasets.rows import PairRow
from core.datasets.split import SHARES, Shares, split_rows
from core.errors import DatasetChanged, InputRejected, InvalidTransition, NotFound
from core.preferences.checks import Check, check_pairs, chosen, passes, rejected
from core.preferences.pairs import context, conversation
from core.tables import (
    DATASET_TRANSITIONS,
    DatasetKind,
    DatasetStatus,
    LabelChoice,
    PairOrigin,
    PairStatus,
    RunOutcome,
    RunStatus,
    Split,
    TrainingDataset,
    new_id,
    now,
)
from core.untrusted import clean

SEED = 42
FEW_GROUPS = 3

_pairs = SQLModel.metadata.tables["preference_pairs"]
_labels = SQLModel.metadata.tables["pair_labels"]
_rows = SQLModel.metadata.tables["dataset_pairs"]
_datasets = SQLModel.metadata.tables["training_datasets"]
_runs = SQLModel.metadata.tables["training_runs"]
# A run in one of these states still needs its pairs, or may take them up again.
_HOLDS = (RunStatus.PENDING, RunStatus.RUNNING, RunStatus.INTERRUPTED)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a freeze would make now."""

    total: int
    groups: int  # prompts, or families of prompts, that stay together
    by_split: dict[Split, int]
    by_origin: dict[PairOrigin, int]
    checks: list[Check]  # over all accepted pairs of the agent, used ones included
    notes: list[str]


def usable(session: Session, *, agent_id: str) -> sa.Select[tuple[UUID]]:
    """The ids of the pairs a new dataset would take (rules section 8), as a query.

    Accepted, past the blocking checks, and in no dataset of a run of this agent that is pending, running, interrupted
    or ended with outcome ok. A run that ended otherwise has put its pairs back by ending so.
    """
    taken = (
        sa.select(_rows.c.pair_id)
        .join(_runs, _runs.c.dataset_id == _rows.c.dataset_id)
        .where(
            _runs.c.agent_id == agent_id,
            sa.or_(_runs.c.status.in_(_HOLDS), _runs.c.outcome == RunOutcome.OK),
        )
    )
    return sa.select(_pairs.c.id).where(
        _pairs.c.agent_id == agent_id,
        _pairs.c.status == PairStatus.ACCEPTED,
        passes(),
        _pairs.c.id.not_in(taken),
    )


def usable_count(session: Session, *, agent_id: str) -> int:
    """How many pairs a new dataset would take."""
    query = sa.select(sa.func.count()).select_from(usable(session, agent_id=agent_id).subquery())
    return session.scalar(query) or 0


def recipe_preview(session: Session, *, agent_id: str, seed: int = SEED, shares: Shares = SHARES) -> Preview:
    """Counts of the dataset that ``freeze`` would make with the same seed and shares. Reads no answers."""
    columns = (_pairs.c.prompt_group, _pairs.c.prompt, _pairs.c.messages, _pairs.c.origin)
    rows = session.execute(_usable_rows(session, agent_id, *columns)).all()
    splits = _split(rows, seed, shares)
    by_split, by_origin = Counter(splits), Counter(row.origin for row in rows)
    groups = len({row.prompt_group for row in rows})
    return Preview(
        total=len(rows),
        groups=groups,
        by_split={split: by_split[split] for split in Split},
        by_origin={origin: by_origin[origin] for origin in PairOrigin},
        checks=check_pairs(session, agent_id=agent_id),
        notes=_notes(len(rows), groups),
    )


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
    pairs = session.execute(_usable_rows(session, agent_id, *_COPIED)).all()
    splits = _split(pairs, seed, shares)
    if not pairs:
        raise InputRejected(
            f"No pair of {agent_id} can be frozen: none is accepted, or all are in use by a run. "
            "Label or import pairs first; nothing was frozen."
        )
    dataset = _collecting(session, agent_id=agent_id, frozen_by=frozen_by, name=name)
    copies = [_copy(dataset.id, at, pair, split) for at, (pair, split) in enumerate(zip(pairs, splits, strict=True))]
    session.execute(sa.insert(_rows), copies)
    _describe(dataset, pairs, splits, verified=_verified(session, agent_id))
    dataset.recipe = {**dataset.recipe, "agent_id": agent_id, "seed": seed, "shares": list(shares)}
    dataset.content_hash = content_hash(
        (row["split"], row["messages"], row["chosen"], row["rejected"]) for row in copies
    )
    advance(dataset, DatasetStatus.READY)
    session.flush()
    return dataset


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


_COPIED = (
    _pairs.c.id,
    _pairs.c.prompt,
    _pairs.c.messages,
    _pairs.c.prompt_group,
    _pairs.c.origin,
    chosen.label("chosen"),
    rejected.label("rejected"),
)


def _usable_rows(session: Session, agent_id: str, *columns: Any) -> sa.Select[Any]:
    """In the order of their content, so that the order says nothing about when or how a pair came in."""
    return usable(session, agent_id=agent_id).with_only_columns(*columns).order_by(_pairs.c.content_key)


def _split(pairs: Sequence[Any], seed: int, shares: Shares) -> list[Split]:
    keys = [(pair.prompt_group, context(pair.prompt, pair.messages)) for pair in pairs]
    return split_rows(keys, seed=seed, shares=shares)


def _collecting(session: Session, *, agent_id: str, frozen_by: str, name: str | None) -> TrainingDataset:
    moment = now()
    title = clean(name, limit=300) if name else f"Agent_{agent_id}_Dataset_{moment:%Y%m%d}"
    earlier = session.scalar(sa.select(sa.func.count()).where(_datasets.c.name == title)) or 0
    dataset = TrainingDataset(
        name=title,
        version=f"1.{earlier}",
        kind=DatasetKind.PAIRS,
        agent_ids=[agent_id],
        frozen_by=frozen_by,
        frozen_at=moment,
        status=DatasetStatus.COLLECTING,
    )
    session.add(dataset)
    session.flush()
    return dataset


def _copy(dataset_id: UUID, position: int, pair: sa.Row[Any], split: Split) -> dict[str, Any]:
    return {
        "id": new_id(),
        "dataset_id": dataset_id,
        "pair_id": pair.id,
        "position": position,
        "split": split,
        "prompt_group": pair.prompt_group,
        "messages": conversation(pair.prompt, pair.messages),
        "chosen": pair.chosen,
        "rejected": pair.rejected,
        "created_at": now(),
    }


def _describe(dataset: TrainingDataset, pairs: Sequence[Any], splits: list[Split], *, verified: set[UUID]) -> None:
    """Every pair holds one good and one bad example; a person verified it who compared its sides or wrote one."""
    by_origin = Counter(pair.origin for pair in pairs)
    seen = sum(pair.id in verified or pair.origin is PairOrigin.CORRECTION for pair in pairs)
    dataset.total_examples = dataset.positive_examples = dataset.negative_examples = len(pairs)
    dataset.correction_examples = by_origin[PairOrigin.CORRECTION]
    dataset.human_verified_percentage = round(100 * seen / len(pairs), 2)
    dataset.recipe = {
        "by_split": {split.value: splits.count(split) for split in Split},
        "by_origin": {origin.value: n for origin, n in sorted(by_origin.items())},
        "groups": len({pair.prompt_group for pair in pairs}),
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


def _notes(total: int, groups: int) -> list[str]:
    if total and groups < FEW_GROUPS:
        return ["Fewer than three prompts: all pairs go to training, and nothing is held out to test it on."]
    return []
