"""What came in: interactions of an agent, and what people said about them or about the product."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from core.tables.columns import big_field, id_field, json_field, one_of, text_field, time_field, within


class InteractionKind(StrEnum):
    CHAT = "chat"
    PLAN = "plan"
    EXECUTION = "execution"


class FeedbackKind(StrEnum):
    SITE_FORM = "site_form"
    CHAT_MESSAGE = "chat_message"
    PLAN = "plan"


class FormType(StrEnum):
    BUG = "bug"
    TECHNICAL_QUESTION = "technical_question"
    FEATURE = "feature"
    GENERAL = "general"
    RESEARCH = "research"
    COMMERCIAL = "commercial"


class MessageFeedbackType(StrEnum):
    THUMBS_UP = "thumbs_up"
    THUMBS_DOWN = "thumbs_down"
    RATING_1 = "rating_1"
    RATING_2 = "rating_2"
    RATING_3 = "rating_3"
    RATING_4 = "rating_4"
    RATING_5 = "rating_5"
    REGENERATE = "regenerate"
    COPY = "copy"
    FOLLOW_UP = "follow_up"


class Interaction(SQLModel, table=True):
    """One question to an agent and its answer. ``adapter_id`` says which adapter, if any, gave the answer."""

    __tablename__ = "interactions"
    __table_args__ = (
        sa.UniqueConstraint("source", "external_id"),
        sa.Index("ix_interactions_agent_id_prompt_key", "agent_id", "prompt_key"),
        sa.Index("ix_interactions_kind_agent_id", "kind", "agent_id"),  # counting by scale
        within("intent_confidence", 0, 1),
    )

    id: UUID = id_field()
    agent_id: str = Field(max_length=100)
    kind: InteractionKind = one_of(InteractionKind, "kind", default=InteractionKind.CHAT)
    conversation_id: str | None = Field(default=None, max_length=200, index=True)
    user_id: str | None = Field(default=None, max_length=200)  # the conversation's owner; None accepts anyone
    prompt: str = text_field()
    response: str = text_field()
    prompt_key: str = Field(max_length=64)  # sha256 of the normalised prompt: answers to one prompt share it
    prompt_group: str | None = Field(default=None, max_length=200)  # prompts that must not be split apart
    intent: str | None = Field(default=None, max_length=200)
    intent_confidence: float | None = None
    context_sources: list[Any] = json_field(default_factory=list)
    suggested_actions: list[Any] = json_field(default_factory=list)
    response_ms: int | None = None
    error: str | None = text_field(nullable=True)
    adapter_id: UUID | None = Field(default=None, foreign_key="adapters.id", index=True)
    pii: dict[str, Any] = json_field()  # kind → count of what was redacted
    source: str = Field(max_length=100)
    external_id: str | None = Field(default=None, max_length=200)
    import_id: UUID | None = Field(default=None, foreign_key="imports.id", index=True)
    raw: dict[str, Any] = json_field()
    created_at: datetime = time_field(index=True)


class Plan(SQLModel, table=True):
    """The dashboard plan an interaction of kind ``plan`` answered with (rules section 1c)."""

    __tablename__ = "plans"

    interaction_id: UUID = Field(primary_key=True, foreign_key="interactions.id", ondelete="CASCADE")
    heading: str = text_field(default="")
    widgets: list[Any] = json_field(default_factory=list)  # [{scenario, size, relevance, why}]
    parsed_intent: dict[str, Any] = json_field()
    created_at: datetime = time_field()


class Feedback(SQLModel, table=True):
    """One thing somebody said. Chat feedback keeps its history; ``is_current`` marks the one that counts."""

    __tablename__ = "feedback"
    __table_args__ = (
        sa.Index(
            "uq_feedback_current_message",
            "interaction_id",
            "user_id",
            unique=True,
            sqlite_where=sa.text("is_current AND kind = 'chat_message'"),
            postgresql_where=sa.text("is_current AND kind = 'chat_message'"),
        ),
        sa.Index(
            "uq_feedback_current_plan",
            "interaction_id",
            "user_id",
            unique=True,
            sqlite_where=sa.text("is_current AND kind = 'plan'"),
            postgresql_where=sa.text("is_current AND kind = 'plan'"),
        ),
        # is_current last: totals by kind are answered from this index alone.
        sa.Index("ix_feedback_kind_created_at_is_current", "kind", "created_at", "is_current"),
        # The few that are left out and the many that count: both are counted without touching the rows.
        sa.Index(
            "ix_feedback_superseded",
            "is_current",  # constant here, and what makes a planner without statistics choose this index
            "created_at",
            sqlite_where=sa.text("is_current = 0"),
            postgresql_where=sa.text("is_current = false"),
        ),
        sa.Index(
            "ix_feedback_with_comment",
            "kind",
            sqlite_where=sa.text("comment IS NOT NULL AND is_current = 1"),
            postgresql_where=sa.text("comment IS NOT NULL AND is_current = true"),
        ),
        within("rating", 1, 5),
    )

    id: UUID = id_field()
    kind: FeedbackKind = one_of(FeedbackKind, "kind")
    agent_id: str = Field(max_length=100, index=True)
    interaction_id: UUID | None = Field(default=None, foreign_key="interactions.id", ondelete="CASCADE", index=True)
    user_id: str = Field(default="anonymous", max_length=200)
    form_type: FormType | None = one_of(FormType, "form_type", nullable=True)
    feedback_type: MessageFeedbackType | None = one_of(MessageFeedbackType, "feedback_type", nullable=True)
    rating: int | None = None
    comment: str | None = text_field(nullable=True)
    correction: str | None = text_field(nullable=True)
    helpful: bool | None = None
    accurate: bool | None = None
    complete: bool | None = None
    widget_interactions: list[Any] | None = json_field(
        nullable=True
    )  # of a plan: [{widget_index, action, duration_ms}]
    is_current: bool = Field(default=True, sa_column_kwargs={"server_default": sa.true()})
    page: dict[str, Any] = json_field()  # where on the site it was written
    pii: dict[str, Any] = json_field()  # kind → count of what was redacted
    source: str = Field(max_length=100)
    dedupe_key: str | None = Field(default=None, max_length=64, unique=True)
    import_id: UUID | None = Field(default=None, foreign_key="imports.id", index=True)
    raw: dict[str, Any] = json_field()
    created_at: datetime = time_field(index=True)


class ImportStatus(StrEnum):
    READING = "reading"  # its rows are being read into the staging tables
    CHECKED = "checked"  # all read, none visible: a person may publish it or give it up
    PUBLISHED = "published"
    FAILED = "failed"
    CANCELLED = "cancelled"


IMPORT_TRANSITIONS: dict[ImportStatus, frozenset[ImportStatus]] = {
    ImportStatus.READING: frozenset({ImportStatus.CHECKED, ImportStatus.FAILED, ImportStatus.CANCELLED}),
    ImportStatus.CHECKED: frozenset({ImportStatus.PUBLISHED, ImportStatus.FAILED, ImportStatus.CANCELLED}),
    ImportStatus.FAILED: frozenset({ImportStatus.READING}),  # tried again
    ImportStatus.PUBLISHED: frozenset(),
    ImportStatus.CANCELLED: frozenset(),
}


class Import(SQLModel, table=True):
    """One file that was read, with what became of its rows. They are there once it is published, all or none."""

    __tablename__ = "imports"
    __table_args__ = (sa.Index("ix_imports_columns_key_created_at", "columns_key", "created_at"),)

    id: UUID = id_field()
    filename: str = Field(max_length=300)
    sha256: str = Field(max_length=64, index=True)
    size_bytes: int = big_field(default=0)
    format: str = Field(max_length=40)
    kind: str = Field(default="", max_length=40)  # what its rows are
    agent_id: str = Field(default="imported", max_length=100)
    columns_key: str | None = Field(
        default=None, max_length=64
    )  # files with the same columns: their mapping is recalled
    mapping: dict[str, Any] = json_field()
    status: ImportStatus = one_of(ImportStatus, "status", default=ImportStatus.READING)
    dry_run: bool = False  # stop when checked
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    counts: dict[str, Any] = json_field()  # rows that were added, by table
    notes: list[Any] = json_field(default_factory=list)  # what was decided about the file, in words
    imported_by: str = Field(max_length=200)
    created_at: datetime = time_field()
    published_at: datetime | None = None


class ImportReject(SQLModel, table=True):
    """A row of a file that was not taken, and why; ``line`` counts from 1."""

    __tablename__ = "import_rejects"

    import_id: UUID = Field(primary_key=True, foreign_key="imports.id", ondelete="CASCADE")
    line: int = Field(primary_key=True)
    reason: str = text_field()
