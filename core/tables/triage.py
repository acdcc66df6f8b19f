"""What a piece of feedback is about, how bad it is, and what a person said of that reading."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from core.tables.columns import id_field, json_field, one_of, text_field, time_field, within


class Category(StrEnum):
    WEBSITE_BUG = "website-bug"
    FRAMEWORK_ISSUE = "framework-issue"
    CONTENT_GAP = "content-gap"
    FEATURE_REQUEST = "feature-request"
    POSITIVE = "positive"
    NOISE = "noise"


class Severity(StrEnum):
    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class TriageQueue(StrEnum):
    REVIEW = "review"
    HOSTILE = "hostile"
    COMMERCIAL = "commercial"


class TriageStatus(StrEnum):
    OPEN = "open"
    DONE = "done"


TRIAGE_TRANSITIONS: dict[TriageStatus, frozenset[TriageStatus]] = {
    TriageStatus.OPEN: frozenset({TriageStatus.DONE}),
    TriageStatus.DONE: frozenset({TriageStatus.OPEN}),  # undo
}


class TriageResult(SQLModel, table=True):
    """One analyzer's reading of one piece of feedback. A person's verdict stands beside it, never over it."""

    __tablename__ = "triage_results"
    __table_args__ = (
        sa.UniqueConstraint("feedback_id", "analyzer", "analyzer_version"),
        sa.Index("ix_triage_results_status_queue_priority_said_at", "status", "queue", "priority", "said_at"),
        sa.Index("ix_triage_results_status_priority_said_at", "status", "priority", "said_at"),
        sa.Index("ix_triage_results_analyzer_analyzer_version", "analyzer", "analyzer_version"),  # what is read
        within("confidence", 0, 1),
        within("priority", 0, 10),
    )

    id: UUID = id_field()
    feedback_id: UUID = Field(foreign_key="feedback.id", ondelete="CASCADE")
    category: Category = one_of(Category, "category")
    severity: Severity = one_of(Severity, "severity")
    suggested_action: str = text_field()
    priority: float
    confidence: float
    reasoning: str = text_field()
    signals: list[Any] = json_field(default_factory=list)  # the words and fields the reading rests on
    queue: TriageQueue = one_of(TriageQueue, "queue", default=TriageQueue.REVIEW)
    needs_review: bool = False
    status: TriageStatus = one_of(TriageStatus, "status", default=TriageStatus.OPEN)
    analyzer: str = Field(max_length=100)
    analyzer_version: str = Field(max_length=40)
    version: int = 0  # grows with every verdict; an action carries the one it saw
    said_at: datetime = time_field()  # when the feedback was given: the inbox sorts by it from its own index
    created_at: datetime = time_field(index=True)


class TriageVerdict(SQLModel, table=True):
    """What a person decided. A later verdict supersedes the earlier; taking one back is a row of its own."""

    __tablename__ = "triage_verdicts"
    __table_args__ = (
        sa.Index(
            "uq_triage_verdicts_current",
            "result_id",
            unique=True,
            sqlite_where=sa.text("is_current"),
            postgresql_where=sa.text("is_current"),
        ),
    )

    id: UUID = id_field()
    result_id: UUID = Field(foreign_key="triage_results.id", ondelete="CASCADE")
    category: Category = one_of(Category, "category")
    severity: Severity = one_of(Severity, "severity")
    agrees: bool  # with the analyzer's category
    decided_by: str = Field(max_length=200)
    undoes: UUID | None = Field(default=None, foreign_key="triage_verdicts.id", ondelete="CASCADE")
    is_current: bool = True
    created_at: datetime = time_field(index=True)
