"""The answers behind the numbers: the lowest rewards, or those of one bin, in pages from an index.

Texts in lists are cut; the whole text is one click away by its id.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from core.tables import Interaction, Reward, RewardScale

LIMITS: dict[RewardScale, tuple[float, float]] = {RewardScale.CHAT: (0.0, 1.0), RewardScale.PLAN: (-2.0, 2.0)}
EXCERPT = 200  # characters of a prompt or an answer in a list
ROUNDING = 1e-9  # rewards are rounded to this; a value on an edge belongs to the bin that begins there


@dataclass(frozen=True)
class RewardRow:
    reward_id: UUID
    interaction_id: UUID
    agent_id: str
    value: float
    explicit: float | None
    implicit: float | None
    parts: dict[str, Any]
    prompt: str  # the first EXCERPT characters
    response: str  # the first EXCERPT characters
    created_at: datetime


def lowest(
    session: Session, *, scale: RewardScale, agent_id: str | None = None, limit: int = 50, offset: int = 0
) -> list[RewardRow]:
    """The interactions with the lowest rewards, the lowest first, newer ones later."""
    return _rows(session, chosen(scale, agent_id), limit, offset)


def in_bin(
    session: Session,
    *,
    scale: RewardScale,
    low: float,
    high: float,
    agent_id: str | None = None,
    since: datetime | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[RewardRow]:
    """The interactions behind one bin of ``histogram``, the lowest reward first; ``high`` belongs to the last bin."""
    top = high + ROUNDING if high >= LIMITS[scale][1] else high - ROUNDING
    value = col(Reward.value)
    where = [*chosen(scale, agent_id), value >= low - ROUNDING, value < top]
    if since is not None:
        where.append(col(Reward.created_at) >= since)
    return _rows(session, where, limit, offset)


def chosen(scale: RewardScale, agent_id: str | None) -> list[sa.ColumnElement[bool]]:
    """One scale, of one agent or all: the prefix of every index on rewards."""
    where: list[sa.ColumnElement[bool]] = [col(Reward.scale) == scale]
    if agent_id is not None:
        where.append(col(Reward.agent_id) == agent_id)
    return where


def _rows(session: Session, where: list[sa.ColumnElement[bool]], limit: int, offset: int) -> list[RewardRow]:
    # The page's ids first, from the index alone; only these are joined with their texts.
    order = (col(Reward.value), col(Reward.created_at), col(Reward.id))
    page = sa.select(col(Reward.id)).where(*where).order_by(*order).limit(limit).offset(offset).subquery()
    query = (
        sa.select(
            col(Reward.id),
            col(Reward.interaction_id),
            col(Reward.agent_id),
            col(Reward.value),
            col(Reward.explicit),
            col(Reward.implicit),
            col(Reward.parts),
            sa.func.substr(col(Interaction.prompt), 1, EXCERPT),
            sa.func.substr(col(Interaction.response), 1, EXCERPT),
            col(Reward.created_at),
        )
        .join(page, page.c.id == col(Reward.id))
        .join(Interaction, col(Interaction.id) == col(Reward.interaction_id))
        .order_by(*order)
    )
    return [RewardRow(*row) for row in session.execute(query)]
