"""Feedback on executions of agents, and its numbers (rules sections 1d and 12). A bad body answers 422 here."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query
from pydantic import BaseModel, Field
from sqlmodel import Session, col, select
from starlette.responses import JSONResponse

from core.api import process
from core.api.once import Answer, OnceOnly
from core.api.shapes import AgentName, AgentQuery, Body, Moment, Name, Source, Stars, Text
from core.feedback import agent_feedback
from core.feedback.stored import ANONYMOUS
from core.tables import AgentFeedbackType, LearningExample

router = APIRouter(prefix="/learning", tags=["Learning"])


class AgentFeedbackIn(Body):
    """What somebody says of one execution of an agent. A thumb without a rating counts as 5 or 1."""

    execution_id: Annotated[Name, Field(min_length=1)]
    agent_id: AgentName
    feedback_type: Annotated[
        str, Field(max_length=200, json_schema_extra={"enum": [kind.value for kind in AgentFeedbackType]})
    ]
    user_id: Name | None = None
    rating: Stars | None = None
    accuracy_rating: Stars | None = None
    helpfulness_rating: Stars | None = None
    clarity_rating: Stars | None = None
    completeness_rating: Stars | None = None
    feedback_text: Text | None = None
    correction_text: Text | None = Field(None, description="What the output should have been; makes one example.")
    issue_categories: Annotated[list[Name], Field(max_length=20)] | None = Field(
        None, description=f"Some of {', '.join(agent_feedback.ISSUES)}."
    )
    agent_input: Text | None = Field(None, description="What the agent was asked.")
    agent_output: Text | None = Field(None, description="What the agent answered.")
    interaction_id: UUID | None = Field(None, description="The interaction this is about, in place of the two above.")
    source: Source = "api"
    created_at: Moment | None = Field(None, description="With its zone; now when absent.")


class AgentFeedbackOut(BaseModel):
    feedback_id: UUID
    created: bool
    execution_id: str
    feedback_type: str
    rating: int | None
    learning_example_id: UUID | None = Field(description="The pending example a correction made.")
    created_at: datetime


class StatsOut(BaseModel):
    """``avg_rating`` is null when nothing was rated; ``corrections`` counts feedback of that type."""

    agent_id: str | None
    days: int
    total_feedback: int
    avg_rating: float | None
    thumbs_up: int
    thumbs_down: int
    corrections: int


@router.post("/feedback", status_code=201, response_model=AgentFeedbackOut, summary="Say what an execution was worth")
def give_feedback(
    body: AgentFeedbackIn, once: OnceOnly, x_user_id: Annotated[str | None, Header(max_length=200)] = None
) -> JSONResponse:
    values = body.model_dump() | {"user_id": body.user_id or x_user_id or ANONYMOUS}
    read = agent_feedback.read_agent_feedback(**values)

    def act(session: Session) -> Answer:
        stored = agent_feedback.add_agent_feedback(session, read)
        row = stored.row
        example = session.exec(
            select(LearningExample.id).where(col(LearningExample.source_agent_feedback_id) == row.id)
        ).first()
        shown = AgentFeedbackOut(
            feedback_id=row.id,
            created=stored.created,
            execution_id=row.execution_id,
            feedback_type=row.feedback_type.value,
            rating=row.rating,
            learning_example_id=example,
            created_at=row.created_at,
        )
        return Answer(shown, 201 if stored.created else 200)

    return once.run(act)


@router.get("/feedback/stats", summary="Feedback on executions in numbers")
def stats(
    agent_id: AgentQuery | None = None,
    days: Annotated[int, Query(ge=1, le=3_650)] = agent_feedback.DAYS,
) -> StatsOut:
    with process.current().store.read() as session:
        found = agent_feedback.agent_feedback_stats(session, agent_id=agent_id, days=days)
    return StatsOut(agent_id=agent_id, days=days, **vars(found))
