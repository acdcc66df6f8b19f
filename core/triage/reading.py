"""Reads what nobody has read: comments in, one open triage result for each out.

The analyzer runs outside of any transaction; a short one stores its readings, and passes over what somebody else has
read in the meantime. Doing it again adds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from core.store import Store
from core.tables import Feedback, FormType, TriageResult
from core.triage.rules import ANALYZER, VERSION, Reading, analyze
from core.work import Work

BATCH = 200  # comments a transaction
_ROUND = 20_000  # ids looked up at once
# Worded as the condition of the index ix_feedback_with_comment, so that it is used.
_WITH_COMMENT = (col(Feedback.comment).is_not(None), col(Feedback.is_current) == sa.true())
_THIS_ANALYZER = (col(TriageResult.analyzer) == ANALYZER, col(TriageResult.analyzer_version) == VERSION)


class _Comment(NamedTuple):
    feedback_id: UUID
    comment: str
    form_type: FormType | None
    rating: int | None
    said_at: datetime


def triage_all(store: Store, work: Work, *, agent_id: str | None = None, batch: int = BATCH) -> int:
    """Read every comment that has no reading of this version, oldest first; ``batch`` of them a transaction.

    Returns how many results were added. A stop between two batches loses nothing. Raises Stopped.
    """
    with store.read() as session:
        total = session.scalar(sa.select(sa.func.count()).select_from(Feedback).where(*_unread(agent_id))) or 0
    added = seen = 0
    while ids := _next(store, agent_id):
        for start in range(0, len(ids), batch):
            work.check()
            with store.read() as session:
                comments = _comments(session, ids[start : start + batch])
            readings = [_result(comment) for comment in comments]
            with store.write() as session:
                added += _store(session, readings)
                seen += len(readings)
                work.saved(session, seen, max(total, seen), unit="comments")
    return added


def triage_new(session: Session, *, limit: int = 1000) -> int:
    """Read up to ``limit`` pieces of feedback that have a comment and no reading of this version, oldest first.

    Returns how many results were added; 0 means everything is read.
    """
    ids = session.scalars(_unread_ids(None).limit(limit)).all()
    return _store(session, [_result(comment) for comment in _comments(session, ids)])


def waiting(session: Session) -> int:
    """How many pieces of feedback ``triage_all`` would still read; 0 once it has nothing left to do.

    Three counts from indexes, where looking for each comment's reading would touch every row: the comments that count,
    less the readings, of which those of superseded feedback were about none of them. (A stored comment is never
    taken out of its row.)
    """
    said = sa.select(sa.func.count()).select_from(Feedback).where(*_WITH_COMMENT)
    read = sa.select(sa.func.count()).select_from(TriageResult).where(*_THIS_ANALYZER)
    superseded = sa.select(sa.func.count()).select_from(Feedback).where(col(Feedback.is_current) == sa.false(), _read())
    counts = (said, read, superseded)
    comments, readings, of_superseded = session.execute(sa.select(*(one.scalar_subquery() for one in counts))).one()
    return int(comments - (readings - of_superseded))


def _read() -> sa.ColumnElement[bool]:
    return sa.exists().where(col(TriageResult.feedback_id) == col(Feedback.id)).where(*_THIS_ANALYZER)


def _unread(agent_id: str | None) -> list[sa.ColumnElement[bool]]:
    where: list[sa.ColumnElement[bool]] = [*_WITH_COMMENT, ~_read()]
    return where if agent_id is None else [*where, col(Feedback.agent_id) == agent_id]


def _unread_ids(agent_id: str | None) -> sa.Select[Any]:
    return sa.select(col(Feedback.id)).where(*_unread(agent_id)).order_by(col(Feedback.created_at), col(Feedback.id))


def _next(store: Store, agent_id: str | None) -> Sequence[UUID]:
    """Looked up for many batches at once: finding the first unread comment passes over all that are read."""
    with store.read() as session:
        return session.scalars(_unread_ids(agent_id).limit(_ROUND)).all()


def _comments(session: Session, ids: Sequence[UUID]) -> list[_Comment]:
    columns = (Feedback.id, Feedback.comment, Feedback.form_type, Feedback.rating, Feedback.created_at)
    query = sa.select(*(col(column) for column in columns)).where(col(Feedback.id).in_(ids))
    return [_Comment(*row) for row in session.execute(query.order_by(col(Feedback.created_at), col(Feedback.id)))]


def _store(session: Session, results: Sequence[TriageResult]) -> int:
    """Add the results of feedback that still has none."""
    ids = [result.feedback_id for result in results]
    open_ids = set(session.scalars(sa.select(col(Feedback.id)).where(col(Feedback.id).in_(ids), *_unread(None))))
    unread = [result for result in results if result.feedback_id in open_ids]
    session.add_all(unread)
    session.flush()
    return len(unread)


def _result(said: _Comment) -> TriageResult:
    reading: Reading = analyze(said.comment, form_type=said.form_type, rating=said.rating)
    return TriageResult(
        feedback_id=said.feedback_id,
        category=reading.category,
        severity=reading.severity,
        suggested_action=reading.suggested_action,
        priority=reading.priority,
        confidence=reading.confidence,
        reasoning=reading.reasoning,
        signals=reading.signal_rows(),
        queue=reading.queue,
        needs_review=reading.needs_review,
        analyzer=ANALYZER,
        analyzer_version=VERSION,
        said_at=said.said_at,
    )
