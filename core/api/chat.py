"""What a person says of one message of a chat (rules sections 1b and 12), one or up to 500 at once.

One current feedback per message and user; a second one supersedes the first. The answer carries the message's
reward after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header
from pydantic import BaseModel, Field
from sqlmodel import Session
from starlette.responses import JSONResponse

from core.api import batch
from core.api.once import Answer, OnceOnly
from core.api.shapes import Body, Name, Stars, Text, row_id
from core.errors import InputRejected, NotFound
from core.feedback import intake
from core.rewards import chat as rewards
from core.tables import Interaction, InteractionKind, MessageFeedbackType

router = APIRouter(prefix="/v1/chat", tags=["Feedback"])
MESSAGE = "Message"
Speaker = Annotated[str | None, Header(alias="X-User-Id", max_length=200)]


class MessageFeedbackIn(Body):
    """``feedback_type`` and ``message_id`` are texts here, so that a wrong one gets its own sentence."""

    message_id: Name
    feedback_type: Annotated[
        str, Field(max_length=200, json_schema_extra={"enum": [kind.value for kind in MessageFeedbackType]})
    ]
    rating: Stars | None = None
    comment: Annotated[str, Field(max_length=1_000)] | None = None
    helpful: bool | None = None
    accurate: bool | None = None
    complete: bool | None = None
    correction: Text | None = Field(None, description="What the answer should have been; makes a learning example.")
    user_id: Name | None = None


class MessageFeedbackOut(BaseModel):
    feedback_id: UUID
    message_id: UUID
    feedback_type: str
    reward_score: float
    created_at: datetime


class BatchIn(batch.Batch):
    feedback: batch.Items = Field(description="Each as in the route for one.")


class ItemOut(BaseModel):
    """What became of one item, in the order sent: either the feedback's id, or why it was not stored."""

    index: int
    feedback_id: UUID | None = None
    message_id: UUID | None = None
    reward_score: float | None = None
    error: str | None = None


class BatchOut(BaseModel):
    stored: int
    rejected: int
    results: list[ItemOut]


@router.post("/feedback", response_model=MessageFeedbackOut, summary="Say what a person thought of a message")
def give_feedback(body: MessageFeedbackIn, once: OnceOnly, x_user_id: Speaker = None) -> JSONResponse:
    read = _read(body, x_user_id)
    return once.run(lambda session: Answer(_add(session, read)))


@router.post("/feedback/batch", response_model=BatchOut, summary="Say what people thought of up to 500 messages")
def give_batch(body: BatchIn, once: OnceOnly, x_user_id: Speaker = None) -> JSONResponse:
    items = batch.read(MessageFeedbackIn, body.feedback, lambda item: _read(item, x_user_id))

    def act(session: Session) -> Answer:
        results = [_item(number, one) for number, one in enumerate(batch.stored(session, items, _add))]
        rejected = sum(result.error is not None for result in results)
        return Answer(BatchOut(stored=len(results) - rejected, rejected=rejected, results=results))

    return once.run(act)


@dataclass(frozen=True)
class _Said:
    message_id: UUID
    feedback: intake.MessageFeedbackRead


def _read(body: MessageFeedbackIn, speaker: str | None) -> _Said:
    feedback = intake.read_message_feedback(
        feedback_type=_kind(body.feedback_type),
        user_id=body.user_id or speaker or intake.ANONYMOUS,
        source="api",
        **body.model_dump(include={"rating", "comment", "helpful", "accurate", "complete", "correction"}),
    )
    return _Said(row_id(body.message_id, MESSAGE), feedback)


def _add(session: Session, said: _Said) -> MessageFeedbackOut:
    message = session.get(Interaction, said.message_id)
    if message is None or message.kind == InteractionKind.PLAN:  # plans have a route and a scale of their own
        raise NotFound(MESSAGE, said.message_id)
    feedback = intake.add_message_feedback(session, message.id, said.feedback)
    reward = rewards.update_reward(session, message)
    return MessageFeedbackOut(
        feedback_id=feedback.id,
        message_id=message.id,
        feedback_type=str(said.feedback.facts["feedback_type"].value),
        reward_score=reward.value,
        created_at=feedback.created_at,
    )


def _kind(given: str) -> MessageFeedbackType:
    try:
        return MessageFeedbackType(given)
    except ValueError:
        raise InputRejected(f"Invalid feedback_type: {given}", field="feedback_type") from None


def _item(number: int, found: MessageFeedbackOut | batch.Bad) -> ItemOut:
    if isinstance(found, batch.Bad):
        return ItemOut(index=number, error=found.error)
    return ItemOut(index=number, **found.model_dump(include={"feedback_id", "message_id", "reward_score"}))
