"""A list on its way out: counted, and written in pieces while it is read.

One statement through a cursor on the server's side, in one transaction: the file is one moment of the store, memory
holds a batch of it, and whoever stops taking ends the reading.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

from sqlmodel import Session

from core.exporting.formats import Format, writer
from core.exporting.lists import Chosen
from core.store import Store
from core.tables import now

BATCH = 500  # rows in memory at once; the longest texts make it some tens of megabytes

OnRows = Callable[[int], None]
"""Told how many rows have been read so far."""


def count(session: Session, chosen: Chosen) -> int:
    """How many rows the file will hold."""
    return int(session.execute(chosen.counting()).scalar_one())


def written(
    session: Session, chosen: Chosen, form: Format, *, on_rows: OnRows | None = None
) -> Generator[bytes, None, None]:
    """The file in pieces. Closing the generator ends the reading."""
    result = session.execute(chosen.statement(), execution_options={"yield_per": BATCH})
    try:
        yield from writer(form)(chosen.columns, _counted(result.partitions(), on_rows))
    finally:
        result.close()


def stream(
    store: Store, chosen: Chosen, form: Format, *, on_rows: OnRows | None = None
) -> Generator[bytes, None, None]:
    """``written`` with a session of its own, which ends with the last piece or when the generator is closed."""
    with store.read() as session:
        yield from written(session, chosen, form, on_rows=on_rows)


def file_name(name: str, form: Format) -> str:
    """What the file is called where it arrives."""
    return f"hone-{name.replace('_', '-')}-{now():%Y%m%d-%H%M}.{form}"


def _counted(batches: Iterator[Sequence[Any]], on_rows: OnRows | None) -> Iterator[Sequence[Any]]:
    done = 0
    for rows in batches:
        yield rows
        done += len(rows)
        if on_rows is not None:
            on_rows(done)
