"""Training runs of faults: small, asked for as a page does, looked at through the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from sqlmodel import select

from core.jobs import queue, training
from core.jobs.worker import Worker
from core.settings import Settings
from core.store import Store
from core.tables import Adapter, Job, TrainingRun
from core.training import records, runs
from tests.faults.conftest import wait_for
from tests.training_runs import SMALL


def ask(store: Store, settings: Settings, dataset_id: UUID, base: Path, *, epochs: int = 10) -> UUID:
    """Queue a run of twelve steps an epoch, with a checkpoint at every tenth step."""
    with store.write() as session:
        return training.request_run(
            session,
            dataset_id,
            spec=SMALL.changed(base=str(base), num_epochs=epochs, checkpoint_steps=10),
            agent_id="support",
            requested_by="ada",
            min_pairs=50,
            home=settings.home,
        ).id


def resume(store: Store, settings: Settings, run_id: UUID) -> None:
    with store.write() as session:
        training.resume_run(session, run_id, by="lea", home=settings.home)


def run_now(store: Store, run_id: UUID) -> TrainingRun:
    with store.read() as session:
        return runs.get(session, run_id)


def job_now(store: Store, run_id: UUID) -> Job:
    with store.read() as session:
        job = queue.of_subject(session, run_id)
    assert job is not None
    return job


def wait_for_step(store: Store, run_id: UUID, step: int) -> None:
    wait_for(lambda: run_now(store, run_id).current_step >= step, f"step {step}")


def curve(store: Store, run_id: UUID) -> list[tuple[int, float | None]]:
    with store.read() as session:
        return [(row.step, row.loss) for row in records.curve(session, run_id)]


def adapter_hash(store: Store, run_id: UUID) -> str | None:
    """The sha256 of the run's weights; None when it has no adapter."""
    with store.read() as session:
        adapter = session.exec(select(Adapter).where(Adapter.run_id == run_id)).first()
    return None if adapter is None else str(adapter.files["adapter_model.safetensors"]["sha256"])


def adapters_on_disk(settings: Settings) -> list[str]:
    """The folders of adapters, hidden and half ones included."""
    folder = settings.home / "adapters"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@contextmanager
def restarted(store: Store, settings: Settings, *lanes: str) -> Iterator[Worker]:
    """The app's worker as it comes up after a stop, in this process; it takes back what was left at once."""
    worker = Worker(store, settings, only=lanes or ("training",))
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()
