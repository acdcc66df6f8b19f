"""What a list may be narrowed to: values as a page has them, or as text from an address or a command line.

A filter gets its own name and a value and gives the condition. It raises InputRejected, with its name as the
``field``, for a value it cannot read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from core.errors import InputRejected
from core.exporting.columns import Kind, kind_of
from core.untrusted import clean, optional

Filter = Callable[[str, Any], sa.ColumnElement[bool]]
_LONGEST = 500  # characters of a name; none is stored that is longer
_SEARCHED = 200  # characters of a search that are looked for, as in the lists of the pages


def exactly(column: sa.ColumnElement[Any]) -> Filter:
    """The column is the value."""
    return lambda name, value: column == _read(name, value, column)


def one_of(column: sa.ColumnElement[Any]) -> Filter:
    """The column is one of the values: one, several in a list, or several in a text with commas between."""

    def condition(name: str, value: Any) -> sa.ColumnElement[bool]:
        if isinstance(value, str) and not isinstance(value, StrEnum):
            value = [word.strip() for word in value.split(",")]
        several = value if isinstance(value, Iterable) and not isinstance(value, str) else [value]
        return column.in_([_read(name, one, column) for one in several])

    return condition


def since(column: sa.ColumnElement[Any]) -> Filter:
    """From that moment on; a date alone is its midnight in UTC."""
    return lambda name, value: column >= _moment(name, value)


def until(column: sa.ColumnElement[Any]) -> Filter:
    """Before that moment: the moment itself is out, so that two exports that meet share no row."""
    return lambda name, value: column < _moment(name, value)


def at_least(column: sa.ColumnElement[Any]) -> Filter:
    return lambda name, value: column >= _number(name, value)


def below(column: sa.ColumnElement[Any]) -> Filter:
    return lambda name, value: column < _number(name, value)


def contains(*columns: sa.ColumnElement[Any]) -> Filter:
    """One of the columns has the text in it, whatever its case."""

    def condition(name: str, value: Any) -> sa.ColumnElement[bool]:
        sought = optional(str(value)[:_SEARCHED])
        return sa.or_(*(column.icontains(sought, autoescape=True) for column in columns)) if sought else sa.true()

    return condition


def _read(name: str, value: Any, column: sa.ColumnElement[Any]) -> Any:
    """The value as the column holds it."""
    if isinstance(column.type, sa.Enum):
        word, known = str(value), [str(one) for one in column.type.enums]
        if word not in known:
            raise InputRejected(f"{name} has to be one of {', '.join(known)}; nothing was exported.", field=name)
        return word
    if kind_of(column) is Kind.ID:
        try:
            return UUID(str(value))
        except ValueError:
            raise InputRejected(f"{name} has to be a UUID; nothing was exported.", field=name) from None
    return clean(str(value)[:_LONGEST])  # names are stored cleaned, so they are sought so


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputRejected(f"{name} has to be a number; nothing was exported.", field=name) from None


def _moment(name: str, value: Any) -> datetime:
    moment: datetime | None
    try:
        given = value if isinstance(value, datetime) else _parsed(str(value).strip())
        moment = given.astimezone(UTC) if given.tzinfo else None
    except (ValueError, OverflowError):  # the last moment of the calendar has no name in every zone
        moment = None
    if moment is None:
        raise InputRejected(
            f"{name} has to be a date like 2026-03-01 or a time with its zone like 2026-03-01T12:00:00Z; "
            "nothing was exported.",
            field=name,
        )
    return moment


def _parsed(text: str) -> datetime:
    if len(text) <= len("2026-03-01"):
        return datetime.combine(date.fromisoformat(text), time.min, UTC)
    # A + that was not escaped in an address arrives as a space.
    return datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
