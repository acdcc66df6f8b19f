"""A file into the store: look at it first, ask for it, read it in batches, publish it whole.

    preview(…)   the first rows as they stand and as they would be stored; nothing is stored
    plan(…)      everything publishing would do, counted by the real thing and rolled back
    request(…)   the import's own row; its file is kept by ``uploads``
    read(…)      the long part: cleaned, redacted, staged, checked; goes on after a stop
    publish(…)   one short transaction: all of it or nothing
    give_up(…)   nothing of it stays

No address found in a file is ever fetched. The same file again adds nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from core import untrusted
from core.errors import InvalidTransition
from core.feedback import kinds, reading, staging
from core.feedback.fields import name
from core.feedback.formats import MAX_MB, MAX_ROWS, Table, read_table
from core.feedback.kinds import recall
from core.feedback.publishing import Totals, advance, get, publish, refuse, rejected, totals
from core.feedback.reading import read
from core.feedback.records import (
    ImportPlan,
    Mapping,
    PairSteps,
    Preview,
    Progress,
    Reject,
    Row,
    Taken,
    mapping_from,
)
from core.feedback.uploads import Upload
from core.settings import Settings
from core.store import Store
from core.tables import IMPORT_TRANSITIONS, Import, ImportStatus, new_id, now

__all__ = [
    "ImportPlan",
    "Mapping",
    "PairSteps",
    "Preview",
    "Reject",
    "get",
    "give_up",
    "mapping_from",
    "newest",
    "plan",
    "preview",
    "publish",
    "read",
    "recall",
    "rejected",
    "request",
]

PREVIEWED = 20
_SHOWN = 300  # characters of a cell in the preview


def preview(
    content: bytes,
    filename: str,
    *,
    mapping: Mapping | None = None,
    session: Session | None = None,
    rows: int = PREVIEWED,
    max_mb: int = MAX_MB,
    max_rows: int = MAX_ROWS,
) -> Preview:
    """The first ``rows`` rows as they stand and as they would be stored, and what was decided, in words.

    With a ``session`` the mapping of an earlier import of the same columns is what is suggested. Raises ImportRejected
    when the file cannot be read. When no column is recognised, the suggestion has no columns and a note says so.
    """
    table = read_table(content, filename, max_mb=max_mb, max_rows=max_rows)
    recalled = recall(session, table.columns, filename=filename) if session is not None else None
    suggested = recalled.mapping if recalled else kinds.suggest(table, filename)
    used, first = mapping or suggested, table.rows[:rows]
    notes = [*table.notes, f"{kinds.UNKNOWN}; choose the columns."]
    shown: list[dict[str, Any]] = []
    if used is not None:
        kinds.check(used, table)
        notes = kinds.decisions(table, used)
        shown = _shown(table, first, used)
    if recalled and used == recalled.mapping:
        notes.append(kinds.recalled_note(recalled))
    return Preview(
        format=table.format,
        columns=table.columns,
        suggested=suggested or Mapping("survey"),
        rows=[{column: _cell(row.cells.get(column)) for column in table.columns} for row in first],
        readings=shown,
        total=len(table.rows) + len(table.rejects),
        notes=notes,
        recalled=recalled is not None,
    )


def request(
    session: Session,
    *,
    filename: str,
    upload: Upload,
    agent_id: str,
    imported_by: str,
    mapping: Mapping | None = None,
    dry_run: bool = False,
    import_id: UUID | None = None,
) -> Import:
    """An import that is to be read; its file lies under the same id. The same ``import_id`` again is the same import.

    Without a mapping the file decides when it is read. Raises InputRejected for an empty or overlong agent.
    """
    if import_id is not None and (known := session.get(Import, import_id)) is not None:
        return known
    last = filename.replace("\\", "/").rpartition("/")[2]
    row = Import(
        id=import_id or new_id(),
        filename=untrusted.clean(last[:200], limit=300) or "unnamed",
        sha256=upload.sha256,
        size_bytes=upload.size_bytes,
        format="",
        kind=mapping.kind if mapping else "",
        agent_id=name(agent_id, "agent_id", limit=100),
        mapping=mapping.as_dict() if mapping else {},
        dry_run=dry_run,
        imported_by=name(imported_by, "imported_by", limit=200),
        created_at=now(),
    )
    session.add(row)
    session.flush()
    return row


def give_up(session: Session, import_id: UUID, *, to: ImportStatus = ImportStatus.CANCELLED, why: str = "") -> Import:
    """Nothing of the import stays but its own row; ``why`` is a sentence. Twice is harmless.

    ``to`` is cancelled, or failed, and then it may be tried again. Raises NotFound, InvalidTransition for one that is
    published.
    """
    row = get(session, import_id)
    if row.status is to:
        return row
    if row.status is ImportStatus.FAILED and to is ImportStatus.CANCELLED:
        staging.clear(session, import_id)
        return row  # it ended already
    if to not in IMPORT_TRANSITIONS[row.status]:
        raise InvalidTransition("import", row.id, was=row.status.value, to=to.value)
    staging.clear(session, import_id)
    row.counts = {}
    row.columns_key = None  # what it decided is not to be recalled, and is decided anew when it is tried again
    row.notes = [*row.notes, *([why] if why else [])]
    return advance(session, row, to)


def plan(
    store: Store,
    content: bytes,
    filename: str,
    *,
    mapping: Mapping | None = None,
    agent_id: str,
    pairs: PairSteps,
    settings: Settings,
    on_progress: Progress | None = None,
) -> ImportPlan:
    """What an import would do now, with nothing stored. For files that somebody waits for.

    The counts come from the real thing, in a transaction that is rolled back. Raises as ``read`` does.
    """
    table = reading.open_table(settings, content, filename)
    row = Import(
        filename=filename, sha256="", format="", agent_id=name(agent_id, "agent_id", limit=100), imported_by="-"
    )
    row.mapping = mapping.as_dict() if mapping else {}
    with store.read() as session:
        facts = reading.decide(session, row, table)
    batches = []
    pii: Counter[str] = Counter()
    done, total = 0, len(table.rows) + len(table.rejects)
    for batch in staging.batches(table, facts):
        if on_progress is not None:
            on_progress(done, total)
        batches.append(batch)
        pii.update(batch.pii)
        done += batch.lines
    if on_progress is not None:
        on_progress(total, total)
    found, rejects = _rehearsed(store, row, batches, pairs)
    return ImportPlan(
        kind=facts.mapping.kind,
        format=table.format,
        mapping=facts.mapping,
        accepted=found.accepted,
        duplicates=found.duplicates,
        rejected=rejects,
        notes=[*row.notes, *reading.told(dict(pii))],
        counts=found.counts,
    )


def newest(session: Session, *, limit: int = 20, offset: int = 0) -> list[Import]:
    """The imports there were, newest first."""
    return list(session.exec(select(Import).order_by(col(Import.created_at).desc()).limit(limit).offset(offset)))


class _Rehearsed(Exception):
    """Ends a rehearsal: leaving the transaction by an error is what rolls it back."""


def _rehearsed(
    store: Store, row: Import, batches: list[staging.Batch], pairs: PairSteps
) -> tuple[Totals, list[Reject]]:
    found, rejects = Totals(0, 0, 0, {}), list[Reject]()
    own = Import(**row.model_dump())
    try:
        with store.write() as session:
            session.add(own)
            session.flush()
            for batch in batches:
                staging.insert(session, own.id, *staging.resolve(session, own, batch, pairs))
            found = totals(session, own.id, pairs=pairs)
            refuse(session, own.id, pairs.contradicting(own.id))
            rejects = [Reject(one.line, one.reason) for one in rejected(session, own.id, limit=MAX_ROWS)]
            raise _Rehearsed
    except _Rehearsed:
        return found, rejects


# -- showing ------------------------------------------------------------------------------------------------------


def _shown(table: Table, first: list[Row], mapping: Mapping) -> list[dict[str, Any]]:
    facts = staging.facts_of(table, mapping, agent_id="preview", at=now())
    few = Table(table.format, table.columns, first)
    return [{"line": line, **_reading(one)} for line, one in staging.readings(few, facts)]


def _reading(one: Taken | Reject) -> dict[str, Any]:
    return {"reason": one.reason} if isinstance(one, Reject) else dict(one.shown)


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return untrusted.clean(text[:_SHOWN], limit=3 * _SHOWN) + (" …" if len(text) > _SHOWN else "")
