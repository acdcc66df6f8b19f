"""The threads that do jobs: one a lane, and one that beats, listens and takes back what others left.

    worker = Worker(store, settings)
    worker.start()                 # in the app's process, or behind ``hone worker``
    worker.wake()                  # look at the queue now
    worker.stop()                  # whatever runs stops where it can go on

Streamlit knows nothing of these threads and they know nothing of it. A thread that dies is noticed by the others.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from core.errors import HoneError, StoreError
from core.jobs import kinds, leases, queue
from core.jobs import work as doing
from core.jobs.held import HeldJob
from core.jobs.kinds import lanes
from core.settings import Settings
from core.store import Store
from core.tables import Job, JobStatus
from core.tables import Worker as WorkerRow
from core.work import OnProgress

log = logging.getLogger(__name__)

POLL_S = 2.0
LISTEN_S = 0.5
CHORES_S = 3600.0


class Worker:
    """One process's threads. Not started twice."""

    def __init__(self, store: Store, settings: Settings, *, only: Sequence[str] = (), chores: bool = False) -> None:
        self._store, self._settings = store, settings
        self._chores = kinds.chores() if chores else ()
        self._lanes = {lane: names for lane, names in lanes().items() if not only or lane in only}
        self._row: WorkerRow | None = None
        self._held: dict[str, HeldJob] = {}  # by lane
        self._stopping = threading.Event()
        self._work = {lane: threading.Event() for lane in self._lanes}
        self._threads: dict[str, threading.Thread] = {}
        self._watchdog = leases.Watchdog()

    @property
    def id(self) -> UUID | None:
        return self._row.id if self._row is not None else None

    def start(self) -> None:
        """Register, take back what dead workers left, begin."""
        if self._threads:
            return
        with self._store.write() as session:
            self._row = leases.register(session, self._settings.home)
        self._take_back()
        for lane in self._lanes:
            self._begin(lane)
        self._threads["pulse"] = threading.Thread(target=self._pulse, name="jobs-pulse", daemon=True)
        self._threads["pulse"].start()

    def wake(self) -> None:
        """Look at the queue now rather than at the next poll."""
        for event in self._work.values():
            event.set()

    def stop(self, *, timeout_s: float = 25.0) -> bool:
        """Ask what runs to stop where it can go on, and wait until that is stored. False when it took too long."""
        self._stopping.set()
        for held in list(self._held.values()):
            held.ask("shutdown")
        self.wake()
        deadline = time.monotonic() + timeout_s
        for thread in self._threads.values():
            thread.join(max(0.1, deadline - time.monotonic()))
        ended = not any(thread.is_alive() for thread in self._threads.values())
        self._threads = {}
        if self._row is not None and ended:
            with suppress(HoneError), self._store.write() as session:
                leases.sign_off(session, self._row.id)
        return ended

    def _begin(self, lane: str) -> None:
        self._threads[lane] = threading.Thread(target=self._loop, args=(lane,), name=f"jobs-{lane}", daemon=True)
        self._threads[lane].start()

    def _loop(self, lane: str) -> None:
        while not self._stopping.is_set():
            try:
                did = self._next(lane)
            except HoneError as error:  # a locked or full store: the queue is still there at the next look
                log.warning("jobs: %s", error)
                did = False
            if not did:
                self._work[lane].wait(POLL_S)
                self._work[lane].clear()

    def _next(self, lane: str) -> bool:
        row = self._row
        if row is None or not _any_queued(self._store, self._lanes[lane]):
            return False
        with self._store.write() as session:
            job = queue.claim(session, row, names=self._lanes[lane])
        if job is None:
            return False
        held = self._held[lane] = HeldJob(self._store, job, row.id)
        if self._stopping.is_set():
            held.ask("shutdown")
        try:
            doing.do(self._store, self._settings, job, held)
        except Exception:
            self._held.pop(lane, None)  # its end could not be stored; the pulse frees it
            raise
        self._held.pop(lane, None)  # what ends the thread itself leaves it there, for the pulse to see
        return True

    def _pulse(self) -> None:
        beaten = chored = -CHORES_S
        while not self._stopping.wait(LISTEN_S):
            moment = time.monotonic()
            try:
                self._listen()
                if moment - beaten >= leases.BEAT_S:
                    beaten = moment
                    self._beat()
                if moment - chored >= CHORES_S:
                    chored = moment
                    for chore in self._chores:
                        chore(self._store, self._settings)
            except StoreError as error:
                log.warning("jobs: %s", error)
            except Exception:  # the pulse must go on, whatever happens to one of its beats
                log.exception("the pulse of the jobs missed a beat")

    def _listen(self) -> None:
        for held in list(self._held.values()):
            with self._store.read() as session:
                job = session.get(Job, held.job_id)
            if job is None or job.worker_id != held.worker_id:
                held.ask("lost")
            elif job.command is not None:
                held.ask(job.command.value)

    def _beat(self) -> None:
        if self._row is not None:
            with self._store.write() as session:
                leases.beat(session, self._row.id)
            with self._store.read() as session:
                dropped = leases.dropped(session, self._row.id, [held.job_id for held in list(self._held.values())])
            if dropped:
                self._let_go(dropped)
        self._take_back()
        for lane in self._lanes:
            if not self._threads[lane].is_alive() and not self._stopping.is_set():
                self._revive(lane)

    def _let_go(self, job_ids: Sequence[UUID]) -> None:
        """Jobs that are ours by name but in no thread's hands: their end could not be stored at the time."""
        with self._store.write() as session:
            for job_id in job_ids:
                job = queue.get(session, job_id)
                if job.worker_id == self.id and job.status is JobStatus.RUNNING:
                    leases.let_go(session, job, "Its end could not be stored.")

    def _revive(self, lane: str) -> None:
        """A lane's thread died without a word: free its job and begin anew."""
        log.error("the thread of %s died; it is started again", lane)
        held = self._held.pop(lane, None)
        if held is not None:
            with suppress(HoneError), self._store.write() as session:
                job = queue.held(session, held.job_id, held.worker_id)
                leases.let_go(session, job, "The thread that did it died without a word.")
        self._begin(lane)

    def _take_back(self) -> None:
        with self._store.read() as session:
            others = [row for row in leases.holders(session) if row.id != self.id]
        gone = self._watchdog.gone(others)
        if gone:
            with self._store.write() as session:
                for job_id in leases.take_back(session, gone):
                    log.warning("job %s was left by a process that stopped", job_id)
            self.wake()


def do_here(store: Store, settings: Settings, job_id: UUID, *, on_progress: OnProgress | None = None) -> Job:
    """Do one job in this thread, for a command that waits for it; the job as it ended.

    When another process has taken it already, or holds what it needs, this waits beside it. Ctrl-C stops it where it
    can go on.
    """
    with store.write() as session:
        row = leases.register(session, settings.home)
    here = _Here(store, settings, row)
    try:
        return here.follow(job_id, on_progress)
    finally:
        with suppress(HoneError), store.write() as session:
            leases.sign_off(session, row.id)


class _Here:
    """A worker of one job, in the thread that asked for it."""

    def __init__(self, store: Store, settings: Settings, row: WorkerRow) -> None:
        self._store, self._settings, self._row = store, settings, row
        self._watchdog = leases.Watchdog()

    def follow(self, job_id: UUID, on_progress: OnProgress | None) -> Job:
        while True:
            self._take_back()
            with self._store.write() as session:
                job = queue.claim(session, self._row, names=_every_kind(), job_id=job_id)
            if job is not None:
                self._do(job, on_progress)
            with self._store.read() as session:
                job = queue.get(session, job_id)
            if job.status not in (JobStatus.QUEUED, JobStatus.RUNNING):
                return job
            if on_progress is not None:
                on_progress(job.done, job.total or 0)
            time.sleep(LISTEN_S)

    def _do(self, job: Job, on_progress: OnProgress | None) -> None:
        held = HeldJob(self._store, job, self._row.id, on_progress=on_progress)
        done = threading.Event()
        pulse = threading.Thread(target=self._pulse, args=(held, done), name="jobs-pulse", daemon=True)
        pulse.start()
        thread = threading.Thread(target=doing.do, args=(self._store, self._settings, job, held), daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(0.2)  # a signal is only heard between waits
        except KeyboardInterrupt:
            held.ask("shutdown")
            thread.join()
            raise
        finally:
            done.set()
            pulse.join(5)

    def _pulse(self, held: HeldJob, done: threading.Event) -> None:
        beaten = 0.0
        while not done.wait(LISTEN_S):
            with suppress(HoneError):
                with self._store.read() as session:
                    job = session.get(Job, held.job_id)
                if job is not None and job.command is not None:
                    held.ask(job.command.value)
                if time.monotonic() - beaten >= leases.BEAT_S:
                    beaten = time.monotonic()
                    with self._store.write() as session:
                        leases.beat(session, self._row.id)

    def _take_back(self) -> None:
        with self._store.read() as session:
            others = [row for row in leases.holders(session) if row.id != self._row.id]
        if gone := self._watchdog.gone(others):
            with self._store.write() as session:
                leases.take_back(session, gone)


def _every_kind() -> list[str]:
    return [name for names in lanes().values() for name in names]


def _any_queued(store: Store, names: Sequence[str]) -> bool:
    """A look that takes no lock: an idle worker costs the others nothing."""
    with store.read() as session:
        return queue.any_queued(session, names)
