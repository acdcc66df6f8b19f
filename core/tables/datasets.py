"""Frozen training material. A frozen dataset never changes; its rows are copies, so nothing else can change it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from core.tables.columns import id_field, json_field, one_of, text_field, time_field, updated_field, within


class DatasetStatus(StrEnum):
    DRAFT = "draft"
    COLLECTING = "collecting"
    PROCESSING = "processing"
    READY = "ready"
    IN_USE = "in_use"
    ARCHIVED = "archived"


DATASET_TRANSITIONS: dict[DatasetStatus, frozenset[DatasetStatus]] = {
    DatasetStatus.DRAFT: frozenset({DatasetStatus.COLLECTING, DatasetStatus.ARCHIVED}),
    DatasetStatus.COLLECTING: frozenset({DatasetStatus.PROCESSING, DatasetStatus.READY, DatasetStatus.ARCHIVED}),
    DatasetStatus.PROCESSING: frozenset({DatasetStatus.READY, DatasetStatus.ARCHIVED}),
    DatasetStatus.READY: frozenset({DatasetStatus.IN_USE, DatasetStatus.ARCHIVED}),
    DatasetStatus.IN_USE: frozenset({DatasetStatus.READY, DatasetStatus.ARCHIVED}),
    DatasetStatus.ARCHIVED: frozenset(),
}


class DatasetKind(StrEnum):
    PAIRS = "pairs"
    EXAMPLES = "examples"


class Split(StrEnum):
    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class TrainingDataset(SQLModel, table=True):
    __tablename__ = "training_datasets"
    __table_args__ = (within("avg_quality_score", 0, 1), within("human_verified_percentage", 0, 100))

    id: UUID = id_field()
    name: str = Field(max_length=300)
    description: str | None = text_field(nullable=True)
    version: str = Field(default="1.0", max_length=40)
    kind: DatasetKind = one_of(DatasetKind, "kind", default=DatasetKind.PAIRS)
    agent_ids: list[Any] = json_field(default_factory=list)
    domains: list[Any] = json_field(default_factory=list)
    task_types: list[Any] = json_field(default_factory=list)
    total_examples: int = 0
    positive_examples: int = 0
    negative_examples: int = 0
    correction_examples: int = 0
    avg_quality_score: float | None = None
    human_verified_percentage: float | None = None
    recipe: dict[str, Any] = json_field()  # filters, seed and split shares it was frozen with
    content_hash: str | None = Field(default=None, max_length=64)  # sha256 of its rows in order
    frozen_by: str | None = Field(default=None, max_length=200)
    frozen_at: datetime | None = None
    status: DatasetStatus = one_of(DatasetStatus, "status", default=DatasetStatus.DRAFT)
    created_at: datetime = time_field()
    updated_at: datetime = updated_field()


class DatasetExample(SQLModel, table=True):
    __tablename__ = "dataset_examples"
    __table_args__ = (sa.UniqueConstraint("dataset_id", "example_id"),)

    id: UUID = id_field()
    dataset_id: UUID = Field(foreign_key="training_datasets.id", ondelete="CASCADE")
    example_id: UUID = Field(foreign_key="learning_examples.id", ondelete="CASCADE", index=True)
    split: Split = one_of(Split, "split", default=Split.TRAIN)
    weight: float = Field(default=1.0, sa_column_kwargs={"server_default": "1.0"})
    created_at: datetime = time_field()


class DatasetPair(SQLModel, table=True):
    """One pair as it was when the dataset was frozen."""

    __tablename__ = "dataset_pairs"
    __table_args__ = (
        sa.UniqueConstraint("dataset_id", "pair_id"),
        sa.Index("ix_dataset_pairs_dataset_id_position", "dataset_id", "position", unique=True),
    )

    id: UUID = id_field()
    dataset_id: UUID = Field(foreign_key="training_datasets.id", ondelete="CASCADE")
    pair_id: UUID = Field(foreign_key="preference_pairs.id", index=True)
    position: int
    split: Split = one_of(Split, "split", default=Split.TRAIN)
    prompt_group: str = Field(max_length=200)
    messages: list[Any] = json_field(default_factory=list)  # [{role, content}], ends with the user's turn
    chosen: str = text_field()
    rejected: str = text_field()
    created_at: datetime = time_field()
