"""One attempt at one job: the kind's own work, and whatever comes of it written down.

What may pass by itself (a locked or full store) and what is unexpected is tried again after a while; what will be
the same next time (a file that cannot be read, a run that diverged) fails at once, with its sentence.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import Callable

from sqlmodel import Session

from core.errors import HoneError, StoreBusy, StoreError, StoreFull
from core.jobs import kinds, leases, queue
from core.jobs.held import HeldJob
from core.jobs.kinds import Ending
from core.settings import Settings
from core.store import Store
from core.tables import Job, JobStatus
from core.work import Stopped

log = logging.getLogger(__name__)

FINAL_WRITE_TRIES = 30  # each waits up to one busy timeout: the end of a job is worth waiting for
WAIT_S = 1.0


def do(store: Store, settings: Settings, job: Job, held: HeldJob) -> None:
    """Do it once and store how that went; never raises for what the work itself raised."""
    entry = kinds.kind(job.kind)
    try:
        ending = entry.run(store, settings, job, held) or Ending()
        write = _ended(held, ending, entry)
    except Stopped as stop:
        if stop.why == "lost":
            return
        write = _stopped(held, stop.why, entry)
    except StoreError as error:
        write = _store_refused(held, str(error), entry)
    except HoneError as error:
        write = _ended(held, Ending(JobStatus.FAILED, error=str(error), detail=traceback.format_exc()), entry)
    except Exception as error:  # whatever a library throws, the job ends and the worker goes on
        log.exception("job %s failed", job.id)
        message = f"It stopped on an unexpected {type(error).__name__}. The details are on its page."
        write = _broke(held, message, traceback.format_exc(), entry)
    _insist(store, write)


Write = Callable[[Session], None]


def _ended(held: HeldJob, ending: Ending, entry: kinds.Kind) -> Write:
    def write(session: Session) -> None:
        job = queue.held(session, held.job_id, held.worker_id)
        if ending.write is not None:
            ending.write(session)
        values = {"result": dict(ending.result), "error": ending.error, "error_detail": ending.detail, "note": ""}
        queue.advance(session, job, ending.status, **values)
        queue.event(session, job.id, ending.status.value, ending.error or f"{entry.title}: {ending.status.value}.")
        if ending.status is JobStatus.FAILED:
            entry.on_failed(session, job)

    return write


def _stopped(held: HeldJob, why: str, entry: kinds.Kind) -> Write:
    def write(session: Session) -> None:
        job = queue.held(session, held.job_id, held.worker_id)
        if why == "cancel":
            queue.advance(session, job, JobStatus.CANCELLED)
            queue.event(session, job.id, "cancelled", "It was cancelled.")
            entry.on_cancelled(session, job)
        elif why == "pause":
            queue.advance(session, job, JobStatus.PAUSED, worker_id=None)
            queue.event(session, job.id, "paused", "It is paused and can go on where it was.")
            entry.on_stopped(session, job, why)
        elif entry.goes_on_by_itself:
            queue.advance(session, job, JobStatus.QUEUED, worker_id=None)
            queue.event(session, job.id, "stopped", "The app was stopped; it goes on at the next start.")
        else:
            leases.let_go(session, job, "The app was stopped.")

    return write


def _broke(held: HeldJob, error: str, detail: str | None, entry: kinds.Kind) -> Write:
    def write(session: Session) -> None:
        job = queue.held(session, held.job_id, held.worker_id)
        most = kinds.MOST_FAILURES if entry.goes_on_by_itself else 1
        if not queue.failed_once(session, job, error=error, detail=detail, most=most):
            entry.on_failed(session, job)

    return write


def _store_refused(held: HeldJob, error: str, entry: kinds.Kind) -> Write:
    """A locked or full store passes, however long it takes: what is stored so far is not given up for it."""

    def write(session: Session) -> None:
        job = queue.held(session, held.job_id, held.worker_id)
        if entry.goes_on_by_itself:
            queue.failed_once(session, job, error=error, detail=None, most=sys.maxsize)
        else:
            leases.let_go(session, job, error)

    return write


def _insist(store: Store, write: Write) -> None:
    """Write the end of a job even when the database is locked for minutes: a lost end would look like a crash."""
    for tries_left in range(FINAL_WRITE_TRIES, 0, -1):
        try:
            with store.write() as session:
                write(session)
            return
        except Stopped:  # somebody took it for dead and freed it
            return
        except (StoreBusy, StoreFull):
            if tries_left == 1:
                raise
            time.sleep(WAIT_S)
