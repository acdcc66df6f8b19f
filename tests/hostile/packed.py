"""Files that are packed, binary, or something else under another name: bombs, broken Parquet, office files.

The dangerous ones are small and made here: a gigabyte of zeros packs into a megabyte, a Parquet file that repeats
one text a million times into a few kilobytes.
"""

from __future__ import annotations

import gzip
import io
import sqlite3
import struct
import zipfile
import zlib
from functools import cache
from typing import Any

from tests.hostile.files import MANY, PAIR, SURVEY, HostileFile, text_file

_MB = 1024 * 1024
_DAMAGED, _PARQUET = "damaged or cut off", "damaged or of a kind"


@cache
def bomb() -> bytes:
    """A gzip file of a gigabyte of zeros, in 32 parts that are all the same."""
    return 32 * gzip.compress(b"\x00" * 32 * _MB)


def bomb_of_rows() -> bytes:
    """Sound lines of JSON that unpack to far more than is taken."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    lines = f"{PAIR}\n".encode() * 10_000
    return b"".join([*(packer.compress(lines) for _ in range(60)), packer.flush()])


def members(count: int) -> bytes:
    """A gzip file of many parts, each of which unpacks to a part of the content."""
    return b"".join(gzip.compress(SURVEY.encode() if part == 0 else b"3,More,4\n") for part in range(count))


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("../../evil.csv", SURVEY)
    return out.getvalue()


def database() -> bytes:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE a (b)")
        return connection.serialize()


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet as files

    out = io.BytesIO()
    files.write_table(pa.table(columns), out, **options)
    return out.getvalue()


def _survey() -> bytes:
    return parquet({"id": [1, 2], "comment": ["Waited two hours", "Kind and quick"], "rating": [2, 5]})


def _flipped(data: bytes, at: int, length: int = 8) -> bytes:
    return data[:at] + bytes(byte ^ 0xFF for byte in data[at : at + length]) + data[at + length :]


def _typed() -> bytes:
    """Every column of a type that no comment has."""
    import pyarrow as pa

    return parquet(
        {
            "comment": pa.array([b"\xff\xfe", None], pa.binary()),
            "rating": pa.array([float("nan"), float("inf")]),
            "id": pa.array([2**64 - 1, 0], pa.uint64()),
            "date": pa.array([2**50, -(2**55)], pa.timestamp("us")),
            "day": pa.array([0, 20_000], pa.date32()),
            "hour": pa.array([1, 2], pa.time64("ns")),
            "span": pa.array([1, 2], pa.duration("ns")),
            "amount": pa.array([None, None], pa.decimal128(38, 10)),
            "nothing": pa.nulls(2),
        }
    )


def _out_of_range() -> bytes:
    import pyarrow as pa

    return parquet({"comment": ["a"], "date": pa.array([2**62], pa.timestamp("us"))})


def _nested(levels: int) -> bytes:
    deep: Any = "a"
    for _ in range(levels):
        deep = [deep]
    return parquet({"comment": ["Fine and quick service"], "x": [deep], "y": [{"a": {"b": [1]}}]})


def _repeated(*, as_dictionary: bool, rows: int = 100) -> bytes:
    """A text of a megabyte in every row: kept once in the file, and by its schema once in memory or in every row."""
    import pyarrow as pa

    said = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["x" * _MB]))
    return parquet({"comment": said}, compression="zstd", store_schema=as_dictionary)


def _footer_of_gigabytes() -> bytes:
    """A footer that says of itself that it is two gigabytes long."""
    return b"PAR1" + b"\x15\x00" * 20 + struct.pack("<I", 2**31 - 1) + b"PAR1"


def _rows_that_are_not_there() -> bytes:
    """The footer of many rows behind the data of none."""
    whole = parquet({"comment": ["a"] * 5_000})
    length = struct.unpack("<I", whole[-8:-4])[0] + 8
    return b"PAR1" + whole[-length:]


def _same_names() -> bytes:
    import pyarrow as pa
    from pyarrow import parquet as files

    out = io.BytesIO()
    columns = [pa.array(["Fine and quick"]), pa.array(["b"]), pa.array(["c"])]
    files.write_table(pa.Table.from_arrays(columns, names=["comment", "comment", "comment (2)"]), out)
    return out.getvalue()


PACKED: dict[str, HostileFile] = {
    "gzip": HostileFile("a.csv.gz", lambda: gzip.compress(SURVEY.encode())),
    "gzip-without-saying-so": HostileFile("a.csv", lambda: gzip.compress(SURVEY.encode())),
    "plain-that-says-gzip": text_file("a.csv.gz", SURVEY, "is not packed with gzip"),
    "gzip-of-gzip": HostileFile("a.csv.gz", lambda: gzip.compress(gzip.compress(SURVEY.encode())), "packed twice"),
    "gzip-bomb": HostileFile("a.csv.gz", bomb, "more than 20 MB"),
    "gzip-bomb-of-rows": HostileFile("a.jsonl.gz", bomb_of_rows, "more than 20 MB"),
    "gzip-of-a-bomb": HostileFile("a.csv.gz", lambda: gzip.compress(bomb()), "packed twice"),
    "gzip-of-many-parts": HostileFile("a.csv.gz", lambda: members(2_000)),
    "gzip-cut-off": HostileFile("a.csv.gz", lambda: gzip.compress(SURVEY.encode())[:-9], _DAMAGED),
    "gzip-cut-in-the-header": text_file("a.csv.gz", b"\x1f\x8b\x08", _DAMAGED),
    "gzip-with-a-wrong-sum": HostileFile("a.gz", lambda: _flipped(gzip.compress(SURVEY.encode()), -8, 4), _DAMAGED),
    "gzip-with-a-broken-middle": HostileFile("a.gz", lambda: _flipped(gzip.compress(SURVEY.encode()), 14), _DAMAGED),
    "gzip-with-an-unknown-method": text_file("a.gz", b"\x1f\x8b\x07" + b"\x00" * 20, _DAMAGED),
    "gzip-with-garbage-behind": HostileFile("a.csv.gz", lambda: gzip.compress(SURVEY.encode()) + b"garbage", _DAMAGED),
    "gzip-of-nothing": HostileFile("a.csv.gz", lambda: gzip.compress(b""), "empty"),
    "gzip-of-a-zip": HostileFile("a.csv.gz", lambda: gzip.compress(archive()), "zip"),
}  # fmt: skip

BINARY: dict[str, HostileFile] = {
    "zip-named-csv": HostileFile("a.csv", archive, "zip"),
    "workbook": text_file("a.xlsx", b"PK\x03\x04" + b"\x00" * 60, "Excel"),
    "old-workbook-named-csv": text_file("a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 500, "Excel"),
    "pdf-named-jsonl": text_file("a.jsonl", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</S/JavaScript>>", "PDF"),
    "database-named-csv": HostileFile("a.csv", database, "database"),
    "bzip2": text_file("a.csv.bz2", b"BZh91AY&SY" + b"\x00" * 40, "bzip2"),
    "xz": text_file("a.csv.xz", b"\xfd7zXZ\x00\x00\x04" + b"\x00" * 40, "xz"),
    "zstd": text_file("a.csv.zst", b"\x28\xb5\x2f\xfd" + b"\x00" * 40, "zstd"),
    "program": text_file("a.csv", b"\x7fELF\x02\x01\x01" + b"\x00" * 200, "not text"),
    "picture": text_file("a.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 100, "not text"),
    "pickle": text_file("a.jsonl", b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94." * 5, "not text"),
    "zeros": text_file("a.csv", b"\x00" * 10_000, "not text"),
    "high-bytes": text_file("a.csv", bytes(range(128, 256)) * 40, "no rows"),
    "all-bytes": text_file("a.csv", bytes(range(256)) * 40, "not text"),
}

PARQUETS: dict[str, HostileFile] = {
    "parquet": HostileFile("a.parquet", _survey),
    "parquet-named-csv": HostileFile("a.csv", _survey),
    "parquet-packed": HostileFile("a.parquet.gz", lambda: gzip.compress(_survey())),
    "parquet-of-odd-types": HostileFile("a.parquet", _typed),
    "parquet-of-a-time-out-of-range": HostileFile("a.parquet", _out_of_range, _PARQUET),
    "parquet-nested": HostileFile("a.parquet", lambda: _nested(5)),
    "parquet-nested-deeply": HostileFile("a.parquet", lambda: _nested(60), _PARQUET),
    "parquet-without-rows": HostileFile("a.parquet", lambda: parquet({"comment": []}), "no rows"),
    "parquet-of-501-columns": HostileFile("a.parquet", lambda: parquet({f"c{n}": [1] for n in range(501)}), "columns"),
    "parquet-of-250k-rows": HostileFile("a.parquet", lambda: parquet({"a": [1] * 250_000}), MANY),
    "parquet-bomb": HostileFile("a.parquet", lambda: _repeated(as_dictionary=False), "more than 20 MB"),
    "parquet-bomb-in-a-dictionary": HostileFile("a.parquet", lambda: _repeated(as_dictionary=True), "more than 20 MB"),
    "parquet-of-magic-alone": text_file("a.parquet", b"PAR1", _PARQUET),
    "parquet-of-magic-twice": text_file("a.parquet", b"PAR1PAR1", _PARQUET),
    "parquet-cut-off": HostileFile("a.parquet", lambda: _survey()[:-20], _PARQUET),
    "parquet-without-footer": HostileFile("a.parquet", lambda: _survey()[:-8] + b"\x00" * 8, _PARQUET),
    "parquet-with-a-broken-footer": HostileFile("a.parquet", lambda: _flipped(_survey(), -60, 40), _PARQUET),
    "parquet-with-broken-data": HostileFile("a.parquet", lambda: _flipped(_survey(), 10, 60), _PARQUET),
    "parquet-with-a-footer-of-gigabytes": HostileFile("a.parquet", _footer_of_gigabytes, _PARQUET),
    "parquet-of-rows-that-are-not-there": HostileFile("a.parquet", _rows_that_are_not_there, _PARQUET),
    "parquet-of-same-names": HostileFile("a.parquet", _same_names),
    "parquet-of-odd-names": HostileFile("a.parquet", lambda: parquet({"": [1],"a\x00": [2], "=1": [3], "\u202e": [4]})),
}  # fmt: skip


PACKED_FILES: dict[str, HostileFile] = PACKED | BINARY | PARQUETS
