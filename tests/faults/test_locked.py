"""Fault: another process holds the write lock. What writes waits, then says so; jobs and beats survive it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from sqlmodel import select

from core.errors import StoreBusy
from core.jobs import leases, queue
from core.jobs.worker import Worker
from core.settings import Settings
from core.store import Store
from core.tables import Job, JobStatus
from core.tables import Worker as WorkerRow
from tests.faults.conftest import Start, wait_for
from tests.faults.counting import STEPS, Counting, ask, counted, counting, job_now, wait_until_through

__all__ = ["counting"]

BUSY_S = 0.4


@pytest.fixture
def hasty(settings: Settings) -> Iterator[Store]:
    """The same database, with less patience."""
    store = Store(settings.database_url, busy_timeout_s=BUSY_S)
    yield store
    store.close()


def test_a_write_waits_for_the_lock_then_says_so_and_reading_goes_on(hasty: Store, store: Store, start: Start) -> None:
    """Fault: DB locked 30 s by another process."""
    holder = start("hold")
    holder.says("held")
    began = time.monotonic()
    with pytest.raises(StoreBusy, match=r"nothing was stored\. Try again"), hasty.write():
        pass
    waited_s = time.monotonic() - began
    with hasty.read() as session:
        assert session.exec(select(Job)).all() == []
    assert waited_s >= BUSY_S * 0.9


def test_a_write_that_waits_goes_through_when_the_lock_is_free(store: Store, start: Start) -> None:
    """Fault: DB locked 30 s by another process."""
    holder = start("hold")
    holder.says("held")
    holder.process.stdin.write("\n")  # type: ignore[union-attr]
    holder.process.stdin.flush()  # type: ignore[union-attr]
    with store.write() as session:  # its own patience is 10 s
        queue.enqueue(session, "triage", requested_by="ada")
    with store.read() as session:
        assert len(session.exec(select(Job)).all()) == 1


def test_a_job_and_its_workers_beat_survive_a_long_lock(
    hasty: Store,
    settings: Settings,
    start: Start,
    counting: Counting,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Fault: DB locked 30 s by another process; the heartbeat tolerates it."""
    monkeypatch.setattr(leases, "BEAT_S", 0.1)
    monkeypatch.setattr(queue, "BACK_OFF_S", (0.1,))
    counting.halt_at = 2
    job_id = ask(hasty)
    worker = Worker(hasty, settings)
    worker.start()
    try:
        assert counting.halted.wait(30)
        holder = start("hold")
        holder.says("held")
        counting.go_on.set()
        watchdog, gone = leases.Watchdog(), 0
        until = time.monotonic() + 4 * BUSY_S
        while time.monotonic() < until:  # several tries of the job and of the beat fall into this
            with hasty.read() as session:
                gone += len(watchdog.gone(leases.holders(session)))
            time.sleep(0.05)
        assert job_now(hasty, job_id).status is not JobStatus.FAILED
        holder.let_go()
        wait_until_through(hasty, job_id)
        beaten = _beat(hasty)
        wait_for(lambda: _beat(hasty) > beaten, "the next beat")
    finally:
        worker.stop()
    assert (gone, counted(hasty, job_id)) == (0, list(range(STEPS)))


def _beat(store: Store) -> int:
    with store.read() as session:
        return max(row.beat for row in session.exec(select(WorkerRow)))
