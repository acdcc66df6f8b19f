"""What a run fixed and what it broke: the held-out pairs it answers otherwise than its base model, and why they matter.

A pair is wrong while the rejected answer is at least as likely as the chosen one (margin ≤ 0 nats). Wrong before and
right after is fixed, the other way round broken. Behind a pair stands a complaint when somebody found fault with the
rejected answer: they rated it Poor or Bad (rules section 4), asked for another one, or wrote a better one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from core.errors import NotFound
from core.tables import Adapter, MessageFeedbackType, TrainingRun

_FAULT = (
    MessageFeedbackType.THUMBS_DOWN,
    MessageFeedbackType.RATING_1,
    MessageFeedbackType.RATING_2,
    MessageFeedbackType.REGENERATE,
)

_tables = SQLModel.metadata.tables
_scores, _runs, _copies = _tables["run_pair_scores"], _tables["training_runs"], _tables["dataset_pairs"]
_pairs, _feedback = _tables["preference_pairs"], _tables["feedback"]
_examples, _agent_feedback = _tables["learning_examples"], _tables["agent_feedback"]


class Change(StrEnum):
    FIXED = "fixed"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Tally:
    """Held-out pairs measured before and after, whole; ``complaints`` are those with a complaint behind them."""

    n: int
    wrong: int  # before
    fixed: int
    broken: int
    complaints: int  # among the wrong ones
    complaints_fixed: int
    complaints_broken: int


@dataclass(frozen=True, slots=True)
class ChangedPair:
    """One pair the run answers otherwise; margins in nats, texts as they were frozen, foreign."""

    pair_id: UUID
    margin_before: float
    margin_after: float
    prompt: str
    chosen: str
    rejected: str
    interaction_id: UUID | None  # that gave the rejected answer
    feedback_id: UUID | None  # the complaint
    agent_feedback_id: UUID | None  # the complaint, where it was about an execution
    said: MessageFeedbackType | None
    comment: str | None
    said_at: datetime | None


@dataclass(frozen=True, slots=True)
class Effect:
    run_id: UUID
    tally: Tally
    change: Change
    rows: tuple[ChangedPair, ...]  # one page; the largest changes first


def fixed(session: Session, row_id: UUID, *, change: Change = Change.FIXED, limit: int = 20, offset: int = 0) -> Effect:
    """What the run, or the run of the adapter, with this id fixed or broke. Raises NotFound."""
    run_id = _run_of(session, row_id)
    return Effect(run_id, _tally(session, run_id), change, tuple(_changed(session, run_id, change, limit, offset)))


def tally(session: Session, row_id: UUID) -> Tally:
    """The counts alone. Raises NotFound."""
    return _tally(session, _run_of(session, row_id))


def _run_of(session: Session, row_id: UUID) -> UUID:
    adapter = session.get(Adapter, row_id)
    if adapter is not None:
        return adapter.run_id
    if session.get(TrainingRun, row_id) is None:
        raise NotFound("Run", row_id)
    return row_id


def _tally(session: Session, run_id: UUID) -> Tally:
    one = _scored(run_id).subquery("scored")
    wrong, right = one.c.before <= 0, one.c.before > 0
    good, bad = one.c.after > 0, one.c.after <= 0
    behind = sa.or_(one.c.feedback_id.is_not(None), one.c.agent_feedback_id.is_not(None))
    groups = (
        sa.true(),
        wrong,
        wrong & good,
        right & bad,
        wrong & behind,
        wrong & good & behind,
        right & bad & behind,
    )
    counts = (sa.func.coalesce(sa.func.sum(sa.case((group, 1), else_=0)), 0) for group in groups)
    return Tally(*session.execute(sa.select(*counts)).one())


def _changed(session: Session, run_id: UUID, change: Change, limit: int, offset: int) -> list[ChangedPair]:
    one = _scored(run_id).subquery("scored")
    fixed_ones = sa.and_(one.c.before <= 0, one.c.after > 0)
    broken_ones = sa.and_(one.c.before > 0, one.c.after <= 0)
    said, agent_said = _feedback, _agent_feedback
    words = (said.c.comment, said.c.correction, agent_said.c.feedback_text, agent_said.c.correction_text)
    query = (
        sa.select(one, _copies.c.messages, _copies.c.chosen, _copies.c.rejected, said.c.feedback_type)
        .add_columns(sa.func.coalesce(*(sa.func.nullif(text, "") for text in words)).label("comment"))
        .add_columns(sa.func.coalesce(said.c.created_at, agent_said.c.created_at).label("said_at"))
        .select_from(one)
        .join(_copies, _copies.c.id == one.c.copy_id)
        .outerjoin(said, said.c.id == one.c.feedback_id)
        .outerjoin(agent_said, agent_said.c.id == one.c.agent_feedback_id)
        .where(fixed_ones if change is Change.FIXED else broken_ones)
        .order_by(sa.func.abs(one.c.after - one.c.before).desc(), one.c.pair_id)
        .limit(limit)
        .offset(offset)
    )
    return [_pair(row) for row in session.execute(query)]


def _pair(row: sa.Row[Any]) -> ChangedPair:
    return ChangedPair(
        pair_id=row.pair_id,
        margin_before=row.before,
        margin_after=row.after,
        prompt=str(row.messages[-1]["content"]) if row.messages else "",
        chosen=row.chosen,
        rejected=row.rejected,
        interaction_id=row.interaction_id,
        feedback_id=row.feedback_id,
        agent_feedback_id=row.agent_feedback_id,
        said=row.feedback_type,
        comment=row.comment,
        said_at=row.said_at,
    )


def _scored(run_id: UUID) -> sa.Select[Any]:
    """One row for each held-out pair that has both margins, with the complaint behind it."""
    # Which side was rejected is what the dataset froze; the pair itself may have been decided anew since.
    rejected = sa.case(
        (_copies.c.rejected == _pairs.c.answer_a, _pairs.c.interaction_a_id), else_=_pairs.c.interaction_b_id
    )
    return (
        sa.select(_scores.c.pair_id, _scores.c.before, _scores.c.after, _copies.c.id.label("copy_id"))
        .add_columns(rejected.label("interaction_id"), _complaint(rejected).label("feedback_id"))
        .add_columns(_examples.c.source_agent_feedback_id.label("agent_feedback_id"))
        .select_from(_scores)
        .join(_runs, _runs.c.id == _scores.c.run_id)
        .join(_copies, sa.and_(_copies.c.dataset_id == _runs.c.dataset_id, _copies.c.pair_id == _scores.c.pair_id))
        .join(_pairs, _pairs.c.id == _scores.c.pair_id)
        .outerjoin(_examples, _examples.c.id == _pairs.c.learning_example_id)
        .where(_scores.c.run_id == run_id, _scores.c.before.is_not(None), _scores.c.after.is_not(None))
    )


def _complaint(rejected: sa.ColumnElement[Any]) -> sa.ScalarSelect[Any]:
    """The feedback that found fault with the rejected answer: one with words before one without, then the newest."""
    said = _feedback.alias("said")
    fault = sa.or_(said.c.feedback_type.in_(_FAULT), said.c.rating <= 2, said.c.correction.is_not(None))
    about = sa.or_(said.c.id == _pairs.c.feedback_id, sa.and_(said.c.interaction_id == rejected, said.c.is_current))
    wordless = sa.case((said.c.comment.is_(None), 1), else_=0)
    query = sa.select(said.c.id).where(about, fault).order_by(wordless, said.c.created_at.desc(), said.c.id.desc())
    return query.limit(1).correlate(_pairs, _copies).scalar_subquery()
