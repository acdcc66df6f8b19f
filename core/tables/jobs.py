"""Long work: what was asked for, who does it, how far it is; and the processes that do it.

A job belongs to one worker while it runs. The worker beats; a worker that stops beating, or whose process is gone,
loses its jobs. Whether such a job goes on by itself or waits for a person is decided by its kind (``core.jobs``).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from core.tables.columns import id_field, json_field, one_of, text_field, time_field


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"  # a person stopped it and may let it go on
    INTERRUPTED = "interrupted"  # its process stopped; a person may let it go on
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


_WAITS = frozenset({JobStatus.QUEUED, JobStatus.CANCELLED, JobStatus.FAILED})
JOB_TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.QUEUED: frozenset({JobStatus.RUNNING, JobStatus.CANCELLED, JobStatus.FAILED, JobStatus.PAUSED}),
    JobStatus.RUNNING: frozenset(
        {
            JobStatus.COMPLETED,
            JobStatus.FAILED,
            JobStatus.CANCELLED,
            JobStatus.PAUSED,
            JobStatus.INTERRUPTED,
            JobStatus.QUEUED,  # tried again, or taken up after its process was lost
        }
    ),
    JobStatus.PAUSED: _WAITS,
    JobStatus.INTERRUPTED: _WAITS,
    JobStatus.FAILED: frozenset({JobStatus.QUEUED}),  # a person tries again
    JobStatus.COMPLETED: frozenset(),
    JobStatus.CANCELLED: frozenset(),
}
ENDED_JOBS = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED})


class JobCommand(StrEnum):
    CANCEL = "cancel"
    PAUSE = "pause"


class Worker(SQLModel, table=True):
    """One process that does jobs. ``beat`` grows while it lives: others watch it change, no clock is compared."""

    __tablename__ = "workers"

    id: UUID = id_field()
    machine: str = Field(max_length=200)  # boot id and process namespace: tells whether a process id means anything
    process: str = Field(max_length=100)  # process id and its start, in ticks since the boot
    host: str = Field(max_length=200)  # for people
    home_id: str = Field(max_length=40)  # whose files it can reach
    beat: int = 0
    heartbeat_at: datetime = time_field()
    started_at: datetime = time_field()
    stopped_at: datetime | None = None


class Job(SQLModel, table=True):
    """At most one running job holds a resource: the database itself keeps it so."""

    __tablename__ = "jobs"
    __table_args__ = (
        sa.Index(
            "uq_jobs_one_running",
            "resource",
            unique=True,
            sqlite_where=sa.text("status = 'running'"),
            postgresql_where=sa.text("status = 'running'"),
        ),
        sa.Index("ix_jobs_status_position", "status", "position"),
        sa.Index("ix_jobs_kind_created_at", "kind", "created_at"),
    )

    id: UUID = id_field()
    kind: str = Field(max_length=40)  # a name of core.jobs.kinds
    resource: str = Field(max_length=100)
    subject_id: UUID | None = Field(default=None, index=True)  # the import or the training run it is about
    input: dict[str, Any] = json_field()
    result: dict[str, Any] = json_field()
    cursor: dict[str, Any] = json_field()  # where to go on; written with what it stands for, in one transaction
    status: JobStatus = one_of(JobStatus, "status", default=JobStatus.QUEUED)
    command: JobCommand | None = one_of(JobCommand, "command", nullable=True)
    position: int  # place in the queue; grows, and is swapped to reorder
    attempt: int = 0
    failures: int = 0  # attempts that broke, in a row
    not_before: datetime | None = None  # back-off after a failure
    done: int = 0
    total: int | None = None
    unit: str = Field(default="", max_length=40)  # what is counted, in the plural
    note: str = Field(default="", max_length=300)  # what it does now, in words
    attempt_done: int = 0  # ``done`` at the first progress of this attempt: the rate counts from here
    paced_at: datetime | None = None  # when that was
    home_id: str | None = Field(default=None, max_length=40)  # only a worker that reaches these files can do it
    worker_id: UUID | None = Field(default=None, foreign_key="workers.id", index=True)
    error: str | None = text_field(nullable=True)  # one sentence for a person
    error_detail: str | None = text_field(nullable=True)  # the traceback
    requested_by: str = Field(default="", max_length=200)
    version: int = 0
    created_at: datetime = time_field(index=True)
    started_at: datetime | None = None  # of the present attempt
    progressed_at: datetime | None = None
    ended_at: datetime | None = None


class JobEvent(SQLModel, table=True):
    """What happened to a job, in order."""

    __tablename__ = "job_events"

    id: UUID = id_field()
    job_id: UUID = Field(foreign_key="jobs.id", ondelete="CASCADE", index=True)
    kind: str = Field(max_length=40)
    message: str = text_field()
    created_at: datetime = time_field()


class IdempotencyKey(SQLModel, table=True):
    """An answer that was given, so that the same request again gets it again and does nothing."""

    __tablename__ = "idempotency_keys"

    caller: str = Field(primary_key=True, max_length=64)  # hash of the token or the address
    key: str = Field(primary_key=True, max_length=200)
    route: str = Field(max_length=200)
    body_sha256: str = Field(max_length=64)
    status_code: int
    answer: dict[str, Any] = json_field()
    created_at: datetime = time_field(index=True)
