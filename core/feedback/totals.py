"""How much feedback there is, counted for the overview."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from core.feedback.fields import moment
from core.tables import Feedback, FeedbackKind, Import, Interaction


@dataclass(frozen=True)
class FeedbackTotals:
    """How much there is, for the overview. Superseded message feedback is history and not counted."""

    interactions: int
    feedback: int
    message_feedback: int
    site_forms: int
    plan_feedback: int
    imports: int
    last_at: datetime | None


def feedback_totals(session: Session) -> FeedbackTotals:
    """Counted from indexes alone, so it stays quick at a hundred thousand rows."""
    current = sa.func.count().filter(col(Feedback.is_current))
    kinds = sa.select(col(Feedback.kind), current, sa.func.max(col(Feedback.created_at))).group_by(col(Feedback.kind))
    by_kind = {kind: (count, last) for kind, count, last in session.execute(kinds)}
    messages, forms, plans = (
        by_kind.get(kind, (0, None))[0]
        for kind in (FeedbackKind.CHAT_MESSAGE, FeedbackKind.SITE_FORM, FeedbackKind.PLAN)
    )
    return FeedbackTotals(
        interactions=session.execute(sa.select(sa.func.count()).select_from(Interaction)).scalar_one(),
        feedback=messages + forms + plans,
        message_feedback=messages,
        site_forms=forms,
        plan_feedback=plans,
        imports=session.execute(sa.select(sa.func.count()).select_from(Import)).scalar_one(),
        last_at=moment(max((last for _, last in by_kind.values()), default=None)),
    )
