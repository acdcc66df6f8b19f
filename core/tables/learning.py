"""Learning examples, what experts said of them, and feedback on agent executions (rules section 6)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from core.tables.columns import id_field, json_field, one_of, text_field, time_field, updated_field, within
from core.tables.pairs import Side


class ExampleType(StrEnum):
    POSITIVE = "positive"
    NEGATIVE = "negative"
    CORRECTION = "correction"
    DEMONSTRATION = "demonstration"
    EDGE_CASE = "edge_case"
    FAILURE = "failure"
    PREFERENCE = "preference"


class SourceType(StrEnum):
    USER_FEEDBACK = "user_feedback"
    EXPERT_REVIEW = "expert_review"
    AUTOMATED = "automated"
    SYNTHETIC = "synthetic"
    IMPORTED = "imported"


class ReviewStatus(StrEnum):
    PENDING = "pending"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    REJECTED = "rejected"
    NEEDS_REVISION = "needs_revision"


class AgentFeedbackType(StrEnum):
    THUMBS_UP = "thumbs_up"
    THUMBS_DOWN = "thumbs_down"
    STAR_RATING = "star_rating"
    DETAILED_FEEDBACK = "detailed_feedback"
    CORRECTION = "correction"
    REPORT_ISSUE = "report_issue"


class AnnotationType(StrEnum):
    QUALITY_ASSESSMENT = "quality_assessment"
    CORRECTION = "correction"
    EXPLANATION = "explanation"
    CATEGORIZATION = "categorization"
    DIFFICULTY_RATING = "difficulty_rating"


class EmbeddingLabel(StrEnum):
    POSITIVE = "positive"
    NEGATIVE = "negative"
    HARD_NEGATIVE = "hard_negative"


class LearningExample(SQLModel, table=True):
    __tablename__ = "learning_examples"
    __table_args__ = (
        within("preference_strength", 1, 5),
        within("complexity", 1, 5),
        within("quality_score", 0, 1),
        within("confidence_score", 0, 1),
        sa.Index("ix_learning_examples_review_status_created_at", "review_status", "created_at"),
    )

    id: UUID = id_field()
    agent_id: str = Field(max_length=100, index=True)
    example_type: ExampleType = one_of(ExampleType, "example_type")
    input_context: dict[str, Any] = json_field()
    input_text: str | None = text_field(nullable=True)
    original_output: str | None = text_field(nullable=True)
    expected_output: str = text_field()
    output_a: str | None = text_field(nullable=True)
    output_b: str | None = text_field(nullable=True)
    preferred_output: Side | None = one_of(Side, "preferred_output", nullable=True)
    preference_strength: int | None = None
    domain: str | None = Field(default=None, max_length=200)
    task_type: str | None = Field(default=None, max_length=200)
    complexity: int | None = None
    tags: list[Any] = json_field(default_factory=list)
    quality_score: float | None = None
    confidence_score: float | None = None
    source_type: SourceType = one_of(SourceType, "source_type")
    source_interaction_id: UUID | None = Field(default=None, foreign_key="interactions.id", index=True)
    source_feedback_id: UUID | None = Field(default=None, foreign_key="feedback.id", index=True)
    source_agent_feedback_id: UUID | None = Field(default=None, foreign_key="agent_feedback.id", index=True)
    review_status: ReviewStatus = one_of(ReviewStatus, "review_status", default=ReviewStatus.PENDING)
    reviewed_by: str | None = Field(default=None, max_length=200)
    reviewed_at: datetime | None = None
    notes: str | None = text_field(nullable=True)
    times_used_in_training: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    last_used_at: datetime | None = None
    is_active: bool = Field(default=True, sa_column_kwargs={"server_default": sa.true()})
    created_at: datetime = time_field()
    updated_at: datetime = updated_field()


class AgentFeedback(SQLModel, table=True):
    """Feedback on one execution of an agent (rules section 1d)."""

    __tablename__ = "agent_feedback"
    __table_args__ = tuple(
        within(column, 1, 5)
        for column in (
            "rating",
            "accuracy_rating",
            "helpfulness_rating",
            "clarity_rating",
            "completeness_rating",
        )
    )

    id: UUID = id_field()
    execution_id: str = Field(max_length=200, index=True)
    agent_id: str = Field(max_length=100, index=True)
    user_id: str = Field(default="anonymous", max_length=200)
    feedback_type: AgentFeedbackType = one_of(AgentFeedbackType, "feedback_type")
    rating: int | None = None
    accuracy_rating: int | None = None
    helpfulness_rating: int | None = None
    clarity_rating: int | None = None
    completeness_rating: int | None = None
    feedback_text: str | None = text_field(nullable=True)
    correction_text: str | None = text_field(nullable=True)
    issue_categories: list[Any] = json_field(default_factory=list)
    agent_output: str | None = text_field(nullable=True)  # what the agent answered, as the caller sent it
    pii: dict[str, Any] = json_field()  # kind → count of what was redacted
    source: str = Field(default="api", max_length=100)
    raw: dict[str, Any] = json_field()
    interaction_id: UUID | None = Field(default=None, foreign_key="interactions.id", index=True)
    created_at: datetime = time_field()


class ExpertAnnotation(SQLModel, table=True):
    __tablename__ = "expert_annotations"
    __table_args__ = tuple(
        within(column, 0, 1) for column in ("technical_accuracy", "professional_quality", "completeness", "clarity")
    )

    id: UUID = id_field()
    learning_example_id: UUID = Field(foreign_key="learning_examples.id", ondelete="CASCADE", index=True)
    expert_id: str = Field(max_length=200)
    annotation_type: AnnotationType = one_of(AnnotationType, "annotation_type")
    annotation_data: dict[str, Any] = json_field()
    technical_accuracy: float | None = None
    professional_quality: float | None = None
    completeness: float | None = None
    clarity: float | None = None
    notes: str | None = text_field(nullable=True)
    improvement_suggestions: str | None = text_field(nullable=True)
    is_verified: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})
    verified_by: str | None = Field(default=None, max_length=200)
    created_at: datetime = time_field()


class EmbeddingTrainingPair(SQLModel, table=True):
    __tablename__ = "embedding_training_pairs"

    id: UUID = id_field()
    query: str = text_field()
    document: str = text_field()
    label: EmbeddingLabel = one_of(EmbeddingLabel, "label")
    source_feedback_id: UUID | None = Field(default=None, foreign_key="feedback.id", index=True)
    created_at: datetime = time_field()
