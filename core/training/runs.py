"""The life of a run in the store: asked for, claimed by one process, measured, ended.

pending → running → completed | failed | cancelled | interrupted (rules section 9). The database holds the one
slot: a partial unique index allows a single running row, whoever claims it. Nothing here trains.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psutil
import sqlalchemy as sa
from sqlmodel import Session, col, select

from core.errors import CannotStart, InvalidTransition, NotFound
from core.tables import (
    RUN_TRANSITIONS,
    TERMINAL_RUNS,
    DatasetStatus,
    RunCommand,
    RunEvent,
    RunOutcome,
    RunPhase,
    RunStatus,
    TrainingDataset,
    TrainingRun,
    TrainingType,
    new_id,
    now,
)
from core.training.spec import TrainSpec

SILENT_AFTER = timedelta(seconds=30)  # an owner on another machine that has not beaten for this long is gone
STUCK_AFTER = timedelta(hours=24)


def this_process() -> str:
    """Who owns a run: host, process id and the process's start time, so that a reused id is not mistaken for it."""
    return f"{socket.gethostname()}:{os.getpid()}:{psutil.Process().create_time():.2f}"


def get(session: Session, run_id: UUID) -> TrainingRun:
    """Raises NotFound."""
    run = session.get(TrainingRun, run_id)
    if run is None:
        raise NotFound("Training run", run_id)
    return run


def request(
    session: Session,
    dataset_id: UUID,
    *,
    spec: TrainSpec,
    agent_id: str,
    requested_by: str,
    min_pairs: int,
    run_id: UUID | None = None,
) -> TrainingRun:
    """Queue a run on a frozen dataset. A person's request is its approval.

    ``run_id`` is made when the form is drawn, so pressing the button twice asks for one run.
    Raises CannotStart("not_enough_pairs") and NotFound.
    """
    if run_id is not None and (existing := session.get(TrainingRun, run_id)) is not None:
        return existing
    dataset = session.get(TrainingDataset, dataset_id)
    if dataset is None or dataset.status in (DatasetStatus.DRAFT, DatasetStatus.ARCHIVED):
        raise NotFound("Frozen dataset", dataset_id)
    if dataset.total_examples < min_pairs:
        raise CannotStart(
            "not_enough_pairs",
            f"This dataset has {dataset.total_examples} pairs; a run needs at least {min_pairs}. "
            "Label or import more, then freeze again.",
        )
    spec = spec.changed(agent_id=agent_id, dataset_id=str(dataset.id), dataset_sha256=dataset.content_hash or "")
    run = TrainingRun(
        id=run_id or new_id(),
        agent_id=agent_id,
        dataset_id=dataset_id,
        training_type=TrainingType.DPO,
        config=spec.model_dump(mode="json"),
        hyperparameters=spec.hyperparameters(),
        base_model=spec.base,
        phase=RunPhase.QUEUED,
        requested_by=requested_by,
    )
    session.add(run)
    session.flush()  # events name the run
    event(session, run.id, kind="queued", message=f"Asked for by {requested_by}.")
    return run


def claim(session: Session, *, owner: str, run_id: UUID | None = None) -> TrainingRun | None:
    """Take the slot for the oldest pending run (or for ``run_id``); None when the slot or the queue is empty.

    Must run inside ``store.write()``: the write lock makes look and take one step.
    """
    if session.exec(select(TrainingRun.id).where(TrainingRun.status == RunStatus.RUNNING)).first() is not None:
        return None
    pending = select(TrainingRun).where(TrainingRun.status == RunStatus.PENDING).order_by(col(TrainingRun.id))
    if run_id is not None:
        pending = pending.where(TrainingRun.id == run_id)
    run = session.exec(pending.limit(1)).first()
    if run is None:
        return None
    advance(session, run, RunStatus.RUNNING, phase=RunPhase.STARTING)
    run.owner, run.started_at, run.heartbeat_at = owner, now(), now()
    event(session, run.id, kind="started", message="Training was started.")
    return run


def advance(
    session: Session,
    run: TrainingRun,
    to: RunStatus,
    *,
    phase: RunPhase | None = None,
    outcome: RunOutcome | None = None,
    error: str | None = None,
    error_detail: str | None = None,
) -> None:
    """The only way a run changes its status. Raises InvalidTransition, also when another process was faster."""
    was, version = run.status, run.version
    if to not in RUN_TRANSITIONS[was]:
        raise InvalidTransition("training run", run.id, was=was, to=to)
    ended = to in TERMINAL_RUNS or to is RunStatus.INTERRUPTED
    values: dict[str, Any] = {"status": to, "phase": phase, "version": version + 1, "command": None}
    if outcome is not None:
        values["outcome"] = outcome
    if error is not None:
        values |= {"error": error, "error_detail": error_detail}
    if ended:
        values["completed_at"] = now()
    unchanged = (
        (col(TrainingRun.id) == run.id) & (col(TrainingRun.status) == was) & (col(TrainingRun.version) == version)
    )
    changed = session.exec(
        sa.update(TrainingRun).where(unchanged).values(**values).execution_options(synchronize_session=False)
    )
    if changed.rowcount != 1:
        raise InvalidTransition("training run", run.id, was="changed by somebody else", to=to)
    session.refresh(run)


def request_cancel(session: Session, run_id: UUID, *, by: str) -> TrainingRun:
    """Stop a run: at once when it waits or was interrupted, at its next step when it trains. Twice is harmless."""
    run = get(session, run_id)
    if run.status in TERMINAL_RUNS:
        return run
    event(session, run_id, kind="cancel", message=f"{by} asked to cancel.", step=run.current_step)
    if run.status is RunStatus.RUNNING:
        run.command = RunCommand.CANCEL
        session.add(run)
    else:
        advance(session, run, RunStatus.CANCELLED)
    return run


def mark_failed(session: Session, run_id: UUID, *, by: str) -> TrainingRun:
    """A person gives up on a stuck or interrupted run; its pairs are usable again."""
    run = get(session, run_id)
    advance(session, run, RunStatus.FAILED, outcome=RunOutcome.CRASHED, error=f"Marked as failed by {by}.")
    event(session, run_id, kind="failed", message=f"Marked as failed by {by}.", step=run.current_step)
    return run


def recover(session: Session) -> list[UUID]:
    """Mark runs interrupted whose process is gone, with the last step they reached. Called at every start."""
    recovered = []
    for run in session.exec(select(TrainingRun).where(TrainingRun.status == RunStatus.RUNNING)).all():
        if _alive(run.owner, run.heartbeat_at):
            continue
        interrupt(session, run, why="The process that trained it stopped.")
        recovered.append(run.id)
    return recovered


def interrupt(session: Session, run: TrainingRun, *, why: str) -> None:
    where = f" at step {run.current_step} of {run.total_steps}" if run.total_steps else ""
    message = f"{why.rstrip('.')}{where}. Start a new run on the same dataset to train it again."
    advance(session, run, RunStatus.INTERRUPTED, error=message)
    event(session, run.id, kind="interrupted", message=message, step=run.current_step)


def stuck(session: Session) -> Sequence[TrainingRun]:
    """Runs that say they train but have not given a sign of life for a day."""
    last_sign = sa.func.coalesce(TrainingRun.heartbeat_at, TrainingRun.started_at)
    overdue = (col(TrainingRun.status) == RunStatus.RUNNING) & (last_sign < now() - STUCK_AFTER)
    return session.exec(select(TrainingRun).where(overdue)).all()


def event(session: Session, run_id: UUID, *, kind: str, message: str, step: int | None = None) -> None:
    session.add(RunEvent(run_id=run_id, kind=kind, message=message, step=step))


def _alive(owner: str | None, heartbeat_at: datetime | None) -> bool:
    host, _, rest = (owner or "").partition(":")
    if host == socket.gethostname():
        pid, _, started = rest.partition(":")
        try:
            return bool(abs(psutil.Process(int(pid)).create_time() - float(started)) < 1.0)
        except (psutil.Error, ValueError):
            return False
    return heartbeat_at is not None and now() - heartbeat_at < SILENT_AFTER


def queue(session: Session) -> Sequence[TrainingRun]:
    """Pending runs in the order they will be trained."""
    return session.exec(
        select(TrainingRun).where(TrainingRun.status == RunStatus.PENDING).order_by(col(TrainingRun.id))
    ).all()


def running(session: Session) -> TrainingRun | None:
    return session.exec(select(TrainingRun).where(TrainingRun.status == RunStatus.RUNNING)).first()


def listing(
    session: Session, *, agent_id: str | None = None, limit: int = 50, offset: int = 0
) -> Sequence[TrainingRun]:
    """Newest first."""
    query = select(TrainingRun).order_by(col(TrainingRun.id).desc()).limit(limit).offset(offset)
    if agent_id is not None:
        query = query.where(TrainingRun.agent_id == agent_id)
    return session.exec(query).all()


def differences(config: dict[str, Any], other: dict[str, Any]) -> Iterable[tuple[str, Any, Any]]:
    """The settings in which two runs differ: (name, here, there)."""
    for name in sorted(config.keys() | other.keys()):
        if config.get(name) != other.get(name):
            yield name, config.get(name), other.get(name)
