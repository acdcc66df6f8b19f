"""What one server process holds: its settings, its store and the worker that does its jobs, each exactly once.

The routes and the pages share them, whichever of them is used first. ``start`` also brings up what lives
as long as the server (the worker, which takes back what a stopped process left); ``current`` opens the store alone
when nobody has started the process, as in a test of one page.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.settings import Settings
from core.store import Store

if TYPE_CHECKING:
    from core.jobs.worker import Worker

_lock = threading.RLock()
_current: Process | None = None


@dataclass
class Process:
    """Settings and store of this process; the worker comes up with the server."""

    settings: Settings
    store: Store
    _worker: Worker | None = field(default=None, repr=False)

    def start_worker(self) -> None:
        """Begin to do jobs, unless another process is meant to (``HONE_WORKER=false``)."""
        from core.jobs import training
        from core.jobs.worker import Worker

        with _lock:
            if self._worker is not None or not self.settings.worker:
                return
            with self.store.write() as session:
                training.adopt(session, self.settings.home)
            self._worker = Worker(self.store, self.settings, chores=True)
            self._worker.start()

    def wake(self) -> None:
        """Somebody put a job into the queue: look at it now rather than in two seconds."""
        if self._worker is not None:
            self._worker.wake()

    def close(self) -> None:
        if self._worker is not None:
            self._worker.stop()
            self._worker = None
        self.store.close()


def start() -> Process:
    """Bring the server process up: migrate the store, take back what a stopped process left, begin to work."""
    process = current()
    process.start_worker()
    return process


def current() -> Process:
    """This process's one; opened, with its schema brought up to date, on the first call.

    Raises StoreDamaged, StoreTooNew or StoreError when the configured database cannot be used.
    """
    global _current
    with _lock:
        if _current is None:
            settings = Settings()
            _current = Process(settings, Store.open(settings))
        return _current


def stop() -> None:
    """Stop the worker and close the store; the next ``current`` opens them anew."""
    global _current
    with _lock:
        process, _current = _current, None
    if process is not None:
        process.close()
