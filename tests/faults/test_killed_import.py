"""Fault: the process that imports a file is killed. Nothing of it is seen until all of it is; again adds nothing."""

from __future__ import annotations

from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlmodel import select

from core.feedback import uploads
from core.jobs import imports, queue
from core.jobs.worker import do_here
from core.settings import Settings
from core.store import Store
from core.tables import Feedback, Import, ImportStatus, JobStatus, new_id
from tests.faults.conftest import Start, healthy, wait_for
from tests.faults.runs_under_way import restarted

ROWS = 620  # two batches
CSV = "rating,comment\n" + "".join(f"{1 + n % 5},The schedule page of pump {n} was slow\n" for n in range(ROWS))
IN_A_BATCH = "INSERT INTO staged_feedback:2"
WHILE_PUBLISHING = "INSERT INTO feedback:1"


def ask(store: Store, settings: Settings, *, import_id: UUID | None = None) -> UUID:
    """The job of an import of the file."""
    import_id = import_id or new_id()
    upload = uploads.keep(settings, import_id, uploads.pieces_of(CSV.encode()))
    with store.write() as session:
        _, job = imports.request_import(
            session,
            settings,
            filename="survey.csv",
            upload=upload,
            import_id=import_id,
            agent_id="site",
            requested_by="ada",
        )
        return job.id


def comments(store: Store) -> int:
    with store.read() as session:
        return session.exec(select(sa.func.count()).select_from(Feedback)).one()


@pytest.mark.parametrize("halt", [IN_A_BATCH, WHILE_PUBLISHING], ids=["reading", "publishing"])
def test_kill_9_during_import_is_all_or_nothing_and_goes_on_by_itself(
    store: Store, settings: Settings, start: Start, halt: str
) -> None:
    """Fault: kill -9 during freeze/import."""
    job_id = ask(store, settings)
    importing = start("job", str(job_id), halt)
    importing.says("halted")
    importing.kill()
    assert (comments(store), healthy(store)) == (0, True)
    with restarted(store, settings, "imports"):
        wait_for(lambda: _job_status(store, job_id) is JobStatus.COMPLETED, "the import is through")
    with store.read() as session:
        row = session.exec(select(Import)).one()
    assert (row.status, row.accepted, row.duplicates, comments(store)) == (ImportStatus.PUBLISHED, ROWS, 0, ROWS)


def test_the_same_file_again_after_a_kill_adds_no_duplicates(store: Store, settings: Settings, start: Start) -> None:
    """Fault: kill -9 during freeze/import; re-import adds 0 duplicates."""
    job_id = ask(store, settings)
    importing = start("job", str(job_id), IN_A_BATCH)
    importing.says("halted")
    importing.kill()
    again = do_here(store, settings, ask(store, settings))  # the first waits for its turn behind this, or before it
    with restarted(store, settings, "imports"):
        wait_for(lambda: _job_status(store, job_id) is JobStatus.COMPLETED, "the first import is through")
    assert again.status is JobStatus.COMPLETED
    assert comments(store) == ROWS


def test_an_import_asked_for_twice_is_one_import(store: Store, settings: Settings) -> None:
    """Fault: double click / submit twice."""
    drawn = new_id()
    assert ask(store, settings, import_id=drawn) == ask(store, settings, import_id=drawn)


def _job_status(store: Store, job_id: UUID) -> JobStatus:
    with store.read() as session:
        return queue.get(session, job_id).status
