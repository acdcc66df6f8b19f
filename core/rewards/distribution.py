"""How rewards are distributed, computed in SQL from covering indexes; no function here loads rows to count them.

Every function takes one scale: chat rewards in [0, 1] and plan rewards in [-2, 2] are never averaged together.
Days are UTC days. The answers behind the numbers are listed by ``core.rewards.items`` and offered here too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import Session, col

from core.rewards.items import EXCERPT, LIMITS, ROUNDING, RewardRow, chosen, in_bin, lowest
from core.tables import Interaction, InteractionKind, Reward, RewardScale, now

__all__ = [
    "EXCERPT",
    "LIMITS",
    "AgentRewards",
    "Bin",
    "Day",
    "RewardRow",
    "RewardStatistics",
    "Spread",
    "agents",
    "by_agent",
    "histogram",
    "in_bin",
    "lowest",
    "scales",
    "spread",
    "statistics",
    "trend",
]

Z95 = 1.959964  # two-sided 95 % of the normal distribution


@dataclass(frozen=True)
class RewardStatistics:
    """``total_interactions`` counts unrated ones too; the average does not. All zero when there is nothing."""

    enabled: bool
    total_interactions: int
    rated: int  # interactions with a reward on this scale
    avg_reward: float
    min_reward: float
    max_reward: float


@dataclass(frozen=True)
class Spread:
    """How sure the mean is: its 95 % interval (None below two rewards), and how many people have rated."""

    n: int
    explicit: int  # rewards that rest on what people said; the others are estimated from the answer
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Bin:
    """Rewards in [low, high); the last bin holds its upper edge as well."""

    low: float
    high: float
    count: int


@dataclass(frozen=True)
class Day:
    """One UTC day with its mean and the 95 % interval of that mean; no interval below two rewards."""

    day: date
    mean: float
    n: int
    low: float | None
    high: float | None


@dataclass(frozen=True)
class AgentRewards:
    agent_id: str
    n: int
    mean: float
    low: float | None  # 95 % interval of the mean
    high: float | None
    min_reward: float
    max_reward: float


def statistics(
    session: Session, *, agent_id: str | None = None, scale: RewardScale = RewardScale.CHAT
) -> RewardStatistics:
    """Counts, mean and range of one scale, over all agents or one."""
    value = col(Reward.value)
    where = chosen(scale, agent_id)
    rated, mean = session.execute(sa.select(sa.func.count(), sa.func.avg(value)).where(*where)).one()
    # Two seeks at the ends of the index, where min and max beside an average would touch every row.
    lowest, highest = session.execute(
        sa.select(
            sa.select(sa.func.min(value)).where(*where).scalar_subquery(),
            sa.select(sa.func.max(value)).where(*where).scalar_subquery(),
        )
    ).one()
    return RewardStatistics(
        enabled=True,
        total_interactions=_interactions(session, agent_id, scale),
        rated=rated,
        avg_reward=float(mean or 0.0),
        min_reward=float(lowest or 0.0),
        max_reward=float(highest or 0.0),
    )


def spread(session: Session, *, scale: RewardScale, agent_id: str | None = None) -> Spread:
    """The interval of the mean over all agents or one, and the count of explicit rewards."""
    value, where = col(Reward.value), chosen(scale, agent_id)
    said = sa.select(sa.func.count()).select_from(Reward).where(*where, col(Reward.explicit).is_not(None))
    sums = sa.select(sa.func.count(), sa.func.sum(value), sa.func.sum(_square(value))).where(*where)
    n, total, squares = session.execute(sums).one()
    explicit = session.execute(said).scalar_one()
    return Spread(n, explicit, *_interval(n, total or 0.0, squares or 0.0))


def histogram(
    session: Session,
    *,
    scale: RewardScale,
    agent_id: str | None = None,
    bins: int = 20,
    since: datetime | None = None,
) -> list[Bin]:
    """Counts in ``bins`` equal bins over the whole range of the scale, empty ones included.

    ``since`` leaves out interactions older than it.
    """
    bins = min(max(bins, 1), 200)
    low, high = LIMITS[scale]
    edges = [low + (high - low) * i / bins for i in range(bins + 1)]
    values: dict[str, Any] = {f"edge_{i}": edge - ROUNDING for i, edge in enumerate(edges)}
    values[f"edge_{bins}"] = high + ROUNDING
    values |= {"scale": scale, "agent_id": agent_id, "since": since}
    counted = session.execute(_range_counts(bins, agent_id is not None, since is not None), values).all()
    counts = {position: count for position, count in counted}
    return [Bin(edges[i], edges[i + 1], counts[i]) for i in range(bins)]


def by_agent(session: Session, scale: RewardScale, *, limit: int = 100, offset: int = 0) -> list[AgentRewards]:
    """Mean with interval, range and count of every agent, in the order of their names."""
    value = col(Reward.value)
    agent = col(Reward.agent_id)
    query = (
        sa.select(
            agent,
            sa.func.count(),
            sa.func.sum(value),
            sa.func.sum(_square(value)),
            sa.func.min(value),
            sa.func.max(value),
        )
        .where(col(Reward.scale) == scale)
        .group_by(agent)
        .order_by(agent)
    )
    return [
        AgentRewards(name, n, total / n, *_interval(n, total, squares), lowest, highest)
        for name, n, total, squares, lowest, highest in session.execute(query.limit(limit).offset(offset))
    ]


def trend(
    session: Session,
    *,
    scale: RewardScale,
    agent_id: str | None = None,
    days: int = 30,
    until: date | None = None,
) -> list[Day]:
    """The daily mean over the last ``days`` UTC days, oldest first; days without a reward are left out.

    ``until`` is the last day (today when None). The interval is the normal approximation, None when n < 2.
    """
    days = min(max(days, 1), 400)
    first = (until or now().date()) - timedelta(days=days - 1)
    midnights = [datetime.combine(first + timedelta(days=i), time(), UTC) for i in range(days + 1)]
    values: dict[str, Any] = {f"edge_{i}": midnight for i, midnight in enumerate(midnights)}
    values |= {"scale": scale, "agent_id": agent_id}
    rows = session.execute(_range_sums(days, agent_id is not None), values).all()
    return sorted(
        (
            Day(first + timedelta(days=position), total / n, n, *_interval(n, total, squares))
            for position, n, total, squares in rows
            if n
        ),
        key=lambda found: found.day,
    )


def scales(session: Session) -> list[RewardScale]:
    """The scales that have a reward, chat first; one index entry each."""
    some = [sa.exists().where(col(Reward.scale) == scale) for scale in RewardScale]
    return [scale for scale, there in zip(RewardScale, session.execute(sa.select(*some)).one(), strict=True) if there]


def agents(session: Session) -> list[str]:
    """The names of all agents that have interactions, sorted. Reads one index entry an agent, not every row."""
    agent = col(Interaction.agent_id)
    names = sa.select(sa.func.min(agent).label("name")).cte("names", recursive=True)
    following = sa.select(sa.func.min(agent)).where(agent > names.c.name).scalar_subquery()
    names = names.union_all(sa.select(following).where(names.c.name.is_not(None)))
    return sorted(session.execute(sa.select(names.c.name).where(names.c.name.is_not(None))).scalars())


def _interactions(session: Session, agent_id: str | None, scale: RewardScale) -> int:
    """Interactions that could have a reward on this scale."""
    kinds = [kind for kind in InteractionKind if (kind == InteractionKind.PLAN) == (scale == RewardScale.PLAN)]
    query = sa.select(sa.func.count()).select_from(Interaction).where(col(Interaction.kind).in_(kinds))
    if agent_id is not None:
        query = query.where(col(Interaction.agent_id) == agent_id)
    return int(session.execute(query).scalar_one())


@lru_cache(maxsize=32)
def _range_counts(bins: int, one_agent: bool, recent: bool) -> sa.CompoundSelect[Any]:
    """One seek per bin. A GROUP BY of a computed bin would sort every row, and needs another cast per database."""
    value = col(Reward.value)
    where = _bound_where(one_agent)
    if recent:
        where.append(col(Reward.created_at) >= sa.bindparam("since", type_=_type("created_at")))
    return sa.union_all(
        *(
            sa.select(sa.literal_column(str(i)), sa.func.count())
            .select_from(Reward)
            .where(*where, value >= sa.bindparam(f"edge_{i}"), value < sa.bindparam(f"edge_{i + 1}"))
            for i in range(bins)
        )
    )


@lru_cache(maxsize=32)
def _range_sums(days: int, one_agent: bool) -> sa.CompoundSelect[Any]:
    """One seek per day, so that a day means the same on every database whatever its session's time zone."""
    value, when = col(Reward.value), col(Reward.created_at)
    edges = [sa.bindparam(f"edge_{i}", type_=_type("created_at")) for i in range(days + 1)]
    sums = (sa.func.count(), sa.func.sum(value), sa.func.sum(_square(value)))
    return sa.union_all(
        *(
            sa.select(sa.literal_column(str(i)), *sums)
            .select_from(Reward)
            .where(*_bound_where(one_agent), when >= edges[i], when < edges[i + 1])
            for i in range(days)
        )
    )


def _bound_where(one_agent: bool) -> list[sa.ColumnElement[bool]]:
    where: list[sa.ColumnElement[bool]] = [
        col(Reward.scale) == sa.bindparam("scale", type_=_type("scale")),
    ]
    if one_agent:
        where.append(col(Reward.agent_id) == sa.bindparam("agent_id"))
    return where


def _type(column: str) -> sa.types.TypeEngine[Any]:
    return cast(sa.Table, Reward.__table__).c[column].type  # type: ignore[attr-defined]


def _square(value: Any) -> sa.ColumnElement[float]:
    """PostgreSQL refuses a product too small to be told from zero; SQLite calls it zero."""
    return sa.case((sa.func.abs(value) < 1e-150, 0.0), else_=value * value)


def _interval(n: int, total: float, squares: float) -> tuple[float | None, float | None]:
    """95 % interval of a mean from n, the sum and the sum of squares (normal approximation)."""
    if n < 2:
        return None, None
    mean = total / n
    variance = max(0.0, (squares - n * mean * mean) / (n - 1))
    half = Z95 * math.sqrt(variance / n)
    return mean - half, mean + half
