"""What an interaction was worth. Chat rewards lie in [0, 1], plan rewards in [-2, 2]; they are never mixed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from core.tables.columns import id_field, json_field, one_of, time_field, updated_field


class RewardScale(StrEnum):
    CHAT = "chat"
    PLAN = "plan"


class Reward(SQLModel, table=True):
    """Explicit replaces implicit when it arrives; both columns are kept. ``value`` is the one in force."""

    __tablename__ = "rewards"
    __table_args__ = (
        sa.UniqueConstraint("interaction_id", "scale"),
        # Covering: distributions, averages and trends are answered from these indexes alone.
        sa.Index("ix_rewards_scale_agent_id_value_created_at", "scale", "agent_id", "value", "created_at"),
        sa.Index("ix_rewards_scale_value_created_at", "scale", "value", "created_at"),
        sa.Index("ix_rewards_scale_created_at_agent_id_value", "scale", "created_at", "agent_id", "value"),
        # Counting what people said, beside what is estimated.
        sa.Index(
            "ix_rewards_explicit",
            "scale",
            "agent_id",
            "explicit",
            sqlite_where=sa.text("explicit IS NOT NULL"),
            postgresql_where=sa.text("explicit IS NOT NULL"),
        ),
        sa.CheckConstraint("scale <> 'chat' OR (value >= 0 AND value <= 1)", name="chat_range"),
        sa.CheckConstraint("scale <> 'plan' OR (value >= -2 AND value <= 2)", name="plan_range"),
    )

    id: UUID = id_field()
    interaction_id: UUID = Field(foreign_key="interactions.id", ondelete="CASCADE")
    agent_id: str = Field(max_length=100)
    scale: RewardScale = one_of(RewardScale, "scale")
    explicit: float | None = None
    implicit: float | None = None
    value: float
    parts: dict[str, Any] = json_field()  # what it was computed from, by name
    created_at: datetime = time_field()  # of the interaction, so that trends follow the conversation
    updated_at: datetime = updated_field()
