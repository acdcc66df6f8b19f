"""A file's bytes as rows: what kind of file it is, in which encoding, and which of its lines cannot be read.

In: content of a JSONL, JSON, CSV or Parquet file, plain or gzipped. Out: ``Table`` with every readable row, the
columns, and a reason for every line that is none. Values stay as they stand in the file (only column names are
cleaned), and nothing is fetched. Raises ImportRejected, one sentence, when the file as a whole cannot be read.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from dataclasses import dataclass, field
from typing import Any

from core.errors import ImportRejected
from core.feedback.csv_format import MAX_COLUMNS, column_name, csv_rows, too_many
from core.feedback.parquet_format import PARQUET, parquet_rows
from core.feedback.records import Reject, Row

MAX_MB, MAX_ROWS = 20, 200_000
_MB = 1024 * 1024
_LINES, _LINES_A_ROW = 1_000_000, 10  # a row's texts may hold line breaks
_ROWS = ("data", "rows", "items", "examples", "records", "results")  # names that hold the rows of a JSON object
_MAGIC = (
    (b"PK\x03\x04", "a zip file or an Excel workbook; save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file; save the sheet as CSV"),
    (b"%PDF", "a PDF; export the rows as CSV"),
    (b"BZh", "packed with bzip2; unpack it, or use gzip"),
    (b"\xfd7zXZ", "packed with xz; unpack it, or use gzip"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd; unpack it, or use gzip"),
    (b"SQLite format 3", "a database; export the rows as CSV"),
)


@dataclass(frozen=True)
class Table:
    """Every row of a file. ``format`` is jsonl, json, csv or parquet, with ".gz" behind it when it was packed."""

    format: str
    columns: list[str]
    rows: list[Row]
    rejects: list[Reject] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_table(content: bytes, filename: str, *, max_mb: int = MAX_MB, max_rows: int = MAX_ROWS) -> Table:
    """All rows of a file of at most ``max_mb`` MB (unpacked too) and ``max_rows`` rows."""
    if len(content) > max_mb * _MB:
        raise ImportRejected(f"The file has more than {max_mb} MB; split it. Nothing was stored.")
    notes: list[str] = []
    packed = content.startswith(b"\x1f\x8b")
    if packed:
        content = _unpacked(content, max_mb)
    elif content and filename.lower().endswith(".gz"):
        raise ImportRejected("The file is named .gz, but is not packed with gzip; rename it. Nothing was stored.")
    if content.startswith(PARQUET):
        return Table("parquet" + (".gz" if packed else ""), *parquet_rows(content, max_mb=max_mb, max_rows=max_rows))
    content_text = _decoded(content, notes)
    if not content_text.strip():
        raise ImportRejected("The file is empty; nothing was stored.")
    if content_text.count("\n") > max(_LINES, _LINES_A_ROW * max_rows):
        raise too_many(max_rows)  # before a list of all lines takes many times their size
    kind, columns, rows, rejects = _parsed(content_text, filename, max_rows, notes)
    if not rows and not rejects:
        raise ImportRejected("The file has no rows; nothing was stored.")
    return Table(kind + (".gz" if packed else ""), columns, rows, rejects, notes)


# -- bytes to text ------------------------------------------------------------------------------------------------


def _unpacked(content: bytes, max_mb: int) -> bytes:
    """At most ``max_mb`` MB are ever unpacked, however small the packed file is."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            unpacked = file.read(max_mb * _MB + 1)
    except (OSError, EOFError, zlib.error):
        raise ImportRejected("The gzip file is damaged or cut off; pack it again. Nothing was stored.") from None
    if len(unpacked) > max_mb * _MB:
        raise ImportRejected(f"The file unpacks to more than {max_mb} MB; split it. Nothing was stored.")
    if unpacked.startswith(b"\x1f\x8b"):
        raise ImportRejected("The file is packed twice; unpack it once. Nothing was stored.")
    return unpacked


def _decoded(content: bytes, notes: list[str]) -> str:
    for magic, words in _MAGIC:
        if content.startswith(magic):
            raise ImportRejected(f"The file is {words}. Nothing was stored.")
    for bom, encoding in (
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\xff\xfe\x00\x00", "utf-32-le"),
        (b"\x00\x00\xfe\xff", "utf-32-be"),
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"),
    ):
        if content.startswith(bom):
            content = content.removeprefix(bom)
            if encoding != "utf-8":
                return content.decode(encoding, errors="replace")
            break
    if _binary(content):
        raise ImportRejected("The file is not text; export it as UTF-8 JSONL or CSV. Nothing was stored.")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return _line_by_line(content, notes)


def _binary(content: bytes) -> bool:
    head = content[:8192]
    odd = sum(head.count(byte) for byte in range(32)) - sum(head.count(byte) for byte in b"\t\n\r\f\x1b")
    return odd * 10 > len(head)


def _line_by_line(content: bytes, notes: list[str]) -> str:
    """Files that were put together from several sources mix encodings, so every line is judged by itself."""
    lines, others = [], 0
    for line in content.split(b"\n"):
        try:
            lines.append(line.decode())
        except UnicodeDecodeError:
            lines.append(line.decode("cp1252", errors="replace"))
            others += 1
    notes.append(
        f"{others:,} {'line is' if others == 1 else 'lines are'} not UTF-8 and read as Windows-1252;"
        " look at the accents below before importing."
    )
    return "\n".join(lines)


# -- text to rows -------------------------------------------------------------------------------------------------

_Parsed = tuple[str, list[str], list[Row], list[Reject]]


def _parsed(content: str, filename: str, max_rows: int, notes: list[str]) -> _Parsed:
    start = content.lstrip()[:1]
    suffix = filename.lower().removesuffix(".gz").rpartition(".")[2]
    if suffix not in ("csv", "tsv") and start in ("[", "{"):
        return _json_rows(content, start, max_rows)
    if suffix in ("jsonl", "ndjson", "json") and start not in ("[", "{"):
        return _jsonl(content, max_rows)
    columns, rows, rejects = csv_rows(content, max_rows, notes)
    return "csv", columns, rows, rejects


def _json_rows(content: str, start: str, max_rows: int) -> _Parsed:
    first_line, _, rest = content.lstrip().partition("\n")
    if start == "{" and rest.strip() and isinstance(_loads(first_line)[0], dict):
        return _jsonl(content, max_rows)
    value, problem = _loads(content)
    if problem and start == "{" and rest.strip():
        return _jsonl(content, max_rows)
    if problem:
        raise ImportRejected(f"The file is no readable JSON: it {problem}. Nothing was stored.")
    if isinstance(value, dict):  # rows under a name, or one row
        value = next((value[name] for name in _ROWS if isinstance(value.get(name), list)), [value])
    if len(value) > max_rows:
        raise too_many(max_rows)
    rows: list[Row] = []
    rejects: list[Reject] = []
    for line, item in enumerate(value, 1):
        _take(line, item, rows, rejects)
    return "json", _columns(rows), rows, rejects


def _jsonl(content: str, max_rows: int) -> _Parsed:
    rows: list[Row] = []
    rejects: list[Reject] = []
    for line, text in enumerate(content.split("\n"), 1):
        if text.strip():
            value, problem = _loads(text)
            if problem:
                rejects.append(Reject(line, problem))
            else:
                _take(line, value, rows, rejects)
            if len(rows) + len(rejects) > max_rows:
                raise too_many(max_rows)
    return "jsonl", _columns(rows), rows, rejects


def _take(line: int, value: Any, rows: list[Row], rejects: list[Reject]) -> None:
    if isinstance(value, dict):
        rows.append(Row(line, {column_name(name) or "unnamed": cell for name, cell in value.items()}))
    else:
        rejects.append(Reject(line, "is no object with named fields"))


def _loads(text: str) -> tuple[Any, str | None]:
    """The value, or what is wrong with it. NaN and Infinity are no JSON and become null."""
    try:
        return json.loads(text, parse_constant=lambda _: None), None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}" if error.lineno > 1 else f"column {error.colno}"
        return None, f"is not valid JSON ({error.msg.lower()} at {where})"
    except RecursionError:
        return None, "is nested too deeply"
    except ValueError:  # an integer of thousands of digits
        return None, "holds a number too large to read"


def _columns(rows: list[Row]) -> list[str]:
    """Names in the order they first appear; files with a name per row end the search."""
    seen: dict[str, None] = {}
    for row in rows:
        seen.update(dict.fromkeys(row.cells))
        if len(seen) >= MAX_COLUMNS:
            break
    return list(seen)[:MAX_COLUMNS]
