"""Fault: the database file is gone, cut off, damaged, read-only or of a later version when Hone starts.

It says so in one sentence and touches nothing: an empty database in its place would look like everything was lost.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from core.errors import StoreDamaged, StoreError, StoreTooNew
from core.jobs import backup, identity, queue
from core.jobs.worker import do_here
from core.settings import DATABASE, Settings
from core.store import Store
from core.tables import Interaction, JobStatus
from tests.core.preference_rows import answer

NOBODY = 65534

# A file of one's own is SQLite's affair; PostgreSQL's server says by itself what is wrong with it.
pytestmark = pytest.mark.sqlite


@pytest.fixture
def file(settings: Settings) -> Path:
    """The database of a home that was in use, closed, with one answer in it."""
    store = Store.open(settings)
    with store.write() as session:
        answer(session, "Where are my invoices?", "Open billing.")
    identity.home_id(settings.home)
    store.close()
    return settings.home / DATABASE


def test_a_deleted_database_is_not_made_anew(settings: Settings, file: Path) -> None:
    """Fault: DB file deleted."""
    file.unlink()
    with pytest.raises(StoreDamaged, match="is gone or empty, though this folder was in use"):
        Store.open(settings)
    assert not file.exists()


def test_a_database_cut_off_to_nothing_is_not_made_anew(settings: Settings, file: Path) -> None:
    """Fault: DB file deleted, corrupt (truncate)."""
    os.truncate(file, 0)
    with pytest.raises(StoreDamaged, match="is gone or empty"):
        Store.open(settings)
    assert file.stat().st_size == 0


def test_the_sentence_names_the_newest_backup_and_that_can_be_put_in_place(settings: Settings, file: Path) -> None:
    """Fault: DB file deleted; the backup's path is said."""
    store = Store.open(settings)
    with store.write() as session:
        job_id = queue.enqueue(session, "backup", requested_by="").id
    assert do_here(store, settings, job_id).status is JobStatus.COMPLETED
    store.close()
    file.unlink()
    newest = backup.copies(settings)[0]
    with pytest.raises(StoreDamaged, match=str(newest)):
        Store.open(settings)
    shutil.copy(newest, file)
    store = Store.open(settings)
    with store.read() as session:
        answers = session.exec(select(Interaction.response)).all()
    store.close()
    assert list(answers) == ["Open billing."]


def test_what_is_no_database_is_left_as_it_is(settings: Settings, file: Path) -> None:
    """Fault: DB file corrupt."""
    file.write_bytes(b"these are notes, not a database. " * 500)
    before = file.read_bytes()
    with pytest.raises(StoreDamaged, match=r"cannot be read\. Put (a|the newest) backup"):
        Store.open(settings)
    assert file.read_bytes() == before


def test_a_database_cut_in_half_is_found_at_the_start(settings: Settings, file: Path) -> None:
    """Fault: DB file corrupt (truncate)."""
    os.truncate(file, file.stat().st_size // 2)
    with pytest.raises(StoreDamaged, match="cannot be read"):
        store = Store.open(settings)
        with store.read() as session:
            session.exec(select(Interaction)).all()


def test_a_database_of_a_later_version_is_not_touched(settings: Settings, file: Path) -> None:
    """Fault: newer schema."""
    store = Store(settings.database_url)
    with store.write() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    with pytest.raises(StoreTooNew, match="written by a later version of Hone"):
        Store.open(settings)


@pytest.fixture
def read_only() -> Iterator[Settings]:
    """A home whose database this process may read and not write."""
    home = Path(tempfile.mkdtemp(prefix="hone-read-only-"))
    settings = Settings(home=home, db="", _env_file=None)
    store = Store.open(settings)
    with store.write() as session:
        answer(session, "Where are my invoices?", "Open billing.")
    store.close()
    (home / DATABASE).chmod(0o444)
    home.chmod(0o555)
    root = os.geteuid() == 0  # permissions mean nothing to root
    if root:
        os.seteuid(NOBODY)
    yield settings
    if root:
        os.seteuid(0)
    home.chmod(0o755)
    shutil.rmtree(home)


def test_a_database_one_may_not_write_is_a_sentence_about_permissions(read_only: Settings) -> None:
    """Fault: DB file read-only."""
    with pytest.raises(StoreError, match=r"may only be read; nothing was stored\. Check the permissions"):
        store = Store.open(read_only)
        with store.write() as session:
            answer(session, "Another", "one.")
