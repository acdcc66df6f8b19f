"""One walk over the links, back or forward, as one SQL statement: a chain of CTEs, one for each kind it can reach."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session

from core.errors import NotFound
from core.lineage.links import ANSWERED, LINKS, ORDER, TABLES, Kind, Link, Node

Select = sa.Select[Any] | sa.CompoundSelect[Any]

LISTED = 100  # ids of each kind; the counts are whole


class Direction(StrEnum):
    BACK = "back"
    FORWARD = "forward"


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of one kind: how many there are, and the first hundred, the oldest first."""

    count: int = 0
    ids: tuple[UUID, ...] = ()


_NONE = Found()


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a row came from, or what came of it. ``found`` holds the kinds that have rows, in the loop's order."""

    kind: Kind
    id: UUID
    direction: Direction
    found: dict[Kind, Found]

    def of(self, kind: Kind) -> Found:
        return self.found.get(kind, _NONE)


def back(session: Session, kind: Kind, row_id: UUID) -> Lineage:
    """Everything the row rests on, as far as the imported file. Raises NotFound.

    Of an answer also the adapter that gave it, and nothing before that: this is another round of the loop.
    """
    return _walk(session, kind, row_id, Direction.BACK)


def forward(session: Session, kind: Kind, row_id: UUID) -> Lineage:
    """Everything that was made of the row, as far as the experiments. Raises NotFound.

    Of an adapter also the answers it gave, and nothing after those. A label or feedback that was taken back leads
    nowhere, nor does a label to a dataset that was frozen before it was given.
    """
    return _walk(session, kind, row_id, Direction.FORWARD)


def _walk(session: Session, kind: Kind, row_id: UUID, direction: Direction) -> Lineage:
    kinds = tuple(Kind)
    counts: dict[Kind, int] = {}
    ids: dict[Kind, list[UUID]] = {}
    for at, count, found_id in session.execute(_statement(kind, direction), {"id": row_id}):
        counts[kinds[at]] = count
        ids.setdefault(kinds[at], []).append(found_id)
    if kind not in counts:
        raise NotFound(kind.noun, row_id)
    found = {each: Found(counts[each], tuple(ids[each])) for each in kinds if each in counts and each is not kind}
    return Lineage(kind, row_id, direction, found)


@cache
def _statement(start: Kind, direction: Direction) -> sa.CompoundSelect[Any]:
    """Rows of (place of the kind in ``Kind``, its whole count, an id); the start itself is one of them if it exists."""
    reached = _reached(start, direction)
    shown = [_listed(at, reached[kind]) for at, kind in enumerate(Kind) if kind in reached]
    return sa.union_all(*shown)


def _listed(at: int, cte: sa.CTE) -> sa.Select[Any]:
    first = sa.select(cte.c.id).order_by(cte.c.id).limit(LISTED).subquery()
    count = sa.select(sa.func.count()).select_from(cte).scalar_subquery()
    return sa.select(sa.literal_column(str(at)).label("kind"), count.label("n"), first.c.id)


def _reached(start: Kind, direction: Direction) -> dict[Node, sa.CTE]:
    """The CTE of every node the walk comes to, each a select from those before it."""
    reached: dict[Node, sa.CTE] = {start: _start(start, direction)}
    for node in ORDER if direction is Direction.FORWARD else reversed(ORDER):
        links = _links_to(node, start, direction, reached)
        if links:
            ids = _union([_step(link, reached, direction) for link in links])
            reached[node] = _rows(node, ids, direction).cte(f"the_{node}")
    # Last, so that the walk does not go on from there: it would be another round of the loop.
    ends = (ANSWERED.earlier, ANSWERED.later)
    came_from, led_to = ends if direction is Direction.FORWARD else ends[::-1]
    if start is came_from:
        reached[led_to] = _union([_step(ANSWERED, reached, direction)]).cte("the_answered")
    return reached


def _start(kind: Kind, direction: Direction) -> sa.CTE:
    ids = TABLES[kind].c.id
    wanted = sa.bindparam("id", type_=ids.type)
    return sa.select(*_columns(kind, direction, starts=True)).where(ids == wanted).cte(f"the_{kind}")


def _links_to(node: Node, start: Kind, direction: Direction, reached: dict[Node, sa.CTE]) -> list[Link]:
    """The links by which the walk comes to ``node`` from where it has been."""
    if direction is Direction.FORWARD:
        return [link for link in LINKS if link.later is node and link.earlier in reached]
    links = [link for link in LINKS if link.earlier is node and link.later in reached]
    return [link for link in links if not link.said or link.later is start]


def _step(link: Link, reached: dict[Node, sa.CTE], direction: Direction) -> tuple[sa.Select[Any], bool]:
    """The ids at the other end of the link, and whether each is there only once."""
    come_from = reached[link.earlier if direction is Direction.FORWARD else link.later]
    if link.source is None or link.up is None or link.down is None:
        return sa.select(come_from.c.id), True
    if direction is Direction.BACK and link.kept:
        kept = come_from.c[link.kept]
        return sa.select(kept.label("id")).where(kept.is_not(None)), False
    here, there = (link.up, link.down) if direction is Direction.FORWARD else (link.down, link.up)
    ids = sa.select(there.label("id")).where(there.is_not(None), *link.where)
    if isinstance(link.source, sa.Table):
        return ids.select_from(come_from.join(link.source, here == come_from.c.id)), there.primary_key
    # Of tables that are joined already SQLite takes the right one first only when the ids come as a list.
    return ids.select_from(link.source).where(here.in_(sa.select(come_from.c.id))), False


def _union(steps: list[tuple[sa.Select[Any], bool]]) -> Select:
    """The ids of all steps, each once."""
    (ids, once), *others = steps
    if others:
        return sa.union(ids, *(step for step, _ in others))
    return ids if once else ids.distinct()


def _rows(node: Node, ids: Select, direction: Direction) -> Select:
    """The rows with those ids; for a walk back with the earlier ids they keep, so that each is read once."""
    columns = _columns(node, direction)
    if len(columns) < 2:
        return ids
    known = ids.subquery()
    return sa.select(*columns).select_from(known.join(columns[0].table, columns[0] == known.c.id))


def _columns(node: Node, direction: Direction, *, starts: bool = False) -> list[sa.Column[Any]]:
    """The id, and on the way back the columns that lead on from such a row."""
    if not isinstance(node, Kind):
        return []
    links = [*LINKS, ANSWERED] if starts else [link for link in LINKS if not link.said]
    kept = {link.kept for link in links if link.later is node and link.kept} if direction is Direction.BACK else set()
    return [TABLES[node].c[name] for name in ("id", *sorted(kept))]
