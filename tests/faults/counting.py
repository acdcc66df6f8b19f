"""A small kind of job for faults: it stores a row of its own in every step, and waits where a test wants it to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from uuid import UUID

import pytest

from core.jobs import kinds, queue
from core.jobs.kinds import Ending, Kind
from core.settings import Settings
from core.store import Store
from core.tables import Job, JobStatus
from core.work import Work
from tests.faults.conftest import wait_for

STEPS = 6


class Counting:
    """Stores the numbers up to STEPS, each as an event beside its progress; halts before ``halt_at`` until let go."""

    def __init__(self) -> None:
        self.halt_at: int | None = None
        self.weight = 1  # characters stored with each number
        self.halted, self.go_on = threading.Event(), threading.Event()

    def run(self, store: Store, settings: Settings, job: Job, work: Work) -> Ending:
        for at in range(int(work.cursor.get("at", 0)), STEPS):
            if at == self.halt_at:
                self.halted.set()
                assert self.go_on.wait(60)
            work.check()
            with store.write() as session:
                queue.event(session, job.id, "number", f"{at}:" + "x" * self.weight)
                work.saved(session, at + 1, STEPS, unit="numbers", cursor={"at": at + 1})
        return Ending()


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counting]:
    """The one kind of job there is in this test."""
    doing = Counting()
    entry = Kind("count", "Counting", "numbers", resource="numbers", run=doing.run)
    monkeypatch.setattr(kinds, "all_kinds", lambda: {"count": entry})
    yield doing
    doing.go_on.set()


def ask(store: Store) -> UUID:
    with store.write() as session:
        return queue.enqueue(session, "count", requested_by="ada").id


def job_now(store: Store, job_id: UUID) -> Job:
    with store.read() as session:
        return queue.get(session, job_id)


def counted(store: Store, job_id: UUID) -> list[int]:
    """The numbers that are stored, in order: each once when nothing was lost and nothing repeated."""
    from core.jobs import table

    with store.read() as session:
        events = table.events(session, queue.get(session, job_id))
    return [int(event.message.partition(":")[0]) for event in events if event.kind == "number"]


def wait_until_through(store: Store, job_id: UUID) -> None:
    wait_for(lambda: job_now(store, job_id).status is JobStatus.COMPLETED, "the job is through")
