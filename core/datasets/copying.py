"""Copies pairs into a dataset inside the database: the texts never leave it, so the write is as short as it can be.

Only the plan goes in: which pair, under which id, at which place, in which split. It travels as one JSON text, which
both databases can read as a table.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from core.preferences.checks import chosen, rejected
from core.tables import Split

_pairs = SQLModel.metadata.tables["preference_pairs"]
_rows = SQLModel.metadata.tables["dataset_pairs"]


@dataclass(frozen=True, slots=True)
class Copy:
    """A row of ``dataset_pairs`` to be; its place is its place in the plan."""

    id: UUID
    pair_id: UUID
    split: Split


def plan_of(copies: Sequence[Copy]) -> str:
    """The plan as ``copy_pairs`` takes it."""
    return json.dumps([[copy.id.hex, copy.pair_id.hex, copy.split, at] for at, copy in enumerate(copies)])


def copy_pairs(session: Session, plan: str, *, dataset_id: UUID, moment: datetime) -> None:
    """Insert the copies, in order, as the pairs stand now. Call it within ``store.write()``."""
    postgres = session.get_bind().dialect.name == "postgresql"
    row, entry = _entries_postgres(plan) if postgres else _entries_sqlite(plan)
    values = {
        "id": sa.cast(entry[0], sa.Uuid),
        "dataset_id": sa.literal(dataset_id, _rows.c.dataset_id.type),
        "pair_id": _pairs.c.id,
        "position": sa.cast(entry[3], sa.Integer),
        "split": sa.cast(entry[2], sa.String),
        "prompt_group": _pairs.c.prompt_group,
        "messages": _messages(postgres),
        "chosen": chosen,
        "rejected": rejected,
        "created_at": sa.literal(moment, _rows.c.created_at.type),
    }
    planned = sa.select(*values.values()).select_from(row).join(_pairs, _pairs.c.id == sa.cast(entry[1], sa.Uuid))
    session.execute(sa.insert(_rows).from_select(list(values), planned))


def _entries_sqlite(plan: str) -> tuple[Any, list[Any]]:
    row = sa.func.json_each(plan).table_valued("value", name="plan")
    return row, [sa.func.json_extract(row.c.value, f"$[{at}]") for at in range(4)]


def _entries_postgres(plan: str) -> tuple[Any, list[Any]]:
    elements = sa.func.json_array_elements(sa.cast(sa.literal(plan, sa.Text), sa.JSON))
    row = elements.table_valued(sa.column("value", sa.JSON), name="plan")
    return row, [row.c.value[at].as_string() for at in range(4)]


def _messages(postgres: bool) -> sa.ColumnElement[Any]:
    """The conversation before the answer; a lone prompt is one turn of the user, as in ``pairs.conversation``."""
    an_object, an_array = ("json_build_object", "json_build_array") if postgres else ("json_object", "json_array")
    turn = getattr(sa.func, an_object)(
        *(sa.literal_column(word) for word in ("'role'", "'user'", "'content'")), _pairs.c.prompt
    )
    lone = getattr(sa.func, an_array)(turn)
    stored = sa.cast(_pairs.c.messages, sa.Text)
    return sa.case((sa.func.coalesce(stored, "null").in_(("null", "[]")), lone), else_=_pairs.c.messages)
