"""The door for single records: an interaction of an agent, feedback on a message, a form of the site.

Every text is cleaned and redacted here, once; what was redacted is counted in ``pii``. Doing the same thing twice
stores it once. Nothing is committed and no reward is computed: who stores an interaction or message feedback also
calls ``rewards.chat.update_reward``.

Each record is read and then added: reading takes the time and needs no store, so a face reads before it takes the
write lock (``add_interaction(session, read_interaction(...))``); ``store_interaction`` does both at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, select

from core.errors import InputRejected
from core.feedback.fields import counted, member, moment, name, number, plain, prompt_key, text, whole
from core.feedback.message_feedback import (
    COMMENT_LIMIT,
    MessageFeedbackRead,
    add_message_feedback,
    read_message_feedback,
    store_message_feedback,
)
from core.feedback.payload import listed, payload
from core.feedback.stored import ANONYMOUS, Stored
from core.feedback.totals import FeedbackTotals, feedback_totals
from core.tables import Adapter, Feedback, FeedbackKind, FormType, Interaction, InteractionKind, Plan, new_id, now

__all__ = [
    "ANONYMOUS",
    "COMMENT_LIMIT",
    "FeedbackTotals",
    "InteractionRead",
    "MessageFeedbackRead",
    "Stored",
    "add_interaction",
    "add_message_feedback",
    "add_site_form",
    "feedback_totals",
    "read_interaction",
    "read_message_feedback",
    "read_site_form",
    "store_interaction",
    "store_message_feedback",
    "store_site_form",
]


@dataclass(frozen=True)
class InteractionRead:
    """An interaction, and its plan if it has one, ready to be added."""

    row: Interaction
    plan: Plan | None


def read_interaction(
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
    interaction_id: UUID | None = None,
    created_at: datetime | None = None,
    raw: object = None,
) -> InteractionRead:
    """One question and its answer, cleaned and redacted. ``interaction_id`` is the caller's own id for the row.

    Raises InputRejected when the prompt is empty, a text too long or a number out of its range. An empty response
    is taken only with an ``error`` or a ``plan``.
    """
    asked, answered, failed = text(prompt, "prompt"), text(response, "response"), text(error, "error")
    if not asked.text:
        raise InputRejected("The prompt is empty; nothing was stored.", field="prompt")
    if not answered.text and not failed.text and plan is None:
        raise InputRejected("The response is empty; send the error with it. Nothing was stored.", field="response")
    row = Interaction(
        id=interaction_id or new_id(),
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
        source=name(source, "source", limit=100),
        external_id=plain(external_id, "external_id", limit=200) or None,
        raw=payload(raw),
        created_at=moment(created_at) or now(),
    )
    return InteractionRead(row, _plan(row, plan) if plan is not None else None)


def add_interaction(session: Session, read: InteractionRead) -> Stored[Interaction]:
    """The same (source, external_id) again gives the row that is there already.

    Raises InputRejected for an adapter nobody knows.
    """
    row = read.row
    if known := _known(session, row.source, row.external_id):
        return Stored(known, False)
    if row.adapter_id is not None and session.get(Adapter, row.adapter_id) is None:
        raise InputRejected("No adapter has that adapter_id; nothing was stored.", field="adapter_id")
    session.add(row)
    session.flush()
    if read.plan is not None:
        session.add(read.plan)
        session.flush()
    return Stored(row, True)


def store_interaction(session: Session, **values: Any) -> Stored[Interaction]:
    """``read_interaction`` and ``add_interaction`` in one; what is there already is not read again."""
    source = name(values.get("source", "api"), "source", limit=100)
    outside_id = plain(values.get("external_id"), "external_id", limit=200) or None
    if known := _known(session, source, outside_id):
        return Stored(known, False)
    return add_interaction(session, read_interaction(**values))


def read_site_form(
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
) -> Feedback:
    """One form of the site (rules section 1a), cleaned and redacted.

    Raises InputRejected for an unknown form type, a rating outside 1–5 and a comment over 20,000 characters.
    """
    said = text(comment, "comment")
    return Feedback(
        kind=FeedbackKind.SITE_FORM,
        agent_id=name(agent_id, "agent_id", limit=100),
        user_id=plain(user_id, "user_id", limit=200) or ANONYMOUS,
        form_type=member(FormType, form_type, "form_type"),
        rating=whole(rating, "rating", 1, 5),
        comment=said.text or None,
        page=payload(page),
        pii=counted(said),
        source=name(source, "source", limit=100),
        dedupe_key=plain(dedupe_key, "dedupe_key", limit=64) or None,
        import_id=import_id,
        raw=payload(raw),
        created_at=moment(created_at) or now(),
    )


def add_site_form(session: Session, row: Feedback) -> Stored[Feedback]:
    """The same ``dedupe_key`` again gives the row that is there already."""
    key = row.dedupe_key
    if key and (known := session.exec(select(Feedback).where(Feedback.dedupe_key == key)).first()):
        return Stored(known, False)
    session.add(row)
    session.flush()
    return Stored(row, True)


def store_site_form(session: Session, **values: Any) -> Stored[Feedback]:
    """``read_site_form`` and ``add_site_form`` in one."""
    return add_site_form(session, read_site_form(**values))


def _known(session: Session, source: str, external_id: str | None) -> Interaction | None:
    if external_id is None:
        return None
    where = (Interaction.source == source, Interaction.external_id == external_id)
    return session.exec(select(Interaction).where(*where)).first()


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
