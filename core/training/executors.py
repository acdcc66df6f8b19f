"""Where a run trains. ``Executor`` is the interface; ``ThreadExecutor`` trains in the app's own process.

One slot: the thread takes one run after another from the queue in the store. Closing a page touches nothing
here; stopping the process leaves the run interrupted at its last step.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from uuid import UUID

from sqlmodel import Session

from core.datasets import freeze
from core.errors import HoneError, StoreBusy
from core.inference.folder import resolve_base
from core.settings import Settings
from core.store import Store
from core.tables import RunOutcome, RunStatus, TrainingRun
from core.training import records, runs
from core.training.reporting import OnProgress, StoreSink, Watch
from core.training.spec import TrainResult, TrainSpec

log = logging.getLogger(__name__)

QUEUE_POLL_S = 2.0
FINAL_WRITE_TRIES = 30  # each waits up to one busy timeout: the end of a run is worth waiting for

OnTrained = Callable[[Session, TrainingRun, TrainResult], None]
"""Called in the transaction that completes a run; the adapter registry stands behind it."""


class Executor(Protocol):
    """Trains queued runs somewhere; the tables are the only way to talk to it."""

    def start(self) -> None: ...

    def wake(self) -> None: ...

    def stop(self, *, timeout_s: float = 20.0) -> None: ...


class ThreadExecutor:
    """Trains in one background thread of this process."""

    def __init__(self, store: Store, settings: Settings, *, on_trained: OnTrained) -> None:
        self._store, self._settings, self._on_trained = store, settings, on_trained
        self._stopping = threading.Event()
        self._work = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._stopping.clear()
            self._thread = threading.Thread(target=self._loop, name="training", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Look at the queue now rather than at the next poll."""
        self._work.set()

    def stop(self, *, timeout_s: float = 20.0) -> None:
        """Interrupt the run, if there is one, and wait until its state is stored."""
        self._stopping.set()
        self._work.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _loop(self) -> None:
        while not self._stopping.is_set():
            try:
                trained = run_next(self._store, self._settings, on_trained=self._on_trained, shutdown=self._stopping)
            except HoneError as error:  # a locked or full store: the queue is still there at the next look
                log.warning("training queue: %s", error)
                trained = False
            if not trained:
                self._work.wait(QUEUE_POLL_S)
                self._work.clear()


def run_next(
    store: Store,
    settings: Settings,
    *,
    on_trained: OnTrained,
    run_id: UUID | None = None,
    shutdown: threading.Event | None = None,
    on_progress: OnProgress | None = None,
) -> bool:
    """Claim the next run (or ``run_id``) and train it to its end in this thread. False when there was none to claim."""
    with store.read() as session:
        if not runs.queue(session):
            return False
    with store.write() as session:
        run = runs.claim(session, owner=runs.this_process(), run_id=run_id)
    if run is None:
        return False
    started_s = time.thread_time()
    sink = StoreSink(store, run.id, on_progress=on_progress)
    with Watch(store, run.id, shutdown or threading.Event()) as watch:
        try:
            result = _train(store, settings, run, sink, watch)
        except HoneError as error:
            ending = _failed(run, str(error), outcome=RunOutcome.CRASHED, detail=traceback.format_exc())
        except Exception as error:  # whatever a model or a driver throws, the run ends and the app goes on
            log.exception("run %s failed", run.id)
            message = f"Training stopped on an unexpected {type(error).__name__}. The details are on this page."
            ending = _failed(run, message, outcome=RunOutcome.CRASHED, detail=traceback.format_exc())
        else:
            ending = _ending(run, result, on_trained, cpu_s=time.thread_time() - started_s)
        sink.flush()
        _insist(store, ending)
    return True


def adapter_folder(settings: Settings, run_id: UUID) -> Path:
    return settings.home / "adapters" / str(run_id)


def _train(store: Store, settings: Settings, run: TrainingRun, sink: StoreSink, watch: Watch) -> TrainResult:
    from core.training.dpo import train  # torch comes in here, not when a page starts

    spec = TrainSpec.parse(run.config)
    with store.read() as session:
        freeze.verify(session, run.dataset_id)
        rows = freeze.rows(session, run.dataset_id)
    base = resolve_base(
        spec.base,
        models_dir=settings.home / "models",
        allow_hub=settings.allow_hub,
        on_progress=sink.building,
    )
    return train(
        spec,
        base_folder=base,
        rows={split.value: list(members) for split, members in rows.items()},
        out=adapter_folder(settings, run.id),
        sink=sink,
        control=watch,
    )


Ending = Callable[[Session], None]


def _ending(run: TrainingRun, result: TrainResult, on_trained: OnTrained, *, cpu_s: float) -> Ending:
    """How this result is written down."""
    if result.stopped == "cancel":
        return lambda session: _cancelled(session, run.id, result)
    if result.stopped is not None:
        return lambda session: runs.interrupt(session, runs.get(session, run.id), why="The app was stopped")
    if result.outcome is not RunOutcome.OK:
        return _failed(run, _reason(result), outcome=result.outcome or RunOutcome.CRASHED)
    return lambda session: _completed(session, run.id, result, on_trained, cpu_s=cpu_s)


def _completed(session: Session, run_id: UUID, result: TrainResult, on_trained: OnTrained, *, cpu_s: float) -> None:
    run = runs.get(session, run_id)
    run.metrics = {
        "train_loss": result.train_loss,
        "gate_loss": result.gate_loss,
        "steps": result.steps,
        "cpu_s": round(cpu_s, 3),  # of the training thread
    }
    run.best_metrics = records.best(session, run_id)
    run.artifact_path = f"adapters/{run_id}"
    run.progress_percentage = 100.0
    session.add(run)
    session.flush()
    runs.advance(session, run, RunStatus.COMPLETED, outcome=RunOutcome.OK)
    runs.event(session, run_id, kind="completed", message="The adapter was made.", step=result.steps)
    on_trained(session, run, result)


def _cancelled(session: Session, run_id: UUID, result: TrainResult) -> None:
    runs.advance(session, runs.get(session, run_id), RunStatus.CANCELLED)
    runs.event(session, run_id, kind="cancelled", message="Training was cancelled.", step=result.steps)


def _failed(run: TrainingRun, error: str, *, outcome: RunOutcome, detail: str | None = None) -> Ending:
    def write(session: Session) -> None:
        current = runs.get(session, run.id)
        runs.advance(session, current, RunStatus.FAILED, outcome=outcome, error=error, error_detail=detail)
        runs.event(session, run.id, kind="failed", message=error, step=current.current_step)

    return write


def _reason(result: TrainResult) -> str:
    if result.outcome is RunOutcome.SKIPPED_TOO_FEW:
        return "Fewer than 10 usable training pairs were left, so nothing was trained. The pairs can be used again."
    return (
        f"The adapter did not pass the gate: its preference loss on held-out pairs is {result.gate_loss:.3f}, "
        "at most 0.700 is let through. The pairs can be used again."
    )


def _insist(store: Store, ending: Ending) -> None:
    """Write the end of a run even when the database is locked for minutes: a lost end would look like a crash."""
    for tries_left in range(FINAL_WRITE_TRIES, 0, -1):
        try:
            with store.write() as session:
                ending(session)
            return
        except StoreBusy:
            if tries_left == 1:
                raise
