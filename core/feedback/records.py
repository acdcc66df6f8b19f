"""The words importing speaks in: a mapping of columns, the rows it makes, what was refused and why.

Plain values without a store, so that the faces and the later steps (preferences takes ``ImportedPair``) share them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlmodel import Session

Kind = Literal["pairs", "survey"]


@dataclass(frozen=True)
class Mapping:
    """Which column of a file means what. A column that is not named here is kept in the row's raw payload.

    ``best_rating`` is the end of the scale that is best: 5, or 1 where the survey counts from the best downwards;
    stars are always stored with 5 as the best. ``row_id`` names the column that tells respondents apart.
    """

    kind: Kind
    comment: str | None = None
    rating: str | None = None
    best_rating: Literal[1, 5] = 5
    row_id: str | None = None
    date: str | None = None
    prompt: str | None = None
    chosen: str | None = None
    rejected: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The mapping as JSON; columns that are not mapped are left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is mapped to something."""
        named = (self.comment, self.rating, self.row_id, self.date, self.prompt, self.chosen, self.rejected)
        return tuple(column for column in named if column)


@dataclass(frozen=True)
class Reject:
    """A row that was not taken. ``line`` counts from 1: the line of the file, in a JSON list the item."""

    line: int
    reason: str


@dataclass(frozen=True)
class Row:
    """One row of a file as it was read, before anything in it was cleaned."""

    line: int
    cells: dict[str, Any]


@dataclass(frozen=True)
class ImportedPair:
    """Two answers to one prompt, cleaned and redacted.

    ``prompt`` is the whole conversation before the answer as one text. ``messages`` is the same conversation as
    [{role, content}] when it is more than one user turn, else None. It always ends with the user.
    """

    prompt: str
    messages: list[dict[str, str]] | None
    chosen: str
    rejected: str
    line: int


@dataclass(frozen=True)
class SurveyRow:
    """One comment of a survey, cleaned and redacted; ``dedupe_key`` is the same whenever the row comes again."""

    comment: str
    rating: int | None
    created_at: datetime | None
    raw: dict[str, Any]
    pii: dict[str, int]
    dedupe_key: str
    line: int


@dataclass(frozen=True)
class PairCounts:
    """What became of the pairs that were handed on."""

    accepted: int
    duplicates: int
    rejects: list[Reject] = field(default_factory=list)


# Stores imported pairs for an agent: (session, pairs, import id, agent id).
StorePairs = Callable[[Session, list[ImportedPair], UUID, str], PairCounts]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Preview:
    """The beginning of a file, and how it would be understood. Nothing is stored."""

    format: str
    columns: list[str]
    suggested: Mapping
    rows: list[dict[str, Any]]  # as they stand in the file, cleaned for showing
    readings: list[dict[str, Any]]  # the same rows as they would be stored, or {line, reason} when they would not be
    total: int
    notes: list[str]


@dataclass(frozen=True)
class ImportPlan:
    """What an import would do: the same reading as the import itself, with nothing stored."""

    kind: Kind
    format: str
    mapping: Mapping
    accepted: int
    duplicates: int
    rejected: list[Reject]
    notes: list[str]
