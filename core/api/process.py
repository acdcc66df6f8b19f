"""What one server process holds: its settings, its store and its executor, each exactly once.

The routes and the pages share them, whichever of them is used first. ``start`` also brings up what lives
as long as the server (recovery of interrupted runs, the executor); ``current`` opens the store alone when
nobody has started the process, as in a test of one page.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlmodel import Session

from core.settings import Settings
from core.store import Store
from core.tables import TrainingRun

if TYPE_CHECKING:
    from core.training.dpo import TrainResult
    from core.training.executors import Executor

_log = logging.getLogger(__name__)
_lock = threading.RLock()
_current: Process | None = None


@dataclass
class Process:
    """Settings and store of this process; the executor comes up on first use."""

    settings: Settings
    store: Store
    _executor: Executor | None = field(default=None, repr=False)

    @property
    def executor(self) -> Executor:
        """What runs training. Imported here and not above: pages that never train do not pay for it."""
        with _lock:
            if self._executor is None:
                from core.training.executors import ThreadExecutor

                self._executor = ThreadExecutor(self.store, self.settings, on_trained=_register)
                self._executor.start()
            return self._executor

    def close(self) -> None:
        if self._executor is not None:
            self._executor.stop()
        self.store.close()


def _register(session: Session, run: TrainingRun, result: TrainResult) -> None:
    from core.adapters import registry

    registry.register(session, run, files=result.files, parameters=result.parameters)


def start() -> Process:
    """Bring the server process up: migrate the store, mark runs whose process is gone, take up the queue."""
    process = current()
    from core.training import runs

    with process.store.write() as session:
        recovered = runs.recover(session)
    for run_id in recovered:
        _log.warning("run %s was interrupted by the last stop", run_id)
    _ = process.executor
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
    """Stop the executor and close the store; the next ``current`` opens them anew."""
    global _current
    with _lock:
        process, _current = _current, None
    if process is not None:
        process.close()
