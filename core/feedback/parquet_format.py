"""A Parquet file as rows, without ever unpacking more than an import may hold.

In: the file's bytes. Out: column names and rows of plain Python values. A column that repeats one long text a million
times is a few bytes in the file: what it unpacks to is asked of the metadata first, and counted while it is read.
"""

from __future__ import annotations

import io
from typing import Any

from core.errors import ImportRejected
from core.feedback.csv_format import MAX_COLUMNS, column_name, too_many
from core.feedback.records import Row

PARQUET = b"PAR1"
_MB = 1024 * 1024
_AT_ONCE = 1_000  # rows
_CELLS_A_MB = 1_000_000  # cells taken for each MB an import may have; real files have ten bytes a cell and more


def parquet_rows(content: bytes, *, max_mb: int, max_rows: int) -> tuple[list[str], list[Row]]:
    """(columns, rows). Raises ImportRejected when the file is damaged, encrypted, too large or has no rows."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(io.BytesIO(content), page_checksum_verification=True)
        _check(file.metadata, max_mb, max_rows)
        return _read(file, max_mb)
    except (pa.ArrowException, OSError, ValueError, OverflowError, NotImplementedError, ImportError):
        raise ImportRejected(
            "The Parquet file is damaged or of a kind that cannot be read. Nothing was stored."
        ) from None


def _check(metadata: Any, max_mb: int, max_rows: int) -> None:
    """What the file says of itself, before a value of it is unpacked."""
    if metadata.num_rows > max_rows:
        raise too_many(max_rows)
    if metadata.num_columns > MAX_COLUMNS:
        raise ImportRejected(f"The file has more than {MAX_COLUMNS} columns; leave some out. Nothing was stored.")
    # Empty columns cost a file nothing, and memory a cell in every row.
    cells = metadata.num_rows * metadata.num_columns
    if _unpacked_bytes(metadata) > max_mb * _MB or cells > max_mb * _CELLS_A_MB:
        raise _too_large(max_mb)
    if not metadata.num_rows:
        raise ImportRejected("The file has no rows; nothing was stored.")


def _read(file: Any, max_mb: int) -> tuple[list[str], list[Row]]:
    names = _names(file.schema_arrow.names)
    rows: list[Row] = []
    size = 0
    for batch in file.iter_batches(batch_size=_batch_rows(file.metadata, max_mb)):
        size += sum(_unpacked(column) for column in batch.columns)
        if size > max_mb * _MB:
            raise _too_large(max_mb)
        for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            rows.append(Row(len(rows) + 1, {name: _plain(cell) for name, cell in zip(names, cells, strict=True)}))
    return names, rows


def _unpacked(column: Any) -> int:
    """Bytes of a column's values. One kept as a dictionary holds each value once, and unpacks it in every row."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    values = column.dictionary
    sizes = pc.binary_length(values.cast(pa.large_binary())) if _is_text(values.type) else None
    if sizes is None:
        return int(values.nbytes) * len(column)
    return int(pc.sum(sizes.take(column.indices.drop_null())).as_py() or 0)


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(test(kind) for test in tests)


def _unpacked_bytes(metadata: Any) -> int:
    groups = (metadata.row_group(i) for i in range(metadata.num_row_groups))
    return sum(max(group.total_byte_size, 0) for group in groups)


def _batch_rows(metadata: Any, max_mb: int) -> int:
    """So few that they fit the limit even if every one of them were the largest value of its column."""
    largest = max((metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups)), default=1)
    return max(1, min(_AT_ONCE, 4 * max_mb * _MB // max(largest, 1)))


def _names(given: list[str]) -> list[str]:
    names: list[str] = []
    for position, name in enumerate(given, 1):
        plain = column_name(name) or f"column {position}"
        names.append(f"{plain} ({position})" if plain in names else plain)
    return names


def _plain(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _too_large(max_mb: int) -> ImportRejected:
    return ImportRejected(f"The file unpacks to more than {max_mb} MB; split it. Nothing was stored.")
