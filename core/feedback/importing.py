"""Files of preference pairs and surveys into the store: look first, plan, then import.

``preview`` shows how a file would be understood, ``plan_import`` reads all of it and stores nothing, ``run_import``
stores it in one transaction: all of it or, when anything fails, nothing. Reading, cleaning and redacting happen
before that transaction. The same file again adds nothing. No address found in a file is ever fetched.
"""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from core import untrusted
from core.feedback.fields import name
from core.feedback.formats import MAX_MB, MAX_ROWS, read_table
from core.feedback.pairs_reader import suggest_pairs
from core.feedback.records import (
    ImportedPair,
    ImportPlan,
    Mapping,
    PairCounts,
    Preview,
    Progress,
    Reject,
    Row,
    StorePairs,
    SurveyRow,
)
from core.feedback.staging import Reading, Staged, check, decisions, readings, stage
from core.feedback.survey_reader import suggest_survey
from core.store import Store
from core.tables import Feedback, FeedbackKind, FormType, Import, new_id, now

__all__ = [
    "ImportPlan",
    "ImportedPair",
    "Mapping",
    "PairCounts",
    "Preview",
    "Reject",
    "StorePairs",
    "plan_import",
    "preview",
    "run_import",
]

_KEPT_REJECTS = 1_000
_CHUNK = 500  # rows in one statement; SQLite takes 32,766 parameters
_SHOWN = 300  # characters of a cell in the preview


def preview(
    content: bytes,
    filename: str,
    *,
    mapping: Mapping | None = None,
    rows: int = 20,
    max_mb: int = MAX_MB,
    max_rows: int = MAX_ROWS,
) -> Preview:
    """The first ``rows`` rows as they stand and as they would be stored, and what was decided, in words.

    Raises ImportRejected when the file cannot be read. When no column is recognised, the suggestion has no columns
    and a note says so: a person maps them.
    """
    table = read_table(content, filename, max_mb=max_mb, max_rows=max_rows)
    suggested = suggest_pairs(table.columns) or suggest_survey(table) or Mapping("survey")
    used, first = mapping or suggested, table.rows[:rows]
    notes = [*table.notes, "No column looks like comments or like chosen and rejected answers; choose the columns."]
    shown: list[dict[str, Any]] = []
    if mapping or suggested.columns:
        check(used, table)
        notes = decisions(table, used)
        shown = [_reading(row, one) for row, one in readings(first, table, used, "preview")]
    return Preview(
        format=table.format,
        columns=table.columns,
        suggested=suggested,
        rows=[{column: _cell(row.cells.get(column)) for column in table.columns} for row in first],
        readings=shown,
        total=len(table.rows) + len(table.rejects),
        notes=notes,
    )


def plan_import(
    store: Store,
    content: bytes,
    filename: str,
    *,
    mapping: Mapping | None = None,
    agent_id: str,
    store_pairs: StorePairs | None = None,
    on_progress: Progress | None = None,
    max_mb: int = MAX_MB,
    max_rows: int = MAX_ROWS,
) -> ImportPlan:
    """What ``run_import`` would do now, with nothing stored.

    With ``store_pairs``, duplicate pairs are counted by the real thing in a transaction that is rolled back; without
    it only those inside the file are known.
    """
    agent = name(agent_id, "agent_id", limit=100)
    staged = stage(read_table(content, filename, max_mb=max_mb, max_rows=max_rows), mapping, agent, on_progress)
    if staged.mapping.kind == "survey":
        with store.read() as session:
            counts = PairCounts(*_count_comments(session, staged.comments))
    elif store_pairs:
        counts = _rehearsed(store, staged, _row(staged, content, filename, "plan"), agent, store_pairs)
    else:
        different = len({(pair.prompt, pair.chosen, pair.rejected) for pair in staged.pairs})
        counts = PairCounts(different, len(staged.pairs) - different)
    return ImportPlan(
        kind=staged.mapping.kind,
        format=staged.table.format,
        mapping=staged.mapping,
        accepted=counts.accepted,
        duplicates=counts.duplicates,
        rejected=_sorted([*staged.rejects, *counts.rejects]),
        notes=staged.notes,
    )


def run_import(
    store: Store,
    content: bytes,
    filename: str,
    *,
    mapping: Mapping | None = None,
    agent_id: str,
    imported_by: str,
    store_pairs: StorePairs,
    on_progress: Progress | None = None,
    max_mb: int = MAX_MB,
    max_rows: int = MAX_ROWS,
) -> Import:
    """Store a file; the row says how many were accepted, duplicates and rejected, and why.

    ``on_progress`` gets (rows read, rows in all). Raises ImportRejected when the file cannot be read, a mapped column
    is not there, or nothing is recognised; StoreBusy or StoreFull from the store. In each case nothing was stored.
    """
    agent = name(agent_id, "agent_id", limit=100)
    staged = stage(read_table(content, filename, max_mb=max_mb, max_rows=max_rows), mapping, agent, on_progress)
    row = _row(staged, content, filename, name(imported_by, "imported_by", limit=200))
    with store.write() as session:
        _publish(session, staged, row, agent, store_pairs)
    return row


# -- storing ------------------------------------------------------------------------------------------------------


def _row(staged: Staged, content: bytes, filename: str, imported_by: str) -> Import:
    last = filename.replace("\\", "/").rpartition("/")[2]
    return Import(
        filename=untrusted.clean(last[:200], limit=300) or "unnamed",
        sha256=hashlib.sha256(content).hexdigest(),
        format=staged.table.format,
        mapping=staged.mapping.as_dict(),
        imported_by=imported_by,
    )


def _publish(session: Session, staged: Staged, row: Import, agent_id: str, store_pairs: StorePairs) -> PairCounts:
    session.add(row)
    session.flush()  # the rows below point to it
    if staged.mapping.kind == "pairs":
        counts = store_pairs(session, staged.pairs, row.id, agent_id)
    else:
        counts = PairCounts(*_insert_comments(session, staged.comments, row.id, agent_id))
    rejects = _sorted([*staged.rejects, *counts.rejects])
    row.accepted, row.duplicates, row.rejected = counts.accepted, counts.duplicates, len(rejects)
    row.rejects = [{"line": reject.line, "reason": reject.reason} for reject in rejects[:_KEPT_REJECTS]]
    row.notes = staged.notes
    session.add(row)
    session.flush()
    return counts


class _Rehearsed(Exception):
    """Ends a rehearsal: leaving the transaction by an error is what rolls it back."""


def _rehearsed(store: Store, staged: Staged, row: Import, agent_id: str, store_pairs: StorePairs) -> PairCounts:
    counts = PairCounts(0, 0)
    try:
        with store.write() as session:
            counts = _publish(session, staged, row, agent_id, store_pairs)
            raise _Rehearsed
    except _Rehearsed:
        return counts


def _insert_comments(session: Session, comments: list[SurveyRow], import_id: UUID, agent_id: str) -> tuple[int, int]:
    new, duplicates = _new_comments(session, comments)
    at = now()
    for start in range(0, len(new), _CHUNK):
        rows = [_feedback(comment, import_id, agent_id, at) for comment in new[start : start + _CHUNK]]
        session.execute(sa.insert(Feedback), rows)
    return len(new), duplicates


def _count_comments(session: Session, comments: list[SurveyRow]) -> tuple[int, int]:
    new, duplicates = _new_comments(session, comments)
    return len(new), duplicates


def _new_comments(session: Session, comments: list[SurveyRow]) -> tuple[list[SurveyRow], int]:
    """Those that are neither in the store nor earlier in the file, and how many are."""
    known: set[str | None] = set()
    keys = [comment.dedupe_key for comment in comments]
    for start in range(0, len(keys), _CHUNK):
        stored = sa.select(col(Feedback.dedupe_key)).where(col(Feedback.dedupe_key).in_(keys[start : start + _CHUNK]))
        known.update(session.execute(stored).scalars())
    new = []
    for comment in comments:
        if comment.dedupe_key not in known:
            known.add(comment.dedupe_key)
            new.append(comment)
    return new, len(comments) - len(new)


def _feedback(comment: SurveyRow, import_id: UUID, agent_id: str, at: Any) -> dict[str, Any]:
    """A row for a bulk insert, which fills in no defaults: every column is named."""
    return {
        "id": new_id(),
        "kind": FeedbackKind.SITE_FORM,
        "agent_id": agent_id,
        "interaction_id": None,
        "user_id": "anonymous",
        "form_type": FormType.GENERAL,
        "feedback_type": None,
        "rating": comment.rating,
        "comment": comment.comment,
        "correction": None,
        "helpful": None,
        "accurate": None,
        "complete": None,
        "is_current": True,
        "page": {},
        "pii": comment.pii,
        "source": "import",
        "dedupe_key": comment.dedupe_key,
        "import_id": import_id,
        "raw": comment.raw,
        "created_at": comment.created_at or at,
    }


def _sorted(rejects: list[Reject]) -> list[Reject]:
    return sorted(rejects, key=lambda reject: reject.line)


# -- showing ------------------------------------------------------------------------------------------------------


def _reading(row: Row, one: Reading) -> dict[str, Any]:
    if isinstance(one, Reject):
        return {"line": row.line, "reason": one.reason}
    if isinstance(one, SurveyRow):
        return {"line": row.line, "comment": one.comment, "rating": one.rating, "date": one.created_at}
    pair = one[0]
    return {"line": row.line, "prompt": pair.prompt, "chosen": pair.chosen, "rejected": pair.rejected}


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return untrusted.clean(text[:_SHOWN], limit=3 * _SHOWN) + (" …" if len(text) > _SHOWN else "")
