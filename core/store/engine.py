"""The engine and its transactions, the same on SQLite and PostgreSQL: many readers, one writer at a time.

SQLite runs in WAL mode. A deferred transaction that turns into a write fails at once when another process
writes (the busy timeout does not help an upgrade), so ``write()`` takes the lock with BEGIN IMMEDIATE. On PostgreSQL
it takes one advisory lock for the length of the transaction: what a step looked at in ``write()`` cannot change under
it on either database, and no transaction ever has to be run again. Writes are short, so the queue is too.
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
from core.settings import BACKUPS, DATABASE, HOME_ID, Settings
from core.store.migrations import migrate

_WRITE = "hone_write"
_WRITE_LOCK = 0x48_4F_4E_45_57  # any number all processes agree on; advisory locks belong to one database
_OLDEST_POSTGRES = 15
_LOCKED = ("55P03", "40001", "40P01", "57014")  # lock timeout, serialization, deadlock, cancelled (SQLSTATE)
_NO_SPACE = ("53100", "53200")


class Store:
    """The database. One object per process; sessions are per action and per thread."""

    def __init__(self, url: str | URL, *, busy_timeout_s: float = 10.0) -> None:
        self.url = with_driver(_known(url))
        self._engine = _engine(self.url, busy_timeout_s)
        # READ COMMITTED on PostgreSQL: its snapshot is taken after the lock is held, statement by statement.
        level = {} if self.url.get_backend_name() == "sqlite" else {"isolation_level": "READ COMMITTED"}
        self._writer = self._engine.execution_options(**{_WRITE: True}, **level)

    @classmethod
    def open(cls, settings: Settings) -> Store:
        """Open the configured database and bring its schema up to date.

        Raises StoreDamaged when the file is no database or has gone from a home that was in use, StoreTooNew when a
        later version wrote it.
        """
        _still_there(settings)
        store = cls(settings.database_url, busy_timeout_s=settings.busy_timeout_s)
        try:
            store.migrate()
        except StoreDamaged as error:
            newest = _newest_backup(settings)
            raise StoreDamaged(f"{error} The newest backup is {newest}." if newest else str(error)) from error
        return store

    @property
    def engine(self) -> sa.Engine:
        return self._engine

    def migrate(self) -> None:
        """Upgrade to the newest schema; at once when it is there already."""
        if self.url.get_backend_name() == "sqlite" and self.url.database not in (None, "", ":memory:"):
            Path(str(self.url.database)).parent.mkdir(parents=True, exist_ok=True)
        with _translated():
            _check_server(self._engine)
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

    def copy_to(self, path: Path) -> None:
        """Write the whole SQLite database to a new file, while others read and write. Raises StoreFull."""
        with _translated(), self._engine.connect() as connection:
            connection.connection.cursor().execute("VACUUM INTO ?", (str(path),))  # outside of any transaction

    def close(self) -> None:
        self._engine.dispose()


def _still_there(settings: Settings) -> None:
    """A home that was in use and has lost its database must not get an empty one: nobody would notice."""
    file = settings.home / DATABASE
    there = file.exists() and file.stat().st_size > 0  # SQLite takes a file of no bytes for a new database
    if settings.db or there or not (settings.home / HOME_ID).exists():
        return
    newest = _newest_backup(settings)
    copy = f"Put the newest backup ({newest}) in its place" if newest else "Put a backup in its place"
    raise StoreDamaged(
        f"The database {file} is gone or empty, though this folder was in use. {copy}, or remove the file "
        f"“{HOME_ID}” beside it to start with an empty one. Nothing was created."
    )


def _newest_backup(settings: Settings) -> Path | None:
    return max((settings.home / BACKUPS).glob("hone-*.db"), default=None)


def _known(url: str | URL) -> URL:
    """Raises StoreError for an address that is none, or one of a database Hone does not speak to."""
    try:
        known = make_url(url)
    except sa.exc.ArgumentError:
        raise StoreError(
            "The database's address cannot be read. Write it like sqlite:///hone.db or postgresql://user@host/name."
        ) from None
    if known.get_backend_name() not in ("sqlite", "postgresql", "postgres"):
        raise StoreError(f"Hone keeps its data in SQLite or PostgreSQL; {known.get_backend_name()} is neither.")
    return known


def with_driver(url: URL) -> URL:
    """The URL with the driver Hone brings: ``postgres://`` and ``postgresql://`` are how people write it."""
    return url.set(drivername="postgresql+psycopg") if url.drivername in ("postgres", "postgresql") else url


def _engine(url: URL, busy_timeout_s: float) -> sa.Engine:
    # hide_parameters: an error message must never print what users wrote.
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(url, hide_parameters=True)
        sa.event.listen(engine, "connect", _sqlite_connect(busy_timeout_s))
        sa.event.listen(engine, "begin", _sqlite_begin)
        return engine
    engine = sa.create_engine(
        url,
        hide_parameters=True,
        isolation_level="REPEATABLE READ",  # a read sees one moment, as it does on SQLite
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=30,
        pool_timeout=busy_timeout_s,
    )
    sa.event.listen(engine, "begin", _postgres_begin(busy_timeout_s))
    return engine


def _check_server(engine: sa.Engine) -> None:
    """Raises StoreError for a PostgreSQL older than 15."""
    if engine.dialect.name != "postgresql":
        return
    with engine.connect() as connection:
        version = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000
    if version < _OLDEST_POSTGRES:
        raise StoreError(f"The server is PostgreSQL {version}; Hone needs {_OLDEST_POSTGRES} or newer.")


def _postgres_begin(busy_timeout_s: float) -> Any:
    def begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get(_WRITE):
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(busy_timeout_s * 1000)}")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITE_LOCK})")

    return begin


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
    except sa.exc.TimeoutError as error:
        raise StoreBusy("Too many things use the database at once; nothing was stored. Try again.") from error


def _sentence(error: sa.exc.DBAPIError) -> Exception:
    message = str(error.orig).lower()
    state = getattr(error.orig, "sqlstate", None)
    if state in _LOCKED or (state is None and ("locked" in message or "busy" in message)):
        return StoreBusy("The database is busy with another write; nothing was stored. Try again in a moment.")
    if state in _NO_SPACE or (state is None and "full" in message):
        return StoreFull("The disk or the database is full; nothing was stored. Free some space and try again.")
    if "readonly" in message or "read-only" in message:
        return StoreError("The database may only be read; nothing was stored. Check the permissions of its file.")
    if "not a database" in message or "malformed" in message:
        return StoreDamaged("The database file cannot be read. Put a backup in its place; nothing was changed.")
    if "unable to open" in message or isinstance(error, sa.exc.OperationalError):
        return StoreError(
            f"The database cannot be reached ({type(error.orig).__name__}); nothing more was stored. "
            "Check its address and its server."
        )
    return error
