"""Backups: a whole copy of the SQLite file a day, of which three are kept, and a home that notices its file is gone."""

from __future__ import annotations

import os
import time

import pytest

from core.errors import StoreDamaged
from core.jobs import backup, table
from core.jobs.worker import do_here
from core.settings import Settings
from core.store import Store
from core.tables import JobStatus
from tests.frozen_pairs import freeze_sixty

pytestmark = pytest.mark.sqlite  # PostgreSQL has tools of its own


def back_up(store: Store, settings: Settings) -> None:
    backup.see_to(store, settings)
    with store.read() as session:
        waiting = [job.id for job in table.under_way(session)]
    for job_id in waiting:
        assert do_here(store, settings, job_id).status is JobStatus.COMPLETED


def test_a_backup_can_stand_in_for_the_database(store: Store, settings: Settings) -> None:
    with store.write() as session:
        dataset_id = freeze_sixty(session)
    back_up(store, settings)
    store.close()
    [copy] = backup.copies(settings)
    (settings.home / "hone.db").write_bytes(copy.read_bytes())
    for left in settings.home.glob("hone.db-*"):
        left.unlink()
    again = Store.open(settings)
    with again.read() as session:
        from core.datasets import freeze

        assert freeze.verify(session, dataset_id).total_examples == 60
    again.close()


def test_one_a_day_is_enough_and_three_are_kept(store: Store, settings: Settings) -> None:
    back_up(store, settings)
    back_up(store, settings)
    assert len(backup.copies(settings)) == 1
    for day in range(1, 5):
        old = backup.folder(settings) / f"hone-2020010{day}-000000.db"
        old.write_bytes(b"")
    for copy in backup.copies(settings):
        os.utime(copy, (time.time() - 2 * backup.EVERY_S,) * 2)
    back_up(store, settings)
    assert len(backup.copies(settings)) == backup.KEPT


def test_a_database_that_has_gone_is_not_replaced_by_an_empty_one(store: Store, settings: Settings) -> None:
    """Fault: DB file deleted."""
    back_up(store, settings)
    store.close()
    for file in settings.home.glob("hone.db*"):
        file.unlink()
    with pytest.raises(StoreDamaged, match="newest backup"):
        Store.open(settings)
    assert not (settings.home / "hone.db").exists()
