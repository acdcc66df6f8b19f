"""The rewards of the chat scale in five numbers, of one agent or of all (rules section 13)."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from core.api import process
from core.api.shapes import AgentQuery
from core.rewards import distribution

router = APIRouter(prefix="/v1", tags=["Statistics"])


class StatisticsOut(BaseModel):
    """``avg_reward`` is 0.0 when nothing is rated; unrated interactions are counted, not averaged."""

    enabled: bool
    total_interactions: int
    rated: int
    avg_reward: float
    min_reward: float
    max_reward: float


@router.get("/statistics", summary="Reward statistics")
def statistics(agent_id: AgentQuery | None = None) -> StatisticsOut:
    with process.current().store.read() as session:
        found = distribution.statistics(session, agent_id=agent_id)
    return StatisticsOut.model_validate(found, from_attributes=True)
