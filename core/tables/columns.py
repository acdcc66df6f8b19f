"""Columns every table writes the same way: ids, times, closed sets, JSON."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

# Constraints need names, or a later migration cannot drop them on SQLite.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


_RANDOM = 74  # bits of an id that are not its time, its version or its variant
_ids = threading.Lock()
_last = 0


def new_id() -> UUID:
    """A version 7 UUID (RFC 9562): sorts by creation time, so lists page by key and indexes grow at one end.

    Those of one process never go back: within a millisecond, or after the clock was set back, the next is a random
    step above the last (section 6.2, method 2).
    """
    global _last
    fresh = (time.time_ns() // 1_000_000) << _RANDOM | int.from_bytes(os.urandom(10), "big") >> 6
    with _ids:
        _last = max(fresh, _last + 1 + int.from_bytes(os.urandom(4), "big"))
        value = _last
    high, low = value >> 62, value & (1 << 62) - 1
    return UUID(int=(high >> 12) << 80 | 0x7 << 76 | (high & 0xFFF) << 64 | 0x2 << 62 | low)


def now() -> datetime:
    """The present moment, with its zone."""
    return datetime.now(UTC)


def id_field() -> Any:
    return Field(default_factory=new_id, primary_key=True)


def time_field(*, index: bool = False) -> Any:
    return Field(default_factory=now, nullable=False, index=index)


def updated_field() -> Any:
    return Field(default_factory=now, nullable=False, sa_column_kwargs={"onupdate": now})


def one_of(
    values: type[StrEnum],
    name: str,
    *,
    default: StrEnum | None = None,
    nullable: bool = False,
    index: bool = False,
) -> Any:
    """A column that takes only the members of ``values``; the database itself refuses others.

    ``name`` names the CHECK constraint. With a default, the database fills it in as well.
    """
    kind = sa.Enum(
        values,
        native_enum=False,
        create_constraint=True,
        length=40,
        name=name,
        values_callable=lambda members: [member.value for member in members],
    )
    server_default = {"server_default": default.value} if default is not None else {}
    extra: dict[str, Any] = {} if nullable else ({"default": default} if default is not None else {})
    if nullable:
        extra = {"default": None}
    return Field(sa_type=kind, nullable=nullable, index=index, sa_column_kwargs=server_default, **extra)


def json_field(*, default_factory: Any = dict, nullable: bool = False) -> Any:
    if nullable:
        return Field(default=None, sa_type=sa.JSON, nullable=True)
    return Field(default_factory=default_factory, sa_type=sa.JSON, nullable=False)


def big_field(*, default: int | None = None) -> Any:
    """A whole number beyond 32 bits: bytes of files, parameters of models."""
    extra: dict[str, Any] = {} if default is None else {"default": default}
    return Field(sa_type=sa.BigInteger, nullable=False, **extra)


def text_field(*, default: str | None = None, nullable: bool = False) -> Any:
    if nullable:
        return Field(default=None, sa_type=sa.Text, nullable=True)
    if default is not None:
        return Field(default=default, sa_type=sa.Text, nullable=False)
    return Field(sa_type=sa.Text, nullable=False)


def within(column: str, low: float, high: float) -> sa.CheckConstraint:
    """A CHECK that ``column`` is NULL or lies in [low, high]."""
    return sa.CheckConstraint(f"{column} IS NULL OR ({column} >= {low} AND {column} <= {high})", name=f"{column}_range")
