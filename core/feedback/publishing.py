"""From the staging tables to the tables people see: what would be new, counted and stored by the database itself.

The same conditions count a dry run and guard the real thing, so a plan is what happens unless the store changes in
between. One short transaction stores all of an import or nothing; again it stores nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from core.errors import InvalidTransition, NotFound
from core.feedback import staging
from core.feedback.records import PairSteps
from core.tables import (
    IMPORT_TRANSITIONS,
    STAGED,
    STAGED_FEEDBACK,
    STAGED_INTERACTIONS,
    Import,
    ImportReject,
    ImportStatus,
    now,
)

NOUN = "import"
_tables = SQLModel.metadata.tables
_interactions, _feedback, _rejects = _tables["interactions"], _tables["feedback"], _tables["import_rejects"]


@dataclass(frozen=True)
class Totals:
    """Lines of the file, by what becomes of them, and rows that are added, by table."""

    accepted: int
    duplicates: int
    rejected: int
    counts: dict[str, int]


def get(session: Session, import_id: UUID) -> Import:
    """Raises NotFound."""
    row = session.get(Import, import_id, populate_existing=True)
    if row is None:
        raise NotFound("Import", import_id)
    return row


def advance(session: Session, row: Import, to: ImportStatus) -> Import:
    """The only way an import changes its status. Raises InvalidTransition."""
    if to not in IMPORT_TRANSITIONS[row.status]:
        raise InvalidTransition(NOUN, row.id, was=row.status.value, to=to.value)
    row.status = to
    session.add(row)
    session.flush()
    return row


def totals(session: Session, import_id: UUID, *, pairs: PairSteps) -> Totals:
    """What publishing would do now. Reads only."""
    added = {**_added(import_id), **pairs.added(import_id)}
    lines_of = {name: query.with_only_columns(source_of(query).c.line) for name, query in added.items()}
    counts = {name: _count(session, query) for name, query in lines_of.items()}
    turned = pairs.contradicting(import_id).subquery()
    lines = sa.union(*lines_of.values()).subquery()
    known = sa.union(*(_lines(table, import_id) for table in STAGED)).subquery()
    listed = sa.select(_rejects.c.line).where(_rejects.c.import_id == import_id)
    accepted, all_lines = _count(session, sa.select(lines)), _count(session, sa.select(known))
    refused = _count(session, sa.union(sa.select(turned.c.line), listed))
    lost = sa.select(turned.c.line).where(turned.c.line.not_in(sa.select(lines.c.line))).distinct()
    duplicates = all_lines - accepted - _count(session, lost)
    return Totals(accepted, duplicates, refused, {name: count for name, count in counts.items() if count})


def publish(session: Session, import_id: UUID, *, pairs: PairSteps) -> Import:
    """Store everything an import has staged, in this transaction; a published one stays as it is.

    Raises NotFound, InvalidTransition for one that is not checked.
    """
    row = get(session, import_id)
    if row.status is ImportStatus.PUBLISHED:
        return row
    if ImportStatus.PUBLISHED not in IMPORT_TRANSITIONS[row.status]:
        raise InvalidTransition(NOUN, row.id, was=row.status.value, to=ImportStatus.PUBLISHED.value)
    found = totals(session, import_id, pairs=pairs)
    refuse(session, import_id, pairs.contradicting(import_id))
    counts = {
        "interactions": _store(session, _interactions, _new_interactions(import_id)),
        "feedback": _store(session, _feedback, _new_feedback(import_id, told=True)),
        **pairs.publish(session, import_id),
    }
    staging.clear(session, import_id)
    row.accepted, row.duplicates, row.rejected = found.accepted, found.duplicates, found.rejected
    row.counts = {name: count for name, count in counts.items() if count}
    row.published_at = now()
    return advance(session, row, ImportStatus.PUBLISHED)


def first_of(
    staged: sa.Table,
    import_id: UUID,
    keys: Sequence[str],
    *where: sa.ColumnElement[bool],
    before: Sequence[sa.ColumnElement[Any]] = (),
) -> sa.Subquery:
    """The staged rows of an import, of those with the same keys only the first. ``before`` is what comes before lines.

    Only keys and places are sorted; the texts are fetched by their place.
    """
    order = [*before, staged.c.line, staged.c.item]
    nth = sa.func.row_number().over(partition_by=[staged.c[key] for key in keys], order_by=order).label("nth")
    placed = sa.select(staged.c.line, staged.c.item, nth).where(staged.c.import_id == import_id, *where).subquery()
    here = sa.and_(staged.c.import_id == import_id, staged.c.line == placed.c.line, staged.c.item == placed.c.item)
    return sa.select(staged).select_from(placed.join(staged, here)).where(placed.c.nth == 1).subquery()


def changed(session: Session, statement: sa.Insert | sa.Update) -> int:
    """Carry it out; how many rows it added or changed."""
    done = session.execute(statement, execution_options={"preserve_rowcount": True, "synchronize_session": False})
    return int(done.rowcount)  # type: ignore[attr-defined]


def source_of(rows: sa.Select[Any]) -> sa.Subquery:
    """What such a query selects from."""
    source = rows.get_final_froms()[0]
    if not isinstance(source, sa.Subquery):
        raise TypeError("the query does not begin with staged rows")
    return source


def insert_from(target: sa.Table, rows: sa.Select[Any], **instead: Any) -> sa.Insert:
    """INSERT … SELECT of all columns the target shares with the rows; ``instead`` names columns from elsewhere."""
    source = source_of(rows)
    names = [column.name for column in target.columns]
    values = [instead[name] if name in instead else source.c[name] for name in names]
    return sa.insert(target).from_select(names, rows.with_only_columns(*values))


def _new_interactions(import_id: UUID) -> sa.Select[Any]:
    first = first_of(STAGED_INTERACTIONS, import_id, ("source", "external_id"))
    known = sa.exists().where(
        _interactions.c.source == first.c.source, _interactions.c.external_id == first.c.external_id
    )
    return sa.select(first).where(~known)


def _new_feedback(import_id: UUID, *, told: bool = False) -> sa.Select[Any]:
    """``told``: its message is in the store by now, or was not taken, and then there is nothing to stand on."""
    first = first_of(STAGED_FEEDBACK, import_id, ("dedupe_key",))
    known = sa.exists().where(_feedback.c.dedupe_key == first.c.dedupe_key)
    # One current feedback per person and message: what came by another way stands.
    # Worded as the condition of uq_feedback_current_message, so that it is used: any other index means a look at all
    # the chat feedback there is, for every row of the file.
    stands = sa.exists().where(
        _feedback.c.interaction_id == first.c.interaction_id,
        _feedback.c.user_id == first.c.user_id,
        sa.text("feedback.is_current AND feedback.kind = 'chat_message'"),
    )
    rows = sa.select(first).where(~known, ~stands)
    own = first.c.interaction_id
    return rows.where(sa.or_(own.is_(None), own.in_(sa.select(_interactions.c.id)))) if told else rows


def _added(import_id: UUID) -> dict[str, sa.Select[Any]]:
    return {"interactions": _new_interactions(import_id), "feedback": _new_feedback(import_id)}


def _store(session: Session, target: sa.Table, rows: sa.Select[Any]) -> int:
    return changed(session, insert_from(target, rows))


def refuse(session: Session, import_id: UUID, contradicting: sa.Select[Any]) -> None:
    told = contradicting.subquery()
    listed = sa.exists().where(_rejects.c.import_id == import_id, _rejects.c.line == told.c.line)
    query = sa.select(sa.literal(import_id, sa.Uuid), told.c.line, sa.func.min(told.c.reason)).where(~listed)
    session.execute(sa.insert(_rejects).from_select(["import_id", "line", "reason"], query.group_by(told.c.line)))


def _lines(table: sa.Table, import_id: UUID) -> sa.Select[Any]:
    return sa.select(table.c.line).where(table.c.import_id == import_id)


def _count(session: Session, query: sa.Select[Any] | sa.CompoundSelect[Any]) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0


def rejected(session: Session, import_id: UUID, *, limit: int = 1_000, after: int = 0) -> list[ImportReject]:
    """The rows that were not taken behind line ``after``, in the order of their lines."""
    query = (
        sa.select(ImportReject)
        .where(_rejects.c.import_id == import_id, _rejects.c.line > after)
        .order_by(_rejects.c.line)
        .limit(limit)
    )
    return list(session.scalars(query))
