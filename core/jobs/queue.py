"""Everything that changes a job: asked for, taken, done, stopped, let go on. Nothing here does the work itself.

A worker's own changes are fenced: they reach the row only while it is running in that worker's hands, so one that was
taken for dead and comes back can store nothing. All of it runs inside ``store.write()``, one writer at a time: look
and take are one step on either database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, SQLModel, col, select

from core.errors import InvalidTransition, NotFound
from core.jobs import kinds
from core.tables import (
    ENDED_JOBS,
    JOB_TRANSITIONS,
    Job,
    JobCommand,
    JobEvent,
    JobStatus,
    Worker,
    new_id,
    now,
)
from core.work import Stopped

BACK_OFF_S = (5.0, 20.0, 60.0, 300.0)  # after the first, second … failure in a row
LONGEST_WAIT = timedelta(seconds=BACK_OFF_S[-1] * 2)
NOUN = "Job"
_TIME = SQLModel.metadata.tables["jobs"].c.paced_at.type


def get(session: Session, job_id: UUID) -> Job:
    """Raises NotFound."""
    job = session.get(Job, job_id, populate_existing=True)
    if job is None:
        raise NotFound(NOUN, job_id)
    return job


def of_subject(session: Session, subject_id: UUID) -> Job | None:
    """The newest job about an import or a run."""
    query = select(Job).where(Job.subject_id == subject_id).order_by(col(Job.position).desc()).limit(1)
    return session.exec(query.execution_options(populate_existing=True)).first()


def enqueue(
    session: Session,
    kind: str,
    *,
    requested_by: str,
    input: Mapping[str, Any] | None = None,
    subject_id: UUID | None = None,
    home_id: str | None = None,
    job_id: UUID | None = None,
) -> Job:
    """Put a job at the end of the queue.

    ``job_id`` is made when the button is drawn: pressing it twice asks once. Without a subject, a job of the same kind
    and input that already waits or runs is the one that is meant. Raises KeyError for an unknown kind.
    """
    entry = kinds.kind(kind)
    wanted = dict(input or {})
    if job_id is not None and (known := session.get(Job, job_id)) is not None:
        return known
    if subject_id is None and (same := _under_way(session, kind, wanted)) is not None:
        return same
    last = session.scalar(sa.select(sa.func.max(Job.position))) or 0
    job = Job(
        id=job_id or new_id(),
        kind=kind,
        resource=entry.resource,
        subject_id=subject_id,
        input=wanted,
        position=last + 1,
        unit=entry.unit,
        home_id=home_id if entry.needs_files else None,
        requested_by=requested_by,
    )
    session.add(job)
    session.flush()
    event(session, job.id, "queued", f"Asked for by {requested_by}." if requested_by else "Queued.")
    return job


def claim(session: Session, worker: Worker, *, names: Iterable[str], job_id: UUID | None = None) -> Job | None:
    """Take the next job of these kinds whose resource is free, or exactly ``job_id``; None when there is none."""
    held = aliased(Job)
    free = ~sa.exists().where(col(held.status) == JobStatus.RUNNING, col(held.resource) == col(Job.resource))
    mine = sa.or_(col(Job.home_id).is_(None), col(Job.home_id) == worker.home_id)
    query = select(Job).where(col(Job.status) == JobStatus.QUEUED, col(Job.kind).in_(list(names)), mine, free)
    query = query.where(col(Job.id) == job_id) if job_id is not None else query.where(_due())
    job = session.exec(query.order_by(col(Job.position)).limit(1).execution_options(populate_existing=True)).first()
    if job is None:
        return None
    moment = now()
    advance(
        session,
        job,
        JobStatus.RUNNING,
        worker_id=worker.id,
        attempt=job.attempt + 1,
        attempt_done=job.done,
        paced_at=None,
        started_at=moment,
        progressed_at=moment,
        not_before=None,
        error=None,
        error_detail=None,
    )
    event(
        session,
        job.id,
        "started",
        f"Taken up on {worker.host}" + (f", attempt {job.attempt}." if job.attempt > 1 else "."),
    )
    return job


def advance(session: Session, job: Job, to: JobStatus, **values: Any) -> None:
    """The only way a job changes its status. Raises InvalidTransition, also when somebody else was faster."""
    was, version = job.status, job.version
    if to not in JOB_TRANSITIONS[was]:
        raise InvalidTransition("job", job.id, was=was.value, to=to.value)
    values |= {"status": to, "version": version + 1, "command": None}
    if to in ENDED_JOBS:
        values["ended_at"] = now()
    unchanged = (col(Job.id) == job.id) & (col(Job.status) == was) & (col(Job.version) == version)
    _update(
        session,
        unchanged,
        values,
        or_else=InvalidTransition("job", job.id, was="changed by somebody else", to=to.value),
    )
    session.refresh(job)


def progress(session: Session, job_id: UUID, worker_id: UUID, **values: Any) -> None:
    """Store how far it is. Raises Stopped("lost") when the job is not this worker's any more."""
    moment = now()
    held = (col(Job.id) == job_id) & (col(Job.worker_id) == worker_id) & (col(Job.status) == JobStatus.RUNNING)
    if "done" in values:  # getting ready is no pace: the clock starts with the first of what is counted
        first = sa.and_(col(Job.paced_at).is_(None), sa.literal(values["done"]) > col(Job.attempt_done))
        values["paced_at"] = sa.case((first, sa.literal(moment, type_=_TIME)), else_=col(Job.paced_at))
        values["attempt_done"] = sa.case((first, values["done"]), else_=col(Job.attempt_done))
    _update(session, held, values | {"progressed_at": moment}, or_else=Stopped("lost"))


def held(session: Session, job_id: UUID, worker_id: UUID) -> Job:
    """The running job, for its own worker. Raises Stopped("lost") when it is in other hands."""
    job = get(session, job_id)
    if job.worker_id != worker_id or job.status is not JobStatus.RUNNING:
        raise Stopped("lost")
    return job


def failed_once(session: Session, job: Job, *, error: str, detail: str | None, most: int) -> bool:
    """An attempt broke: wait and try again, or give up after ``most`` in a row. True when it will be tried again."""
    failures = job.failures + 1
    if failures >= most:
        advance(session, job, JobStatus.FAILED, failures=failures, error=error, error_detail=detail)
        event(session, job.id, "failed", error)
        return False
    wait_s = BACK_OFF_S[min(failures, len(BACK_OFF_S)) - 1]
    values = {"failures": failures, "error": error, "error_detail": detail, "worker_id": None}
    advance(session, job, JobStatus.QUEUED, not_before=now() + timedelta(seconds=wait_s), **values)
    event(session, job.id, "retry", f"{error} It is tried again in {wait_s:.0f} s.")
    return True


def request_cancel(session: Session, job_id: UUID, *, by: str) -> Job:
    """Stop a job: at once when it does not run, else at its next step. Twice is harmless."""
    job = get(session, job_id)
    if job.status in ENDED_JOBS and job.status is not JobStatus.FAILED:
        return job
    if job.status is JobStatus.RUNNING:
        return _command(session, job, JobCommand.CANCEL, f"{by} asked to cancel.")
    if job.status is not JobStatus.FAILED:
        advance(session, job, JobStatus.CANCELLED)
        event(session, job_id, "cancelled", f"Cancelled by {by}.")
        kinds.kind(job.kind).on_cancelled(session, job)
    return job


def request_pause(session: Session, job_id: UUID, *, by: str) -> Job:
    """Let a running job stop at its next step, where it can go on; a waiting one stays behind the others' backs."""
    job = get(session, job_id)
    if job.status is JobStatus.RUNNING:
        return _command(session, job, JobCommand.PAUSE, f"{by} asked to pause.")
    if job.status is JobStatus.QUEUED:
        advance(session, job, JobStatus.PAUSED)
        event(session, job_id, "paused", f"Paused by {by}.")
        kinds.kind(job.kind).on_stopped(session, job, "pause")
    return job


def resume(session: Session, job_id: UUID, *, by: str) -> Job:
    """Queue a paused, interrupted or failed job again; it goes on where it was. Raises InvalidTransition."""
    job = get(session, job_id)
    if job.status in (JobStatus.QUEUED, JobStatus.RUNNING):
        return job
    advance(session, job, JobStatus.QUEUED, failures=0, not_before=None, worker_id=None, error=None, ended_at=None)
    event(session, job_id, "resumed", f"Let go on by {by}.")
    kinds.kind(job.kind).on_resumed(session, job)
    return job


def move(session: Session, job_id: UUID, *, places: int) -> Job:
    """Move a waiting job up (negative) or down in the queue of its resource."""
    job = get(session, job_id)
    waiting = list(
        session.exec(
            select(Job)
            .where(col(Job.status) == JobStatus.QUEUED, col(Job.resource) == job.resource)
            .order_by(col(Job.position))
        )
    )
    at = next((i for i, one in enumerate(waiting) if one.id == job_id), None)
    if at is None:
        return job
    positions = [one.position for one in waiting]
    waiting.insert(max(0, min(len(waiting) - 1, at + places)), waiting.pop(at))
    for one, position in zip(waiting, positions, strict=True):
        one.position = position
        session.add(one)
    session.flush()
    return job


def event(session: Session, job_id: UUID, kind: str, message: str) -> None:
    session.add(JobEvent(job_id=job_id, kind=kind, message=message))


def _command(session: Session, job: Job, command: JobCommand, message: str) -> Job:
    if job.command is not command and job.command is not JobCommand.CANCEL:
        job.command = command
        session.add(job)
        event(session, job.id, command.value, message)
        session.flush()
    return job


def _under_way(session: Session, kind: str, input: dict[str, Any]) -> Job | None:
    waiting = (JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.PAUSED, JobStatus.INTERRUPTED)
    same = select(Job).where(col(Job.kind) == kind, col(Job.status).in_(waiting), col(Job.subject_id).is_(None))
    return next((job for job in session.exec(same) if job.input == input), None)


def _due() -> sa.ColumnElement[bool]:
    """A wait that lies further ahead than any back-off comes from a clock that was set back: it is over."""
    at = col(Job.not_before)
    return sa.or_(at.is_(None), at <= now(), at > now() + LONGEST_WAIT)


def _update(session: Session, where: Any, values: dict[str, Any], *, or_else: Exception) -> None:
    changed = session.exec(sa.update(Job).where(where).values(**values).execution_options(synchronize_session=False))
    if changed.rowcount != 1:
        raise or_else


def any_queued(session: Session, names: Iterable[str]) -> bool:
    """Whether a job of these kinds waits at all; a look without the write lock."""
    query = select(Job.id).where(col(Job.status) == JobStatus.QUEUED, col(Job.kind).in_(list(names))).limit(1)
    return session.exec(query).first() is not None
