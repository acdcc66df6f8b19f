"""Two arms compared on live traffic (rules sections 6 and 10)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from core.tables.columns import id_field, json_field, one_of, text_field, time_field, within


class ExperimentStatus(StrEnum):
    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class ExperimentDecision(StrEnum):
    ADOPT_TREATMENT = "adopt_treatment"
    KEEP_CONTROL = "keep_control"
    INCONCLUSIVE = "inconclusive"
    ROLLBACK = "rollback"


class LearningExperiment(SQLModel, table=True):
    __tablename__ = "learning_experiments"
    __table_args__ = (
        within("control_percentage", 0, 100),
        within("treatment_percentage", 0, 100),
        sa.CheckConstraint("control_percentage + treatment_percentage = 100", name="shares_sum"),
    )

    id: UUID = id_field()
    name: str = Field(default="", max_length=300)
    agent_id: str = Field(max_length=100, index=True)
    hypothesis: str = text_field(default="")
    control_adapter_id: UUID | None = Field(default=None, foreign_key="adapters.id", index=True)  # None: the base
    treatment_adapter_id: UUID | None = Field(default=None, foreign_key="adapters.id", index=True)
    control_config: dict[str, Any] = json_field()
    treatment_config: dict[str, Any] = json_field()
    control_percentage: float = Field(default=50, sa_column_kwargs={"server_default": "50"})
    treatment_percentage: float = Field(default=50, sa_column_kwargs={"server_default": "50"})
    status: ExperimentStatus = one_of(ExperimentStatus, "status", default=ExperimentStatus.DRAFT)
    min_duration_hours: int = Field(default=168, sa_column_kwargs={"server_default": "168"})
    min_sample_size: int = Field(default=1000, sa_column_kwargs={"server_default": "1000"})
    control_samples: int = 0
    treatment_samples: int = 0
    control_metrics: dict[str, Any] = json_field()
    treatment_metrics: dict[str, Any] = json_field()
    statistical_significance: float | None = None
    winner: str | None = Field(default=None, max_length=40)
    decision: ExperimentDecision | None = one_of(ExperimentDecision, "decision", nullable=True)
    started_at: datetime | None = None
    completed_at: datetime | None = None
    created_at: datetime = time_field()
