"""Faults: the disk is full. It is said, reading goes on, what waits goes on by itself when there is room again."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlmodel import select

from core.errors import StoreFull
from core.jobs import leases, queue
from core.jobs.worker import Worker
from core.settings import Settings
from core.store import Store
from core.tables import Adapter, Interaction, Job, JobEvent, JobStatus, RunStatus
from core.training import folders
from tests.core.preference_rows import answer
from tests.faults.conftest import healthy, wait_for
from tests.faults.counting import STEPS, Counting, ask, counted, counting, job_now, wait_until_through
from tests.faults.runs_under_way import adapter_hash, adapters_on_disk, restarted, run_now
from tests.faults.runs_under_way import ask as ask_for_run

__all__ = ["counting"]


class Disk:
    """How many pages the database may have; every connection is told as it is taken."""

    def __init__(self, store: Store) -> None:
        self.full = False
        sa.event.listen(store.engine, "checkout", self._tell)

    def _tell(self, connection: Any, *_rest: object) -> None:
        most = connection.execute("PRAGMA page_count").fetchone()[0] if self.full else 0xFFFFFFFE
        connection.execute(f"PRAGMA max_page_count={most}")


@pytest.fixture
def disk(store: Store) -> Iterator[Disk]:
    disk = Disk(store)
    yield disk
    disk.full = False


def fill_up(store: Store, disk: Disk) -> None:
    """Use what room the file has left within its pages, so that the next row finds none."""
    disk.full = True
    with pytest.raises(StoreFull):
        for _ in range(1000):
            with store.write() as session:
                session.add(JobEvent(job_id=session.exec(select(Job.id)).one(), kind="filler", message="x" * 2000))


@pytest.mark.sqlite  # PostgreSQL's disk cannot be made small from here; what its driver says then is told apart alike
def test_a_full_database_is_one_sentence_and_reading_goes_on(store: Store, disk: Disk) -> None:
    """Fault: disk full (DB)."""
    with store.write() as session:
        answer(session, "Where are my invoices?", "Open billing.")
    disk.full = True
    with pytest.raises(StoreFull, match=r"nothing was stored\. Free some space"), store.write() as session:
        for number in range(200):
            answer(session, f"question {number}", "x" * 2000)
    with store.read() as session:
        assert [row.response for row in session.exec(select(Interaction))] == ["Open billing."]
    assert healthy(store)


@pytest.mark.sqlite  # as above
def test_a_job_waits_for_room_and_goes_on_by_itself(
    store: Store, settings: Settings, disk: Disk, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault: disk full (DB); training paused, nothing lost, resumes by itself when freed."""
    monkeypatch.setattr(queue, "BACK_OFF_S", (0.1,))
    monkeypatch.setattr(leases, "BEAT_S", 0.2)
    counting.halt_at, counting.weight = 2, 20_000
    job_id = ask(store)
    worker = Worker(store, settings)
    worker.start()
    try:
        assert counting.halted.wait(30)
        fill_up(store, disk)
        counting.go_on.set()
        wait_for(lambda: job_now(store, job_id).failures > 0, "the job has met the full disk")
        waiting = job_now(store, job_id)
        disk.full = False
        wait_until_through(store, job_id)
    finally:
        worker.stop()
    assert waiting.status in (JobStatus.QUEUED, JobStatus.RUNNING)
    assert counted(store, job_id) == list(range(STEPS))


@pytest.mark.training
def test_a_full_disk_under_the_adapter_fails_the_run_and_the_next_one_starts(
    store: Store,
    settings: Settings,
    dataset_id: UUID,
    model_folders: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Fault: disk full (adapter)."""
    first, second = (ask_for_run(store, settings, dataset_id, model_folders["qwen3"], epochs=1) for _ in range(2))
    monkeypatch.setattr(folders, "write", _refusing(str(first)))
    with restarted(store, settings):
        wait_for(lambda: run_now(store, second).status is RunStatus.COMPLETED, "the second run is through")
    failed = run_now(store, first)
    assert failed.status is RunStatus.FAILED
    assert failed.error is not None and failed.error.startswith("The disk is full, so the adapter was not written")
    assert "are free" in failed.error and "earlier adapters are untouched" in failed.error
    assert (adapter_hash(store, first), adapters_on_disk(settings)) == (None, [str(second)])
    with store.read() as session:
        assert [adapter.run_id for adapter in session.exec(select(Adapter))] == [second]


def _refusing(name: str) -> Callable[[Path, bytes], dict[str, Any]]:
    """A disk that takes no file into the adapter of that run."""
    really = folders.write

    def write(path: Path, content: bytes) -> dict[str, Any]:
        if path.parent.name == f".{name}.unfinished" and path.parent.parent.name == "adapters":
            raise OSError(errno.ENOSPC, "No space left on device")
        return really(path, content)

    return write
