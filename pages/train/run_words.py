"""A run's state in words, badges and numbers: the same on the list, the run's own page and the cards of adapters."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import fmean, variance

from core.inference.folder import DEMO
from core.tables import RunOutcome, RunPhase, RunStatus, TrainingRun
from pages.shared.literal import one_line

Point = Mapping[str, float | None]

_STATE: dict[RunStatus, tuple[str, str, str]] = {
    RunStatus.PENDING: ("Waiting", "schedule", "gray"),
    RunStatus.RUNNING: ("Training", "autorenew", "blue"),
    RunStatus.COMPLETED: ("Completed", "check", "green"),
    RunStatus.FAILED: ("Failed", "error", "red"),
    RunStatus.CANCELLED: ("Cancelled", "block", "gray"),
    RunStatus.INTERRUPTED: ("Interrupted", "motion_photos_paused", "orange"),
}
_OUTCOME: dict[RunOutcome, tuple[str, str, str]] = {
    RunOutcome.EVAL_GATE_FAILED: ("Did not pass the gate", "gpp_bad", "orange"),
    RunOutcome.SKIPPED_TOO_FEW: ("Skipped, too few pairs", "skip_next", "gray"),
}
_BESIDE: dict[RunPhase | None, tuple[str, str, str]] = {
    RunPhase.STARTING: ("Starting", "autorenew", "blue"),
    RunPhase.PAUSING: ("Pausing", "pause_circle", "blue"),
}
_PHASE: dict[RunPhase, str] = {
    RunPhase.AWAITING_APPROVAL: "Waits for a person's approval",
    RunPhase.QUEUED: "Waits for its turn",
    RunPhase.STARTING: "Prepares the base model and measures it before training",
    RunPhase.TRAINING: "Trains on the chosen and rejected answers",
    RunPhase.PAUSING: "Pauses after this step",
    RunPhase.PAUSED: "Paused",
    RunPhase.EVALUATING: "Measures on held-out pairs",
}


def state(run: TrainingRun) -> tuple[str, str, str]:
    """(words, icon, colour) of where the run stands."""
    if run.status is RunStatus.FAILED and run.outcome in _OUTCOME:
        return _OUTCOME[run.outcome]
    if run.status is RunStatus.RUNNING and run.phase in _BESIDE:
        return _BESIDE[run.phase]
    if run.status is RunStatus.INTERRUPTED and run.phase is RunPhase.PAUSED:
        return "Paused", "pause_circle", "gray"
    return _STATE[run.status]


def badge(run: TrainingRun) -> str:
    """The state as an inline badge."""
    words, icon, colour = state(run)
    return f":{colour}-badge[:material/{icon}: {words}]"


def phase(run: TrainingRun) -> str:
    """What the run does at this moment."""
    if builds(run):
        return f"Building the demo model, {run.progress_percentage:.0f} %"
    return _PHASE[run.phase] if run.phase else ""


def builds(run: TrainingRun) -> bool:
    """Whether the run is making the demo model: it has progress and no steps of its own yet."""
    return run.status is RunStatus.RUNNING and run.total_steps is None and run.progress_percentage > 0


def base(name: str) -> str:
    """The base model's name as people say it; a folder is named by its last part. Foreign: show it literally."""
    if name == DEMO:
        return "Demo model"
    return one_line(name.rstrip("/").rsplit("/", 1)[-1], limit=60) or "unknown base"


def seconds_left(points: Sequence[Point], *, step: int, total: int | None) -> float | None:
    """Time until the last step at the pace of the latest logged ones; None while too little is known."""
    timed = [(p["step"], p["elapsed_s"]) for p in points[-20:] if p.get("elapsed_s") is not None]
    if total is None or len(timed) < 2:
        return None
    (first_step, first_s), (last_step, last_s) = timed[0], timed[-1]
    if first_step is None or last_step is None or first_s is None or last_s is None or last_step <= first_step:
        return None
    return max(0.0, total - step) * (last_s - first_s) / (last_step - first_step)


def falling_chosen(points: Sequence[Point]) -> bool:
    """Whether the chosen answers are less likely than before training and go on falling, beyond the steps' noise.

    The last third of the logged values is compared with 0 and with the third before it, two standard errors each.
    """
    known = [value for point in points if (value := point.get("chosen_reward")) is not None]
    third = len(known) // 3
    if third < 4:
        return False
    early, late = known[-2 * third : -third], known[-third:]
    noise_late, noise_early = (variance(values) / third for values in (late, early))
    fell = fmean(early) - fmean(late)
    return fmean(late) + 2 * sqrt(noise_late) < 0 and fell > 2 * sqrt(noise_late + noise_early)


def smoothed(points: Sequence[Point], columns: Sequence[str], *, over: int) -> list[Point]:
    """The points with each of ``columns`` as the mean of the last ``over`` values known by then."""
    recent: dict[str, deque[float]] = {column: deque(maxlen=over) for column in columns}
    shown: list[Point] = []
    for point in points:
        means: dict[str, float | None] = {}
        for column, values in recent.items():
            value = point.get(column)
            if value is not None:
                values.append(value)
            means[column] = fmean(values) if values and value is not None else None
        shown.append({**point, **means})
    return shown
