"""What a judge said of an answer or a plan, with everything needed to doubt it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from core.tables.columns import id_field, json_field, one_of, text_field, time_field, within
from core.tables.feedback import InteractionKind


class Rating(StrEnum):
    UP = "up"
    DOWN = "down"


class PairChoice(StrEnum):
    A = "A"
    B = "B"
    TIE = "tie"


class Evaluation(SQLModel, table=True):
    """One verdict (rules section 5). Either scored, or ``unscored_reason`` says why not; never a guess."""

    __tablename__ = "evaluations"
    __table_args__ = (
        sa.UniqueConstraint("interaction_id", "judge", "prompt_version", "repeat_index"),
        sa.CheckConstraint("(overall_rating IS NULL) = (unscored_reason IS NOT NULL)", name="scored_or_reason"),
        sa.Index("ix_evaluations_judge_overall_rating_created_at", "judge", "overall_rating", "created_at"),
        sa.Index("ix_evaluations_judge_created_at", "judge", "created_at"),
        sa.Index("ix_evaluations_overall_rating_created_at", "overall_rating", "created_at"),
        sa.Index("ix_evaluations_kind_created_at", "kind", "created_at"),
        # Counting the interactions one judge has judged.
        sa.Index("ix_evaluations_judge_prompt_version_interaction_id", "judge", "prompt_version", "interaction_id"),
        within("confidence", 0, 1),
        within("score", 0, 1),
    )

    id: UUID = id_field()
    interaction_id: UUID = Field(foreign_key="interactions.id", ondelete="CASCADE")
    agent_id: str = Field(max_length=100)
    kind: InteractionKind = one_of(InteractionKind, "kind", default=InteractionKind.CHAT)  # of the interaction
    judge: str = Field(max_length=100)  # the judge model's id; "rule-based" for the offline one
    prompt_version: str = Field(max_length=40)
    prompt_hash: str = Field(max_length=64)
    presentation_order: str | None = Field(default=None, max_length=2)
    repeat_index: int = 0
    overall_rating: Rating | None = one_of(Rating, "overall_rating", nullable=True)
    unscored_reason: str | None = Field(default=None, max_length=200)
    score: float | None = None  # mean of the parts' appropriateness
    confidence: float | None = None
    reasoning: str = text_field(default="")
    query_understanding: str = text_field(default="")
    parts: list[Any] = json_field(
        default_factory=list
    )  # widget_feedback of a plan, parts of a chat answer; indices 0-based
    missing: list[Any] = json_field(default_factory=list)
    suggested_improvements: list[Any] = json_field(default_factory=list)
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_usd: float | None = None
    latency_ms: float | None = None
    request_id: str | None = Field(default=None, max_length=200)
    raw_answer: str | None = text_field(nullable=True)
    created_at: datetime = time_field(index=True)


class PairEvaluation(SQLModel, table=True):
    """What one judge said of a pair's two answers, in one order of showing them."""

    __tablename__ = "pair_evaluations"
    __table_args__ = (
        sa.UniqueConstraint(
            "pair_id", "judge", "prompt_version", "presentation_order", "repeat_index", name="uq_pair_evaluations_once"
        ),
        sa.CheckConstraint("(choice IS NULL) = (unscored_reason IS NOT NULL)", name="chosen_or_reason"),
        sa.Index("ix_pair_evaluations_judge_prompt_version", "judge", "prompt_version"),
        within("confidence", 0, 1),
    )

    id: UUID = id_field()
    pair_id: UUID = Field(foreign_key="preference_pairs.id", ondelete="CASCADE")
    judge: str = Field(max_length=100)
    prompt_version: str = Field(max_length=40)
    prompt_hash: str = Field(default="", max_length=64)
    presentation_order: str = Field(default="AB", max_length=2)  # which side was shown first
    repeat_index: int = 0
    choice: PairChoice | None = one_of(PairChoice, "choice", nullable=True)  # by the pair's sides, whatever the order
    unscored_reason: str | None = Field(default=None, max_length=200)
    confidence: float | None = None
    score_a: float | None = None  # when the judge rated both; on its own scale
    score_b: float | None = None
    reasoning: str = text_field(default="")
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_usd: float | None = None
    latency_ms: float | None = None
    request_id: str | None = Field(default=None, max_length=200)
    raw_answer: str | None = text_field(nullable=True)
    import_id: UUID | None = Field(default=None, foreign_key="imports.id", index=True)
    created_at: datetime = time_field(index=True)


class EvaluationReview(SQLModel, table=True):
    """Whether a person agrees with a verdict; the latest of each person counts."""

    __tablename__ = "evaluation_reviews"
    __table_args__ = (sa.UniqueConstraint("evaluation_id", "reviewer"),)

    id: UUID = id_field()
    evaluation_id: UUID = Field(foreign_key="evaluations.id", ondelete="CASCADE")
    reviewer: str = Field(max_length=200)
    agrees: bool
    created_at: datetime = time_field()
