"""Freezing over HTTP: what a freeze would take now, and the freeze itself."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session
from starlette.responses import JSONResponse

from core.api import process
from core.api.once import Answer, OnceOnly
from core.api.shapes import AgentName, Body, Name, row_id
from core.datasets import freeze, table
from core.tables import TrainingDataset

router = APIRouter(prefix="/v1/datasets", tags=["Datasets"])


class FreezeIn(Body):
    agent_id: AgentName
    name: Name | None = Field(None, description="Made from agent and day when absent.")
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = freeze.SEED
    frozen_by: Name = "api"


class DatasetOut(BaseModel):
    """``content_hash`` is the sha256 of its rows in order: the same pairs and seed give the same."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    version: str
    status: str
    total_examples: int
    content_hash: str | None
    frozen_by: str | None
    frozen_at: datetime | None


class DatasetsOut(BaseModel):
    total: int
    datasets: list[DatasetOut]


@router.post("", status_code=201, response_model=DatasetOut, summary="Freeze an agent's accepted pairs")
def freeze_pairs(body: FreezeIn, once: OnceOnly) -> JSONResponse:
    def act(session: Session) -> Answer:
        made = freeze.freeze(session, agent_id=body.agent_id, frozen_by=body.frozen_by, name=body.name, seed=body.seed)
        return Answer(DatasetOut.model_validate(made), 201)

    return once.run(act)


@router.get("", summary="List frozen datasets, the newest first")
def list_datasets(
    agent_id: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> DatasetsOut:
    with process.current().store.read() as session:
        found = table.listing(session, agent_id=agent_id, limit=limit, offset=offset)
        return DatasetsOut(
            total=table.matching(session, agent_id=agent_id),
            datasets=[DatasetOut.model_validate(one) for one in found],
        )


@router.get("/{dataset_id}", summary="Read one dataset")
def read_one(dataset_id: str) -> DatasetOut:
    key = row_id(dataset_id, "Dataset")
    with process.current().store.read() as session:
        row: TrainingDataset = freeze.existing(session, key)
    return DatasetOut.model_validate(row)
