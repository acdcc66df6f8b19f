"""Conformance adapters for the tables of rules section 6: they ask a real, migrated database, row by row.

A column's allowed values are those of its enum that the database really takes; a value counts as refused only when
the database itself raises an integrity error for an otherwise valid row. Every attempt is rolled back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from core.store import Store
from core.tables import new_id

EIGHT = (
    "learning_examples",
    "agent_feedback",
    "expert_annotations",
    "training_datasets",
    "dataset_examples",
    "training_runs",
    "learning_experiments",
    "embedding_training_pairs",
)
# Columns that only make sense together: trying one value needs the other to fit.
COMPANIONS = {
    "learning_experiments.control_percentage": ("treatment_percentage", 100),
    "learning_experiments.treatment_percentage": ("control_percentage", 100),
}
Row = dict[str, Any]


class Refused(Exception):
    """The database refused the row."""


def tables(store: Store) -> list[str]:
    """The eight tables that are really there, in the order of the rules."""
    present = set(sa.inspect(store.engine).get_table_names())
    return [name for name in EIGHT if name in present]


def enum(store: Store, given: Mapping[str, Any]) -> Row:
    table, column = _column(given["column"])
    if not isinstance(column.type, sa.Enum):
        return {"allowed": None, "bad_value_rejected": not accepts(store, table, column, given["bad_value"])}
    return {
        "allowed": [value for value in column.type.enums if accepts(store, table, column, value)],
        "bad_value_rejected": not accepts(store, table, column, given["bad_value"]),
    }


def in_range(store: Store, given: Mapping[str, Any]) -> Row:
    table, column = _column(given["column"])
    return {"accepted": [accepts(store, table, column, value) for value in given["values"]]}


def defaults(store: Store) -> Row:
    """Every column of the eight tables as it reads back from a row for which only the necessary fields were given."""
    classes = {mapper.local_table.name: mapper.class_ for mapper in SQLModel._sa_registry.mappers}
    found: Row = {}
    for name in EIGHT:
        table, row_class = SQLModel.metadata.tables[name], classes[name]
        with _thrown_away(store) as connection, Session(connection) as session:
            necessary = [field for field, info in row_class.model_fields.items() if info.is_required()]
            row = row_class(**{field: _filler(connection, table.c[field]) for field in necessary})
            session.add(row)
            session.flush()
            stored = connection.execute(sa.select(table).where(table.c.id == row.id)).mappings().one()
            found |= {f"{name}.{column}": value for column, value in stored.items()}
    return found


def accepts(store: Store, table: sa.Table, column: sa.Column[Any], value: object) -> bool:
    """Whether the database takes this value in this column of an otherwise valid row."""
    with _thrown_away(store) as connection:
        try:
            insert(connection, table, **valid(table, column, value))
        except Refused:
            return False
        return True


def valid(table: sa.Table, column: sa.Column[Any], value: object) -> Row:
    """The value, past Python's own checks of the column's type, and what must go with it."""
    # A literal of its own type reaches the database as it is; the column's type would refuse a bad one before.
    plain = value if isinstance(column.type, sa.JSON) or value is None else sa.literal(value)
    row: Row = {column.name: plain}
    companion = COMPANIONS.get(f"{table.name}.{column.name}")
    if companion and isinstance(value, int | float):
        row[companion[0]] = companion[1] - value
    return row


def insert(connection: sa.Connection, table: sa.Table, **given: Any) -> UUID:
    """Insert a row with the columns given, and those it cannot do without; rows it refers to are made first."""
    row = {column.name: _filler(connection, column) for column in table.columns if _needed(column)} | given
    row.setdefault("id", new_id())
    try:
        connection.execute(sa.insert(table).values(row))
    except sa.exc.IntegrityError as error:
        raise Refused(table.name) from error
    return cast(UUID, row["id"])


def _needed(column: sa.Column[Any]) -> bool:
    return not column.nullable and column.default is None and column.server_default is None


def _filler(connection: sa.Connection, column: sa.Column[Any]) -> object:
    for reference in column.foreign_keys:
        return insert(connection, reference.column.table)
    kind = column.type
    if isinstance(kind, sa.Enum):
        return kind.enums[0]
    if isinstance(kind, sa.Uuid):
        return new_id()
    if isinstance(kind, sa.JSON):
        return {}
    if isinstance(kind, sa.Boolean):
        return False
    if isinstance(kind, sa.Integer | sa.Numeric):
        return 1
    if isinstance(getattr(kind, "impl", kind), sa.DateTime):
        return datetime.now(UTC)
    return "x"


def _column(name: str) -> tuple[sa.Table, sa.Column[Any]]:
    table_name, _, column_name = name.partition(".")
    table = SQLModel.metadata.tables[table_name]
    return table, table.c[column_name]


@contextmanager
def _thrown_away(store: Store) -> Iterator[sa.Connection]:
    with store.engine.connect() as connection:
        try:
            yield connection
        finally:
            connection.rollback()
