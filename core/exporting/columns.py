"""What a column of an exported list is: its name, the kind of its values, and where they come from.

The kind decides how each format writes a value, so that a number is a number wherever the format has numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from core.preferences.checks import chosen as chosen_side
from core.preferences.checks import rejected as rejected_side
from core.preferences.pairs import conversation

TABLES = SQLModel.metadata.tables


class Kind(StrEnum):
    TEXT = "text"
    ID = "id"
    INTEGER = "integer"
    NUMBER = "number"
    FLAG = "flag"
    TIME = "time"  # with its zone, in UTC
    JSON = "json"
    TURNS = "turns"  # a conversation: [{role, content}]
    ANSWER = "answer"  # a text that trainers read as [{role: assistant, content}]


_KINDS: tuple[tuple[Any, Kind], ...] = (
    (sa.Uuid, Kind.ID),
    (sa.Boolean, Kind.FLAG),
    (sa.Integer, Kind.INTEGER),
    (sa.Float, Kind.NUMBER),
    (sa.DateTime, Kind.TIME),
    (sa.JSON, Kind.JSON),
    (sa.String, Kind.TEXT),  # enums too: they are stored as their words
)


@dataclass(frozen=True)
class Column:
    """One column of a list. It is selected from the database as ``values``; ``read`` makes one value of several."""

    name: str
    kind: Kind
    values: tuple[sa.ColumnElement[Any], ...]
    read: Callable[..., Any] | None = None


def columns(table: str, names: str, *, before: str = "") -> tuple[Column, ...]:
    """The named columns of a table, in that order; ``before`` is put before their names."""
    return tuple(named(before + name, TABLES[table].c[name]) for name in names.split())


def named(name: str, value: sa.ColumnElement[Any], kind: Kind | None = None) -> Column:
    """A column that is computed, or called otherwise than in its table."""
    kind = kind or kind_of(value)
    # The database checks enums; their words are what leaves.
    return Column(name, kind, (sa.type_coerce(value, sa.String) if kind is Kind.TEXT else value,))


def kind_of(value: sa.ColumnElement[Any]) -> Kind:
    """The kind of a column, from its type in the database."""
    inner = value.type.impl if isinstance(value.type, sa.TypeDecorator) else value.type
    return next(kind for type_, kind in _KINDS if isinstance(inner, type_))


def turns(name: str, messages: sa.ColumnElement[Any], prompt: sa.ColumnElement[Any]) -> Column:
    """The conversation before the answer; a lone prompt is one turn of the user."""
    return Column(name, Kind.TURNS, (prompt, messages), conversation)


def preference() -> tuple[Column, ...]:
    """The answers of a pair by what people prefer; both are absent until somebody has said so."""
    preferred = TABLES["preference_pairs"].c.preferred
    sides = (("chosen", chosen_side), ("rejected", rejected_side))
    return tuple(named(name, sa.case((preferred.is_not(None), side)), Kind.ANSWER) for name, side in sides)


def by_column(found: Sequence[Column], rows: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
    """Selected rows as the values of each column."""
    selected = iter(zip(*rows, strict=True))
    read: list[Sequence[Any]] = []
    for column in found:
        sources = [next(selected) for _ in column.values]
        read.append(sources[0] if column.read is None else list(map(column.read, *sources)))
    return read
