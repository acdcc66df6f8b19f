"""The door for single records: an interaction of an agent, feedback on a message, a form of the site.

Every text is cleaned and redacted here, once; what was redacted is counted in ``pii``. Doing the same thing twice
stores it once. Nothing is committed and no reward is computed: who stores an interaction or message feedback also
calls ``rewards.chat.update_reward``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlmodel import Session, col, select

from core.errors import InputRejected, NotAllowed, NotFound
from core.feedback.fields import (
    counted,
    flag,
    member,
    moment,
    name,
    number,
    plain,
    prompt_key,
    stars,
    text,
    whole,
)
from core.feedback.fields import (
    feedback_type as checked_type,
)
from core.feedback.payload import listed, payload
from core.feedback.totals import FeedbackTotals, feedback_totals
from core.tables import (
    Adapter,
    ExampleType,
    Feedback,
    FeedbackKind,
    FormType,
    Interaction,
    InteractionKind,
    LearningExample,
    Plan,
    ReviewStatus,
    SourceType,
    now,
)

__all__ = [
    "FeedbackTotals",
    "Stored",
    "feedback_totals",
    "store_interaction",
    "store_message_feedback",
    "store_site_form",
]

COMMENT_LIMIT = 1000  # of message feedback (rules section 1b)
ANONYMOUS = "anonymous"
RowT = TypeVar("RowT")


@dataclass(frozen=True)
class Stored(Generic[RowT]):
    """The row, and whether this call made it."""

    row: RowT
    created: bool


def store_interaction(
    session: Session,
    *,
    agent_id: str,
    prompt: str,
    response: str,
    kind: InteractionKind | str = InteractionKind.CHAT,
    source: str = "api",
    external_id: str | None = None,
    conversation_id: str | None = None,
    user_id: str | None = None,
    intent: str | None = None,
    intent_confidence: float | None = None,
    context_sources: object = (),
    suggested_actions: object = (),
    response_ms: int | None = None,
    error: str | None = None,
    adapter_id: UUID | None = None,
    prompt_group: str | None = None,
    plan: dict[str, Any] | None = None,
    created_at: datetime | None = None,
    raw: object = None,
) -> Stored[Interaction]:
    """One question and its answer. The same (source, external_id) again gives the row that is there already.

    Raises InputRejected when the prompt is empty, a text too long or a number out of its range. An empty response
    is taken only with an ``error`` or a ``plan``.
    """
    source_name = name(source, "source", limit=100)
    outside_id = plain(external_id, "external_id", limit=200) or None
    if outside_id and (known := _interaction(session, source_name, outside_id)):
        return Stored(known, False)
    asked, answered, failed = text(prompt, "prompt"), text(response, "response"), text(error, "error")
    if not asked.text:
        raise InputRejected("The prompt is empty; nothing was stored.", field="prompt")
    if not answered.text and not failed.text and plan is None:
        raise InputRejected("The response is empty; send the error with it. Nothing was stored.", field="response")
    if adapter_id is not None and session.get(Adapter, adapter_id) is None:
        raise InputRejected("No adapter has that adapter_id; nothing was stored.", field="adapter_id")
    row = Interaction(
        agent_id=name(agent_id, "agent_id", limit=100),
        kind=member(InteractionKind, kind, "kind"),
        conversation_id=plain(conversation_id, "conversation_id", limit=200) or None,
        user_id=plain(user_id, "user_id", limit=200) or None,
        prompt=asked.text,
        response=answered.text,
        prompt_key=prompt_key(asked.text),
        prompt_group=plain(prompt_group, "prompt_group", limit=200) or None,
        intent=text(intent, "intent", limit=200).text or None,
        intent_confidence=number(intent_confidence, "intent_confidence", 0, 1),
        context_sources=listed(context_sources, "context_sources"),
        suggested_actions=listed(suggested_actions, "suggested_actions"),
        response_ms=whole(response_ms, "response_ms", 0, 2**31 - 1),
        error=failed.text or None,
        adapter_id=adapter_id,
        pii=counted(asked, answered, failed),
        source=source_name,
        external_id=outside_id,
        raw=payload(raw),
        created_at=moment(created_at) or now(),
    )
    planned = _plan(row, plan) if plan is not None else None
    session.add(row)
    session.flush()
    if planned:
        session.add(planned)
        session.flush()
    return Stored(row, True)


def store_message_feedback(
    session: Session,
    interaction_id: UUID | str,
    *,
    feedback_type: str,
    rating: int | None = None,
    comment: str | None = None,
    helpful: bool | None = None,
    accurate: bool | None = None,
    complete: bool | None = None,
    correction: str | None = None,
    user_id: str | None = ANONYMOUS,
    source: str = "api",
    created_at: datetime | None = None,
    raw: object = None,
) -> Feedback:
    """What a user says of one message: the current feedback of (message, user); earlier ones become history.

    The same feedback again is the same row. A correction makes one pending learning example. All anonymous users of
    a message count as one user. Raises InputRejected ("Invalid feedback_type: …", a rating that contradicts
    ``rating_N``, a comment over 1000 characters), NotFound ("Message not found"), NotAllowed for another user's
    conversation.
    """
    kind = checked_type(feedback_type)
    said, corrected = text(comment, "comment", limit=COMMENT_LIMIT), text(correction, "correction")
    user = plain(user_id, "user_id", limit=200) or ANONYMOUS
    facts: dict[str, Any] = {
        "feedback_type": kind,
        "rating": stars(kind, rating),
        "comment": said.text or None,
        "correction": corrected.text or None,
        "helpful": flag(helpful, "helpful"),
        "accurate": flag(accurate, "accurate"),
        "complete": flag(complete, "complete"),
    }
    message = _message(session, interaction_id, user)
    earlier = _current(session, message.id, user)
    if earlier and all(getattr(earlier, fact) == value for fact, value in facts.items()):
        return earlier
    if earlier:
        earlier.is_current = False
        session.flush()  # the database holds one current row, so the old one goes first
    row = Feedback(
        kind=FeedbackKind.CHAT_MESSAGE,
        agent_id=message.agent_id,
        interaction_id=message.id,
        user_id=user,
        pii=counted(said, corrected),
        source=name(source, "source", limit=100),
        raw=payload(raw),
        created_at=moment(created_at) or now(),
        **facts,
    )
    session.add(row)
    session.flush()
    if row.correction and not (earlier and earlier.correction == row.correction):
        _learn(session, message, row)
    return row


def store_site_form(
    session: Session,
    *,
    form_type: str,
    agent_id: str = "site",
    rating: int | None = None,
    comment: str | None = None,
    page: object = None,
    user_id: str | None = ANONYMOUS,
    source: str = "site",
    dedupe_key: str | None = None,
    import_id: UUID | None = None,
    created_at: datetime | None = None,
    raw: object = None,
) -> Stored[Feedback]:
    """One form of the site (rules section 1a). The same ``dedupe_key`` again gives the row that is there already.

    Raises InputRejected for an unknown form type, a rating outside 1–5 and a comment over 20,000 characters.
    """
    key = plain(dedupe_key, "dedupe_key", limit=64) or None
    if key and (known := session.exec(select(Feedback).where(Feedback.dedupe_key == key)).first()):
        return Stored(known, False)
    said = text(comment, "comment")
    row = Feedback(
        kind=FeedbackKind.SITE_FORM,
        agent_id=name(agent_id, "agent_id", limit=100),
        user_id=plain(user_id, "user_id", limit=200) or ANONYMOUS,
        form_type=member(FormType, form_type, "form_type"),
        rating=whole(rating, "rating", 1, 5),
        comment=said.text or None,
        page=payload(page),
        pii=counted(said),
        source=name(source, "source", limit=100),
        dedupe_key=key,
        import_id=import_id,
        raw=payload(raw),
        created_at=moment(created_at) or now(),
    )
    session.add(row)
    session.flush()
    return Stored(row, True)


def _interaction(session: Session, source: str, external_id: str) -> Interaction | None:
    where = (Interaction.source == source, Interaction.external_id == external_id)
    return session.exec(select(Interaction).where(*where)).first()


def _message(session: Session, interaction_id: UUID | str, user: str) -> Interaction:
    try:
        key = interaction_id if isinstance(interaction_id, UUID) else UUID(interaction_id)
    except (ValueError, AttributeError, TypeError):
        raise NotFound("Message", str(interaction_id)[:100]) from None
    message = session.get(Interaction, key)
    if message is None:
        raise NotFound("Message", key)
    if message.user_id is not None and message.user_id != user:
        raise NotAllowed("This message belongs to another user's conversation; your feedback was not stored.")
    return message


def _current(session: Session, interaction_id: UUID, user: str) -> Feedback | None:
    return session.exec(
        select(Feedback).where(
            Feedback.interaction_id == interaction_id,
            Feedback.user_id == user,
            Feedback.kind == FeedbackKind.CHAT_MESSAGE,
            col(Feedback.is_current),
        )
    ).first()


def _learn(session: Session, message: Interaction, feedback: Feedback) -> None:
    """One pending example from a correction; it takes the place of one that this user gave and nobody reviewed."""
    earlier = (
        select(LearningExample)
        .join(Feedback, col(LearningExample.source_feedback_id) == Feedback.id)
        .where(
            LearningExample.source_interaction_id == message.id,
            Feedback.user_id == feedback.user_id,
            LearningExample.review_status == ReviewStatus.PENDING,
            col(LearningExample.is_active),
        )
    )
    for example in session.exec(earlier):
        example.is_active = False
        example.notes = "The same user corrected the answer again."
    session.add(
        LearningExample(
            agent_id=message.agent_id,
            example_type=ExampleType.CORRECTION,
            input_text=message.prompt,
            original_output=message.response,
            expected_output=feedback.correction or "",
            source_type=SourceType.USER_FEEDBACK,
            source_interaction_id=message.id,
            source_feedback_id=feedback.id,
        )
    )
    session.flush()


def _plan(row: Interaction, plan: object) -> Plan:
    if not isinstance(plan, Mapping):
        raise InputRejected("The plan must be an object; nothing was stored.", field="plan")
    intent = plan.get("parsed_intent")
    return Plan(
        interaction_id=row.id,
        heading=text(plan.get("heading"), "heading", limit=1000).text,
        widgets=listed(plan.get("widgets"), "widgets"),
        parsed_intent=payload(intent) if isinstance(intent, Mapping) else {},
        created_at=row.created_at,
    )
