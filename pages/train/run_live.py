"""What moves on a run's page: headline, progress, time left, curves, before → after.

While the run waits or trains it is a fragment that draws itself every two seconds and asks the store only for
the steps it has not seen; at the first final state it draws the whole page once more and stops.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import streamlit as st

from core.tables import Moment, RunMetric, RunPhase, RunStatus, TrainingRun
from core.training import records, runs
from pages.shared import charts, context
from pages.shared.words import counted, duration
from pages.train import run_words
from pages.train.before_after import Change, picture

EVERY_S = 2
MOST = 400  # points kept for the charts
LIVE = (RunStatus.PENDING, RunStatus.RUNNING)
_KEPT = "run_curve"
_COLUMNS = (
    "step",
    "loss",
    "reward_margin",
    "reward_accuracy",
    "chosen_reward",
    "rejected_reward",
    "learning_rate",
    "tokens",
    "elapsed_s",
)
# Each step logs what one batch says, which jumps.
_NOISY = ("loss", "reward_margin", "reward_accuracy", "chosen_reward", "rejected_reward")
Point = dict[str, float | None]


def watch(run: TrainingRun) -> None:
    """Draw the moving part, live only while the run is."""
    if run.status in LIVE:
        st.fragment(_live, run_every=EVERY_S)(run.id, (run.status, run.phase))
    else:
        _draw(run)


def _live(run_id: UUID, was: tuple[RunStatus, RunPhase | None]) -> None:
    with context.store().read() as session:
        run = runs.get(session, run_id)
    if (run.status, run.phase) != was:
        st.rerun()  # the buttons above change with it
    _draw(run)


def _draw(run: TrainingRun) -> None:
    with context.store().read() as session:
        points = _points(session, run.id)
        detail = records.detail(session, run)
        before_it = sum(waiting.id < run.id for waiting in runs.queue(session)) if run.status is LIVE[0] else 0
    _headline(run, points, before_it=before_it)
    if run_words.falling_chosen(points):
        st.warning(
            "The chosen answers are becoming less likely than they were before training, so the margin grows only "
            "because the rejected ones fall faster. Read the sampled answers before you approve this adapter; a "
            "smaller learning rate or more SFT weight keeps the chosen ones up.",
            icon=":material/trending_down:",
        )
    _measured(Change(detail.evaluation(Moment.BEFORE), detail.evaluation(Moment.AFTER)))
    _curves(run, points)


def _headline(run: TrainingRun, points: Sequence[Point], *, before_it: int) -> None:
    with st.container(border=True, key="run_headline"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"{run_words.badge(run)} &nbsp;{_now(run, before_it)}", width="content")
            st.caption(_where(run, points), width="content")
        if run.total_steps or run_words.builds(run):
            st.progress(min(1.0, max(0.0, run.progress_percentage / 100)))


def _now(run: TrainingRun, before_it: int) -> str:
    if run.status is RunStatus.PENDING and before_it:
        return f"Waits for its turn, {counted(before_it, 'run')} before it"
    if run.status in LIVE:
        return run_words.phase(run)
    # An interrupted run is noticed at the next start; it ended at its last sign of life.
    ended = run.heartbeat_at if run.status is RunStatus.INTERRUPTED else run.completed_at
    if run.started_at and ended:
        return f"after {duration((ended - run.started_at).total_seconds())}"
    return ""


def _where(run: TrainingRun, points: Sequence[Point]) -> str:
    words = [f"Step {run.current_step:,} of {run.total_steps:,}"] if run.total_steps else []
    if run_words.builds(run):
        words.append("Made once, on first use, in about half a minute")
    left = run_words.seconds_left(points, step=run.current_step, total=run.total_steps)
    if run.status is RunStatus.RUNNING and run.phase is RunPhase.TRAINING:
        words.append(f"{duration(left)} left" if left is not None else "time left is known after a few steps")
    return " · ".join(words)


def _measured(change: Change) -> None:
    with st.container(border=True, gap="xsmall", key="run_measured"):
        st.subheader("Held-out pairs", anchor=False)
        if change.before is None:
            st.markdown(change.long)
            return
        drawn, said = st.columns(2, gap="small", vertical_alignment="center")
        with drawn:
            picture(change)
        with said:
            st.markdown(change.long)
            if change.finding:
                st.caption(change.finding)


def _curves(run: TrainingRun, points: Sequence[Point]) -> None:
    if not points:
        waits = "The curves begin with the first logged step." if run.status in LIVE else "No step was logged."
        st.caption(waits)
        return
    over = max(1, (run.total_steps or len(points)) // 20)
    smooth = over > 1 and st.toggle(f"Mean of the last {over} steps", value=True, key=f"smooth_{run.id}")
    drawn = run_words.smoothed(points, _NOISY, over=over) if smooth else points
    charts.training(drawn, key=f"curves_{run.id}")
    # Drawn only while it is open: it would double the work of every look at the run.
    fold = st.expander("Learning rate and speed", icon=":material/speed:", key=f"speed_{run.id}", on_change="rerun")
    if not fold.open:
        return
    with fold, st.grid(2, min_column_width=300):
        _small(points, "learning_rate_millionths", "Learning rate, millionths", "base", run)
        _small(points, "tokens_per_s", "Tokens per second", "rules", run)


def _small(points: Sequence[Point], column: str, words: str, colour: str, run: TrainingRun) -> None:
    with st.container(border=True, gap="xxsmall"):
        st.caption(words)
        charts.curves(points, {column: (words, colour)}, alt=f"{words} by step", height=130, key=f"{column}_{run.id}")


def _points(session: Any, run_id: UUID) -> list[Point]:
    """The run's curve: what this browser session has, and the steps logged since."""
    kept_id, kept = st.session_state.get(_KEPT, (None, []))
    points: list[Point] = list(kept) if kept_id == run_id else []
    last = int(points[-1]["step"] or 0) if points else -1
    for row in records.curve(session, run_id, after_step=last, points=MOST):
        points.append(_point(row, points[-1] if points else None))
    while len(points) > 1.5 * MOST:
        points = [*points[:-1:2], points[-1]]
    st.session_state[_KEPT] = (run_id, points)
    return points


def _point(row: RunMetric, before: Point | None) -> Point:
    point: Point = {name: getattr(row, name) for name in _COLUMNS}
    rate = point["learning_rate"]
    point["learning_rate_millionths"] = None if rate is None else 1e6 * rate
    point["tokens_per_s"] = _speed(point, before)
    return point


def _speed(point: Point, before: Point | None) -> float | None:
    tokens, seconds = point["tokens"], point["elapsed_s"]
    if before is None or tokens is None or seconds is None:
        return None
    tokens_then, seconds_then = before["tokens"], before["elapsed_s"]
    if tokens_then is None or seconds_then is None or seconds <= seconds_then or tokens < tokens_then:
        return None
    return (tokens - tokens_then) / (seconds - seconds_then)
