"""Interactions of an agent: one at a time, or up to 500 at once with a result for each.

Sending the same ``external_id`` of a ``source`` again changes nothing and says ``created: false``. Each accepted
interaction gets its reward in the same transaction. A batch stores its good items and names the bad ones.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from core.api import process
from core.api.errors import sentence_of
from core.errors import HoneError, InputRejected
from core.feedback import intake
from core.rewards import chat as rewards
from core.tables import InteractionKind

router = APIRouter(prefix="/v1/interactions", tags=["Interactions"])
MOST = 500

Name = Annotated[str, Field(max_length=200)]


class InteractionIn(BaseModel):
    """One question to an agent and what it answered."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    agent_id: Annotated[str, Field(min_length=1, max_length=100)]
    prompt: Annotated[str, Field(min_length=1, max_length=20_000)]
    response: Annotated[str, Field(max_length=20_000)]
    source: Annotated[str, Field(min_length=1, max_length=100)] = "api"
    external_id: Name | None = Field(None, description="Your id; sending it again stores nothing twice.")
    conversation_id: Name | None = None
    user_id: Name | None = Field(None, description="Owner of the conversation; without one anyone may rate it.")
    intent: Name | None = None
    intent_confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    context_sources: Annotated[list[Any], Field(max_length=100)] = []
    suggested_actions: Annotated[list[Any], Field(max_length=100)] = []
    response_ms: Annotated[int, Field(ge=0)] | None = None
    error: Annotated[str, Field(max_length=2_000)] | None = None
    adapter_id: UUID | None = Field(None, description="The adapter that answered, if one did.")
    created_at: datetime | None = Field(None, description="With its zone; now when absent.")


class StoredOut(BaseModel):
    id: UUID
    created: bool
    reward_score: float


class BatchIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    interactions: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST)]


class ItemOut(BaseModel):
    """What became of one item, in the order sent: either its id, or why it was not stored."""

    index: int
    id: UUID | None = None
    created: bool = False
    reward_score: float | None = None
    error: str | None = None


class BatchOut(BaseModel):
    created: int
    duplicates: int
    rejected: int
    results: list[ItemOut]


@router.post("", status_code=201, summary="Store one interaction")
def store_one(body: InteractionIn, response: Response) -> StoredOut:
    with process.current().store.write() as session:
        stored = _store(session, body)
    if not stored.created:
        response.status_code = 200
    return stored


@router.post("/batch", summary="Store up to 500 interactions")
def store_batch(body: BatchIn) -> BatchOut:
    items = [_parsed(number, raw) for number, raw in enumerate(body.interactions)]
    with process.current().store.write() as session:
        results = [_item(session, number, item) for number, item in enumerate(items)]
    created = sum(result.created for result in results)
    rejected = sum(result.error is not None for result in results)
    return BatchOut(created=created, duplicates=len(results) - created - rejected, rejected=rejected, results=results)


def _store(session: Session, body: InteractionIn) -> StoredOut:
    if body.created_at is not None and body.created_at.tzinfo is None:
        raise InputRejected("created_at needs its time zone, like 2026-03-01T12:00:00Z; nothing was stored.")
    stored = intake.store_interaction(session, kind=InteractionKind.CHAT, **body.model_dump())
    reward = rewards.update_reward(session, stored.row)
    return StoredOut(id=stored.row.id, created=stored.created, reward_score=reward.value)


def _parsed(number: int, raw: dict[str, Any]) -> InteractionIn | ItemOut:
    try:
        return InteractionIn.model_validate(raw)
    except ValueError as error:
        problems = [{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors()]  # type: ignore[attr-defined]
        return ItemOut(index=number, error=sentence_of(problems))


def _item(session: Session, number: int, item: InteractionIn | ItemOut) -> ItemOut:
    if isinstance(item, ItemOut):
        return item
    try:
        with session.begin_nested():  # a bad item takes nothing of the others with it
            stored = _store(session, item)
    except HoneError as error:
        return ItemOut(index=number, error=str(error))
    return ItemOut(index=number, **stored.model_dump())
