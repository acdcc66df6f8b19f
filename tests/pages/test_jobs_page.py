"""Jobs: what runs, waits and ended; and the buttons that stop it or let it go on."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from core.api.process import Process
from core.jobs import leases, queue
from core.settings import Settings
from core.store import Store
from core.tables import Job, JobCommand, JobStatus, now
from core.tables import Worker as WorkerRow
from tests.pages.conftest import OpenPage
from tests.pages.training_rows import Bell, bell, words_of

__all__ = ["bell"]  # a fixture


@pytest.fixture
def worker(store: Store, settings: Settings) -> WorkerRow:
    with store.write() as session:
        return leases.register(session, settings.home)


def queued(store: Store, kind: str = "triage", **input: object) -> UUID:
    with store.write() as session:
        return queue.enqueue(session, kind, requested_by="ada", input=input).id


def under_way(store: Store, worker: WorkerRow, *, done: int = 200, total: int = 1000) -> UUID:
    job_id = queued(store)
    with store.write() as session:
        job = queue.claim(session, worker, names=["triage"], job_id=job_id)
        assert job is not None
        queue.progress(session, job_id, worker.id, done=done // 2, total=total)
        job.paced_at = now() - timedelta(seconds=10)
        session.add(job)
        session.flush()
        queue.progress(session, job_id, worker.id, done=done, total=total)
    return job_id


def now_is(store: Store, job_id: UUID) -> Job:
    with store.read() as session:
        return queue.get(session, job_id)


def test_nothing_asked_for_yet_is_an_invitation(open_page: OpenPage) -> None:
    page = open_page("jobs")
    assert not page.exception
    assert "Nothing has been asked for yet" in words_of(page)


def test_a_running_job_shows_how_far_how_fast_and_how_long(
    open_page: OpenPage, store: Store, worker: WorkerRow
) -> None:
    under_way(store, worker)
    page = open_page("jobs")
    assert not page.exception
    said = words_of(page)
    assert "200 of 1,000 comments" in said
    assert "comments a second" in said and "left" in said


def test_every_page_has_the_running_job_in_its_frame(open_page: OpenPage, store: Store, worker: WorkerRow) -> None:
    under_way(store, worker)
    page = open_page("adapters")
    assert not page.exception
    [line] = page.get("page_link")
    assert "200 of 1,000 comments" in line.proto.label
    assert [bar.value for bar in page.get("progress")] == [20]


def test_nothing_moves_beside_the_labelling_board(open_page: OpenPage, store: Store, worker: WorkerRow) -> None:
    under_way(store, worker)
    assert not open_page("pairs").get("progress")
    assert open_page("pairs", tab="curate").get("progress")


def test_cancel_reaches_the_running_job(open_page: OpenPage, store: Store, worker: WorkerRow) -> None:
    job_id = under_way(store, worker)
    job = now_is(store, job_id)
    page = open_page("jobs")
    page.button(key=f"stop_circle_{job_id}_{job.version}").click().run()
    assert now_is(store, job_id).command is JobCommand.CANCEL


def test_a_failed_job_says_why_and_can_be_tried_again(
    open_page: OpenPage, store: Store, worker: WorkerRow, bell: Bell
) -> None:
    job_id = under_way(store, worker)
    with store.write() as session:
        queue.advance(session, queue.get(session, job_id), JobStatus.FAILED, error="The rules could not be read.")
    page = open_page("jobs")
    assert "The rules could not be read." in [text.value for text in page.text]
    page.button(key=f"replay_{job_id}_{now_is(store, job_id).version}").click().run()
    assert (now_is(store, job_id).status, bell.rung) == (JobStatus.QUEUED, 1)


def test_a_waiting_job_can_be_moved_up(open_page: OpenPage, store: Store) -> None:
    first, second = queued(store, n=1), queued(store, n=2)
    page = open_page("jobs")
    page.button(key=f"arrow_upward_{second}_0").click().run()
    assert now_is(store, second).position < now_is(store, first).position


def test_a_job_nobody_takes_is_an_alarm(open_page: OpenPage, store: Store) -> None:
    job_id = queued(store)
    with store.write() as session:
        queue.get(session, job_id).created_at = now() - timedelta(hours=1)
    page = open_page("jobs")
    assert any("hone worker" in warning.value for warning in page.warning)


def test_the_state_filter_lives_in_the_address(open_page: OpenPage, store: Store) -> None:
    queued(store)
    page = open_page("jobs", state="Completed")
    assert "No job is in this state." in words_of(page)


def test_a_job_the_address_names_is_open(open_page: OpenPage, store: Store, at_work: Process) -> None:
    job_id = queued(store)
    page = open_page("jobs", job=str(job_id))
    assert "Asked for by ada." in [text.value for text in page.text]
