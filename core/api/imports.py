"""Files of feedback, pairs and verdicts: sent once, read as a job, published whole.

Send a file as ``multipart/form-data`` (``file``, and the other fields beside it) or as JSON (``filename`` with
``content``, or ``rows``). A dry run stops when every row is checked; publishing it is one more request. Following an
import is asking for it: it says how far it is.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import anyio
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from sqlmodel import Session, col, select
from starlette.responses import JSONResponse, StreamingResponse

from core.api import process
from core.api.import_bodies import BODY, Sent, sent_in
from core.api.once import Answer, Once, OnceOnly
from core.api.shapes import row_id
from core.errors import ImportRejected
from core.feedback import importing, rejects, uploads
from core.jobs import imports as jobs
from core.jobs import queue, table
from core.tables import Import, ImportStatus, Job, new_id

router = APIRouter(prefix="/v1/imports", tags=["Imports"])

NOUN = "Import"
MOST = 200


class Asked(BaseModel):
    import_id: UUID
    job_id: UUID
    status: str


class Progress(BaseModel):
    job_id: UUID
    status: str
    done: int
    total: int | None
    unit: str
    per_s: float | None
    left_s: float | None
    error: str | None


class ImportOut(BaseModel):
    id: UUID
    filename: str
    format: str
    kind: str
    agent_id: str
    status: str
    dry_run: bool
    accepted: int
    duplicates: int
    rejected: int
    counts: dict[str, Any]
    mapping: dict[str, Any]
    notes: list[str]
    imported_by: str
    created_at: datetime
    published_at: datetime | None
    progress: Progress | None = None


class ListOut(BaseModel):
    imports: list[ImportOut]


class PreviewOut(BaseModel):
    format: str
    columns: list[str]
    suggested: dict[str, Any]
    recalled: bool
    total: int
    rows: list[dict[str, Any]]
    readings: list[dict[str, Any]]
    notes: list[str]


@router.post("", status_code=202, summary="Import a file", openapi_extra=BODY, response_model=Asked)
async def create(request: Request, once: OnceOnly) -> JSONResponse:
    sent = await sent_in(request)
    return await anyio.to_thread.run_sync(_create, sent, once)


@router.post("/preview", summary="See how a file would be understood", openapi_extra=BODY)
async def preview(request: Request) -> PreviewOut:
    """The first rows as they stand and as they would be stored. Nothing is stored."""
    sent = await sent_in(request)
    return await anyio.to_thread.run_sync(_preview, sent)


@router.get("", summary="The imports there were, newest first")
def listing(
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    status: ImportStatus | None = None,
) -> ListOut:
    query = select(Import).order_by(col(Import.created_at).desc(), col(Import.id).desc()).limit(limit).offset(offset)
    if status is not None:
        query = query.where(Import.status == status)
    with process.current().store.read() as session:
        return ListOut(imports=[_shown(session, row) for row in session.exec(query)])


@router.get("/{import_id}", summary="Where an import stands")
def one(import_id: str) -> ImportOut:
    with process.current().store.read() as session:
        return _shown(session, importing.get(session, row_id(import_id, NOUN)))


@router.get(
    "/{import_id}/rejects.csv", summary="Every row that was not taken, and why", response_class=StreamingResponse
)
def refused(import_id: str) -> StreamingResponse:
    store, own = process.current().store, row_id(import_id, NOUN)
    with store.read() as session:
        importing.get(session, own)
    headers = {
        "Content-Disposition": f'attachment; filename="rejects-{own}.csv"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return StreamingResponse(rejects.as_csv(store, own), media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/{import_id}/publish", status_code=202, summary="Store what a dry run has checked", response_model=Asked)
def publish(import_id: str, once: OnceOnly) -> JSONResponse:
    """Also lets a stopped or failed import go on."""
    own = row_id(import_id, NOUN)

    def act(session: Session) -> Answer:
        row, job = jobs.publish_import(session, process.current().settings, own, by=_me())
        return Answer(_asked(row, job), 202)

    answer = once.run(act)
    process.current().wake()
    return answer


@router.post("/{import_id}/cancel", summary="Give an import up", response_model=ImportOut)
def cancel(import_id: str, once: OnceOnly) -> JSONResponse:
    """One that is being read stops at its next batch. Nothing of it stays."""
    own = row_id(import_id, NOUN)
    return once.run(lambda session: Answer(_shown(session, jobs.cancel_import(session, own, by=_me()))))


# -- acting -------------------------------------------------------------------------------------------------------


def _create(sent: Sent, once: Once) -> JSONResponse:
    """The file lies on the disk before the row that names it; a request that is refused leaves neither."""
    current, own = process.current(), new_id()
    upload = uploads.keep(current.settings, own, sent.pieces())
    taken = False

    def act(session: Session) -> Answer:
        nonlocal taken
        row, job = jobs.request_import(
            session,
            current.settings,
            filename=sent.filename,
            upload=upload,
            import_id=own,
            agent_id=sent.given.agent_id,
            requested_by=_me(),
            mapping=sent.mapping,
            dry_run=sent.given.dry_run,
        )
        taken = True
        return Answer(_asked(row, job), 202)

    try:
        told = json.dumps(
            [upload.sha256, sent.filename, sent.given.model_dump(mode="json", exclude={"content", "rows"})]
        )
        answer = once.run(act, content_sha256=told)
    except BaseException:
        uploads.drop(current.settings, own)
        raise
    if not taken:  # the same request was answered before
        uploads.drop(current.settings, own)
    current.wake()
    return answer


def _preview(sent: Sent) -> PreviewOut:
    current = process.current()
    limits = {"max_mb": current.settings.max_import_mb, "max_rows": current.settings.max_import_rows}
    content = b"".join(sent.pieces())
    if len(content) > current.settings.max_import_mb * 1024 * 1024:
        raise ImportRejected(
            f"The file has more than {current.settings.max_import_mb} MB; split it. Nothing was stored."
        )
    with current.store.read() as session:
        look = importing.preview(content, sent.filename, mapping=sent.mapping, session=session, **limits)
    return PreviewOut(
        format=look.format,
        columns=look.columns,
        suggested=look.suggested.as_dict(),
        recalled=look.recalled,
        total=look.total,
        rows=look.rows,
        readings=look.readings,
        notes=look.notes,
    )


def _asked(row: Import, job: Job) -> Asked:
    return Asked(import_id=row.id, job_id=job.id, status=row.status.value)


def _shown(session: Session, row: Import) -> ImportOut:
    job = queue.of_subject(session, row.id)
    return ImportOut(**row.model_dump(include=set(ImportOut.model_fields)), progress=_progress(job) if job else None)


def _progress(job: Job) -> Progress:
    pace = table.pace(job)
    return Progress(
        job_id=job.id,
        status=job.status.value,
        done=job.done,
        total=job.total,
        unit=job.unit,
        per_s=pace.per_s,
        left_s=pace.left_s,
        error=job.error,
    )


def _me() -> str:
    return process.current().settings.user
