"""The life of a run in the store: asked for, trained, measured, ended; paused and resumed in between.

pending → running → completed | failed | cancelled | interrupted, and from interrupted to pending again (rules section
9). The database holds the one slot: a partial unique index allows a single running row. Who trains a run, and whether
that process still lives, is the job's affair (``core.jobs``). Nothing here trains.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from core.errors import CannotStart, InvalidTransition, NotFound
from core.tables import (
    RUN_TRANSITIONS,
    TERMINAL_RUNS,
    DatasetStatus,
    RunCheckpoint,
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

STUCK_AFTER = timedelta(hours=24)


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


def begin(session: Session, run_id: UUID) -> TrainingRun:
    """A run's training begins, or goes on in another process. Raises NotFound.

    A run that has ended already is given back as it is.
    """
    run = get(session, run_id)
    if run.status in TERMINAL_RUNS:
        return run
    if run.status is not RunStatus.RUNNING:
        if run.status is RunStatus.INTERRUPTED:
            advance(session, run, RunStatus.PENDING, phase=RunPhase.QUEUED)
        advance(session, run, RunStatus.RUNNING, phase=RunPhase.STARTING)
    went_on = run.started_at is not None
    run.started_at, run.heartbeat_at = run.started_at or now(), now()
    event(session, run.id, kind="started", message="Training goes on." if went_on else "Training was started.")
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
    values: dict[str, Any] = {"status": to, "phase": phase, "version": version + 1}
    if outcome is not None:
        values["outcome"] = outcome
    if error is not None:
        values |= {"error": error, "error_detail": error_detail}
    values["completed_at"] = now() if ended else None
    unchanged = (
        (col(TrainingRun.id) == run.id) & (col(TrainingRun.status) == was) & (col(TrainingRun.version) == version)
    )
    changed = session.exec(
        sa.update(TrainingRun).where(unchanged).values(**values).execution_options(synchronize_session=False)
    )
    if changed.rowcount != 1:
        raise InvalidTransition("training run", run.id, was="changed by somebody else", to=to)
    session.refresh(run)


def cancel(session: Session, run: TrainingRun) -> None:
    """The run ends here for good; its pairs are usable again. One that has ended stays as it is."""
    if run.status not in TERMINAL_RUNS:
        advance(session, run, RunStatus.CANCELLED)
        event(session, run.id, kind="cancelled", message="Training was cancelled.", step=run.current_step or None)


def fail(session: Session, run: TrainingRun, *, error: str, outcome: RunOutcome, detail: str | None = None) -> None:
    """The run ends without an adapter to release. One that has ended stays as it is."""
    if run.status not in TERMINAL_RUNS:
        advance(session, run, RunStatus.FAILED, outcome=outcome, error=error, error_detail=detail)
        event(session, run.id, kind="failed", message=error, step=run.current_step or None)


def resume(session: Session, run: TrainingRun, *, by: str) -> None:
    """Queue a paused or interrupted run again; it goes on from its newest checkpoint. Raises InvalidTransition."""
    advance(session, run, RunStatus.PENDING, phase=RunPhase.QUEUED)
    run.error = None
    session.add(run)
    event(session, run.id, kind="resumed", message=f"Let go on by {by}.", step=run.current_step or None)


def mark_failed(session: Session, run_id: UUID, *, by: str) -> TrainingRun:
    """A person gives up on a stuck or interrupted run; its pairs are usable again. Raises InvalidTransition."""
    run = get(session, run_id)
    if run.status in TERMINAL_RUNS:
        raise InvalidTransition("training run", run_id, was=run.status, to=RunStatus.FAILED)
    fail(session, run, error=f"Marked as failed by {by}.", outcome=RunOutcome.CRASHED)
    return run


def interrupt(session: Session, run: TrainingRun, *, why: str) -> None:
    """The run stops where it is. ``why`` is a sentence, or "pause" when a person asked for it."""
    if run.status is not RunStatus.RUNNING:
        return
    paused = why == "pause"
    where = f" at step {run.current_step:,} of {run.total_steps:,}" if run.total_steps else ""
    at = last_checkpoint(session, run.id)
    on = f"Resume it to go on from step {at:,}." if at else "Resume it to train it from the beginning."
    message = f"{'Paused' if paused else why.rstrip('.')}{where}. {on}"
    advance(session, run, RunStatus.INTERRUPTED, phase=RunPhase.PAUSED if paused else None, error=message)
    event(session, run.id, kind="paused" if paused else "interrupted", message=message, step=run.current_step or None)


def last_checkpoint(session: Session, run_id: UUID) -> int | None:
    """The step the run can go on from, as far as the store knows; the files are looked at when it does."""
    step: int | None = session.scalar(sa.select(sa.func.max(RunCheckpoint.step)).where(_checkpoints(run_id)))
    return step


def is_stuck(run: TrainingRun) -> bool:
    """Whether the run says that it trains but has given no sign of life for a day (rules section 9)."""
    last_sign = run.heartbeat_at or run.started_at
    return run.status is RunStatus.RUNNING and last_sign is not None and last_sign < now() - STUCK_AFTER


def event(session: Session, run_id: UUID, *, kind: str, message: str, step: int | None = None) -> None:
    session.add(RunEvent(run_id=run_id, kind=kind, message=message, step=step))


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


def _checkpoints(run_id: UUID) -> sa.ColumnElement[bool]:
    return col(RunCheckpoint.run_id) == run_id
