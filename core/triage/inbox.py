"""The inbox of triage: what the analyzer read, ranked, and what people decided.

In: results. Out: the open ones, the most urgent first, which a person decides once. What makes them
(``core.triage.reading``) and what decides them (``core.triage.decisions``) is offered here too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from core.errors import NotFound
from core.tables import (
    Category,
    Feedback,
    FeedbackKind,
    FormType,
    Interaction,
    Severity,
    TriageQueue,
    TriageResult,
    TriageStatus,
    TriageVerdict,
)
from core.triage.decisions import NOUN, Agreement, advance, agreement, decide, found, undo
from core.triage.reading import triage_all, triage_new, waiting

EXCERPT = 160  # characters of a comment in the list

__all__ = [
    "Agreement",
    "InboxItem",
    "InboxRow",
    "advance",
    "agreement",
    "count",
    "count_by_queue",
    "decide",
    "inbox",
    "item",
    "triage_all",
    "triage_new",
    "undo",
    "waiting",
]


@dataclass(frozen=True)
class InboxRow:
    result_id: UUID
    feedback_id: UUID
    agent_id: str
    category: Category
    severity: Severity
    priority: float
    confidence: float
    needs_review: bool
    queue: TriageQueue
    status: TriageStatus
    version: int
    excerpt: str  # the first EXCERPT characters of the comment
    kind: FeedbackKind
    form_type: FormType | None
    rating: int | None
    said_at: datetime


@dataclass(frozen=True)
class InboxItem:
    result: TriageResult
    feedback: Feedback
    interaction: Interaction | None  # the answer the feedback is about, when it is about one
    verdicts: list[TriageVerdict]  # newest first; rows with `undoes` took another back

    @property
    def verdict(self) -> TriageVerdict | None:
        """The one in force."""
        return next((verdict for verdict in self.verdicts if verdict.is_current), None)


def inbox(
    session: Session,
    *,
    queue: TriageQueue | None = None,
    status: TriageStatus = TriageStatus.OPEN,
    category: Category | None = None,
    search: str | None = None,
    needs_review: bool | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[InboxRow]:
    """One page: the highest priority first, within it the oldest. ``search`` finds text in the comment."""
    where = _where(queue=queue, status=status, category=category, search=search, needs_review=needs_review)
    order = (col(TriageResult.priority).desc(), col(TriageResult.said_at), col(TriageResult.id))
    query = (
        sa.select(
            col(TriageResult.id),
            col(TriageResult.feedback_id),
            col(Feedback.agent_id),
            col(TriageResult.category),
            col(TriageResult.severity),
            col(TriageResult.priority),
            col(TriageResult.confidence),
            col(TriageResult.needs_review),
            col(TriageResult.queue),
            col(TriageResult.status),
            col(TriageResult.version),
            sa.func.substr(col(Feedback.comment), 1, EXCERPT),
            col(Feedback.kind),
            col(Feedback.form_type),
            col(Feedback.rating),
            col(TriageResult.said_at),
        )
        .join(Feedback, col(Feedback.id) == col(TriageResult.feedback_id))
        .order_by(*order)
    )
    # The page's ids first; only these are joined with their feedback.
    page = sa.select(col(TriageResult.id)).where(*where).order_by(*order).limit(limit).offset(offset).subquery()
    return [InboxRow(*row) for row in session.execute(query.join(page, page.c.id == col(TriageResult.id)))]


def count(
    session: Session,
    *,
    queue: TriageQueue | None = None,
    status: TriageStatus = TriageStatus.OPEN,
    category: Category | None = None,
    search: str | None = None,
    needs_review: bool | None = None,
) -> int:
    """How many rows ``inbox`` has over all pages for the same filters."""
    where = _where(queue=queue, status=status, category=category, search=search, needs_review=needs_review)
    return int(session.execute(sa.select(sa.func.count()).select_from(TriageResult).where(*where)).scalar_one())


def count_by_queue(session: Session) -> dict[TriageQueue, int]:
    """How many open items wait in each queue; every queue is named."""
    # One index range each: a GROUP BY would sort all open rows.
    counts = [
        sa.select(sa.func.count())
        .select_from(TriageResult)
        .where(*_where(queue=queue, status=TriageStatus.OPEN))
        .scalar_subquery()
        for queue in TriageQueue
    ]
    return dict(zip(TriageQueue, session.execute(sa.select(*counts)).one(), strict=True))


def item(session: Session, result_id: UUID) -> InboxItem:
    """Everything the item's page shows. Raises NotFound."""
    result = found(session, result_id)
    feedback = session.get(Feedback, result.feedback_id)
    if feedback is None:  # the foreign key cascades, so only a race can bring us here
        raise NotFound(NOUN, result_id)
    about = feedback.interaction_id
    verdicts = session.exec(
        select(TriageVerdict)
        .where(TriageVerdict.result_id == result_id)
        .order_by(col(TriageVerdict.created_at).desc(), col(TriageVerdict.id).desc())
    ).all()
    return InboxItem(result, feedback, session.get(Interaction, about) if about else None, list(verdicts))


def _where(
    *,
    queue: TriageQueue | None,
    status: TriageStatus,
    category: Category | None = None,
    search: str | None = None,
    needs_review: bool | None = None,
) -> list[sa.ColumnElement[bool]]:
    where: list[sa.ColumnElement[bool]] = [col(TriageResult.status) == status]
    if queue is not None:
        where.append(col(TriageResult.queue) == queue)
    if category is not None:
        where.append(col(TriageResult.category) == category)
    if needs_review is not None:
        where.append(col(TriageResult.needs_review) == needs_review)
    if search:
        # Found in one pass over the comments, not by looking up each result's feedback.
        said = sa.select(col(Feedback.id)).where(col(Feedback.comment).icontains(search[:200], autoescape=True))
        where.append(col(TriageResult.feedback_id).in_(said))
    return where
