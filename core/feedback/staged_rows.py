"""Rows as the staging tables take them: every column named, because a bulk insert fills in no defaults.

Ids of interactions follow from where they come from, so that what is read later, or again, finds them.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from core.feedback.fields import prompt_key
from core.feedback.records import Staged
from core.tables import (
    STAGED_FEEDBACK,
    STAGED_INTERACTIONS,
    FeedbackKind,
    FormType,
    InteractionKind,
    MessageFeedbackType,
    new_id,
)

SOURCE = "import"
_NAMES = uuid5(NAMESPACE_URL, "hone:import")
_LONGEST_SOURCE = 100


def source_of(agent_id: str) -> str:
    """Where imported interactions of an agent come from: another agent may have the same file."""
    name = f"{SOURCE}:{agent_id}"
    return name if len(name) <= _LONGEST_SOURCE else f"{SOURCE}:{hashlib.sha256(agent_id.encode()).hexdigest()}"


def interaction_id(agent_id: str, external_id: str) -> UUID:
    return uuid5(_NAMES, f"{source_of(agent_id)}\n{external_id}")


def staged_feedback(
    line: int,
    *,
    kind: FeedbackKind,
    agent_id: str,
    dedupe_key: str,
    created_at: datetime,
    item: int = 0,
    interaction: UUID | None = None,
    user_id: str = "anonymous",
    form_type: FormType | None = None,
    feedback_type: MessageFeedbackType | None = None,
    rating: int | None = None,
    comment: str | None = None,
    helpful: bool | None = None,
    pii: dict[str, int] | None = None,
    raw: dict[str, Any] | None = None,
) -> Staged:
    return STAGED_FEEDBACK, {
        "line": line,
        "item": item,
        "id": new_id(),
        "kind": kind,
        "agent_id": agent_id,
        "interaction_id": interaction,
        "user_id": user_id,
        "form_type": form_type,
        "feedback_type": feedback_type,
        "rating": rating,
        "comment": comment,
        "correction": None,
        "helpful": helpful,
        "accurate": None,
        "complete": None,
        "is_current": True,
        "page": {},
        "pii": pii or {},
        "source": SOURCE,
        "dedupe_key": dedupe_key,
        "raw": raw or {},
        "created_at": created_at,
    }


def staged_interaction(
    line: int,
    item: int,
    *,
    agent_id: str,
    external_id: str,
    conversation_id: str,
    prompt: str,
    response: str,
    prompt_group: str,
    pii: dict[str, int],
    raw: dict[str, Any],
    created_at: datetime,
) -> Staged:
    return STAGED_INTERACTIONS, {
        "line": line,
        "item": item,
        "id": interaction_id(agent_id, external_id),
        "agent_id": agent_id,
        "kind": InteractionKind.CHAT,
        "conversation_id": conversation_id,
        "user_id": None,
        "prompt": prompt,
        "response": response,
        "prompt_key": prompt_key(prompt),
        "prompt_group": prompt_group,
        "intent": None,
        "intent_confidence": None,
        "context_sources": [],
        "suggested_actions": [],
        "response_ms": None,
        "error": None,
        "adapter_id": None,
        "pii": pii,
        "source": source_of(agent_id),
        "external_id": external_id,
        "raw": raw,
        "created_at": created_at,
    }
