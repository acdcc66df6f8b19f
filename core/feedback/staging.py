"""A file's rows read, cleaned and redacted, and put into the staging tables batch by batch.

In: the rows of a file and what was decided for all of it. Out: batches, each with every row's outcome, in the order of
the lines. Reading a batch opens no transaction; storing one is a handful of bulk inserts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from heapq import merge
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session

from core.errors import InputRejected
from core.feedback.dates import date_order
from core.feedback.formats import Table
from core.feedback.kinds import READERS
from core.feedback.records import ComparedPair, Facts, LooseVerdict, Mapping, PairSteps, Reject, Row, Staged, Taken
from core.tables import STAGED, Import, ImportReject

BATCH_ROWS = 500
_BATCH_ITEMS = 4_000  # a line may hold many


@dataclass
class Batch:
    """Some lines of a file, in order, and what they became."""

    lines: int = 0
    last: int = 0  # the last of the lines
    rows: list[Staged] = field(default_factory=list)
    pairs: list[ComparedPair] = field(default_factory=list)
    verdicts: list[LooseVerdict] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    pii: Counter[str] = field(default_factory=Counter)

    def add(self, line: int, one: Taken | Reject) -> None:
        self.lines, self.last = self.lines + 1, line
        if isinstance(one, Reject):
            self.rejects.append(one)
            return
        self.rows += one.rows
        self.pairs += one.pairs
        self.verdicts += one.verdicts
        self.pii.update(one.pii)
        if one.partly:
            self.rejects.append(Reject(line, one.partly))

    @property
    def full(self) -> bool:
        return self.lines >= BATCH_ROWS or len(self.rows) + len(self.pairs) >= _BATCH_ITEMS


def facts_of(table: Table, mapping: Mapping, *, agent_id: str, at: datetime) -> Facts:
    """What every row is read with. ``at`` is the time of rows that have none."""
    return Facts(agent_id, mapping, at, date_order(table, mapping.date))


def readings(table: Table, facts: Facts, *, after: int = 0) -> Iterator[tuple[int, Taken | Reject]]:
    """Every line behind ``after`` with what it became, in order."""
    read = READERS[facts.mapping.kind]
    lines: Iterator[Row | Reject] = merge(table.rows, table.rejects, key=lambda one: one.line)
    for line in lines:
        if line.line <= after:
            continue
        if isinstance(line, Reject):
            yield line.line, line
            continue
        try:
            yield line.line, read(line, facts)
        except InputRejected as error:
            yield line.line, Reject(line.line, str(error))


def batches(table: Table, facts: Facts, *, after: int = 0) -> Iterator[Batch]:
    """The readings in pieces that are stored together."""
    batch = Batch()
    for line, one in readings(table, facts, after=after):
        batch.add(line, one)
        if batch.full:
            yield batch
            batch = Batch()
    if batch.lines:
        yield batch


def resolve(session: Session, row: Import, batch: Batch, pairs: PairSteps) -> tuple[list[Staged], list[Reject]]:
    """All staged rows of a batch and all its reasons; pairs are looked up here, and nothing is written."""
    staged, rejects = pairs.stage(session, row, batch.pairs, batch.verdicts)
    return [*batch.rows, *staged], [*batch.rejects, *rejects]


def insert(session: Session, import_id: UUID, staged: list[Staged], rejects: list[Reject]) -> None:
    """Bulk inserts into the staging tables; a line has one reason, and several are joined."""
    by_table: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for table, values in staged:
        by_table[table.name].append(values | {"import_id": import_id})
    for table in STAGED:
        if rows := by_table.get(table.name):
            session.execute(sa.insert(table), rows)
    reasons: dict[int, list[str]] = defaultdict(list)
    for reject in rejects:
        reasons[reject.line].append(reject.reason)
    listed = [{"import_id": import_id, "line": line, "reason": "; ".join(told)} for line, told in reasons.items()]
    if listed:
        session.execute(sa.insert(ImportReject), listed)


def reached(session: Session, import_id: UUID) -> int:
    """The last line that is stored: batches are stored whole and in order, so reading goes on behind it."""
    places = [sa.select(sa.func.max(table.c.line)).where(table.c.import_id == import_id) for table in STAGED]
    rejects = sa.select(sa.func.max(ImportReject.line)).where(ImportReject.import_id == import_id)  # type: ignore[arg-type]
    found = [session.scalar(query) for query in (*places, rejects)]
    return max((line for line in found if line is not None), default=0)


def clear(session: Session, import_id: UUID) -> None:
    """Delete what is staged for an import."""
    for table in STAGED:
        session.execute(sa.delete(table).where(table.c.import_id == import_id))
