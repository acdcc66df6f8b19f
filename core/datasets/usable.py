"""Which pairs a freeze would take now, how they would split, and what is wrong with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from core.datasets.split import SHARES, Shares, split_rows
from core.preferences.checks import Check, check_pairs, passes
from core.preferences.pairs import context
from core.tables import PairOrigin, PairStatus, RunOutcome, RunStatus, Split

SEED = 42
FEW_GROUPS = 3

_pairs = SQLModel.metadata.tables["preference_pairs"]
_rows = SQLModel.metadata.tables["dataset_pairs"]
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
    return sa.select(_pairs.c.id).where(*free(agent_id), passes())


def free(agent_id: str) -> list[sa.ColumnElement[bool]]:
    """Accepted, and in no dataset of a run that holds its pairs."""
    taken = (
        sa.select(_rows.c.pair_id)
        .join(_runs, _runs.c.dataset_id == _rows.c.dataset_id)
        .where(
            _runs.c.agent_id == agent_id,
            sa.or_(_runs.c.status.in_(_HOLDS), _runs.c.outcome == RunOutcome.OK),
        )
    )
    return [
        _pairs.c.agent_id == agent_id,
        _pairs.c.status == PairStatus.ACCEPTED,
        _pairs.c.id.not_in(taken),
    ]


def usable_count(session: Session, *, agent_id: str) -> int:
    """How many pairs a new dataset would take."""
    query = sa.select(sa.func.count()).select_from(usable(session, agent_id=agent_id).subquery())
    return session.scalar(query) or 0


def recipe_preview(session: Session, *, agent_id: str, seed: int = SEED, shares: Shares = SHARES) -> Preview:
    """Counts of the dataset that ``freeze`` would make with the same seed and shares. Reads no answers."""
    columns = (_pairs.c.prompt_group, _pairs.c.prompt, _pairs.c.messages, _pairs.c.origin)
    found = session.execute(usable_rows(session, agent_id, *columns)).all()
    splits = split_of(found, seed, shares)
    by_split, by_origin = Counter(splits), Counter(row.origin for row in found)
    groups = len({row.prompt_group for row in found})
    return Preview(
        total=len(found),
        groups=groups,
        by_split={split: by_split[split] for split in Split},
        by_origin={origin: by_origin[origin] for origin in PairOrigin},
        checks=check_pairs(session, agent_id=agent_id),
        notes=_notes(len(found), groups),
    )


def usable_rows(session: Session, agent_id: str, *columns: Any) -> sa.Select[Any]:
    """In the order of their content, so that the order says nothing about when or how a pair came in."""
    return usable(session, agent_id=agent_id).with_only_columns(*columns).order_by(_pairs.c.content_key)


def split_of(pairs: Sequence[Any], seed: int, shares: Shares) -> list[Split]:
    keys = [(pair.prompt_group, context(pair.prompt, pair.messages)) for pair in pairs]
    return split_rows(keys, seed=seed, shares=shares)


def _notes(total: int, groups: int) -> list[str]:
    if total and groups < FEW_GROUPS:
        return ["Fewer than three prompts: all pairs go to training, and nothing is held out to test it on."]
    return []
