"""The pairs as a table: filtered, searched, paged and counted in SQL; taken out and put back by hand.

Lists carry the beginning of each text; ``detail`` carries all of it, with the labels and where the pair came from.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from core.errors import NotFound
from core.preferences.pairs import Turns, advance, claim, conversation
from core.tables import InteractionKind, LabelChoice, PairLabel, PairOrigin, PairStatus, PreferencePair, Side
from core.untrusted import optional

_PREVIEW = 200
_SEARCH = 10_000  # characters; a longer pattern is refused by SQLite

_pairs = SQLModel.metadata.tables["preference_pairs"]
_labels = SQLModel.metadata.tables["pair_labels"]
_interactions = SQLModel.metadata.tables["interactions"]
_frozen = SQLModel.metadata.tables["dataset_pairs"]


@dataclass(frozen=True, slots=True)
class ListedPair:
    """One line of the table; texts are cut after 200 characters. ``labels`` counts people, skips apart."""

    id: UUID
    agent_id: str
    prompt: str
    answer_a: str
    answer_b: str
    preferred: Side | None
    status: PairStatus
    origin: PairOrigin
    margin: float | None
    reason: str
    labels: int
    version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PairDetail:
    pair: PreferencePair
    messages: Turns
    labels: list[PairLabel]  # all, the newest first; undone ones are not current
    dataset_ids: list[UUID]  # frozen datasets that hold a copy


@dataclass(frozen=True, slots=True)
class Counts:
    total: int
    by_status: dict[PairStatus, int]  # every status, zeros included
    by_origin: dict[PairOrigin, int]


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the funnel, from answers to frozen pairs."""

    name: str
    count: int
    sentence: str


def listing(
    session: Session,
    *,
    agent_id: str | None = None,
    status: PairStatus | None = None,
    origin: PairOrigin | None = None,
    search: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[ListedPair]:
    """The newest pairs first. ``search`` is looked for literally in the prompt and both answers, whatever its case."""
    texts = [sa.func.substr(_pairs.c[name], 1, _PREVIEW).label(name) for name in ("prompt", "answer_a", "answer_b")]
    people = sa.select(sa.func.count()).where(
        _labels.c.pair_id == _pairs.c.id, _labels.c.is_current, _labels.c.choice != LabelChoice.SKIP
    )
    plain = ("preferred", "status", "origin", "margin", "reason")
    # The page is found first, so that only its texts are cut.
    page = sa.select(_pairs.c.id).where(*_filters(agent_id, status, origin, search)).order_by(_pairs.c.id.desc())
    query = (
        sa.select(_pairs.c.id, _pairs.c.agent_id, *texts, *(_pairs.c[name] for name in plain))
        .add_columns(people.correlate(_pairs).scalar_subquery().label("labels"), _pairs.c.version, _pairs.c.created_at)
        .where(_pairs.c.id.in_(page.limit(limit).offset(offset)))
        .order_by(_pairs.c.id.desc())  # ids grow with time
    )
    return [ListedPair(*row) for row in session.execute(query)]


def matching(
    session: Session,
    *,
    agent_id: str | None = None,
    status: PairStatus | None = None,
    origin: PairOrigin | None = None,
    search: str | None = None,
) -> int:
    """How many pairs ``listing`` has pages for."""
    query = sa.select(sa.func.count()).select_from(_pairs).where(*_filters(agent_id, status, origin, search))
    return session.scalar(query) or 0


def detail(session: Session, pair_id: UUID) -> PairDetail:
    """One pair with everything known about it. Raises NotFound."""
    pair = session.get(PreferencePair, pair_id)
    if pair is None:
        raise NotFound("Pair", pair_id)
    labels = session.scalars(
        sa.select(PairLabel)
        .where(_labels.c.pair_id == pair_id)
        .order_by(_labels.c.created_at.desc(), _labels.c.id.desc())
    )
    frozen = session.scalars(sa.select(_frozen.c.dataset_id).where(_frozen.c.pair_id == pair_id))
    return PairDetail(pair, conversation(pair.prompt, pair.messages), list(labels), list(frozen))


def counts(session: Session, *, agent_id: str | None = None) -> Counts:
    """How many pairs there are, by status and by origin."""
    grouped = session.execute(
        sa.select(_pairs.c.status, _pairs.c.origin, sa.func.count().label("n"))
        .where(*_filters(agent_id, None, None, None))
        .group_by(_pairs.c.status, _pairs.c.origin)
    ).all()
    return Counts(
        total=sum(row.n for row in grouped),
        by_status={status: sum(row.n for row in grouped if row.status is status) for status in PairStatus},
        by_origin={origin: sum(row.n for row in grouped if row.origin is origin) for origin in PairOrigin},
    )


def agents(session: Session) -> list[str]:
    """Every agent that has pairs."""
    return list(session.scalars(sa.select(_pairs.c.agent_id).distinct().order_by(_pairs.c.agent_id)))


def any_answers(session: Session) -> bool:
    """Whether there is anything to mine pairs from."""
    return session.scalar(sa.select(_interactions.c.id).limit(1)) is not None


def funnel(session: Session, *, agent_id: str | None = None) -> list[Stage]:
    """From the answers that came in to the pairs that were frozen. Why mining left some out is in its own report."""
    of = counts(session, agent_id=agent_id)
    answers, prompts = _answers(session, agent_id)
    frozen = sa.select(sa.func.count(_frozen.c.pair_id.distinct()))
    if agent_id is not None:
        frozen = frozen.join(_pairs, _pairs.c.id == _frozen.c.pair_id).where(_pairs.c.agent_id == agent_id)
    decided = of.by_status[PairStatus.ACCEPTED]
    return [
        Stage("answers", answers, "Answers of the agent that came in."),
        Stage("prompts", prompts, "Prompts with several answers, which can be compared."),
        Stage("pairs", of.total, "Pairs of two answers, mined or imported."),
        Stage("waiting", of.by_status[PairStatus.NEEDS_LABEL], "Pairs that wait for a label."),
        Stage("no_preference", of.by_status[PairStatus.NO_PREFERENCE], "Pairs in which a person saw no preference."),
        Stage("excluded", of.by_status[PairStatus.EXCLUDED], "Pairs that were taken out."),
        Stage("accepted", decided, "Pairs with a known preference."),
        Stage("frozen", session.scalar(frozen) or 0, "Pairs in at least one frozen dataset."),
    ]


def exclude(session: Session, pair_id: UUID, *, seen_version: int) -> PreferencePair:
    """Take a pair out. Frozen datasets keep their copy. Raises NotFound, AlreadyDecided, InvalidTransition."""
    return advance(claim(session, pair_id, seen_version=seen_version), PairStatus.EXCLUDED)


def restore(session: Session, pair_id: UUID, *, seen_version: int) -> PreferencePair:
    """Put a pair back that was taken out: accepted if its preference is known, otherwise waiting for a label."""
    pair = claim(session, pair_id, seen_version=seen_version)
    return advance(pair, PairStatus.ACCEPTED if pair.preferred else PairStatus.NEEDS_LABEL)


def _filters(
    agent_id: str | None, status: PairStatus | None, origin: PairOrigin | None, search: str | None
) -> list[sa.ColumnElement[bool]]:
    wanted = {"agent_id": agent_id, "status": status, "origin": origin}
    conditions = [_pairs.c[name] == value for name, value in wanted.items() if value is not None]
    sought = optional(search, limit=_SEARCH)
    if sought:
        texts = (_pairs.c.prompt, _pairs.c.answer_a, _pairs.c.answer_b)
        conditions.append(sa.or_(*(text.icontains(sought, autoescape=True) for text in texts)))
    return conditions


def _answers(session: Session, agent_id: str | None) -> tuple[int, int]:
    """Answers, and prompts that have several."""
    prompt = (_interactions.c.agent_id, _interactions.c.prompt_key)
    query = sa.select(sa.func.count().label("n")).where(_interactions.c.kind != InteractionKind.PLAN).group_by(*prompt)
    if agent_id is not None:
        query = query.where(_interactions.c.agent_id == agent_id)
    each: Any = query.subquery("each")
    several = sa.func.count().filter(each.c.n > 1)
    answers, prompts = session.execute(sa.select(sa.func.coalesce(sa.func.sum(each.c.n), 0), several)).one()
    return int(answers), prompts  # a sum of counts is a Decimal on PostgreSQL
