"""The words importing speaks in: a mapping of columns, the rows it makes, what was refused and why.

Plain values without a store, so that the faces and the later steps (preferences takes ``ComparedPair``) share them.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as AnyMapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session

from core.errors import InputRejected
from core.tables import FormType, Import

Kind = Literal["survey", "pairs", "judged", "verdicts", "trees"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Choice = Literal["first", "second", "tie"]

# What each kind cannot do without, as a person reads it.
_NEEDS: dict[Kind, tuple[tuple[str, ...], str]] = {
    "survey": (("comment",), "the column of comments"),
    "pairs": (("chosen", "rejected"), "the columns of chosen and rejected answers"),
    "judged": (("prompt", "first", "second"), "the columns of the prompt and of both answers"),
    "verdicts": (
        ("row_id", "verdict", "judge"),
        "the columns of the pair's id and of the verdict, and the judge's name",
    ),
    "trees": (("tree",), "the column that holds the first message"),
}


@dataclass(frozen=True)
class Mapping:
    """Which column of a file means what. Columns that are not named here are kept in the row's raw payload.

    ``best_rating`` is the end of the scale that is best: 5, or 1 where the survey counts from the best downwards;
    stars are always stored with 5 as the best. ``row_id`` names the column that tells the rows apart. ``form_type``,
    ``judge`` and ``prompt_version`` are no columns but values for the whole file.
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
    title: str | None = None  # stands above the comment, as a bug report's summary does
    form_type: str | None = None
    input: str | None = None  # stands below the prompt, as an instruction's input does
    first: str | None = None  # the two answers that were compared
    second: str | None = None
    annotators: tuple[str, ...] = ()  # a column of choices for each: 1, 2, or 0 for a tie
    results: str | None = None  # a judge's answers in both orders
    verdict: str | None = None
    reasoning: str | None = None
    reference: str | None = None
    judge: str | None = None
    prompt_version: str | None = None
    tree: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The mapping as JSON; what is not mapped is left out."""
        named = {name: value for name, value in asdict(self).items() if value not in (None, ())}
        return named | ({"annotators": list(self.annotators)} if self.annotators else {})

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is mapped to something."""
        named = (getattr(self, name) for name in _COLUMNS)
        return (*(column for column in named if column), *self.annotators)

    @property
    def missing(self) -> str | None:
        """What its kind needs and it does not name, in words."""
        needed, words = _NEEDS[self.kind]
        return None if all(getattr(self, name) for name in needed) else words


_COLUMNS = (
    "comment", "rating", "row_id", "date", "prompt", "chosen", "rejected", "title", "input", "first", "second",
    "results", "verdict", "reasoning", "reference", "tree",
)  # fmt: skip
FIELDS = (*_COLUMNS, "best_rating", "form_type", "judge", "prompt_version", "annotators", "kind")


def mapping_from(given: AnyMapping[str, Any]) -> Mapping:
    """A mapping out of JSON, as a store or a request holds it. Raises InputRejected for what is none."""
    known = {entry.name for entry in fields(Mapping)}
    if unknown := sorted(str(name)[:60] for name in given if name not in known):
        raise InputRejected(f"A mapping has no field {unknown[0]!r}; use {', '.join(FIELDS)}. Nothing was stored.")
    values = {name: value for name, value in given.items() if value not in (None, "", [])}
    if values.get("kind") not in KINDS:
        raise InputRejected(f"Say what the rows are: kind is one of {', '.join(KINDS)}. Nothing was stored.")
    if values.get("best_rating", 5) not in (1, 5) or isinstance(values.get("best_rating"), bool):
        raise InputRejected("best_rating is 5, or 1 where the scale begins with the best; nothing was stored.")
    if values.get("form_type") not in (None, *(member.value for member in FormType)):
        raise InputRejected(f"form_type is one of {', '.join(FormType)}; nothing was stored.")
    if "annotators" in values:
        listed = values["annotators"]
        if not isinstance(listed, list | tuple) or not all(isinstance(column, str) for column in listed):
            raise InputRejected("annotators is a list of column names; nothing was stored.")
        values["annotators"] = tuple(listed)
    for name, value in values.items():
        if name not in ("annotators", "best_rating") and not isinstance(value, str):
            raise InputRejected(f"{name} of a mapping is a text; nothing was stored.")
    return Mapping(**values)


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
class Vote:
    """What one annotator of the file chose."""

    annotator: str
    choice: Choice


@dataclass(frozen=True)
class Verdict:
    """What a judge of the file said, once. ``first_shown`` is the answer that was shown first.

    Either ``choice`` is set, by the file's own order of the answers, or ``unscored_reason`` says why it is not.
    """

    judge: str
    prompt_version: str
    first_shown: Literal["first", "second"]
    choice: Choice | None
    unscored_reason: str | None
    score_first: float | None
    score_second: float | None
    reasoning: str
    raw_answer: str
    repeat_index: int


@dataclass(frozen=True)
class ComparedPair:
    """Two answers to one prompt with all a file says of them, cleaned and redacted. ``winner`` None: nobody knows.

    ``prompt`` is the whole conversation before the answer as one text. ``messages`` is the same conversation as
    [{role, content}] when it is more than one user turn, else None. It always ends with the user. ``first`` and
    ``second`` are the answers in the file's order.
    """

    line: int
    item: int
    prompt: str
    messages: list[dict[str, str]] | None
    first: str
    second: str
    winner: Choice | None
    reason: str
    external_id: str | None = None
    first_id: UUID | None = None  # the interactions that gave the answers
    second_id: UUID | None = None
    votes: tuple[Vote, ...] = ()
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True)
class LooseVerdict:
    """A verdict on a pair that only its id in its own file names."""

    line: int
    external_id: str
    verdict: Verdict


Staged = tuple[sa.Table, dict[str, Any]]  # a row and the staging table it goes to


@dataclass(frozen=True)
class Taken:
    """What a row of the file became. ``partly`` says what of it was left out, when the rest was taken."""

    rows: tuple[Staged, ...] = ()
    pairs: tuple[ComparedPair, ...] = ()
    verdicts: tuple[LooseVerdict, ...] = ()
    pii: AnyMapping[str, int] = field(default_factory=dict)
    partly: str | None = None
    shown: AnyMapping[str, Any] = field(default_factory=dict)  # for the preview


@dataclass(frozen=True)
class PairSteps:
    """What importing asks of the step that owns the pairs; it is handed in, because that step lies above this one.

    ``stage`` turns what was read into rows of the staging tables and reasons; ``added`` selects (line) of what would be
    new now; ``contradicting`` selects (line, reason); ``publish`` stores and says how many by table.
    """

    stage: Callable[[Session, Import, list[ComparedPair], list[LooseVerdict]], tuple[list[Staged], list[Reject]]]
    added: Callable[[UUID], dict[str, sa.Select[Any]]]
    contradicting: Callable[[UUID], sa.Select[Any]]
    publish: Callable[[Session, UUID], dict[str, int]]


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
    recalled: bool = False  # the suggestion comes from an earlier import of the same columns


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
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """What a reader must know besides the row: whose it is, and what was decided for the whole file."""

    agent_id: str
    mapping: Mapping
    at: datetime  # for rows without a date of their own
    order: Literal["day first", "month first"] = "day first"


Progress = Callable[[int, int], None]
