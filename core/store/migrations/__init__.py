"""Schema changes, in order, with alembic. ``migrate`` runs at every start and is instant when nothing is new."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from filelock import FileLock
from sqlalchemy.engine import URL

from core.errors import StoreTooNew

_HERE = Path(__file__).parent
_POSTGRES_LOCK = 0x484F4E45  # any number all processes agree on


def alembic_config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.attributes["connection"] = connection
    return config


def migrate(engine: sa.Engine, url: URL) -> None:
    """Bring the database to the newest revision.

    Several processes may start at once: one migrates, the others wait for it.
    Raises StoreTooNew when the database carries a revision this version does not know.
    """
    newest = ScriptDirectory.from_config(alembic_config()).get_current_head()
    if _revision(engine) == newest:
        return
    with _one_at_a_time(engine, url):
        present = _revision(engine)
        if present == newest:
            return
        known = {script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()}
        if present is not None and present not in known:
            raise StoreTooNew(
                "This database was written by a later version of Hone. Update Hone, or point HONE_DB at another one."
            )
        with engine.connect() as connection:
            command.upgrade(alembic_config(connection), "head")


def _revision(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _one_at_a_time(engine: sa.Engine, url: URL) -> Iterator[None]:
    if url.get_backend_name() != "sqlite":
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": _POSTGRES_LOCK})
            try:
                yield
            finally:
                connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": _POSTGRES_LOCK})
    elif url.database in (None, "", ":memory:"):
        yield
    else:
        folder = Path(str(url.database)).parent
        lock = folder / f".{Path(str(url.database)).name}.migrate.lock"
        if not folder.exists():
            lock = Path(tempfile.gettempdir()) / lock.name
        with FileLock(lock, timeout=60):
            yield
