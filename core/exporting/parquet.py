"""A list as Parquet: typed columns, written in row groups into a stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from core.exporting.columns import Column, Kind, by_column
from core.exporting.formats import Batches, Values, answer, json_text

# A row group is closed at whichever comes first: readers like large ones, memory does not.
GROUP_ROWS = 20_000
GROUP_BYTES = 16 * 1024 * 1024


def write_parquet(columns: Sequence[Column], batches: Batches) -> Iterator[bytes]:
    """The file in pieces, a row group each; a list without rows is a file with its columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = _Sink()
    schema = _schema(columns)
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        for group in _groups(columns, batches, schema):
            writer.write_table(group, row_group_size=group.num_rows)
            yield sink.taken()
    yield sink.taken()


class _Sink:
    """What was written since it was last taken."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._written = 0

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        self._written += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._written

    def flush(self) -> None:
        """Everything is handed on anyway."""

    def close(self) -> None:
        """Nothing is held open."""

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _groups(columns: Sequence[Column], batches: Batches, schema: Any) -> Iterator[Any]:
    import pyarrow as pa

    held: list[Any] = []
    for rows in batches:
        found = by_column(columns, rows)
        arrays = [
            pa.array(_arrow(column.kind, values), type=field.type)
            for column, values, field in zip(columns, found, schema, strict=True)
        ]
        held.append(pa.record_batch(arrays, schema=schema))
        if sum(one.num_rows for one in held) >= GROUP_ROWS or sum(one.nbytes for one in held) >= GROUP_BYTES:
            yield pa.Table.from_batches(held, schema=schema)
            held = []
    if held:
        yield pa.Table.from_batches(held, schema=schema)


def _schema(columns: Sequence[Column]) -> Any:
    import pyarrow as pa

    message = pa.struct([("role", pa.string()), ("content", pa.string())])
    types = {
        Kind.INTEGER: pa.int64(),
        Kind.NUMBER: pa.float64(),
        Kind.FLAG: pa.bool_(),
        Kind.TIME: pa.timestamp("us", tz="UTC"),
        Kind.TURNS: pa.list_(message),
        Kind.ANSWER: pa.list_(message),
    }
    return pa.schema([(column.name, types.get(column.kind, pa.string())) for column in columns])


def _arrow(kind: Kind, values: Values) -> Values:
    match kind:
        case Kind.ID:
            return [None if value is None else str(value) for value in values]
        case Kind.JSON:
            return [None if value is None else json_text(value) for value in values]
        case Kind.ANSWER:
            return [answer(value) for value in values]
    return values
