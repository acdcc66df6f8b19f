"""The engine and its transactions.

SQLite runs in WAL mode. A deferred transaction that turns into a write fails at once when another process
writes (the busy timeout does not help an upgrade), so ``write()`` takes the lock with BEGIN IMMEDIATE.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlmodel import Session

from core.errors import StoreBusy, StoreDamaged, StoreError, StoreFull
from core.settings import Settings
from core.store.migrations import migrate

_WRITE = "hone_write"


class Store:
    """The database. One object per process; sessions are per action and per thread."""

    def __init__(self, url: str | URL, *, busy_timeout_s: float = 10.0) -> None:
        self.url = make_url(url)
        self._engine = _engine(self.url, busy_timeout_s)
        self._writer = self._engine.execution_options(**{_WRITE: True})

    @classmethod
    def open(cls, settings: Settings) -> Store:
        """Open the configured database and bring its schema up to date.

        Raises StoreDamaged when the file is no database, StoreTooNew when a later version wrote it.
        """
        store = cls(settings.database_url, busy_timeout_s=settings.busy_timeout_s)
        store.migrate()
        return store

    @property
    def engine(self) -> sa.Engine:
        return self._engine

    def migrate(self) -> None:
        """Upgrade to the newest schema; at once when it is there already."""
        if self.url.get_backend_name() == "sqlite" and self.url.database not in (None, "", ":memory:"):
            Path(str(self.url.database)).parent.mkdir(parents=True, exist_ok=True)
        with _translated():
            migrate(self._engine, self.url)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A consistent view; whatever is changed in it is thrown away."""
        with _translated(), Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction holding the write lock from its start. Commits on leaving, rolls back on any error."""
        with _translated(), Session(self._writer, expire_on_commit=False) as session, session.begin():
            # The lock is taken now, not at the first statement, so that what is read here cannot go stale.
            session.connection()
            yield session

    def close(self) -> None:
        self._engine.dispose()


def _engine(url: URL, busy_timeout_s: float) -> sa.Engine:
    # hide_parameters: an error message must never print what users wrote.
    engine = sa.create_engine(url, hide_parameters=True, pool_pre_ping=url.get_backend_name() != "sqlite")
    if url.get_backend_name() == "sqlite":
        sa.event.listen(engine, "connect", _sqlite_connect(busy_timeout_s))
        sa.event.listen(engine, "begin", _sqlite_begin)
    return engine


def _sqlite_connect(busy_timeout_s: float) -> Any:
    def connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # BEGIN is ours to send
        for pragma in (
            f"busy_timeout={int(busy_timeout_s * 1000)}",
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
            "cache_size=-65536",
            "mmap_size=268435456",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return connect


def _sqlite_begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get(_WRITE)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the driver's errors into sentences; the caller's own errors pass through."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise _sentence(error) from error


def _sentence(error: sa.exc.DBAPIError) -> Exception:
    message = str(error.orig).lower()
    if "locked" in message or "busy" in message:
        return StoreBusy("The database is busy with another write; nothing was stored. Try again in a moment.")
    if "full" in message:
        return StoreFull("The disk or the database is full; nothing was stored. Free some space and try again.")
    if "readonly" in message or "read-only" in message:
        return StoreError("The database may only be read; nothing was stored. Check the permissions of its file.")
    if "not a database" in message or "malformed" in message:
        return StoreDamaged("The database file cannot be read. Put a backup in its place; nothing was changed.")
    if "unable to open" in message or isinstance(error, sa.exc.OperationalError):
        return StoreError(
            f"The database cannot be reached ({type(error.orig).__name__}). Check its address and its server."
        )
    return error
