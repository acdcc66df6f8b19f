"""The words on the eight steps of the loop, from their counts: pure, so a test can read them."""

from __future__ import annotations

from dataclasses import replace

from core.overview import Gain, LoopCounts, Running, Step
from pages.overview.loop import Tile
from pages.shared.words import ENOUGH, counted


def tiles(counts: LoopCounts, *, min_pairs: int, job: Running | None, gain: Gain | None) -> list[Tile]:
    """Left to right: feedback, triage, evaluation, pairs, datasets, runs, adapters, experiment.

    On an empty store the same drawing without numbers: it explains instead of counting nothing.
    """
    drawn = _drawn(counts, min_pairs, job, gain)
    return [replace(tile, count=None) for tile in drawn] if counts.empty else drawn


def _drawn(counts: LoopCounts, min_pairs: int, job: Running | None, gain: Gain | None) -> list[Tile]:
    return [
        _tile("Feedback", counts.feedback, _feedback(counts), page="import"),
        _tile("Triage", counts.triage, _triage(counts.triage), page="triage", calls=counts.triage.waiting > 0),
        _tile("Evaluations", counts.evaluation, _evaluation(counts), page="evaluations"),
        _tile("Pairs", counts.pairs, _pairs(counts, min_pairs), page="pairs", calls=counts.pairs.waiting > 0),
        _tile("Datasets", counts.datasets, *_datasets(counts, min_pairs), page="datasets"),
        _tile("Runs", counts.runs, _runs(counts.runs, job, gain), page="runs"),
        _tile(
            "Adapters", counts.adapters, _adapters(counts.adapters), page="adapters", calls=counts.adapters.waiting > 0
        ),
        _tile("Experiment", counts.experiments, "compares releases on live traffic"),
    ]


def _tile(name: str, step: Step, wait: str, calls: bool = False, *, page: str | None = None) -> Tile:
    return Tile(name, step.total, f"+{step.week:,} this week" if step.week else "", wait, page=page, calls=calls)


def _feedback(counts: LoopCounts) -> str:
    if not counts.feedback.total:
        return "waits for what your users say"
    if counts.feedback.waiting:
        return f"{counted(counts.feedback.waiting, 'comment')} not triaged yet"
    return f"on {counted(counts.interactions, 'answer')}" if counts.interactions else "all read"


def _triage(step: Step) -> str:
    if not step.total:
        return "sorts comments by what they need"
    return f"{step.waiting:,} to review" if step.waiting else "all reviewed"


def _evaluation(counts: LoopCounts) -> str:
    step = counts.evaluation
    if not counts.interactions:
        return "judges each answer by a rubric"
    return f"{counted(step.waiting, 'answer')} not judged yet" if step.waiting else "all judged"


def _pairs(counts: LoopCounts, min_pairs: int) -> str:
    if not counts.pairs_mined:
        return "two answers, one preferred"
    label = f"{counts.pairs.waiting:,} more to label" if counts.pairs.waiting else "all labelled"
    if counts.pairs.total < min_pairs and not counts.datasets.total:
        return f"{counts.pairs.total:,} of {min_pairs:,} until training · {label}"
    return label


def _datasets(counts: LoopCounts, min_pairs: int) -> tuple[str, bool]:
    if counts.datasets.waiting:
        return f"{counts.datasets.waiting:,} not trained on yet", True
    if counts.datasets.total:
        return "all trained on", False
    if counts.pairs.total >= min_pairs:
        return f"{counted(counts.pairs.total, 'pair')} ready to freeze", True
    return "pairs, frozen to train on", False


def _runs(step: Step, job: Running | None, gain: Gain | None) -> str:
    if job is not None:
        return f"training, {job.percentage:.0f} %"
    if step.waiting:
        return f"{step.waiting:,} queued"
    if gain is not None:
        if gain.n < ENOUGH:
            return f"held-out {gain.before * gain.n:.0f} → {gain.after * gain.n:.0f} of {gain.n}"
        return f"held-out {gain.before * 100:.0f} % → {gain.after * 100:.0f} % (n = {gain.n})"
    return "none finished yet" if step.total else "learns what people prefer"


def _adapters(step: Step) -> str:
    if step.waiting:
        return f"{step.waiting:,} to approve"
    return "none waits" if step.total else "released by a person"
