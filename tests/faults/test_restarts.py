"""Faults: threads die, clocks jump, the database server goes away and comes back. Jobs go on; nothing is done twice."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlmodel import select

from core.errors import StoreError
from core.jobs import leases, queue
from core.jobs.worker import Worker
from core.settings import Settings
from core.store import Store
from core.tables import Interaction, JobStatus, RunStatus, now
from core.tables import Worker as WorkerRow
from tests.core.preference_rows import answer
from tests.databases import PostgresServer
from tests.faults import counting as numbers
from tests.faults import runs_under_way as training_runs
from tests.faults.conftest import wait_for
from tests.faults.counting import STEPS, Counting, counting

__all__ = ["counting"]

MONTH = timedelta(days=30)


def end_quietly(name: str) -> None:
    """Raise SystemExit inside another thread, which ends it without a word."""
    [thread] = [one for one in threading.enumerate() if one.name == name]
    assert thread.ident is not None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))


@pytest.mark.training
def test_worker_thread_that_dies_silently_interrupts_its_run_and_the_next_one_is_trained(
    store: Store,
    settings: Settings,
    dataset_id: UUID,
    model_folders: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Fault: worker thread dies silently."""
    monkeypatch.setattr(leases, "BEAT_S", 0.2)
    dies = training_runs.ask(store, settings, dataset_id, model_folders["qwen3"], epochs=100)
    with training_runs.restarted(store, settings):
        training_runs.wait_for_step(store, dies, 3)
        end_quietly("jobs-training")
        wait_for(lambda: training_runs.run_now(store, dies).status is RunStatus.INTERRUPTED, "it is noticed")
        after = training_runs.ask(store, settings, dataset_id, model_folders["qwen3"], epochs=1)
        wait_for(lambda: training_runs.run_now(store, after).status is RunStatus.COMPLETED, "the next run is through")
    run = training_runs.run_now(store, dies)
    assert run.error is not None and "died without a word" in run.error and "Resume it" in run.error
    assert training_runs.adapters_on_disk(settings) == [str(after)]


@pytest.mark.parametrize("jump", [-MONTH, MONTH], ids=["back", "ahead"])
def test_a_clock_that_jumps_takes_no_job_from_a_living_worker(
    store: Store, settings: Settings, counting: Counting, jump: timedelta
) -> None:
    """Fault: server restart, clock jump; leases are by beats."""
    counting.halt_at = 1
    job_id = numbers.ask(store)
    worker = Worker(store, settings)
    worker.start()
    assert counting.halted.wait(30)
    with store.write() as session:  # what the rows say after the clock was set
        row = session.get_one(WorkerRow, worker.id)
        row.heartbeat_at = row.started_at = now() + jump
        queue.get(session, job_id).started_at = queue.get(session, job_id).progressed_at = now() + jump
    other = Worker(store, settings)
    other.start()  # a second process would take back what it thinks is lost
    counting.go_on.set()
    numbers.wait_until_through(store, job_id)
    for one in (other, worker):
        one.stop()
    job = numbers.job_now(store, job_id)
    assert (job.attempt, numbers.counted(store, job_id)) == (1, list(range(STEPS)))


def test_after_a_restart_a_dead_processs_job_goes_on_whatever_the_clock_says(
    store: Store, settings: Settings, counting: Counting
) -> None:
    """Fault: server restart, clock jump back 1 h."""
    job_id = numbers.ask(store)
    with store.write() as session:
        gone = leases.register(session, settings.home)
        pid, _, start = gone.process.partition(":")
        gone.process = f"{pid}:{int(start) + 1}"  # the pid was given to another process since
        gone.heartbeat_at = now() + timedelta(hours=1)
        session.add(gone)
        session.flush()
        assert queue.claim(session, gone, names=["count"]) is not None
    worker = Worker(store, settings)
    worker.start()
    numbers.wait_until_through(store, job_id)
    worker.stop()
    assert numbers.counted(store, job_id) == list(range(STEPS))


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL of these tests' own, to be stopped."""
    try:
        found = PostgresServer()
    except Exception as error:  # whatever keeps it from starting is the reason
        pytest.skip(f"PostgreSQL could not be started ({type(error).__name__}: {error})")
    yield found
    found.stop()


@pytest.fixture
def served(server: PostgresServer, tmp_path: Path) -> Iterator[tuple[Store, Settings]]:
    home = tmp_path / "home"
    settings = Settings(home=home, db=server.fresh(home), busy_timeout_s=1.0, _env_file=None)
    store = Store.open(settings)
    yield store, settings
    store.close()


def test_postgresql_restarted_mid_job_and_the_job_goes_on_with_nothing_lost(
    served: tuple[Store, Settings], server: PostgresServer, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault: the PostgreSQL server is restarted mid-job."""
    monkeypatch.setattr(queue, "BACK_OFF_S", (0.2,))
    monkeypatch.setattr(leases, "BEAT_S", 0.2)
    store, settings = served
    counting.halt_at = 3
    job_id = numbers.ask(store)
    worker = Worker(store, settings)
    worker.start()
    try:
        assert counting.halted.wait(30)
        server._server.stop()
        counting.go_on.set()
        with pytest.raises(StoreError, match="cannot be reached"), store.read() as session:
            session.exec(select(Interaction)).all()
        server._server.ensure_postgres_running()
        numbers.wait_until_through(store, job_id)
    finally:
        worker.stop()
    assert numbers.counted(store, job_id) == list(range(STEPS))


def test_a_connection_dropped_mid_transaction_stores_nothing_and_the_next_write_works(
    served: tuple[Store, Settings],
) -> None:
    """Fault: connection dropped mid-transaction; an SQLite file has none that could drop."""
    store, _ = served
    with pytest.raises(StoreError, match="cannot be reached"), store.write() as session:
        answer(session, "Where are my invoices?", "Open billing.")
        backend = session.connection().exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with store.engine.connect() as other:
            other.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": backend})
        answer(session, "Where is my password?", "Open settings.")
    with store.write() as session:
        answer(session, "Where is my app?", "Open the store.")
    with store.read() as session:
        assert [row.response for row in session.exec(select(Interaction))] == ["Open the store."]


def test_a_worker_of_another_machine_that_falls_silent_loses_its_job_once(
    store: Store, settings: Settings, counting: Counting
) -> None:
    """Fault: a machine is switched off; two that remain see it at once."""
    job_id = numbers.ask(store)
    with store.write() as session:
        gone = leases.register(session, settings.home)
        gone.machine = "another boot"
        session.add(gone)
        session.flush()
        assert queue.claim(session, gone, names=["count"]) is not None
    clock = [0.0]
    watchdogs = [leases.Watchdog(clock=lambda: clock[0]) for _ in range(2)]
    freed: list[UUID] = []
    for moment in (0.0, leases.SILENT_S + 1):
        clock[0] = moment
        for watchdog in watchdogs:
            with store.write() as session:
                freed += leases.take_back(session, watchdog.gone(leases.holders(session)))
    job = numbers.job_now(store, job_id)
    assert (freed, job.status, job.failures) == ([job_id], JobStatus.QUEUED, 1)
