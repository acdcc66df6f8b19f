"""Jobs as people look at them: what runs, what waits, what ended; how fast, how long still, and what is stuck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from core.jobs import kinds
from core.tables import Job, JobEvent, JobStatus, Worker, now

WORKER_SILENT = timedelta(seconds=60)
NOBODY_COMES = timedelta(seconds=15)  # a job may wait so long before it is said that nobody works
NOBODY = "No process does jobs on this database: open the app, or start `hone worker`."


@dataclass(frozen=True)
class Pace:
    """How fast this attempt goes; None while too little is known."""

    per_s: float | None
    left_s: float | None


@dataclass(frozen=True)
class Alarm:
    """A job that does not get on, and why in one sentence."""

    job: Job
    why: str


def pace(job: Job) -> Pace:
    """Rate of the present attempt since its first progress, and the time left at that rate."""
    began, latest = job.paced_at, job.progressed_at
    if job.status is not JobStatus.RUNNING or began is None or latest is None:
        return Pace(None, None)
    elapsed_s, did = (latest - began).total_seconds(), job.done - job.attempt_done
    if elapsed_s < 1 or did <= 0:
        return Pace(None, None)
    per_s = did / elapsed_s
    return Pace(per_s, None if job.total is None else max(0.0, (job.total - job.done) / per_s))


def listing(
    session: Session,
    *,
    kind: str | None = None,
    statuses: Sequence[JobStatus] = (),
    limit: int = 50,
    offset: int = 0,
) -> list[Job]:
    """What is being done first, then what waits in the order it will be taken, then the rest, the newest first."""
    status, position = col(Job.status), col(Job.position)
    rank = sa.case({JobStatus.RUNNING: 0, JobStatus.QUEUED: 1}, value=status, else_=2)
    turn = sa.case((status == JobStatus.QUEUED, position), else_=-position)
    wanted = select(Job).where(*_matching(kind, statuses)).order_by(rank, turn)
    return list(session.exec(wanted.limit(limit).offset(offset)))


def count(session: Session, *, kind: str | None = None, statuses: Sequence[JobStatus] = ()) -> int:
    return session.exec(select(sa.func.count()).select_from(Job).where(*_matching(kind, statuses))).one()


def running(session: Session) -> list[Job]:
    """What is being done now, the oldest first."""
    return _oldest(session, JobStatus.RUNNING)


def behind(session: Session, job: Job) -> int:
    """How many waiting jobs come before this one for the same resource."""
    ahead = (col(Job.status) == JobStatus.QUEUED, col(Job.resource) == job.resource, col(Job.position) < job.position)
    return session.exec(select(sa.func.count()).select_from(Job).where(*ahead)).one()


def latest(session: Session, kind: str) -> Job | None:
    """The newest job of a kind that was completed."""
    done = (col(Job.kind) == kind, col(Job.status) == JobStatus.COMPLETED)
    return session.exec(select(Job).where(*done).order_by(col(Job.created_at).desc()).limit(1)).first()


def under_way(session: Session) -> list[Job]:
    """What is being done now, and what waits behind it in the order it will be taken."""
    return [*running(session), *_oldest(session, JobStatus.QUEUED)]


def _oldest(session: Session, status: JobStatus) -> list[Job]:
    return list(session.exec(select(Job).where(col(Job.status) == status).order_by(col(Job.position)).limit(20)))


def events(session: Session, job: Job) -> Sequence[JobEvent]:
    """What happened to it, in order."""
    return session.exec(select(JobEvent).where(JobEvent.job_id == job.id).order_by(col(JobEvent.id))).all()


def workers(session: Session) -> Sequence[Worker]:
    """Processes that gave a sign of life in the last minute."""
    fresh = (col(Worker.heartbeat_at) > now() - WORKER_SILENT, col(Worker.stopped_at).is_(None))
    return session.exec(select(Worker).where(*fresh).order_by(col(Worker.id))).all()


def alarms(session: Session) -> list[Alarm]:
    """Jobs that run without progress for longer than their kind ever takes, or that nobody takes."""
    moment = now()
    found = [
        Alarm(job, f"It runs but has made no progress since {job.progressed_at:%H:%M} UTC.")
        for job in running(session)
        if job.progressed_at and _silent_s(job.progressed_at, moment) > kinds.kind(job.kind).stuck_after_s
    ]
    if not workers(session):
        waiting = col(Job.status) == JobStatus.QUEUED, col(Job.created_at) < moment - NOBODY_COMES
        query = select(Job).where(*waiting).order_by(col(Job.position)).limit(20)
        found += [Alarm(job, NOBODY) for job in session.exec(query)]
    return found


def _silent_s(at: datetime, moment: datetime) -> float:
    return (moment - at).total_seconds()


def _matching(kind: str | None, statuses: Sequence[JobStatus]) -> list[sa.ColumnElement[bool]]:
    conditions = [] if kind is None else [col(Job.kind) == kind]
    return [*conditions, col(Job.status).in_(statuses)] if statuses else conditions
