"""CSV text as rows: which character separates, what the columns are called, which lines cannot be read and why.

In: decoded text. Out: columns, rows, rejects, and notes on what was decided. It promises no row more than the
file has: a torn line is rejected, never guessed at.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from core import untrusted
from core.errors import ImportRejected
from core.feedback.records import Reject, Row

MAX_COLUMNS = 500
_DELIMITERS = (",", ";", "\t", "|")
_NEVER = "\x1f"  # a delimiter no text has: every line is one cell
_RESTARTS = 10
_NAME = 200

_Record = tuple[int, list[str], str | None]  # the line it begins on, its cells, what is wrong with it


def csv_rows(content: str, max_rows: int, notes: list[str]) -> tuple[list[str], list[Row], list[Reject]]:
    """(columns, rows, rejects) of a CSV file with a line of column names; decisions are added to ``notes``."""
    lines = list(io.StringIO(content, newline=""))
    records = _records(lines, _delimiter(lines))
    _, header, problem = next(records, (1, [], "is empty"))
    if problem:
        raise ImportRejected(f"The line of column names {problem}. Nothing was stored.")
    columns = _header(header, notes)
    rows: list[Row] = []
    rejects: list[Reject] = []
    for line, cells, problem in records:
        problem = problem or _ragged(cells, columns)
        if problem:
            rejects.append(Reject(line, problem))
        else:
            rows.append(Row(line, dict(zip(columns, cells, strict=False))))
        if len(rows) + len(rejects) > max_rows:
            raise too_many(max_rows)
    return columns, rows, rejects


def _ragged(cells: list[str], columns: list[str]) -> str | None:
    """Cells past the header mean that a text was torn apart; missing ones at the end are only empty."""
    if any(cell.strip() for cell in cells[len(columns) :]):
        return f"has {len(cells)} cells where the header has {len(columns)}; a quotation mark may be missing"
    return None


def _records(lines: list[str], delimiter: str) -> Iterator[_Record]:
    """Every record that is not blank. A quotation mark that is never closed costs its own line, not all that follow."""
    start, restarts = 0, 0
    reader = csv.reader(iter(lines), delimiter=delimiter)
    while True:
        line, cells, problem = start + reader.line_num + 1, [], None
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            problem = "has a cell of more than 131,072 characters; a quotation mark may not be closed"
        if not problem and start + reader.line_num == len(lines) and _open(lines[line - 1 :], delimiter):
            problem = "opens a quotation mark that is never closed"
        if problem or any(cell.strip() for cell in cells):
            yield line, cells, problem
        if problem and restarts < _RESTARTS:
            start, restarts = line, restarts + 1
            reader = csv.reader(iter(lines[start:]), delimiter=delimiter)


def _open(lines: list[str], delimiter: str) -> bool:
    """Whether the record that these lines are ends inside quotation marks."""
    try:
        list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "unexpected end" in str(error) or (len(lines) > 1 and "".join(lines).count('"') % 2 == 1)
    return False


def _delimiter(lines: list[str]) -> str:
    """The character that cuts the first lines into the most equal rows; none when the header is one name."""
    best, found = (0.0, 1), _NEVER
    for delimiter in _DELIMITERS:
        try:
            widths = [len(cells) for cells in csv.reader(lines[:60], delimiter=delimiter) if cells]
        except csv.Error:
            continue
        if widths and widths[0] > 1:
            score = (sum(width == widths[0] for width in widths) / len(widths), widths[0])
            if score > best:
                best, found = score, delimiter
    return found


def _header(cells: list[str], notes: list[str]) -> list[str]:
    """Column names: cleaned, never empty, never twice the same."""
    columns: list[str] = []
    for position, cell in enumerate(cells[:MAX_COLUMNS], 1):
        name = column_name(cell) or f"column {position}"
        again = sum(column == name or column.startswith(f"{name} (") for column in columns)
        columns.append(f"{name} ({again + 1})" if name in columns else name)
        if columns[-1] != name:
            notes.append(f'The column "{name}" is there more than once; the later one is called "{columns[-1]}".')
    return columns


def column_name(text: str) -> str:
    return untrusted.clean(text[:_NAME], limit=3 * _NAME)


def too_many(max_rows: int) -> ImportRejected:
    return ImportRejected(f"The file has more than {max_rows:,} rows; split it. Nothing was stored.")
