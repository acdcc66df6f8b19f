"""``python -m core.jobs.train_child JOB WORKER``: one run in a process of its own, started and watched by a worker.

It writes to the same tables under the worker's name, hears cancel and pause from the store, and stops where it can
go on when it is told to end, and at once when its parent is gone. How it ended is its exit code and the run's row.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from uuid import UUID

from core.errors import HoneError
from core.jobs import queue, training
from core.jobs.held import HeldJob
from core.settings import Settings
from core.store import Store
from core.training import runs
from core.work import Stopped

LISTEN_S = 0.5
NICE = 10


def main(job_id: UUID, worker_id: UUID) -> int:
    with suppress(OSError):
        os.nice(NICE)
    settings = Settings(_env_file=None)
    store = Store(settings.database_url, busy_timeout_s=settings.busy_timeout_s)
    with store.read() as session:
        job = queue.held(session, job_id, worker_id)
        run = runs.get(session, job.subject_id)  # type: ignore[arg-type]
    held = HeldJob(store, job, worker_id)
    signal.signal(signal.SIGTERM, lambda *_: held.ask("shutdown"))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the parent says what it means
    threading.Thread(target=_listen, args=(store, held, os.getppid()), daemon=True).start()
    ending = training.train_here(store, settings, run, held)
    with store.write() as session:
        queue.held(session, job_id, worker_id)
        if ending.write is not None:
            ending.write(session)
    return 0


def _listen(store: Store, held: HeldJob, parent: int) -> None:
    tick = threading.Event()
    while not tick.wait(LISTEN_S):
        if os.getppid() != parent:
            held.ask("lost")  # the run may be resumed elsewhere at any moment: nothing of it is ours to write
        with suppress(HoneError), store.read() as session:
            job = queue.get(session, held.job_id)
            if job.worker_id != held.worker_id:
                held.ask("lost")
            elif job.command is not None:
                held.ask(job.command.value)


if __name__ == "__main__":
    try:
        sys.exit(main(UUID(sys.argv[1]), UUID(sys.argv[2])))
    except Stopped as stop:
        sys.exit(training.EXITS[stop.why])
