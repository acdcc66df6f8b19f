"""Interactions of an agent: one at a time, or up to 500 at once with a result for each.

Sending the same ``external_id`` of a ``source`` again changes nothing and says ``created: false``. Each accepted
interaction gets its reward in the same transaction. A batch stores its good items and names the bad ones.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, select
from starlette.responses import JSONResponse

from core.api import batch, process
from core.api.once import Answer, OnceOnly
from core.api.shapes import AgentName, Body, Moment, Name, Share, Source, Text, row_id
from core.errors import NotFound
from core.feedback import intake
from core.rewards import chat as rewards
from core.tables import Interaction, InteractionKind, Plan, Reward

router = APIRouter(prefix="/v1/interactions", tags=["Interactions"])


class InteractionIn(Body):
    """One question to an agent and what it answered."""

    agent_id: AgentName
    prompt: Annotated[Text, Field(min_length=1)]
    response: Text
    source: Source = "api"
    external_id: Name | None = Field(None, description="Your id; sending it again stores nothing twice.")
    conversation_id: Name | None = None
    user_id: Name | None = Field(None, description="Owner of the conversation; without one anyone may rate it.")
    intent: Name | None = None
    intent_confidence: Share | None = None
    context_sources: Annotated[list[Any], Field(max_length=100)] = Field(default_factory=list)
    suggested_actions: Annotated[list[Any], Field(max_length=100)] = Field(default_factory=list)
    response_ms: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    error: Annotated[str, Field(max_length=2_000)] | None = None
    adapter_id: UUID | None = Field(None, description="The adapter that answered, if one did.")
    created_at: Moment | None = Field(None, description="With its zone; now when absent.")


class StoredOut(BaseModel):
    id: UUID
    created: bool
    reward_score: float


class BatchIn(batch.Batch):
    interactions: batch.Items = Field(description="Each as in the route for one.")


class ItemOut(BaseModel):
    """What became of one item, in the order sent: either its id, or why it was not stored."""

    index: int
    id: UUID | None = None
    created: bool = False
    reward_score: float | None = None
    error: str | None = None


class BatchOut(batch.Counted):
    results: list[ItemOut]


class PlanOut(BaseModel):
    """The plan an interaction of kind ``plan`` answered with."""

    model_config = ConfigDict(from_attributes=True)

    heading: str
    widgets: list[Any]
    parsed_intent: dict[str, Any]


class InteractionOut(BaseModel):
    """An interaction as it is stored: cleaned, and without personal data."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    agent_id: str
    kind: str
    prompt: str
    response: str
    source: str
    external_id: str | None
    conversation_id: str | None
    user_id: str | None
    intent: str | None
    intent_confidence: float | None
    context_sources: list[Any]
    suggested_actions: list[Any]
    response_ms: int | None
    error: str | None
    adapter_id: UUID | None
    created_at: datetime
    reward_score: float | None = Field(None, description="On the scale of its kind; null when there is none.")
    plan: PlanOut | None = None


@router.post("", status_code=201, response_model=StoredOut, summary="Store one interaction")
def store_one(body: InteractionIn, once: OnceOnly) -> JSONResponse:
    read = _read(body)

    def act(session: Session) -> Answer:
        stored = _add(session, read)
        return Answer(stored, 201 if stored.created else 200)

    return once.run(act)


@router.post("/batch", response_model=BatchOut, summary="Store up to 500 interactions")
def store_batch(body: BatchIn, once: OnceOnly) -> JSONResponse:
    items = batch.read(InteractionIn, body.interactions, _read)

    def act(session: Session) -> Answer:
        found = batch.stored(session, items, _add)
        return Answer(BatchOut(**batch.counts(found), results=[_item(n, one) for n, one in enumerate(found)]))

    return once.run(act)


@router.get("/{interaction_id}", summary="Read one interaction back")
def read_one(interaction_id: str) -> InteractionOut:
    key = row_id(interaction_id, "Interaction")
    with process.current().store.read() as session:
        row = session.get(Interaction, key)
        if row is None:
            raise NotFound("Interaction", key)
        plan = session.get(Plan, key)
        reward = session.exec(select(Reward.value).where(Reward.interaction_id == key)).first()
    shown = InteractionOut.model_validate(row)
    return shown.model_copy(
        update={"reward_score": reward, "plan": PlanOut.model_validate(plan) if plan is not None else None}
    )


def _read(body: InteractionIn) -> intake.InteractionRead:
    return intake.read_interaction(kind=InteractionKind.CHAT, **body.model_dump())


def _add(session: Session, read: intake.InteractionRead) -> StoredOut:
    stored = intake.add_interaction(session, read)
    if stored.row.kind == InteractionKind.PLAN:  # the same external id was sent as a plan before
        return StoredOut(id=stored.row.id, created=False, reward_score=0.0)
    reward = rewards.update_reward(session, stored.row)
    return StoredOut(id=stored.row.id, created=stored.created, reward_score=reward.value)


def _item(number: int, found: StoredOut | batch.Bad) -> ItemOut:
    if isinstance(found, batch.Bad):
        return ItemOut(index=number, error=found.error)
    return ItemOut(index=number, **found.model_dump())
