"""The formats a list is written in. Each turns batches of rows into bytes; none holds more than a batch.

CSV   UTF-8 with a header. Text no spreadsheet takes for a formula (OWASP CSV injection); JSON as text.
JSONL one object a line, with real numbers, flags and lists, and times as ISO 8601 with their zone.
Parquet typed columns, in row groups; pairs as lists of {role, content}.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any

from core.errors import InputRejected
from core.exporting.columns import Column, Kind, by_column
from core.untrusted import csv_cell

Batches = Iterable[Sequence[Sequence[Any]]]
Writer = Callable[[Sequence[Column], Batches], Iterator[bytes]]
Values = Sequence[Any]


class Format(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"

    @property
    def mime(self) -> str:
        return {"csv": "text/csv", "jsonl": "application/jsonl"}.get(self, "application/vnd.apache.parquet")


def format_named(name: str) -> Format:
    """The format of that name. Raises InputRejected, naming those there are."""
    try:
        return Format(name)
    except ValueError:
        raise InputRejected(
            f"format has to be one of {', '.join(Format)}; nothing was exported.", field="format"
        ) from None


def writer(form: Format) -> Writer:
    if form is Format.PARQUET:
        from core.exporting.parquet import write_parquet

        return write_parquet
    return write_csv if form is Format.CSV else write_jsonl


def write_csv(columns: Sequence[Column], batches: Batches) -> Iterator[bytes]:
    """The header, then the rows. Absent values are empty cells."""
    yield _lines([[column.name for column in columns]])
    for rows in batches:
        found = by_column(columns, rows)
        cells = [_cells(column.kind, values) for column, values in zip(columns, found, strict=True)]
        yield _lines(zip(*cells, strict=True))


def write_jsonl(columns: Sequence[Column], batches: Batches) -> Iterator[bytes]:
    """One object a row, each with its line feed."""
    names = [column.name for column in columns]
    for rows in batches:
        found = by_column(columns, rows)
        values = [_plain(column.kind, values) for column, values in zip(columns, found, strict=True)]
        lines = (json_text(dict(zip(names, row, strict=True))) for row in zip(*values, strict=True))
        yield "".join(f"{line}\n" for line in lines).encode()


def json_text(value: Any) -> str:
    """JSON in which every character can be encoded: half a surrogate pair, which JSON alone can hold, is escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    return text.encode("utf-8", "backslashreplace").decode()


def answer(text: str | None) -> list[dict[str, str]] | None:
    """An answer as the message a trainer reads."""
    return None if text is None else [{"role": "assistant", "content": text}]


def number(value: float | None) -> float | None:
    """JSON has no infinity and no not-a-number: both are unknown."""
    return value if value is None or math.isfinite(value) else None


# -- values -------------------------------------------------------------------------------------------------------


def _plain(kind: Kind, values: Values) -> Values:
    """Values as JSON has them."""
    match kind:
        case Kind.ID:
            return [None if value is None else str(value) for value in values]
        case Kind.TIME:
            return [None if value is None else value.isoformat() for value in values]
        case Kind.NUMBER:
            return [number(value) for value in values]
        case Kind.ANSWER:
            return [answer(value) for value in values]
    return values


def _cells(kind: Kind, values: Values) -> Values:
    """Values as text. Numbers, ids and times are Hone's own and cannot be formulas; all else goes through csv_cell."""
    match kind:
        case Kind.TEXT | Kind.ANSWER:
            return [csv_cell(value) for value in values]
        case Kind.TURNS:
            return [csv_cell(_spoken(value)) for value in values]
        case Kind.JSON:
            return [csv_cell(None if value is None else json_text(value)) for value in values]
        case Kind.FLAG:
            return ["" if value is None else "true" if value else "false" for value in values]
        case Kind.TIME:
            return ["" if value is None else value.isoformat() for value in values]
    return ["" if value is None else str(value) for value in values]


def _spoken(messages: list[dict[str, str]] | None) -> str | None:
    """A lone question as it was asked; a conversation, and what could be taken for one, as JSON."""
    if messages is None:
        return None
    lone = len(messages) == 1 and messages[0].get("role") == "user"
    text = messages[0]["content"] if lone else ""
    return text if lone and not text.lstrip().startswith("[") else json_text(messages)


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()
