"""The rows a file had and the store did not take, as a CSV that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from uuid import UUID

from core import untrusted
from core.feedback.publishing import rejected
from core.store import Store

HEADER = ("line", "reason")
_AT_ONCE = 2_000


def as_csv(store: Store, import_id: UUID) -> Iterator[bytes]:
    """Every refused line of an import with its reason, piece by piece; each piece is read by itself."""
    yield _lines([HEADER])
    after = 0
    while True:
        with store.read() as session:
            found = [(one.line, one.reason) for one in rejected(session, import_id, limit=_AT_ONCE, after=after)]
        if not found:
            return
        after = found[-1][0]
        yield _lines(found)


def listed_csv(found: Iterable[tuple[int, str]]) -> bytes:
    """The same for reasons that are at hand, as of a plan."""
    return _lines([HEADER, *found])


def _lines(rows: Iterable[tuple[object, str]]) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerows((line, untrusted.csv_cell(reason)) for line, reason in rows)
    return file.getvalue().encode()
