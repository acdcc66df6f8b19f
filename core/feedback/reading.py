"""The long part of an import: its file, row by row, into the staging tables, where nobody sees it yet.

A batch is read, cleaned and redacted outside of any transaction and stored in a short one, with the progress. A later
attempt goes on behind the last stored line. When all is read the database counts what publishing would do.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import Session

from core.errors import ImportRejected, InputRejected
from core.feedback import kinds, publishing, staging, uploads
from core.feedback.formats import Table, read_table
from core.feedback.records import Facts, Mapping, PairSteps, mapping_from
from core.settings import Settings
from core.store import Store
from core.tables import Import, ImportStatus
from core.work import Stopped, Work

UNIT = "rows"
_REDACTED = {"card": "card number", "email": "e-mail address", "phone": "phone number"}
_PLURAL = {"email": "es"}
_LINES, _PERSONAL = "lines", "personal_data"  # what an import under way keeps in its counts


@dataclass(frozen=True)
class Begun:
    """A file that was opened: its table, what was decided, and where to go on."""

    table: Table
    facts: Facts
    after: int
    done: int
    total: int


def read(store: Store, settings: Settings, import_id: UUID, work: Work, *, pairs: PairSteps) -> None:
    """Stage everything that is not staged yet; the import is checked then. One that is checked stays as it is.

    Raises ImportRejected when the file cannot be read (the import is failed and says why), Stopped, NotFound and what
    the store raises. What is staged stays for the next attempt.
    """
    with store.write() as session:
        row = publishing.get(session, import_id)
        if row.status in (ImportStatus.CHECKED, ImportStatus.PUBLISHED):
            return
        if row.status is not ImportStatus.READING:
            publishing.advance(session, row, ImportStatus.READING)
    try:
        begun = _begin(store, settings, row)
    except InputRejected as error:
        _fail(store, import_id, str(error))
        raise
    done = begun.done
    work.said(done, begun.total, unit=UNIT)
    for batch in staging.batches(begun.table, begun.facts, after=begun.after):
        work.check()
        with store.read() as session:
            rows, rejects = staging.resolve(session, row, batch, pairs)
        with store.write() as session:
            _still_reading(session, import_id)
            staging.insert(session, import_id, rows, rejects)
            done += batch.lines
            _keep(session, import_id, done, batch.pii)
            work.saved(session, done, begun.total, unit=UNIT, cursor={"line": batch.last})
    work.check()
    _finish(store, import_id, pairs)


def open_table(settings: Settings, content: bytes, filename: str) -> Table:
    """Raises ImportRejected when the file as a whole cannot be read."""
    return read_table(content, filename, max_mb=settings.max_import_mb, max_rows=settings.max_import_rows)


def decide(session: Session, row: Import, table: Table) -> Facts:
    """Settle for an import what its file is: the mapping that was asked for, the one recalled, or the suggested one.

    Raises ImportRejected when no mapping is given and none can be suggested, or it does not fit.
    """
    mapping, notes = _mapping(session, row, table)
    kinds.check(mapping, table)
    row.format, row.kind, row.mapping = table.format, mapping.kind, mapping.as_dict()
    row.columns_key = kinds.columns_key(table.columns)
    row.notes = [*kinds.decisions(table, mapping), *notes]
    session.add(row)
    session.flush()
    return staging.facts_of(table, mapping, agent_id=row.agent_id, at=row.created_at)


def told(pii: dict[str, int]) -> list[str]:
    """What was redacted, in words."""
    found = ", ".join(
        f"{count:,} {_REDACTED.get(kind, kind)}{'' if count == 1 else _PLURAL.get(kind, 's')}"
        for kind, count in sorted(pii.items())
    )
    return [f"Personal data was replaced before storing: {found}."] if found else []


def _mapping(session: Session, row: Import, table: Table) -> tuple[Mapping, list[str]]:
    if row.mapping:
        return mapping_from(row.mapping), []
    recalled = kinds.recall(session, table.columns, filename=row.filename)
    if recalled is not None:
        return recalled.mapping, [kinds.recalled_note(recalled)]
    mapping = kinds.suggest(table, row.filename)
    if mapping is None:
        raise ImportRejected(f"{kinds.UNKNOWN}; say which column is which. Nothing was stored.")
    return mapping, []


def _begin(store: Store, settings: Settings, row: Import) -> Begun:
    table = open_table(settings, uploads.content(settings, row.id), row.filename)
    with store.write() as session:
        fresh = publishing.get(session, row.id)
        # What was decided at the first attempt holds for the others: half a file is never read another way.
        begun = bool(fresh.columns_key)
        facts = (
            staging.facts_of(table, mapping_from(fresh.mapping), agent_id=fresh.agent_id, at=fresh.created_at)
            if begun
            else decide(session, fresh, table)
        )
        after = staging.reached(session, row.id)
        done = int(fresh.counts.get(_LINES, 0))
    return Begun(table, facts, after, done, len(table.rows) + len(table.rejects))


def _keep(session: Session, import_id: UUID, done: int, pii: Counter[str]) -> None:
    row = publishing.get(session, import_id)
    known: dict[str, Any] = row.counts.get(_PERSONAL, {})
    row.counts = {_LINES: done, _PERSONAL: dict(Counter(known) + pii)}
    session.add(row)
    session.flush()


def _still_reading(session: Session, import_id: UUID) -> None:
    """Somebody may have given the import up while a batch was being read."""
    if publishing.get(session, import_id).status is not ImportStatus.READING:
        raise Stopped("cancel")


def _finish(store: Store, import_id: UUID, pairs: PairSteps) -> None:
    with store.read() as session:
        found = publishing.totals(session, import_id, pairs=pairs)
    with store.write() as session:
        _still_reading(session, import_id)
        row = publishing.get(session, import_id)
        row.accepted, row.duplicates, row.rejected = found.accepted, found.duplicates, found.rejected
        row.notes = [*row.notes, *told(row.counts.get(_PERSONAL, {}))]
        row.counts = found.counts
        publishing.advance(session, row, ImportStatus.CHECKED)


def _fail(store: Store, import_id: UUID, why: str) -> None:
    with store.write() as session:
        row = publishing.get(session, import_id)
        row.notes = [why]
        staging.clear(session, import_id)
        publishing.advance(session, row, ImportStatus.FAILED)
