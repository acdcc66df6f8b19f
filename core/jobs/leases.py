"""Which workers live, and what becomes of the jobs of those that do not.

A worker adds one to its beat every few seconds. Others note, by their own monotonic clock, when they last saw it
change: a clock that jumps fools nobody. On the same machine a process that is gone is known at once.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from core.jobs import identity, kinds, queue
from core.tables import Job, JobCommand, JobStatus, Worker, now

BEAT_S = 5.0
SILENT_S = 30.0  # on another machine: beats are all there is
SILENT_HERE_S = 120.0  # its process lives on this machine, so a busy database or a long import may explain it


def register(session: Session, home: Path) -> Worker:
    """A row for this process."""
    worker = Worker(
        machine=identity.machine(),
        process=identity.process(),
        host=socket.gethostname()[:200],
        home_id=identity.home_id(home),
    )
    session.add(worker)
    session.flush()
    return worker


def beat(session: Session, worker_id: UUID) -> None:
    """A sign of life."""
    session.exec(
        sa.update(Worker).where(col(Worker.id) == worker_id).values(beat=col(Worker.beat) + 1, heartbeat_at=now())
    )


def sign_off(session: Session, worker_id: UUID) -> None:
    """The worker has stopped in good order; what it still held can be taken up at once."""
    session.exec(sa.update(Worker).where(col(Worker.id) == worker_id).values(stopped_at=now()))


class Watchdog:
    """Looks at the workers that hold jobs, again and again, and remembers when each last gave a sign of life."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[UUID, tuple[int, float]] = {}

    def gone(self, workers: Sequence[Worker]) -> list[Worker]:
        """Those that will not come back."""
        self._seen = {worker.id: self._last_sign(worker) for worker in workers}
        return [worker for worker in workers if self._is_gone(worker)]

    def _last_sign(self, worker: Worker) -> tuple[int, float]:
        known = self._seen.get(worker.id)
        return known if known is not None and known[0] == worker.beat else (worker.beat, self._clock())

    def _is_gone(self, worker: Worker) -> bool:
        if worker.stopped_at is not None:
            return True
        lives = identity.alive(worker.machine, worker.process)
        silent_s = self._clock() - self._seen[worker.id][1]
        if lives is None:
            return silent_s > SILENT_S
        return not lives or silent_s > SILENT_HERE_S


def holders(session: Session) -> Sequence[Worker]:
    """The workers that hold a running job."""
    holding = sa.select(col(Job.worker_id)).where(col(Job.status) == JobStatus.RUNNING)
    return session.exec(select(Worker).where(col(Worker.id).in_(holding))).all()


def dropped(session: Session, worker_id: UUID, in_hands: Sequence[UUID]) -> list[UUID]:
    """Running jobs of a worker that it does not do. Ones taken within the last beats are just being picked up."""
    since = now() - timedelta(seconds=4 * BEAT_S)
    query = sa.select(col(Job.id)).where(
        col(Job.worker_id) == worker_id, col(Job.status) == JobStatus.RUNNING, col(Job.started_at) < since
    )
    return [job_id for (job_id,) in session.execute(query) if job_id not in in_hands]


def take_back(session: Session, workers: Sequence[Worker]) -> list[UUID]:
    """Free the jobs of workers that are gone: queued again, or interrupted where a person decides."""
    ids = [worker.id for worker in workers]
    query = select(Job).where(col(Job.status) == JobStatus.RUNNING, col(Job.worker_id).in_(ids))
    lost = list(session.exec(query.execution_options(populate_existing=True)))
    for job in lost:
        let_go(session, job, "Its process stopped.")
    return [job.id for job in lost]


def let_go(session: Session, job: Job, why: str) -> None:
    """A running job loses its worker. At the fourth loss or failure in a row it fails: it may be what breaks them."""
    entry = kinds.kind(job.kind)
    if job.command is JobCommand.CANCEL:  # what a person asked for is not forgotten with the process
        queue.advance(session, job, JobStatus.CANCELLED)
        queue.event(session, job.id, "cancelled", f"{why} It was to be cancelled.")
        entry.on_cancelled(session, job)
        return
    if not entry.goes_on_by_itself:
        queue.advance(session, job, JobStatus.INTERRUPTED, error=why, worker_id=None)
        queue.event(session, job.id, "interrupted", why)
        entry.on_stopped(session, job, why)
    elif job.failures + 1 >= kinds.MOST_FAILURES:
        error = f"{why} That happened {kinds.MOST_FAILURES} times in a row, so it is not tried again by itself."
        queue.advance(session, job, JobStatus.FAILED, failures=job.failures + 1, error=error)
        queue.event(session, job.id, "failed", error)
        entry.on_failed(session, job)
    else:
        queue.advance(session, job, JobStatus.QUEUED, failures=job.failures + 1, worker_id=None)
        queue.event(session, job.id, "taken back", f"{why} It goes on where it was.")
