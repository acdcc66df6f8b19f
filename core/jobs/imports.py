"""Imports as jobs: asked for, read and published, tried again, cancelled.

The import keeps what became of the file's rows; its job keeps who reads it and how far it is. Both change in one
transaction. A stopped one goes on by itself behind the last stored batch.
"""

from __future__ import annotations

import time
from collections import abc
from contextlib import suppress
from typing import Any
from uuid import UUID

from sqlmodel import Session, select

from core.errors import InvalidTransition, NotFound
from core.feedback import importing, publishing, uploads
from core.feedback.records import Mapping
from core.feedback.uploads import Upload
from core.jobs import identity, queue
from core.jobs.kinds import Ending, Kind
from core.settings import Settings
from core.store import Store
from core.tables import ENDED_JOBS, Import, ImportStatus, Job, JobStatus
from core.work import Stopped, Work

NAME = "import"
FORGOTTEN_S = 7 * 24 * 3600.0  # a failed import's file, a dry run, and a file nobody asked to import
_ENDED = (ImportStatus.PUBLISHED, ImportStatus.CANCELLED)


def request_import(
    session: Session,
    settings: Settings,
    *,
    filename: str,
    upload: Upload,
    import_id: UUID,
    agent_id: str,
    requested_by: str,
    mapping: Mapping | None = None,
    dry_run: bool = False,
) -> tuple[Import, Job]:
    """An import and its job; its file lies under ``import_id`` already. The same id again is the same import.

    Raises InputRejected.
    """
    row = importing.request(
        session,
        filename=filename,
        upload=upload,
        agent_id=agent_id,
        imported_by=requested_by,
        mapping=mapping,
        dry_run=dry_run,
        import_id=import_id,
    )
    job = queue.of_subject(session, row.id) or _enqueue(session, settings, row, requested_by)
    return row, job


def publish_import(session: Session, settings: Settings, import_id: UUID, *, by: str) -> tuple[Import, Job]:
    """Let a dry run become the real thing, or a stopped or failed import go on.

    Raises NotFound, InvalidTransition for one that is cancelled. One that is published stays as it is.
    """
    row = importing.get(session, import_id)
    if row.status is ImportStatus.CANCELLED:
        raise InvalidTransition("import", row.id, was=row.status.value, to=ImportStatus.PUBLISHED.value)
    if row.status is not ImportStatus.PUBLISHED:
        row.dry_run = False
        session.add(row)
        session.flush()
    return row, _go_on(session, settings, row, by)


def cancel_import(session: Session, import_id: UUID, *, by: str) -> Import:
    """Give an import up: at once when nobody reads it, else at its next batch. Twice is harmless.

    Raises NotFound, InvalidTransition for one that is published.
    """
    row = importing.get(session, import_id)
    job = queue.of_subject(session, import_id)
    if row.status is ImportStatus.PUBLISHED:
        raise InvalidTransition("import", row.id, was=row.status.value, to=ImportStatus.CANCELLED.value)
    if job is not None and job.status not in ENDED_JOBS:
        queue.request_cancel(session, job.id, by=by)
        if job.status is JobStatus.RUNNING:
            return row
    return importing.give_up(session, import_id, why=f"Cancelled by {by}.")


def sweep(store: Store, settings: Settings) -> None:
    """Remove files of imports that have ended, or that nobody asked for; for the worker's chores.

    A dry run that nobody has published for a week is given up: what it has read lies there unseen.
    """
    with store.read() as session:
        found = session.exec(select(Import.id, Import.status, Import.dry_run))
        known = {str(row_id): (row_id, was, dry) for row_id, was, dry in found}
    for path in (settings.home / uploads.FOLDER).glob("*"):
        with suppress(FileNotFoundError, InvalidTransition):
            old = time.time() - path.stat().st_mtime > FORGOTTEN_S
            row_id, was, dry = known.get(path.name, (None, None, False))
            if row_id is not None and old and dry and was is ImportStatus.CHECKED:
                with store.write() as session:
                    importing.give_up(session, row_id, why="Nobody asked to store it within a week.")
                path.unlink()
            elif was in _ENDED or (old and was in (None, ImportStatus.FAILED)):
                path.unlink()


def _go_on(session: Session, settings: Settings, row: Import, by: str) -> Job:
    job = queue.of_subject(session, row.id)
    if job is None or job.status in (JobStatus.COMPLETED, JobStatus.CANCELLED):
        return _enqueue(session, settings, row, by)
    return queue.resume(session, job.id, by=by)


def _enqueue(session: Session, settings: Settings, row: Import, by: str) -> Job:
    home = identity.home_id(settings.home)
    about = {"name": row.filename}
    return queue.enqueue(session, NAME, requested_by=by, subject_id=row.id, home_id=home, input=about)


# -- doing it -----------------------------------------------------------------------------------------------------


def run(store: Store, settings: Settings, job: Job, work: Work) -> Ending:
    """Read what is not read yet, and publish it unless it is a dry run. Raises Stopped, and what reading raises."""
    from core import workspace  # it brings every step with it

    import_id = _import_id(job)
    try:
        row = workspace.carry_out_import(store, settings, import_id, work)
    except Stopped as stop:
        if stop.why == "cancel":
            uploads.drop(settings, import_id)
        raise
    told = {"accepted": row.accepted, "duplicates": row.duplicates, "rejected": row.rejected, "counts": row.counts}
    return Ending(result=told | {"import_id": str(row.id), "status": row.status.value})


def _import_id(job: Job) -> UUID:
    if job.subject_id is None:
        raise NotFound("Import", job.id)
    return job.subject_id


def _on_cancelled(session: Session, job: Job) -> None:
    """What it published before somebody asked stays."""
    row = session.get(Import, _import_id(job), populate_existing=True)
    if row is not None and row.status in (ImportStatus.READING, ImportStatus.CHECKED, ImportStatus.FAILED):
        importing.give_up(session, row.id, why="Cancelled.")


def _on_failed(session: Session, job: Job) -> None:
    """What is staged stays: trying again goes on behind it."""
    row = session.get(Import, _import_id(job), populate_existing=True)
    if row is not None and row.status is ImportStatus.READING:
        row.notes = [*row.notes, *([job.error] if job.error else [])]
        publishing.advance(session, row, ImportStatus.FAILED)


def _told(result: abc.Mapping[str, Any]) -> str:
    would = "" if result["status"] == ImportStatus.PUBLISHED else "would be "
    return (
        f"{result['accepted']:,} {would}accepted, {result['rejected']:,} {would}rejected, "
        f"{result['duplicates']:,} here already"
    )


KIND = Kind(
    NAME,
    "Import",
    "rows",
    resource="imports",
    run=run,
    lane="imports",
    needs_files=True,
    can_pause=True,
    told=_told,
    on_cancelled=_on_cancelled,
    on_failed=_on_failed,
)
