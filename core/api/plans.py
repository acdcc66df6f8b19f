"""Plans of dashboard widgets and what people say of them (rules sections 1c and 12)."""

from __future__ import annotations

import hmac
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session
from starlette.responses import JSONResponse

from core.api import process, rate
from core.api.errors import Refused
from core.api.once import Answer, OnceOnly
from core.api.rich_fields import RichFields, store_rich_fields
from core.api.shapes import AgentName, Body, Moment, Name, Share, Source, Text
from core.errors import NotFound
from core.feedback import plan_feedback
from core.tables import Interaction

router = APIRouter(tags=["Plans"])
Milliseconds = Annotated[int, Field(ge=0, le=2**31 - 1)]
Names = Annotated[list[Name], Field(max_length=100)]


class IntentIn(BaseModel):
    """What was understood of the query. Fields beyond the ten are kept."""

    model_config = ConfigDict(extra="allow")

    type: (
        Annotated[str, Field(json_schema_extra={"enum": [kind.value for kind in plan_feedback.IntentType]})] | None
    ) = None
    domains: Names = []
    entities: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    urgency: Name | None = None
    primary_characteristic: Name | None = None
    secondary_characteristics: Names = []
    confidence: Share | None = None
    raw_text: Text | None = None
    parse_method: Name | None = None


class WidgetIn(BaseModel):
    """One widget of the plan. Names outside the catalogue are kept: a judge says what it thinks of them."""

    model_config = ConfigDict(extra="allow")

    scenario: Annotated[str, Field(max_length=100)]
    size: Annotated[str, Field(max_length=40)] | None = None
    relevance: Share | None = None
    why: Annotated[str, Field(max_length=2_000)] | None = None


class PlanIn(Body):
    """One query and the plan it was answered with."""

    query_id: UUID = Field(description="Your id; sending it again stores nothing twice.")
    transcript: Annotated[Text, Field(min_length=1)]
    agent_id: AgentName = plan_feedback.PLANNER
    heading: Annotated[str, Field(max_length=1_000)] = ""
    widgets: Annotated[list[WidgetIn], Field(max_length=100)] = Field(default_factory=list)
    parsed_intent: IntentIn = IntentIn()
    intent_confidence: Share | None = Field(None, description="That of parsed_intent when absent.")
    response: Text | None = Field(None, description="What was said with the plan.")
    processing_ms: Milliseconds | None = None
    data_summary: Any = None
    user_history: Any = None
    fixtures: Any = None
    conversation_id: Name | None = None
    user_id: Name | None = None
    source: Source = "api"
    created_at: Moment | None = Field(None, description="With its zone; now when absent.")


class PlanOut(BaseModel):
    query_id: UUID
    created: bool
    follow_up_type: str | None = Field(description="How the query follows the one before it in the conversation.")


class WidgetInteraction(BaseModel):
    """What a person did with one widget; the index counts from 0."""

    model_config = ConfigDict(extra="forbid")

    widget_index: Annotated[int, Field(ge=0, le=1_000, strict=True)]
    action: Annotated[str, Field(min_length=1, max_length=40)]
    duration_ms: Milliseconds | None = None


class PlanFeedbackIn(RichFields):
    """All but the query id may be left out; what is left out keeps the value it had."""

    query_id: UUID
    rating: Literal["up", "down"] | None = None
    interactions: Annotated[list[WidgetInteraction], Field(max_length=plan_feedback.MOST_INTERACTIONS)] | None = None
    correction: Annotated[str, Field(max_length=plan_feedback.CORRECTION_LIMIT)] | None = None


class PlanFeedbackOut(BaseModel):
    status: Literal["ok", "not_found"]
    updated: bool


@router.post("/v1/plans", status_code=201, response_model=PlanOut, summary="Store one plan")
def store_plan(body: PlanIn, once: OnceOnly) -> JSONResponse:
    read = plan_feedback.read_plan(**_plan(body))

    def act(session: Session) -> Answer:
        stored = plan_feedback.add_plan(session, read)
        follow_up = stored.row.raw.get(plan_feedback.FOLLOW_UP) or {}
        shown = PlanOut(query_id=stored.row.id, created=stored.created, follow_up_type=follow_up.get("type"))
        return Answer(shown, 201 if stored.created else 200)

    return once.run(act)


def feedback_key(x_feedback_key: Annotated[str, Header()] = "") -> None:
    """Raises Refused (403) unless the request brings the key, where one is set."""
    wanted = process.current().settings.feedback_key.get_secret_value()
    if wanted and not hmac.compare_digest(wanted.encode(), x_feedback_key.encode()):
        raise Refused(403, "Send the key as `X-Feedback-Key`; nothing was stored.")


_DOOR = [Depends(rate.plan_feedback), Depends(feedback_key)]


@router.post("/layer2/feedback", dependencies=_DOOR, include_in_schema=False)
@router.post(
    "/layer2/feedback/",
    response_model=PlanFeedbackOut,
    dependencies=_DOOR,
    summary="Say what a person, or a judge, thought of a plan",
)
def give_plan_feedback(
    body: PlanFeedbackIn, once: OnceOnly, x_user_id: Annotated[str | None, Header(max_length=200)] = None
) -> JSONResponse:
    told = body.told()
    try:
        return once.run(lambda session: _give(session, body, told, x_user_id))
    except NotFound:
        return JSONResponse(PlanFeedbackOut(status="not_found", updated=False).model_dump(), status_code=404)


def _plan(body: PlanIn) -> dict[str, Any]:
    kept = {"data_summary", "user_history", "fixtures"}
    values = body.model_dump(exclude=kept | {"parsed_intent", "widgets"})
    return values | {
        "parsed_intent": body.parsed_intent.model_dump(exclude_none=True),
        "widgets": [widget.model_dump(exclude_none=True) for widget in body.widgets],
        "raw": body.model_dump(include=kept, exclude_none=True),
    }


def _give(session: Session, body: PlanFeedbackIn, told: dict[str, Any], user_id: str | None) -> Answer:
    said = plan_feedback.store_plan_feedback(
        session,
        body.query_id,
        rating=body.rating,
        interactions=[one.model_dump(exclude_none=True) for one in body.interactions or ()],
        correction=body.correction,
        user_id=user_id,
    )
    if told:
        store_rich_fields(session, session.get_one(Interaction, body.query_id), told, rating=said.rating)
    return Answer(PlanFeedbackOut(status="ok", updated=True))
