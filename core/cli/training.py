"""``hone train``: queue a run, train it in this process, say what changed."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session, col, select

from core.adapters import registry
from core.cli.main import Speaker
from core.errors import HoneError, InputRejected, NotFound
from core.settings import Settings
from core.store import Store
from core.tables import DatasetKind, DatasetStatus, Moment, RunEvaluation, RunStatus, TrainingDataset
from core.training import records, runs
from core.training.executors import run_next
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
    """Train in this thread and say the before and after; the run's id. Raises HoneError when it did not complete."""
    with store.write() as session:
        runs.recover(session)
        run = runs.request(
            session,
            dataset.id,
            spec=spec,
            agent_id=str(dataset.agent_ids[0]),
            requested_by=settings.user,
            min_pairs=settings.min_pairs,
        )
    with speaker.progress("starting") as bar:
        trained = run_next(store, settings, on_trained=registry.register_trained, run_id=run.id, on_progress=bar.phase)
    if not trained:
        with store.write() as session:
            runs.request_cancel(session, run.id, by=settings.user)
        raise HoneError("Another run is training on this database. Wait for it, then start this one again.")
    with store.read() as session:
        detail = records.detail(session, runs.get(session, run.id))
    _report(speaker, detail)
    return run.id


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
            raise InputRejected("A dataset's id is a UUID; `hone status` and the Datasets page show them.") from None
        if found is None:
            raise NotFound("Dataset", dataset_id)
        return found
    ready = (col(TrainingDataset.kind) == DatasetKind.PAIRS) & (col(TrainingDataset.status) == DatasetStatus.READY)
    newest = session.exec(
        select(TrainingDataset).where(ready).order_by(col(TrainingDataset.id).desc()).limit(1)
    ).first()
    if newest is None:
        raise HoneError("There is no frozen dataset yet. Freeze one on the Datasets page, or run `hone demo`.")
    return newest
