"""Long work over HTTP: ask for a step, see how far it is, stop it, let it go on.

The app's worker does it (or ``hone worker``); the answer comes at once with the job's id.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session
from starlette.responses import JSONResponse

from core.api import process
from core.api.once import Answer, OnceOnly
from core.api.shapes import AgentName, Body, Name, row_id
from core.jobs import queue, table, training
from core.tables import Job, JobStatus

router = APIRouter(prefix="/v1/jobs", tags=["Jobs"])


class StepIn(Body):
    """Which step to bring up to date, of one agent or of all."""

    kind: Literal["triage", "judge", "mine"]
    agent_id: AgentName | None = None
    requested_by: Name = "api"


class JobOut(BaseModel):
    """``rate_per_s`` and ``left_s`` are null while too little is known."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: str
    status: str
    subject_id: UUID | None
    done: int
    total: int | None
    unit: str
    note: str
    rate_per_s: float | None = None
    left_s: float | None = None
    attempt: int
    error: str | None
    result: dict[str, Any]
    requested_by: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class JobsOut(BaseModel):
    total: int
    jobs: list[JobOut]


@router.post("", status_code=202, response_model=JobOut, summary="Ask for triage, judging or mining")
def ask(body: StepIn, once: OnceOnly) -> JSONResponse:
    given = {} if body.agent_id is None else {"agent_id": body.agent_id}

    def act(session: Session) -> Answer:
        return Answer(_shown(queue.enqueue(session, body.kind, requested_by=body.requested_by, input=given)), 202)

    answer = once.run(act)
    process.current().wake()
    return answer


@router.get("", summary="List jobs, the newest first")
def list_jobs(
    kind: Annotated[str | None, Query(max_length=40)] = None,
    status: JobStatus | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> JobsOut:
    wanted = [] if status is None else [status]
    with process.current().store.read() as session:
        jobs = table.listing(session, kind=kind, statuses=wanted, limit=limit, offset=offset)
        return JobsOut(
            total=table.count(session, kind=kind, statuses=wanted),
            jobs=[_shown(job) for job in jobs],
        )


@router.get("/{job_id}", summary="See how far a job is")
def read_one(job_id: str) -> JobOut:
    with process.current().store.read() as session:
        return _shown(queue.get(session, row_id(job_id, queue.NOUN)))


class CommandIn(Body):
    command: Literal["cancel", "pause", "resume"]
    requested_by: Name = Field("api", description="Stands beside it in the job's history.")


@router.post("/{job_id}/commands", response_model=JobOut, summary="Cancel, pause or resume a job")
def command(job_id: str, body: CommandIn, once: OnceOnly) -> JSONResponse:
    key = row_id(job_id, queue.NOUN)

    def act(session: Session) -> Answer:
        _do(session, queue.get(session, key), body)
        return Answer(_shown(queue.get(session, key)))

    answer = once.run(act)
    process.current().wake()
    return answer


def _do(session: Session, job: Job, body: CommandIn) -> None:
    """A training run's job changes together with its run."""
    if job.kind == training.NAME and job.subject_id is not None:
        home = process.current().settings.home
        if body.command == "resume":
            training.resume_run(session, job.subject_id, by=body.requested_by, home=home)
        else:
            change = training.cancel_run if body.command == "cancel" else training.pause_run
            change(session, job.subject_id, by=body.requested_by)
        return
    steps = {"cancel": queue.request_cancel, "pause": queue.request_pause, "resume": queue.resume}
    steps[body.command](session, job.id, by=body.requested_by)


def _shown(job: Job) -> JobOut:
    pace = table.pace(job)
    return JobOut.model_validate(job).model_copy(update={"rate_per_s": pace.per_s, "left_s": pace.left_s})
