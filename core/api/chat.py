"""What a person says of one message of a chat (rules sections 1b and 12).

One current feedback per message and user; a second one supersedes the first. The answer carries the message's
reward after it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header
from pydantic import BaseModel, ConfigDict, Field

from core.api import process
from core.errors import InputRejected, NotFound
from core.feedback import intake
from core.rewards import chat as rewards
from core.tables import Interaction, MessageFeedbackType

router = APIRouter(prefix="/v1/chat", tags=["Feedback"])
MESSAGE = "Message"


class MessageFeedbackIn(BaseModel):
    """``feedback_type`` and ``message_id`` are texts here, so that a wrong one gets its own sentence."""

    model_config = ConfigDict(extra="forbid")

    message_id: Annotated[str, Field(max_length=200)]
    feedback_type: Annotated[
        str, Field(max_length=200, json_schema_extra={"enum": [kind.value for kind in MessageFeedbackType]})
    ]
    rating: Annotated[int, Field(ge=1, le=5, strict=True)] | None = None
    comment: Annotated[str, Field(max_length=1_000)] | None = None
    helpful: bool | None = None
    accurate: bool | None = None
    complete: bool | None = None
    correction: Annotated[str, Field(max_length=20_000)] | None = Field(
        None, description="What the answer should have been; makes a learning example."
    )
    user_id: Annotated[str, Field(max_length=200)] | None = None


class MessageFeedbackOut(BaseModel):
    feedback_id: UUID
    message_id: UUID
    feedback_type: str
    reward_score: float
    created_at: datetime


@router.post("/feedback", summary="Say what a person thought of a message")
def give_feedback(
    body: MessageFeedbackIn,
    x_user_id: Annotated[str | None, Header(max_length=200)] = None,
) -> MessageFeedbackOut:
    kind = _kind(body.feedback_type)
    message_id = _message_id(body.message_id)
    said: dict[str, Any] = body.model_dump(
        include={"rating", "comment", "helpful", "accurate", "complete", "correction"}
    )
    with process.current().store.write() as session:
        interaction = session.get(Interaction, message_id)
        if interaction is None:
            raise NotFound(MESSAGE, message_id)
        feedback = intake.store_message_feedback(
            session,
            message_id,
            feedback_type=kind,
            user_id=body.user_id or x_user_id or "anonymous",
            source="api",
            **said,
        )
        reward = rewards.update_reward(session, interaction)
    return MessageFeedbackOut(
        feedback_id=feedback.id,
        message_id=message_id,
        feedback_type=kind.value,
        reward_score=reward.value,
        created_at=feedback.created_at,
    )


def _kind(given: str) -> MessageFeedbackType:
    try:
        return MessageFeedbackType(given)
    except ValueError:
        raise InputRejected(f"Invalid feedback_type: {given}", field="feedback_type") from None


def _message_id(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError:
        raise NotFound(MESSAGE, given) from None
