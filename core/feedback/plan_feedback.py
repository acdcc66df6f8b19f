"""Plans an agent answered with, and what people say of them (rules section 1c).

A plan's query id is its interaction's id. Each user has one current feedback on a plan; earlier ones stay as history.
What a later feedback leaves out keeps the value it had: a correction without a rating stays unrated, and a plain
rating takes nothing back that was said before. The fields of a rich evaluation are no feedback: they are a judge's,
and whoever receives them hands them to ``core.judging``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from core.errors import InputRejected, NotAllowed, NotFound
from core.feedback.fields import counted, member, moment, name, number, plain, text
from core.feedback.follow_up import Said, classify, corrected_value
from core.feedback.intake import InteractionRead, add_interaction, read_interaction
from core.feedback.payload import listed, payload
from core.feedback.stored import ANONYMOUS, Stored
from core.tables import Feedback, FeedbackKind, Interaction, InteractionKind, MessageFeedbackType, Plan, Rating, now

MOST_INTERACTIONS = 50
CORRECTION_LIMIT = 500  # characters
PLANNER = "planner"
FOLLOW_UP = "follow_up"  # its name in ``Interaction.raw``


class IntentType(StrEnum):
    QUERY = "query"
    ACTION_REMINDER = "action_reminder"
    ACTION_MESSAGE = "action_message"
    ACTION_CONTROL = "action_control"
    ACTION_TASK = "action_task"
    CONVERSATION = "conversation"
    OUT_OF_SCOPE = "out_of_scope"


@dataclass(frozen=True)
class PlanSaid:
    """The current feedback of a user on a plan, and whether this call changed it."""

    row: Feedback
    rating: Rating | None
    changed: bool


def read_plan(
    query_id: UUID,
    *,
    transcript: str,
    agent_id: str = PLANNER,
    parsed_intent: dict[str, Any] | None = None,
    heading: str | None = None,
    widgets: object = (),
    response: str | None = None,
    intent_confidence: float | None = None,
    processing_ms: int | None = None,
    conversation_id: str | None = None,
    user_id: str | None = None,
    source: str = "api",
    created_at: datetime | None = None,
    raw: object = None,
) -> InteractionRead:
    """One query and the plan it was answered with, cleaned and redacted.

    ``raw`` keeps the rest of the record: data summary, user history, fixtures. Raises InputRejected when a field
    cannot be used.
    """
    intent = payload(parsed_intent)
    kind = member(IntentType, intent["type"], "parsed_intent.type") if intent.get("type") is not None else None
    sure = number(intent.get("confidence"), "parsed_intent.confidence", 0, 1)
    shown = listed(widgets, "widgets")
    return read_interaction(
        interaction_id=query_id,
        kind=InteractionKind.PLAN,
        agent_id=agent_id,
        prompt=transcript,
        response=_in_words(heading, shown) if response is None else response,
        source=source,
        conversation_id=conversation_id,
        user_id=user_id,
        intent=kind,
        intent_confidence=sure if intent_confidence is None else intent_confidence,
        response_ms=processing_ms,
        plan={"heading": heading, "widgets": shown, "parsed_intent": intent},
        created_at=created_at,
        raw=raw,
    )


def add_plan(session: Session, read: InteractionRead) -> Stored[Interaction]:
    """The same query id again is the plan that is there already.

    In a conversation, what kind of follow-up this query is to the one before it is kept with it (``FOLLOW_UP``).
    Raises InputRejected when the id is that of an interaction which is no plan.
    """
    row = read.row
    if known := session.get(Interaction, row.id):
        if known.kind != InteractionKind.PLAN:
            raise InputRejected("That query_id is an interaction which is no plan; nothing was stored.")
        return Stored(known, False)
    if follow_up := _follow_up(session, row, read.plan.parsed_intent if read.plan else {}):
        row.raw = {**row.raw, FOLLOW_UP: follow_up}
    return add_interaction(session, read)


def store_plan_feedback(
    session: Session,
    query_id: UUID,
    *,
    rating: str | None = None,
    interactions: object = (),
    correction: str | None = None,
    user_id: str | None = None,
    source: str = "api",
    created_at: datetime | None = None,
    raw: object = None,
) -> PlanSaid:
    """What a user says of a plan: up, down or nothing, what was clicked, what was really meant.

    Without a ``user_id`` it is the plan's owner who speaks, or somebody unknown. Raises NotFound ("Plan not found"),
    NotAllowed for another user's plan, InputRejected for a value that cannot be used.
    """
    plan = session.get(Interaction, query_id)
    if plan is None or plan.kind != InteractionKind.PLAN:
        raise NotFound("Plan", query_id)
    user = plain(user_id, "user_id", limit=200) or plan.user_id or ANONYMOUS
    if plan.user_id is not None and plan.user_id != user:
        raise NotAllowed("This plan belongs to another user's conversation; your feedback was not stored.")
    thumb = member(Rating, rating, "rating") if rating is not None else None
    meant = text(correction, "correction", limit=CORRECTION_LIMIT)
    clicked = _clicked(interactions)
    earlier = current_plan_feedback(session, query_id, user_id=user)
    facts = {**(_facts(earlier) if earlier else _NOTHING), **_given(thumb, meant.text, clicked)}
    if earlier and facts == _facts(earlier):
        return PlanSaid(earlier, rating_of(earlier), False)
    if earlier:
        earlier.is_current = False
        session.flush()
    row = Feedback(
        kind=FeedbackKind.PLAN,
        agent_id=plan.agent_id,
        interaction_id=plan.id,
        user_id=user,
        pii=counted(meant),
        source=name(source, "source", limit=100),
        raw=payload(raw),
        created_at=moment(created_at) or now(),
        **facts,
    )
    session.add(row)
    session.flush()
    return PlanSaid(row, rating_of(row), True)


def current_plan_feedback(session: Session, query_id: UUID, *, user_id: str) -> Feedback | None:
    """The feedback of one user on a plan that counts."""
    return session.exec(
        select(Feedback).where(
            Feedback.interaction_id == query_id,
            Feedback.user_id == user_id,
            Feedback.kind == FeedbackKind.PLAN,
            col(Feedback.is_current),
        )
    ).first()


def rating_of(feedback: Feedback | None) -> Rating | None:
    """Up, down, or None for unrated."""
    if feedback is None:
        return None
    thumbs = {MessageFeedbackType.THUMBS_UP: Rating.UP, MessageFeedbackType.THUMBS_DOWN: Rating.DOWN}
    return thumbs.get(feedback.feedback_type) if feedback.feedback_type else None


# -- what was said ------------------------------------------------------------------------------------------------

_FACTS = ("feedback_type", "helpful", "correction", "widget_interactions")
_NOTHING: dict[str, Any] = dict.fromkeys(_FACTS)


def _facts(row: Feedback) -> dict[str, Any]:
    return {fact: getattr(row, fact) for fact in _FACTS}


def _given(thumb: Rating | None, meant: str, clicked: list[dict[str, Any]]) -> dict[str, Any]:
    """Only what was said this time."""
    said: dict[str, Any] = {}
    if thumb is not None:
        up = thumb is Rating.UP
        said["feedback_type"] = MessageFeedbackType.THUMBS_UP if up else MessageFeedbackType.THUMBS_DOWN
        said["helpful"] = up
    if meant:
        said["correction"] = meant
    if clicked:
        said["widget_interactions"] = clicked
    return said


def _clicked(interactions: object) -> list[dict[str, Any]]:
    """[{widget_index, action, duration_ms}], indices from 0."""
    rows = listed(interactions, "interactions")
    if len(rows) > MOST_INTERACTIONS:
        raise InputRejected(f"At most {MOST_INTERACTIONS} interactions are taken; nothing was stored.")
    if any(not isinstance(row, dict) or "widget_index" not in row for row in rows):
        raise InputRejected("Each interaction needs its widget_index; nothing was stored.", field="interactions")
    return rows


def _in_words(heading: str | None, widgets: list[Any]) -> str:
    """The plan as one line, where the agent said nothing else with it."""
    names = [str(widget.get("scenario", "")) for widget in widgets if isinstance(widget, dict)]
    return f"{heading or 'Plan'}: {', '.join(name for name in names if name)}."[:20_000]


# -- what kind of query it was ------------------------------------------------------------------------------------


def _follow_up(session: Session, row: Interaction, intent: dict[str, Any]) -> dict[str, Any] | None:
    """How this query follows the one before it in the conversation; None for the first."""
    if row.conversation_id is None:
        return None
    before = session.exec(
        select(Interaction)
        .where(Interaction.conversation_id == row.conversation_id, Interaction.kind == InteractionKind.PLAN)
        .order_by(col(Interaction.created_at).desc(), col(Interaction.id).desc())
        .limit(1)
    ).first()
    if before is None:
        return None
    plan = session.get(Plan, before.id)
    kind = classify(Said(before.prompt, plan.parsed_intent if plan else {}), Said(row.prompt, intent))
    return {"to": str(before.id), "type": kind.value, "corrected": corrected_value(row.prompt)}
