"""How well a base model, with or without an adapter, prefers what people prefer on one split of a frozen dataset.

The same selection and the same scoring as before and after a run, so the numbers can be laid beside a run's own.
``ask`` looks everything up; ``measure`` loads the model and scores, and holds no transaction while it does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlmodel import Session, col, select

from core.adapters import registry
from core.datasets import freeze
from core.datasets.rows import PairRow
from core.errors import HoneError, InputRejected
from core.inference.folder import DEMO, resolve_base
from core.settings import Settings
from core.tables import Adapter, DatasetKind, DatasetStatus, Split, TrainingDataset, TrainingRun
from core.training.evaluation import Accuracy, Scores, accuracy, score_pairs
from core.training.presets import preset_for
from core.training.selection import select as select_pairs

AT_ONCE = 32  # pairs scored between two looks at the progress

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Question:
    """What is to be measured: the model, cut at ``max_length`` tokens, on these rows."""

    dataset: TrainingDataset
    split: Split
    rows: list[PairRow]
    base: str
    max_length: int
    adapter: Adapter | None = None


@dataclass(frozen=True)
class Measured:
    accuracy: Accuracy  # with n, its Wilson 95 % interval and margins in nats
    left_out: int  # pairs of the split from which this model can read no preference
    notes: list[str]  # why, and what was cut


def ask(
    session: Session,
    *,
    adapter_id: UUID | None = None,
    base: str = DEMO,
    dataset_id: UUID | None = None,
    split: Split = Split.TEST,
) -> Question:
    """Look up what to measure: an adapter on the base it was trained on, or a base alone.

    Without a dataset it is the one the adapter was trained from, or the newest frozen one. Raises NotFound,
    DatasetChanged, and InputRejected when there is no dataset or the split is empty.
    """
    adapter = registry.get(session, adapter_id) if adapter_id is not None else None
    run = session.get(TrainingRun, adapter.run_id) if adapter is not None else None
    if dataset_id is None:
        dataset_id = run.dataset_id if run is not None else _newest(session)
    dataset = freeze.verify(session, dataset_id)
    rows = freeze.rows(session, dataset_id)[split]
    if not rows:
        raise InputRejected(f"{dataset.name} has no {split} pairs, so there is nothing to measure on.")
    base = adapter.base_model if adapter is not None else base
    trained = run.config.get("max_length") if run is not None else None
    return Question(dataset, split, rows, base, int(trained or preset_for(base).max_length), adapter)


def measure(settings: Settings, question: Question, *, on_progress: OnProgress | None = None) -> Measured:
    """Score every usable pair. ``on_progress`` gets (pairs, all pairs); the demo model is made when it is not there.

    Raises BaseModelRejected or PathRejected for a base that cannot be used, HoneError for an adapter whose files are
    damaged, InputRejected when no pair can be used.
    """
    from core.inference.local import LocalModel

    base = resolve_base(question.base, models_dir=settings.home / "models", allow_hub=settings.allow_hub)
    loaded = LocalModel.load(base, _folder(settings, question.adapter))
    model = LocalModel(loaded.model, loaded.chat.tokenizer, device=loaded.device, max_length=question.max_length)
    length = model.max_length or question.max_length
    chosen = select_pairs(question.rows, model.chat, max_length=length, between=_go_on)
    notes = chosen.sentences(question.split, length)
    if not chosen.encoded:
        raise InputRejected(" ".join([f"No {question.split} pair can be measured with this model.", *notes]))
    scores = Scores((), ())
    for start in range(0, len(chosen.encoded), AT_ONCE):
        scores += score_pairs(model, chosen.encoded[start : start + AT_ONCE], between=_go_on)
        if on_progress is not None:
            on_progress(min(start + AT_ONCE, len(chosen.encoded)), len(chosen.encoded))
    if not scores.finite:
        raise HoneError("This model's log-probabilities are no numbers, so it cannot be measured. Choose another one.")
    return Measured(accuracy(scores), left_out=chosen.dropped.total(), notes=notes)


def _folder(settings: Settings, adapter: Adapter | None) -> Path | None:
    """Where the adapter's files are, if they still are what was registered."""
    if adapter is None:
        return None
    damaged = registry.damaged_files(settings, adapter)
    if damaged:
        raise HoneError(f"These files of the adapter are missing or were changed: {', '.join(damaged)}. Train again.")
    return settings.home / adapter.path


def _newest(session: Session) -> UUID:
    usable = col(TrainingDataset.status).in_((DatasetStatus.READY, DatasetStatus.IN_USE))
    newest = session.exec(
        select(TrainingDataset.id)
        .where(usable & (col(TrainingDataset.kind) == DatasetKind.PAIRS))
        .order_by(col(TrainingDataset.id).desc())
        .limit(1)
    ).first()
    if newest is None:
        raise InputRejected("There is no frozen dataset yet. Freeze one first, with `hone freeze` or on its page.")
    return newest


def _go_on() -> None:
    """Nobody asks this work to stop."""
