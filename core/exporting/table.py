"""One list as it is exported: its columns, the tables behind it, its order, and what it can be narrowed to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from core.exporting.columns import TABLES, Column
from core.exporting.filters import Filter, exactly, one_of, since, until


@dataclass(frozen=True)
class Exported:
    """``columns`` hold the id of the row and of every row it came from; ``rows`` is the table with what is joined."""

    name: str
    columns: tuple[Column, ...]
    rows: sa.FromClause
    order: tuple[sa.ColumnElement[Any], ...]
    filters: Mapping[str, Filter]


def exported(
    name: str,
    columns: tuple[Column, ...],
    *,
    table: str,
    rows: sa.FromClause | None = None,
    order: tuple[sa.ColumnElement[Any], ...] = (),
    agent: Filter | None = None,
    time: sa.ColumnElement[Any] | None = None,
    **more: Filter,
) -> Exported:
    """A list of one table. Its own agent, time and status become filters where it has them; ``more`` come after.

    Ids grow with time, so their order is that of coming in, and the primary key's index gives it without sorting.
    """
    own = TABLES[table].c
    filters: dict[str, Filter] = {}
    if agent is not None or "agent_id" in own:
        filters["agent_id"] = agent or exactly(own.agent_id)
    moment = time if time is not None else own.get("created_at")
    if moment is not None:
        filters |= {"since": since(moment), "until": until(moment)}
    if "status" in own:
        filters["status"] = one_of(own.status)
    return Exported(name, columns, rows if rows is not None else TABLES[table], order or (own.id,), filters | more)
