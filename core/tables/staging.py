"""Rows of a file on their way in: the same columns as the tables they go to, seen by nobody until published.

Each has beside them the import it belongs to and the line it came from. Nothing refers to these rows and they refer
to nothing: an import that is given up is emptied out of them.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from core.tables.evaluations import PairEvaluation
from core.tables.feedback import Feedback, Interaction
from core.tables.pairs import PairLabel, PreferencePair

_metadata = SQLModel.metadata


def _staged(model: type[SQLModel], *more: sa.Column[object]) -> sa.Table:
    table = _metadata.tables[str(model.__tablename__)]
    columns = [
        sa.Column(column.name, _plain(column.type), nullable=column.nullable)
        for column in table.columns
        if column.name != "import_id"
    ]
    return sa.Table(
        f"staged_{table.name}",
        _metadata,
        sa.Column("import_id", sa.Uuid, primary_key=True),
        sa.Column("line", sa.Integer, primary_key=True),
        sa.Column("item", sa.Integer, primary_key=True),  # a line may hold several
        *columns,
        *more,
    )


def _plain(kind: Any) -> Any:
    """An enum's CHECK stands on the table the rows go to."""
    if isinstance(kind, sa.Enum) and kind.enum_class is not None:
        return sa.Enum(
            kind.enum_class,
            native_enum=False,
            create_constraint=False,
            length=40,
            values_callable=lambda members: [member.value for member in members],
        )
    return kind


STAGED_INTERACTIONS = _staged(Interaction)
STAGED_FEEDBACK = _staged(Feedback)
STAGED_PAIRS = _staged(PreferencePair)
# Labels and verdicts name their pair by its content: it may be in the store already, under an id of its own.
STAGED_LABELS = _staged(PairLabel, sa.Column("content_key", sa.String(64)))
STAGED_VERDICTS = _staged(PairEvaluation, sa.Column("content_key", sa.String(64)))
STAGED = (STAGED_INTERACTIONS, STAGED_FEEDBACK, STAGED_PAIRS, STAGED_LABELS, STAGED_VERDICTS)
