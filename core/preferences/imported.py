"""Pairs, labels and verdicts out of a file: counted and published by the database in one go.

The rules are those of the ledger, in SQL: a pair's identity is its content; a pair that waits is decided by a file that
knows; what a person decided stands, and a row that turns it round is rejected. Labels and verdicts belong to the pair
with their content, whichever way it came into the store.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from core.feedback.publishing import changed, first_of, insert_from, source_of
from core.feedback.records import PairSteps
from core.preferences.imported_rows import stage
from core.preferences.ledger import Skip
from core.tables import STAGED_LABELS, STAGED_PAIRS, STAGED_VERDICTS, PairStatus

_tables = SQLModel.metadata.tables
_pairs, _labels, _verdicts = _tables["preference_pairs"], _tables["pair_labels"], _tables["pair_evaluations"]
_imports, _interactions = _tables["imports"], _tables["interactions"]
_LINES = 500  # in one statement
_UNDECIDED = sa.case((STAGED_PAIRS.c.status == PairStatus.NEEDS_LABEL, 1), else_=0)
# As the partial index has it, or SQLite does not see that the index answers this.
_CURRENT: sa.ColumnElement[bool] = sa.literal_column("pair_labels.is_current")
_ONCE = ("content_key", "judge", "prompt_version", "presentation_order", "repeat_index")


def added(import_id: UUID) -> dict[str, sa.Select[Any]]:
    """What would be new now, by table, each with its line."""
    return {
        "preference_pairs": _new_pairs(import_id),
        "pairs_decided": _promoted(import_id),
        "pair_labels": _new_labels(import_id),
        "pair_evaluations": _new_verdicts(import_id),
    }


def contradicting(import_id: UUID) -> sa.Select[Any]:
    """(line, reason) of the rows that turn round what stands: in the store, or else earlier in the file."""
    staged = STAGED_PAIRS
    winner = sa.func.first_value(staged.c.preferred, type_=staged.c.preferred.type).over(
        partition_by=staged.c.content_key, order_by=[_UNDECIDED, staged.c.line, staged.c.item]
    )
    columns = (staged.c.line, staged.c.content_key, staged.c.status, staged.c.preferred, winner.label("winner"))
    row = sa.select(*columns).where(staged.c.import_id == import_id).subquery()
    stands = sa.case(
        (_pairs.c.status == PairStatus.ACCEPTED, _pairs.c.preferred),
        (sa.or_(_pairs.c.id.is_(None), _pairs.c.status == PairStatus.NEEDS_LABEL), row.c.winner),
        else_=row.c.preferred,
    )
    same = sa.and_(_pairs.c.agent_id == _agent(import_id), _pairs.c.content_key == row.c.content_key)
    return (
        sa.select(row.c.line, sa.literal(Skip.CONTRADICTS.value).label("reason"))
        .select_from(row.outerjoin(_pairs, same))
        .where(row.c.status == PairStatus.ACCEPTED, row.c.preferred != stands)
    )


def publish(session: Session, import_id: UUID) -> dict[str, int]:
    """Store what is staged; the interactions they come from are there already. Rows by table."""
    turned = [line for line, _ in session.execute(contradicting(import_id))]
    if turned:  # a rejected row is rejected whole
        for table in (STAGED_LABELS, STAGED_VERDICTS):
            for start in range(0, len(turned), _LINES):
                lines = turned[start : start + _LINES]
                session.execute(sa.delete(table).where(table.c.import_id == import_id, table.c.line.in_(lines)))
    decided = changed(session, _promote(import_id))
    changed(session, _name(import_id))
    new = changed(session, _insert_pairs(import_id))
    labels = changed(session, _insert_joined(_labels, _new_labels(import_id), import_id))
    verdicts = changed(session, _insert_joined(_verdicts, _new_verdicts(import_id), import_id))
    return {
        "preference_pairs": new,
        "pairs_decided": decided,
        "pair_labels": labels,
        "pair_evaluations": verdicts,
    }


def _first_pairs(import_id: UUID) -> sa.Subquery:
    """Of equal pairs in a file the first that knows a preference counts, else the first."""
    return first_of(STAGED_PAIRS, import_id, ("content_key",), before=(_UNDECIDED,))


def _new_pairs(import_id: UUID) -> sa.Select[Any]:
    first = _first_pairs(import_id)
    known = sa.exists().where(_pairs.c.agent_id == first.c.agent_id, _pairs.c.content_key == first.c.content_key)
    return sa.select(first).where(~known)


def _promoted(import_id: UUID) -> sa.Select[Any]:
    first = _first_pairs(import_id)
    waiting = sa.exists().where(
        _pairs.c.agent_id == first.c.agent_id,
        _pairs.c.content_key == first.c.content_key,
        _pairs.c.status == PairStatus.NEEDS_LABEL,
    )
    return sa.select(first).where(first.c.status != PairStatus.NEEDS_LABEL, waiting)


def _new_labels(import_id: UUID) -> sa.Select[Any]:
    first = first_of(STAGED_LABELS, import_id, ("content_key", "annotator"), _stands(STAGED_LABELS, import_id))
    known = sa.exists().where(
        _labels.c.pair_id == _pair_of(first, import_id), _labels.c.annotator == first.c.annotator, _CURRENT
    )
    return sa.select(first).where(~known)


def _new_verdicts(import_id: UUID) -> sa.Select[Any]:
    first = first_of(STAGED_VERDICTS, import_id, _ONCE, _stands(STAGED_VERDICTS, import_id))
    known = sa.exists().where(
        _verdicts.c.pair_id == _pair_of(first, import_id), *(_verdicts.c[name] == first.c[name] for name in _ONCE[1:])
    )
    return sa.select(first).where(~known)


def _pair_of(staged: sa.Subquery, import_id: UUID) -> sa.ScalarSelect[Any]:
    """The id of the pair with the content of a staged row. By itself, so that each look-up uses its own index."""
    own = _pairs.alias("own_pair")
    same = (own.c.agent_id == _agent(import_id), own.c.content_key == staged.c.content_key)
    return sa.select(own.c.id).where(*same).correlate(staged).scalar_subquery()


def _stands(table: sa.Table, import_id: UUID) -> sa.ColumnElement[bool]:
    turned = contradicting(import_id).subquery()
    return table.c.line.not_in(sa.select(turned.c.line))


def _promote(import_id: UUID) -> sa.Update:
    """Decide pairs that were waiting for a label."""
    first = _promoted(import_id).subquery()
    values: dict[str, Any] = {name: first.c[name] for name in ("status", "preferred", "origin", "reason", "import_id")}
    return (
        sa.update(_pairs)
        .where(_pairs.c.agent_id == first.c.agent_id, _pairs.c.content_key == first.c.content_key)
        .values(version=_pairs.c.version + 1, leased_by=None, leased_until=None, **values)
    )


def _name(import_id: UUID) -> sa.Update:
    """A pair that came without an id of its own gets the file's: verdicts of the same set then find it.

    A row that turns it round is rejected whole, its id included. Nor is a pair named that came with its answers in
    another order before: the set's verdicts would be taken for verdicts on the other answer.
    """
    first = _first_pairs(import_id)
    turned = sa.and_(_pairs.c.status == PairStatus.ACCEPTED, first.c.preferred != _pairs.c.preferred)
    return (
        sa.update(_pairs)
        .where(_pairs.c.agent_id == first.c.agent_id, _pairs.c.content_key == first.c.content_key)
        .where(sa.or_(_pairs.c.external_id.is_(None), _pairs.c.external_id == _pairs.c.content_key))
        .where(sa.or_(first.c.preferred.is_(None), ~turned), ~_came_otherwise(first, import_id))
        .values(external_id=first.c.external_id)
    )


def _came_otherwise(first: sa.Subquery, import_id: UUID) -> sa.ColumnElement[bool]:
    """Whether an earlier file's label says that its first answer was another one than this row's, or may have been."""
    own = STAGED_LABELS
    side = (
        sa.select(sa.func.min(own.c.left_side, type_=own.c.left_side.type))
        .where(own.c.import_id == import_id, own.c.line == first.c.line, own.c.content_key == first.c.content_key)
        .correlate(first)
        .scalar_subquery()
    )
    earlier = (_labels.c.pair_id == _pairs.c.id, _CURRENT, _labels.c.import_id.is_not(None))
    same = sa.func.coalesce(_labels.c.left_side == side, sa.false())
    return sa.exists().where(*earlier, ~same).correlate(_pairs, first)


def _insert_pairs(import_id: UUID) -> sa.Insert:
    rows = _new_pairs(import_id)
    first = source_of(rows)
    own = {name: _present(first.c[name]) for name in ("interaction_a_id", "interaction_b_id")}
    return insert_from(_pairs, rows, **own)


def _present(interaction_id: sa.ColumnElement[UUID]) -> sa.ScalarSelect[Any]:
    own = _interactions.alias("own_interaction")
    return sa.select(own.c.id).where(own.c.id == interaction_id).scalar_subquery()


def _insert_joined(target: sa.Table, rows: sa.Select[Any], import_id: UUID) -> sa.Insert:
    first = source_of(rows)
    same = sa.and_(_pairs.c.agent_id == _agent(import_id), _pairs.c.content_key == first.c.content_key)
    joined = rows.join_from(first, _pairs, same)
    names = [column.name for column in target.columns]
    values = [_pairs.c.id if name == "pair_id" else first.c[name] for name in names]
    return sa.insert(target).from_select(names, joined.with_only_columns(*values))


def _agent(import_id: UUID) -> sa.ScalarSelect[Any]:
    return sa.select(_imports.c.agent_id).where(_imports.c.id == import_id).scalar_subquery()


STEPS = PairSteps(stage=stage, added=added, contradicting=contradicting, publish=publish)
