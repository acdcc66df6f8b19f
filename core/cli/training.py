"""``hone train``: queue a run, train it in this process, say what changed."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session, col, select

from core.cli.running import id_of
from core.cli.speaking import Speaker
from core.errors import HoneError, InputRejected, NotFound
from core.jobs import queue, worker
from core.jobs import training as training_jobs
from core.settings import Settings
from core.store import Store
from core.tables import DatasetKind, DatasetStatus, Moment, RunEvaluation, RunStatus, TrainingDataset
from core.training import records, runs
from core.training.presets import preset_for
from core.training.spec import TrainSpec


def run_training(
    speaker: Speaker,
    settings: Settings,
    *,
    dataset_id: str | None,
    base: str,
    epochs: int | None,
    seed: int,
) -> None:
    store = Store.open(settings)
    spec = preset_for(base).changed(seed=seed, **({} if epochs is None else {"num_epochs": epochs}))
    with store.read() as session:
        dataset = _dataset(session, dataset_id)
    train_and_report(speaker, store, settings, dataset, spec)


def train_and_report(
    speaker: Speaker, store: Store, settings: Settings, dataset: TrainingDataset, spec: TrainSpec
) -> UUID:
    """Train in this process and say the before and after; the run's id. Raises HoneError when it did not complete.

    When another run is training on this database, this one waits for its turn; when a running app takes it, this
    follows it there.
    """
    with store.write() as session:
        run = training_jobs.request_run(
            session,
            dataset.id,
            spec=spec,
            agent_id=str(dataset.agent_ids[0]),
            requested_by=settings.user,
            min_pairs=settings.min_pairs,
            home=settings.home,
        )
        job = queue.of_subject(session, run.id)
    follow(speaker, store, settings, run.id, job.id if job is not None else run.id)
    return run.id


def run_on(speaker: Speaker, settings: Settings, *, run_id: str) -> None:
    """Let a paused or interrupted run go on in this process. Raises InvalidTransition for one that has ended."""
    store, key = Store.open(settings), id_of("a run", run_id)
    if key is None:
        raise NotFound("Training run", run_id)
    with store.write() as session:
        training_jobs.resume_run(session, key, by=settings.user, home=settings.home)
        job = queue.of_subject(session, key)
    follow(speaker, store, settings, key, job.id if job is not None else key)


def follow(speaker: Speaker, store: Store, settings: Settings, run_id: UUID, job_id: UUID) -> None:
    try:
        with speaker.progress("training") as bar:
            worker.do_here(store, settings, job_id, on_progress=bar)
    except KeyboardInterrupt:
        raise HoneError(f"Stopped. `hone train --resume {run_id}` lets it go on.") from None
    with store.read() as session:
        detail = records.detail(session, runs.get(session, run_id))
    _report(speaker, detail)


def _report(speaker: Speaker, detail: records.RunDetail) -> None:
    run = detail.run
    if run.status is not RunStatus.COMPLETED:
        raise HoneError(run.error or f"The run is {run.status.value}.")
    speaker.say(
        "training", f"{run.current_step} steps, adapter in {run.artifact_path}", run_id=run.id, steps=run.current_step
    )
    before, after = detail.evaluation(Moment.BEFORE), detail.evaluation(Moment.AFTER)
    if before is not None and after is not None:
        speaker.say(
            "held-out",
            f"{_accuracy(before)} before, {_accuracy(after)} after, on {after.n} pairs the training never saw",
            before=_facts(before),
            after=_facts(after),
        )


def _accuracy(evaluation: RunEvaluation) -> str:
    low, high = (f"{100 * bound:.0f}" for bound in (evaluation.low, evaluation.high))
    return f"{100 * evaluation.accuracy:.1f} % ({low}–{high})"


def _facts(evaluation: RunEvaluation) -> dict[str, float]:
    return {
        "n": evaluation.n,
        "accuracy": evaluation.accuracy,
        "low": evaluation.low,
        "high": evaluation.high,
        "mean_margin": evaluation.mean_margin,
    }


def _dataset(session: Session, dataset_id: str | None) -> TrainingDataset:
    if dataset_id is not None:
        try:
            found = session.get(TrainingDataset, UUID(dataset_id))
        except ValueError:
            raise InputRejected("A dataset's id is a UUID; `hone export datasets` shows them.") from None
        if found is None:
            raise NotFound("Dataset", dataset_id)
        return found
    ready = (col(TrainingDataset.kind) == DatasetKind.PAIRS) & (col(TrainingDataset.status) == DatasetStatus.READY)
    newest = session.exec(
        select(TrainingDataset).where(ready).order_by(col(TrainingDataset.id).desc()).limit(1)
    ).first()
    if newest is None:
        raise HoneError("There is no frozen dataset yet. Freeze one first, with `hone freeze` or on the Datasets page.")
    return newest
