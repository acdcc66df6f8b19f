"""Training runs as jobs: asked for, cancelled, paused, resumed; trained in this thread or in a process of its own.

The run keeps what the loop needs to know (status, phase, outcome, curve); its job keeps who trains it and whether
that process lives. Both change in one transaction. An interrupted run waits for a person.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import cast
from uuid import UUID

from sqlmodel import Session, col, select

from core.adapters import registry
from core.errors import NotFound
from core.jobs import identity, queue
from core.jobs.held import HeldJob
from core.jobs.kinds import Ending, Kind
from core.settings import Settings
from core.store import Store
from core.tables import TERMINAL_RUNS, Job, JobStatus, RunOutcome, RunPhase, RunStatus, TrainingRun
from core.training import execution, runs
from core.training.reporting import OnProgress
from core.training.spec import TrainSpec
from core.work import Stopped, Work

NAME = "train"
EXITS = {"cancel": 10, "pause": 11, "shutdown": 12, "lost": 13}  # how a child says why it stopped
LISTEN_S = 0.3
GRACE_S = 60.0


def request_run(
    session: Session,
    dataset_id: UUID,
    *,
    spec: TrainSpec,
    agent_id: str,
    requested_by: str,
    min_pairs: int,
    home: Path,
    run_id: UUID | None = None,
) -> TrainingRun:
    """Queue a run and its job; the same ``run_id`` again is the same run. Raises CannotStart and NotFound."""
    asked = {"spec": spec, "agent_id": agent_id, "requested_by": requested_by, "min_pairs": min_pairs}
    run = runs.request(session, dataset_id, run_id=run_id, **asked)  # type: ignore[arg-type]
    if queue.of_subject(session, run.id) is None:
        _enqueue(session, run, home)
    return run


def adopt(session: Session, home: Path) -> None:
    """Runs of an earlier version that have no job: those that waited are queued, one that ran was interrupted."""
    unheld = ~select(Job.id).where(col(Job.subject_id) == col(TrainingRun.id)).exists()
    waiting = col(TrainingRun.status).in_((RunStatus.PENDING, RunStatus.RUNNING))
    for run in session.exec(select(TrainingRun).where(waiting, unheld)).all():
        runs.interrupt(session, run, why="The process that trained it stopped.")
        if run.status is RunStatus.PENDING:
            _enqueue(session, run, home)


def sweep(store: Store, settings: Settings) -> None:
    """Remove checkpoints of runs that have ended, and of runs this store does not know; for the worker's chores."""
    with store.read() as session:
        going_on = select(col(TrainingRun.id)).where(col(TrainingRun.status).not_in(TERMINAL_RUNS))
        kept = {str(run_id) for run_id in session.exec(going_on)}
    for folder in (settings.home / "checkpoints").glob("*"):
        if folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)


def cancel_run(session: Session, run_id: UUID, *, by: str) -> TrainingRun:
    """Stop a run for good: at once when it waits, at its next step when it trains. Twice is harmless."""
    run = runs.get(session, run_id)
    job = queue.of_subject(session, run_id)
    if run.status in TERMINAL_RUNS:
        return run
    runs.event(session, run_id, kind="cancel", message=f"{by} asked to cancel.", step=run.current_step or None)
    if job is not None:
        queue.request_cancel(session, job.id, by=by)
    if job is None or job.status is not JobStatus.RUNNING:
        runs.cancel(session, run)
    return run


def pause_run(session: Session, run_id: UUID, *, by: str) -> TrainingRun:
    """Let a run stop at its next step, with a checkpoint there, and free the slot for others."""
    run = runs.get(session, run_id)
    job = queue.of_subject(session, run_id)
    if run.status is RunStatus.RUNNING and job is not None:
        runs.event(session, run_id, kind="pause", message=f"{by} asked to pause.", step=run.current_step or None)
        queue.request_pause(session, job.id, by=by)
        run.phase = RunPhase.PAUSING
        session.add(run)
    return run


def resume_run(session: Session, run_id: UUID, *, by: str, home: Path) -> TrainingRun:
    """Queue a paused or interrupted run again. Raises InvalidTransition; a run that waits or trains stays as it is."""
    run = runs.get(session, run_id)
    if run.status in (RunStatus.PENDING, RunStatus.RUNNING):
        return run
    runs.resume(session, run, by=by)
    job = queue.of_subject(session, run_id)
    if job is None or job.status not in (JobStatus.PAUSED, JobStatus.INTERRUPTED):
        _enqueue(session, run, home)
    else:
        queue.resume(session, job.id, by=by)
    return run


def give_up_run(session: Session, run_id: UUID, *, by: str) -> TrainingRun:
    """A person marks a stuck or interrupted run as failed. Raises InvalidTransition."""
    run = runs.mark_failed(session, run_id, by=by)
    job = queue.of_subject(session, run_id)
    if job is not None and job.status not in (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED):
        queue.advance(session, job, JobStatus.FAILED, error=f"Marked as failed by {by}.")
    return run


def _enqueue(session: Session, run: TrainingRun, home: Path) -> Job:
    return queue.enqueue(
        session,
        NAME,
        requested_by=run.requested_by,
        subject_id=run.id,
        home_id=identity.home_id(home),
        input={"name": run.agent_id},
    )


# -- doing it -----------------------------------------------------------------------------------------------------


def _run(store: Store, settings: Settings, job: Job, work: Work) -> Ending:
    run_id = _run_id(job)
    held = cast(HeldJob, work)  # training listens to more than a step does: it stops where it can go on
    with store.write() as session:
        run = runs.begin(session, run_id)
    if run.status in TERMINAL_RUNS:  # it had ended when its process did
        return _as_ended(run)
    try:
        if settings.executor == "process":
            return _in_a_process(store, settings, run, held)
        return train_here(store, settings, run, held)
    except Stopped as stop:
        if stop.why == "cancel":
            shutil.rmtree(execution.checkpoint_folder(settings, run_id), ignore_errors=True)
        raise


def _run_id(job: Job) -> UUID:
    if job.subject_id is None:
        raise NotFound("Training run", job.id)
    return job.subject_id


def train_here(
    store: Store, settings: Settings, run: TrainingRun, held: HeldJob, *, on_progress: OnProgress | None = None
) -> Ending:
    """Train in this thread. Raises Stopped."""
    ending = execution.carry_out(
        store, settings, run, held=held, on_trained=registry.register_trained, on_progress=on_progress
    )
    status = JobStatus.COMPLETED if ending.status is RunStatus.COMPLETED else JobStatus.FAILED
    return Ending(status, error=ending.error, detail=ending.detail, write=ending.write)


def _as_ended(run: TrainingRun) -> Ending:
    if run.status is RunStatus.COMPLETED:
        return Ending()
    status = JobStatus.CANCELLED if run.status is RunStatus.CANCELLED else JobStatus.FAILED
    return Ending(status, error=run.error, detail=run.error_detail)


def _in_a_process(store: Store, settings: Settings, run: TrainingRun, held: HeldJob) -> Ending:
    """A child of its own memory and lower priority, which writes to the same tables; this thread only watches it."""
    log = settings.home / "logs" / f"{run.id}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as lines:
        child = subprocess.Popen(  # noqa: S603 (our own module; two ids are all it is given)
            [sys.executable, "-m", "core.jobs.train_child", str(held.job_id), str(held.worker_id)],
            cwd=Path(__file__).parents[2],
            env=_environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=lines,
            stderr=lines,
        )
        try:
            code = _wait(child, held)
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
    for why, exit_code in EXITS.items():
        if code == exit_code:
            raise Stopped(why)
    with store.read() as session:
        run = runs.get(session, run.id)
    return _as_ended(run) if run.status in TERMINAL_RUNS else _killed(run, code, log)


def _wait(child: subprocess.Popen[bytes], held: HeldJob) -> int:
    """The child hears cancel and pause from the store itself; a stop of this process is told by a signal."""
    asked_for_s = 0.0
    while True:
        try:
            return child.wait(LISTEN_S)
        except subprocess.TimeoutExpired:
            if held.asked is None:
                continue
            if asked_for_s == 0.0 and held.asked in ("shutdown", "lost"):
                child.terminate()
            asked_for_s += LISTEN_S
            if asked_for_s > GRACE_S:
                child.kill()


def _killed(run: TrainingRun, code: int, log: Path) -> Ending:
    how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
    why = f"The training process {how}, perhaps because memory ran out."

    def write(session: Session) -> None:
        runs.interrupt(session, runs.get(session, run.id), why=why)

    tail = log.read_bytes()[-4000:].decode(errors="replace") if log.exists() else ""
    return Ending(JobStatus.INTERRUPTED, error=why, detail=tail or None, write=write)


def _environment(settings: Settings) -> dict[str, str]:
    named = {"HONE_HOME": str(settings.home.resolve()), "HONE_DB": settings.database_url}
    named |= {"HONE_ALLOW_HUB": str(settings.allow_hub), "HONE_BUSY_TIMEOUT_S": str(settings.busy_timeout_s)}
    return os.environ | named | {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}


# -- what a stop means for the run --------------------------------------------------------------------------------


def _cancelled(session: Session, job: Job) -> None:
    runs.cancel(session, runs.get(session, _run_id(job)))


def _failed(session: Session, job: Job) -> None:
    if job.subject_id is not None:
        error, detail = job.error or "Training failed.", job.error_detail
        runs.fail(session, runs.get(session, job.subject_id), error=error, outcome=RunOutcome.CRASHED, detail=detail)


def _stopped(session: Session, job: Job, why: str) -> None:
    runs.interrupt(session, runs.get(session, _run_id(job)), why=why)


def _resumed(session: Session, job: Job) -> None:
    run = runs.get(session, _run_id(job))
    if run.status is RunStatus.INTERRUPTED:
        runs.resume(session, run, by="a person")


KIND = Kind(
    NAME,
    "Training",
    "steps",
    resource="training",
    run=_run,
    lane="training",
    needs_files=True,
    goes_on_by_itself=False,
    can_pause=True,
    stuck_after_s=3600.0,
    on_cancelled=_cancelled,
    on_failed=_failed,
    on_stopped=_stopped,
    on_resumed=_resumed,
)
