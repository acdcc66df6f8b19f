"""One run carried out in this thread, from its row to its end: dataset checked, base found, trained, written down.

The same function stands behind every executor. Whoever calls it holds the run's job: ``held`` stores progress for it
and says when to stop. What it returns is written by the caller, in the transaction that ends the job.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlmodel import Session

from core.datasets import freeze
from core.errors import HoneError, StoreError
from core.inference.folder import resolve_base
from core.settings import Settings
from core.store import Store
from core.tables import RunOutcome, RunStatus, TrainingRun
from core.training import records, runs
from core.training.reporting import Held, OnProgress, StoreSink
from core.training.spec import TrainResult, TrainSpec
from core.work import Stopped

log = logging.getLogger(__name__)

OnTrained = Callable[[Session, TrainingRun, TrainResult], None]
"""Called in the transaction that completes a run; the adapter registry stands behind it."""


@dataclass(frozen=True)
class RunEnding:
    """How a run ended, and the writing of it; ``error`` is one sentence for a person."""

    status: RunStatus
    write: Callable[[Session], None]
    error: str | None = None
    detail: str | None = None


def carry_out(
    store: Store,
    settings: Settings,
    run: TrainingRun,
    *,
    held: Held,
    on_trained: OnTrained,
    on_progress: OnProgress | None = None,
) -> RunEnding:
    """Train the run. Raises Stopped when somebody asked, StoreError when the store cannot be read."""
    started_s = time.thread_time()
    sink = StoreSink(store, run.id, held=held, home=settings.home, on_progress=on_progress)
    try:
        result = _train(store, settings, run, sink, held)
    except (Stopped, StoreError):
        sink.flush()
        raise
    except HoneError as error:
        sink.flush()
        return _failed(run.id, str(error), outcome=RunOutcome.CRASHED, detail=traceback.format_exc())
    except Exception as error:  # whatever a model or a driver throws, the run ends and the app goes on
        log.exception("run %s failed", run.id)
        message = f"Training stopped on an unexpected {type(error).__name__}. The details are on this page."
        sink.flush()
        return _failed(run.id, message, outcome=RunOutcome.CRASHED, detail=traceback.format_exc())
    sink.flush()
    if result.stopped is not None:
        raise Stopped(result.stopped)
    if result.outcome is not RunOutcome.OK:
        return _failed(run.id, _reason(result), outcome=result.outcome or RunOutcome.CRASHED)
    cpu_s = time.thread_time() - started_s
    return RunEnding(RunStatus.COMPLETED, lambda session: _completed(session, run.id, result, on_trained, cpu_s=cpu_s))


def adapter_folder(settings: Settings, run_id: UUID) -> Path:
    return settings.home / "adapters" / str(run_id)


def checkpoint_folder(settings: Settings, run_id: UUID) -> Path:
    return settings.home / "checkpoints" / str(run_id)


def _train(store: Store, settings: Settings, run: TrainingRun, sink: StoreSink, held: Held) -> TrainResult:
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
        checkpoints=checkpoint_folder(settings, run.id),
        sink=sink,
        control=Control(held),
    )


class Control:
    """Hands on what the job was asked: the trainer looks at a flag, at every step."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def stop_requested(self) -> str | None:
        """None to go on. Raises Stopped when the run is in other hands: nothing more may be written for it."""
        if self._held.asked == "lost":
            raise Stopped("lost")
        return self._held.asked


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
    records.forget_checkpoints(session, run_id)
    on_trained(session, run, result)


def _failed(run_id: UUID, error: str, *, outcome: RunOutcome, detail: str | None = None) -> RunEnding:
    def write(session: Session) -> None:
        runs.fail(session, runs.get(session, run_id), error=error, outcome=outcome, detail=detail)

    return RunEnding(RunStatus.FAILED, write, error, detail)


def _reason(result: TrainResult) -> str:
    if result.outcome is RunOutcome.SKIPPED_TOO_FEW:
        return "Fewer than 10 usable training pairs were left, so nothing was trained. The pairs can be used again."
    return (
        f"The adapter did not pass the gate: its preference loss on held-out pairs is {result.gate_loss:.3f}, "
        "at most 0.700 is let through. The pairs can be used again."
    )
