"""LoRA adapters: what training made, and whether people let it out."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from core.tables.columns import big_field, id_field, json_field, one_of, text_field, time_field


class AdapterStatus(StrEnum):
    CANDIDATE = "candidate"
    DEPLOYED = "deployed"
    RETIRED = "retired"
    REJECTED = "rejected"


ADAPTER_TRANSITIONS: dict[AdapterStatus, frozenset[AdapterStatus]] = {
    AdapterStatus.CANDIDATE: frozenset({AdapterStatus.DEPLOYED, AdapterStatus.REJECTED}),
    AdapterStatus.DEPLOYED: frozenset({AdapterStatus.RETIRED}),
    AdapterStatus.RETIRED: frozenset({AdapterStatus.DEPLOYED}),  # rolled back to
    AdapterStatus.REJECTED: frozenset(),
}


class Adapter(SQLModel, table=True):
    __tablename__ = "adapters"
    __table_args__ = (sa.UniqueConstraint("agent_id", "version"),)

    id: UUID = id_field()
    run_id: UUID = Field(foreign_key="training_runs.id", unique=True)
    agent_id: str = Field(max_length=100)
    version: int
    base_model: str = Field(max_length=500)
    path: str = Field(max_length=500)  # relative to the home folder
    files: dict[str, Any] = json_field()  # name → {sha256, bytes}
    size_bytes: int = big_field()
    parameters: int = big_field()
    status: AdapterStatus = one_of(AdapterStatus, "status", default=AdapterStatus.CANDIDATE)
    decided_by: str | None = Field(default=None, max_length=200)
    decided_at: datetime | None = None
    notes: str | None = text_field(nullable=True)
    created_at: datetime = time_field()
