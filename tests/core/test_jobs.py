"""Jobs: asked for, taken, done, stopped, let go on; whatever happens to the process that does them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import Session, col, select

from core.errors import HoneError, InvalidTransition, StoreBusy
from core.jobs import identity, kinds, leases, queue, table, work
from core.jobs.held import HeldJob
from core.jobs.kinds import Ending, Kind
from core.jobs.worker import Worker, do_here
from core.settings import Settings
from core.store import Store
from core.tables import Job, JobEvent, JobStatus, now
from core.tables import Worker as WorkerRow
from core.work import Stopped, Work

Run = Callable[[Store, Settings, Job, Work], Ending | None]


class Counting:
    """A small kind of work: counts to ``goal``, a transaction each, and can be made to break."""

    def __init__(self) -> None:
        self.goal = 3
        self.seen: list[int] = []
        self.before: Callable[[int, Work], None] = lambda at, work: None

    def run(self, store: Store, settings: Settings, job: Job, work: Work) -> Ending:
        for at in range(int(work.cursor.get("at", 0)), self.goal):
            self.before(at, work)
            work.check()
            with store.write() as session:
                work.saved(session, at + 1, self.goal, unit="numbers", cursor={"at": at + 1})
            self.seen.append(at)
        return Ending(result={"counted": self.goal})


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counting]:
    doing = Counting()
    entries = {
        "count": Kind("count", "Counting", "numbers", resource="numbers", run=doing.run, can_pause=True),
        "careful": Kind("careful", "Careful", "numbers", resource="care", run=doing.run, goes_on_by_itself=False),
        "filed": Kind("filed", "Filed", "numbers", resource="files", run=doing.run, needs_files=True),
    }
    monkeypatch.setattr(kinds, "all_kinds", lambda: entries)
    yield doing


@pytest.fixture
def mine(store: Store, settings: Settings) -> WorkerRow:
    with store.write() as session:
        return leases.register(session, settings.home)


def ask(store: Store, kind: str = "count", **more: object) -> UUID:
    with store.write() as session:
        return queue.enqueue(session, kind, requested_by="ada", **more).id  # type: ignore[arg-type]


def take(store: Store, worker: WorkerRow, job_id: UUID | None = None) -> HeldJob | None:
    with store.write() as session:
        job = queue.claim(session, worker, names=list(kinds.all_kinds()), job_id=job_id)
    return HeldJob(store, job, worker.id) if job is not None else None


def now_is(store: Store, job_id: UUID) -> Job:
    with store.read() as session:
        return queue.get(session, job_id)


def do(store: Store, settings: Settings, worker: WorkerRow, job_id: UUID) -> Job:
    held = take(store, worker, job_id)
    assert held is not None
    work.do(store, settings, now_is(store, job_id), held)
    return now_is(store, job_id)


def act(store: Store, change: Callable[[Session], object]) -> None:
    with store.write() as session:
        change(session)


def told(store: Store, job_id: UUID) -> list[str]:
    with store.read() as session:
        return [event.kind for event in table.events(session, queue.get(session, job_id))]


def test_a_job_is_done_and_says_what_came_of_it(
    store: Store, settings: Settings, counting: Counting, mine: WorkerRow
) -> None:
    job = do(store, settings, mine, ask(store))
    assert (job.status, job.result, job.done, job.total) == (JobStatus.COMPLETED, {"counted": 3}, 3, 3)
    assert told(store, job.id) == ["queued", "started", "completed"]


def test_a_job_is_taken_once_and_by_one_worker_alone(store: Store, counting: Counting, mine: WorkerRow) -> None:
    job_id = ask(store)
    taken: list[HeldJob | None] = []
    threads = [threading.Thread(target=lambda: taken.append(take(store, mine, job_id))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [held is not None for held in taken].count(True) == 1


def test_one_job_at_a_time_holds_a_resource(store: Store, counting: Counting, mine: WorkerRow) -> None:
    first = ask(store, input={"n": 1})
    second = ask(store, input={"n": 2})
    held = take(store, mine)
    assert held is not None and held.job_id == first
    assert take(store, mine) is None
    act(store, lambda session: queue.advance(session, queue.get(session, first), JobStatus.COMPLETED))
    held = take(store, mine)
    assert held is not None and held.job_id == second


def test_pressing_twice_asks_once(store: Store, counting: Counting) -> None:
    assert ask(store) == ask(store)


def test_what_ended_can_be_asked_for_again(
    store: Store, settings: Settings, counting: Counting, mine: WorkerRow
) -> None:
    first = ask(store)
    do(store, settings, mine, first)
    assert ask(store) != first


def test_a_job_about_files_is_for_workers_of_that_home(
    store: Store, counting: Counting, mine: WorkerRow, tmp_path: Path
) -> None:
    ask(store, "filed", home_id=identity.home_id(tmp_path / "elsewhere"))
    assert take(store, mine) is None
    ask(store, "filed", home_id=mine.home_id, input={"here": True})
    assert take(store, mine) is not None


def test_a_home_keeps_its_name_and_an_empty_name_is_none(tmp_path: Path) -> None:
    (tmp_path / "id").touch()
    name = identity.home_id(tmp_path)
    assert len(name) == 32
    assert identity.home_id(tmp_path) == name
    assert [path.name for path in tmp_path.iterdir()] == ["id"]


def test_cancelling_what_waits_ends_it_at_once(store: Store, counting: Counting, mine: WorkerRow) -> None:
    job_id = ask(store)
    act(store, lambda session: queue.request_cancel(session, job_id, by="lea"))
    act(store, lambda session: queue.request_cancel(session, job_id, by="lea"))
    assert now_is(store, job_id).status is JobStatus.CANCELLED
    assert take(store, mine) is None


def test_cancelling_what_runs_stops_it_between_two_steps(
    store: Store, settings: Settings, counting: Counting, mine: WorkerRow
) -> None:
    job_id = ask(store)
    counting.before = lambda at, work: work.ask("cancel") if at == 1 else None  # type: ignore[attr-defined]
    job = do(store, settings, mine, job_id)
    assert (job.status, job.done, counting.seen) == (JobStatus.CANCELLED, 1, [0])


def test_a_paused_job_goes_on_where_it_was(
    store: Store, settings: Settings, counting: Counting, mine: WorkerRow
) -> None:
    job_id = ask(store)
    counting.before = lambda at, work: work.ask("pause") if at == 2 else None  # type: ignore[attr-defined]
    assert do(store, settings, mine, job_id).status is JobStatus.PAUSED
    counting.before = lambda at, work: None
    act(store, lambda session: queue.resume(session, job_id, by="lea"))
    assert do(store, settings, mine, job_id).status is JobStatus.COMPLETED
    assert counting.seen == [0, 1, 2]


def test_stopping_the_app_puts_a_job_back_and_the_next_start_goes_on(
    store: Store, settings: Settings, counting: Counting, mine: WorkerRow
) -> None:
    job_id = ask(store)
    counting.before = lambda at, work: work.ask("shutdown") if at == 1 else None  # type: ignore[attr-defined]
    assert do(store, settings, mine, job_id).status is JobStatus.QUEUED
    counting.before = lambda at, work: None
    assert do(store, settings, mine, job_id).status is JobStatus.COMPLETED
    assert counting.seen == [0, 1, 2]


def test_where_a_person_decides_a_stop_leaves_it_interrupted(
    store: Store, settings: Settings, counting: Counting, mine: WorkerRow
) -> None:
    job_id = ask(store, "careful")
    counting.before = lambda at, work: work.ask("shutdown")  # type: ignore[attr-defined]
    assert do(store, settings, mine, job_id).status is JobStatus.INTERRUPTED
    assert take(store, mine) is None


def test_an_unexpected_error_is_tried_again_after_a_while_and_then_given_up(
    store: Store, settings: Settings, counting: Counting, mine: WorkerRow
) -> None:
    def breaks(at: int, work: Work) -> None:
        raise ZeroDivisionError

    counting.before = breaks
    job_id = ask(store)
    waits = []
    for _ in range(kinds.MOST_FAILURES):
        job = do(store, settings, mine, job_id)
        waits.append(job.not_before)
    assert (job.status, job.failures) == (JobStatus.FAILED, kinds.MOST_FAILURES)
    assert job.error is not None and "ZeroDivisionError" in job.error
    assert job.error_detail is not None and "Traceback" in job.error_detail
    assert all(moment is not None and moment > now() for moment in waits[:-1])


def test_a_job_that_waits_for_its_next_try_is_not_taken_before(
    store: Store, settings: Settings, counting: Counting, mine: WorkerRow
) -> None:
    counting.before = lambda at, work: 1 / 0  # type: ignore[return-value]
    job_id = ask(store)
    do(store, settings, mine, job_id)
    assert take(store, mine) is None


def test_a_clock_set_back_does_not_keep_a_job_waiting(store: Store, counting: Counting, mine: WorkerRow) -> None:
    """Fault: clock jump back."""
    job_id = ask(store)
    with store.write() as session:
        queue.get(session, job_id).not_before = now() + timedelta(hours=1)
    assert take(store, mine) is not None


def test_bad_input_fails_at_once_with_its_sentence(
    store: Store, settings: Settings, counting: Counting, mine: WorkerRow
) -> None:
    def refuses(at: int, work: Work) -> None:
        raise HoneError("The file is empty; nothing was stored.")

    counting.before = refuses
    job = do(store, settings, mine, ask(store))
    assert (job.status, job.error) == (JobStatus.FAILED, "The file is empty; nothing was stored.")


def test_a_busy_store_is_waited_for_however_often(
    store: Store, settings: Settings, counting: Counting, mine: WorkerRow
) -> None:
    """Fault: DB locked by another process."""

    def busy(at: int, work: Work) -> None:
        raise StoreBusy("busy")

    counting.before = busy
    job_id = ask(store)
    for _ in range(kinds.MOST_FAILURES + 2):
        job = do(store, settings, mine, job_id)
    assert job.status is JobStatus.QUEUED


def test_one_taken_for_dead_that_comes_back_stores_nothing(
    store: Store, settings: Settings, counting: Counting, mine: WorkerRow
) -> None:
    job_id = ask(store)
    held = take(store, mine, job_id)
    assert held is not None
    act(store, lambda session: leases.take_back(session, [mine]))
    with pytest.raises(Stopped), store.write() as session:
        session.add(JobEvent(job_id=job_id, kind="late", message="too late"))
        held.saved(session, 1, 3)
    assert "late" not in told(store, job_id)
    work.do(store, settings, now_is(store, job_id), held)
    assert now_is(store, job_id).status is JobStatus.QUEUED


def test_a_dead_processs_job_is_taken_back_at_once(store: Store, counting: Counting, mine: WorkerRow) -> None:
    job_id = ask(store)
    assert take(store, mine) is not None
    pid, _, start = mine.process.partition(":")
    with store.write() as session:
        session.get_one(WorkerRow, mine.id).process = f"{pid}:{int(start) + 1}"
    watchdog = leases.Watchdog()
    with store.write() as session:
        gone = watchdog.gone(leases.holders(session))
        assert leases.take_back(session, gone) == [job_id]
    assert now_is(store, job_id).status is JobStatus.QUEUED


def test_a_living_process_keeps_its_job(store: Store, counting: Counting, mine: WorkerRow) -> None:
    ask(store)
    assert take(store, mine) is not None
    with store.read() as session:
        assert leases.Watchdog().gone(leases.holders(session)) == []


def test_on_another_machine_only_beats_tell(store: Store, counting: Counting, mine: WorkerRow) -> None:
    ask(store)
    assert take(store, mine) is not None
    with store.write() as session:
        session.get_one(WorkerRow, mine.id).machine = "another boot"
    clock = [0.0]
    watchdog = leases.Watchdog(clock=lambda: clock[0])

    def gone() -> int:
        with store.read() as session:
            return len(watchdog.gone(leases.holders(session)))

    first = gone()
    clock[0] = leases.SILENT_S
    act(store, lambda session: leases.beat(session, mine.id))
    after_a_beat = gone()
    clock[0] += leases.SILENT_S + 1
    assert (first, after_a_beat, gone()) == (0, 0, 1)


def test_a_job_that_keeps_killing_its_process_is_given_up(store: Store, counting: Counting, mine: WorkerRow) -> None:
    job_id = ask(store)
    for _ in range(kinds.MOST_FAILURES):
        assert take(store, mine, job_id) is not None
        act(store, lambda session: leases.take_back(session, [mine]))
    job = now_is(store, job_id)
    assert job.status is JobStatus.FAILED
    assert job.error is not None and "in a row" in job.error


def test_a_person_tries_a_failed_job_again(
    store: Store, settings: Settings, counting: Counting, mine: WorkerRow
) -> None:
    def refuses(at: int, work: Work) -> None:
        if at == 2:
            raise HoneError("No.")

    counting.before = refuses
    job_id = ask(store)
    do(store, settings, mine, job_id)
    counting.before = lambda at, work: None
    act(store, lambda session: queue.resume(session, job_id, by="lea"))
    assert do(store, settings, mine, job_id).status is JobStatus.COMPLETED
    assert counting.seen == [0, 1, 2]


def test_what_is_cancelled_stays_so(store: Store, counting: Counting) -> None:
    job_id = ask(store)
    act(store, lambda session: queue.request_cancel(session, job_id, by="lea"))
    with pytest.raises(InvalidTransition), store.write() as session:
        queue.resume(session, job_id, by="lea")


def test_the_queue_can_be_reordered(store: Store, counting: Counting, mine: WorkerRow) -> None:
    ids = [ask(store, input={"n": n}) for n in range(3)]
    act(store, lambda session: queue.move(session, ids[2], places=-2))
    held = take(store, mine)
    assert held is not None and held.job_id == ids[2]


def test_the_worker_takes_what_waits_and_stops_when_asked(store: Store, settings: Settings, counting: Counting) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def wait(at: int, work: Work) -> None:
        if at == 1:
            reached.set()
            assert go_on.wait(20)

    counting.before = wait
    job_id = ask(store)
    worker = Worker(store, settings)
    worker.start()
    assert reached.wait(20)
    stopping = threading.Thread(target=worker.stop)
    stopping.start()
    go_on.set()
    stopping.join(30)
    job = now_is(store, job_id)
    assert job.status in (JobStatus.QUEUED, JobStatus.COMPLETED)
    with store.read() as session:
        row = session.exec(select(WorkerRow).order_by(col(WorkerRow.id).desc())).first()
    assert row is not None and row.stopped_at is not None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # it is meant to die
def test_a_thread_that_dies_without_a_word_frees_its_job(
    store: Store, settings: Settings, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault: worker thread dies silently."""
    monkeypatch.setattr(leases, "BEAT_S", 0.05)
    died, done = threading.Event(), threading.Event()
    really = work.do

    def dies_once(*args: object) -> None:
        if not died.is_set():
            died.set()
            raise SystemExit  # ends a thread quietly
        really(*args)  # type: ignore[arg-type]
        done.set()

    monkeypatch.setattr(work, "do", dies_once)
    job_id = ask(store)
    worker = Worker(store, settings)
    worker.start()
    try:
        assert done.wait(20)
    finally:
        worker.stop()
    assert now_is(store, job_id).status is JobStatus.COMPLETED


def test_a_command_that_waits_does_the_job_itself(store: Store, settings: Settings, counting: Counting) -> None:
    heard: list[tuple[int, int]] = []
    job = do_here(store, settings, ask(store), on_progress=lambda done, total: heard.append((done, total)))
    assert job.status is JobStatus.COMPLETED
    assert heard == [(1, 3), (2, 3), (3, 3)]


def test_getting_ready_does_not_slow_the_pace(store: Store, counting: Counting, mine: WorkerRow) -> None:
    job_id = ask(store)
    held = take(store, mine, job_id)
    assert held is not None
    for done in (0, 4):
        act(store, lambda session, done=done: held.saved(session, done, 100))  # type: ignore[misc]
    job = now_is(store, job_id)
    assert job.paced_at == job.progressed_at and job.attempt_done == 4
    act(store, lambda session: held.saved(session, 6, 100))
    assert now_is(store, job_id).paced_at == job.paced_at


def test_a_cancel_is_not_forgotten_when_the_process_dies(store: Store, counting: Counting, mine: WorkerRow) -> None:
    job_id = ask(store, "careful")
    assert take(store, mine, job_id) is not None
    act(store, lambda session: queue.request_cancel(session, job_id, by="lea"))
    act(store, lambda session: leases.take_back(session, [mine]))
    assert now_is(store, job_id).status is JobStatus.CANCELLED


def test_rate_and_time_left_count_from_this_attempt(store: Store, counting: Counting) -> None:
    at = now()
    job = Job(
        kind="count",
        resource="numbers",
        position=1,
        status=JobStatus.RUNNING,
        done=40,
        attempt_done=20,
        total=100,
        paced_at=at - timedelta(seconds=10),
        progressed_at=at,
    )
    assert table.pace(job) == table.Pace(2.0, 30.0)


def test_a_job_without_progress_raises_the_alarm(store: Store, counting: Counting, mine: WorkerRow) -> None:
    job_id = ask(store)
    assert take(store, mine) is not None
    with store.write() as session:
        queue.get(session, job_id).progressed_at = now() - timedelta(hours=1)
    with store.read() as session:
        assert [alarm.job.id for alarm in table.alarms(session)] == [job_id]


def test_a_job_nobody_takes_raises_the_alarm(store: Store, counting: Counting) -> None:
    job_id = ask(store)
    with store.write() as session:
        queue.get(session, job_id).created_at = now() - timedelta(hours=1)
    with store.read() as session:
        assert [(alarm.job.id, "hone worker" in alarm.why) for alarm in table.alarms(session)] == [(job_id, True)]
