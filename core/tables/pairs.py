"""Two answers to one prompt, and which of them people prefer."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from core.tables.columns import id_field, json_field, one_of, text_field, time_field, within


class Side(StrEnum):
    A = "A"
    B = "B"


class PairStatus(StrEnum):
    NEEDS_LABEL = "needs_label"
    ACCEPTED = "accepted"  # a person's preference is known: `preferred` is set
    NO_PREFERENCE = "no_preference"  # a person saw a tie, or both were bad
    EXCLUDED = "excluded"  # a check or a person took it out


PAIR_TRANSITIONS: dict[PairStatus, frozenset[PairStatus]] = {
    PairStatus.NEEDS_LABEL: frozenset({PairStatus.ACCEPTED, PairStatus.NO_PREFERENCE, PairStatus.EXCLUDED}),
    PairStatus.ACCEPTED: frozenset({PairStatus.NEEDS_LABEL, PairStatus.EXCLUDED}),
    PairStatus.NO_PREFERENCE: frozenset({PairStatus.NEEDS_LABEL, PairStatus.EXCLUDED}),
    PairStatus.EXCLUDED: frozenset({PairStatus.NEEDS_LABEL, PairStatus.ACCEPTED}),
}


class PairOrigin(StrEnum):
    RATING = "rating"  # two rated answers to one prompt
    CORRECTION = "correction"  # a person's corrected answer over the original
    REGENERATION = "regeneration"  # the later answer over the one that was regenerated
    IMPORT = "import"
    UNRATED = "unrated"  # two answers nobody has compared yet


class LabelChoice(StrEnum):
    A = "A"
    B = "B"
    TIE = "tie"
    BOTH_BAD = "both_bad"
    SKIP = "skip"


class PreferencePair(SQLModel, table=True):
    """``preferred`` says which of the two answers is the chosen one; None until a person has said so.

    ``version`` grows with every change; an action carries the version it saw.
    """

    __tablename__ = "preference_pairs"
    __table_args__ = (
        sa.UniqueConstraint("agent_id", "content_key"),
        sa.CheckConstraint("(status = 'accepted') <= (preferred IS NOT NULL)", name="accepted_is_decided"),
        sa.CheckConstraint("answer_a <> answer_b", name="sides_differ"),
        sa.Index("ix_preference_pairs_agent_id_status", "agent_id", "status"),
        sa.Index("ix_preference_pairs_status_leased_until", "status", "leased_until"),
        sa.Index("ix_preference_pairs_agent_id_external_id", "agent_id", "external_id"),
        sa.Index("ix_preference_pairs_status_created_at", "status", "created_at"),  # the overview's counts
    )

    id: UUID = id_field()
    agent_id: str = Field(max_length=100)
    prompt: str = text_field()
    messages: list[Any] | None = json_field(nullable=True)  # the conversation before the answer, when it had more turns
    prompt_group: str = Field(max_length=200)  # pairs of one group stay in one split
    answer_a: str = text_field()
    answer_b: str = text_field()
    preferred: Side | None = one_of(Side, "preferred", nullable=True)
    status: PairStatus = one_of(PairStatus, "status", default=PairStatus.NEEDS_LABEL)
    origin: PairOrigin = one_of(PairOrigin, "origin")
    reason: str = text_field(default="")  # why this preference holds, in words
    margin: float | None = None  # reward of the chosen minus reward of the rejected
    content_key: str = Field(max_length=64)  # hash of prompt and both answers, whichever way round
    interaction_a_id: UUID | None = Field(default=None, foreign_key="interactions.id", index=True)
    interaction_b_id: UUID | None = Field(default=None, foreign_key="interactions.id", index=True)
    feedback_id: UUID | None = Field(default=None, foreign_key="feedback.id", index=True)
    learning_example_id: UUID | None = Field(default=None, foreign_key="learning_examples.id", index=True)
    import_id: UUID | None = Field(default=None, foreign_key="imports.id", index=True)
    external_id: str | None = Field(default=None, max_length=200)  # its id in the file it came from
    version: int = 0
    leased_by: str | None = Field(default=None, max_length=200)
    leased_until: datetime | None = None
    created_at: datetime = time_field(index=True)

    @property
    def chosen(self) -> str | None:
        return {Side.A: self.answer_a, Side.B: self.answer_b}[self.preferred] if self.preferred else None

    @property
    def rejected(self) -> str | None:
        return {Side.A: self.answer_b, Side.B: self.answer_a}[self.preferred] if self.preferred else None


class PairLabel(SQLModel, table=True):
    """What one person answered, and how the pair was shown to them. Undone labels stay as history."""

    __tablename__ = "pair_labels"
    __table_args__ = (
        sa.Index(
            "uq_pair_labels_current",
            "pair_id",
            "annotator",
            unique=True,
            sqlite_where=sa.text("is_current"),
            postgresql_where=sa.text("is_current"),
        ),
        sa.Index("ix_pair_labels_annotator_created_at", "annotator", "created_at"),
        within("strength", 1, 5),
    )

    id: UUID = id_field()
    pair_id: UUID = Field(foreign_key="preference_pairs.id", ondelete="CASCADE")
    annotator: str = Field(max_length=200)
    choice: LabelChoice = one_of(LabelChoice, "choice")
    left_side: Side = one_of(Side, "left_side")  # which answer stood on the left
    shown_ms: int  # from being shown to the key
    strength: int | None = None
    is_current: bool = True
    import_id: UUID | None = Field(default=None, foreign_key="imports.id", index=True)  # given elsewhere
    created_at: datetime = time_field()
