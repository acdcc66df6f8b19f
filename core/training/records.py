"""What a run measured, written while it trains and read by pages: curve, evaluations, samples, events.

Writing twice is harmless: rows are keyed by run and step, so a resumed run overwrites what it repeats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from core.tables import (
    Moment,
    RunCheckpoint,
    RunEvaluation,
    RunEvent,
    RunMetric,
    RunPairScore,
    RunPhase,
    RunSample,
    RunStatus,
    TrainingRun,
    now,
)

HELD_OUT = "held_out"
_COLUMNS = tuple(column.name for column in RunMetric.__table__.columns if column.name not in ("run_id", "step"))  # type: ignore[attr-defined]


def record_metrics(session: Session, run_id: UUID, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store logged rows ({step, loss, …}); a step logged again replaces the earlier row."""
    if not rows:
        return
    by_step = {row["step"]: {name: row.get(name) for name in _COLUMNS} for row in rows}
    session.exec(sa.delete(RunMetric).where(_of(run_id) & col(RunMetric.step).in_(list(by_step))))
    session.exec(sa.insert(RunMetric), params=[{"run_id": run_id, "step": step} | row for step, row in by_step.items()])


def record_progress(session: Session, run_id: UUID, *, step: int, total: int) -> None:
    _update(session, run_id, current_step=step, total_steps=total, heartbeat_at=now())
    percentage = round(100 * step / total, 1) if total else 0.0
    _update(session, run_id, progress_percentage=min(percentage, 100.0))


def record_building(session: Session, run_id: UUID, *, percentage: float) -> None:
    """How much of the demo base model is made. The run has no steps yet, which tells it from its own progress."""
    _update(session, run_id, progress_percentage=round(min(percentage, 100.0), 1), heartbeat_at=now())


def record_phase(session: Session, run_id: UUID, phase: RunPhase) -> None:
    _update(session, run_id, phase=phase, heartbeat_at=now())


def record_scores(session: Session, run_id: UUID, *, split: str, moment: Moment, margins: Mapping[UUID, float]) -> None:
    """Held-out pairs with their margin before or after; the other moment's value stays as it is."""
    mine = col(RunPairScore.run_id) == run_id
    known = {row.pair_id: row for row in session.exec(select(RunPairScore).where(mine))}
    for pair_id, margin in margins.items():
        row = known.get(pair_id) or RunPairScore(run_id=run_id, pair_id=pair_id, split=split)
        setattr(row, moment.value, margin)
        session.add(row)
    session.flush()


def record_checkpoint(
    session: Session, run_id: UUID, step: int, *, path: str, files: Mapping[str, Mapping[str, Any]]
) -> None:
    """The newest place to go on from; only the one before it is left beside it on the disk."""
    mine = col(RunCheckpoint.run_id) == run_id
    earlier = session.exec(select(RunCheckpoint.step).where(mine).order_by(col(RunCheckpoint.step).desc())).all()
    gone = [at for at in earlier if at >= step] + [at for at in earlier if at < step][1:]
    session.exec(sa.delete(RunCheckpoint).where(mine, col(RunCheckpoint.step).in_(gone)))
    size = sum(int(entry["bytes"]) for entry in files.values())
    plain = {name: dict(entry) for name, entry in files.items()}
    session.add(RunCheckpoint(run_id=run_id, step=step, path=path, files=plain, size_bytes=size))
    session.flush()


def forget_checkpoints(session: Session, run_id: UUID) -> None:
    """The run needs none of them any more."""
    session.exec(sa.delete(RunCheckpoint).where(col(RunCheckpoint.run_id) == run_id))


def record_evaluation(session: Session, evaluation: RunEvaluation) -> None:
    session.merge(evaluation)


def record_samples(session: Session, run_id: UUID, samples: Sequence[RunSample]) -> None:
    session.exec(sa.delete(RunSample).where(col(RunSample.run_id) == run_id))
    session.add_all(samples)


def _of(run_id: UUID) -> sa.ColumnElement[bool]:
    return col(RunMetric.run_id) == run_id


def _update(session: Session, run_id: UUID, **values: Any) -> None:
    session.exec(
        sa.update(TrainingRun)
        .where((col(TrainingRun.id) == run_id) & (col(TrainingRun.status) == RunStatus.RUNNING))
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def best(session: Session, run_id: UUID) -> dict[str, float]:
    """The best value each headline measure reached."""
    lowest, accuracy, margin = session.exec(
        select(
            sa.func.min(RunMetric.loss), sa.func.max(RunMetric.reward_accuracy), sa.func.max(RunMetric.reward_margin)
        ).where(_of(run_id))
    ).one()
    reached = {"loss": lowest, "reward_accuracy": accuracy, "reward_margin": margin}
    return {name: value for name, value in reached.items() if value is not None}


def curve(session: Session, run_id: UUID, *, after_step: int = -1, points: int = 1000) -> Sequence[RunMetric]:
    """Logged rows after ``after_step``, thinned to about ``points`` by taking every k-th; the last is always there."""
    span = _of(run_id) & (col(RunMetric.step) > after_step)
    count, last = session.exec(select(sa.func.count(), sa.func.max(RunMetric.step)).where(span)).one()
    stride = max(1, count // points)
    query = select(RunMetric).where(span).order_by(col(RunMetric.step))
    if stride > 1:
        query = query.where((col(RunMetric.step) % stride == 0) | (col(RunMetric.step) == last))
    return session.exec(query).all()


@dataclass(frozen=True)
class RunDetail:
    """Everything a run's page shows but its curve."""

    run: TrainingRun
    evaluations: Sequence[RunEvaluation]
    samples: Sequence[RunSample]
    events: Sequence[RunEvent]

    def evaluation(self, moment: Moment, split: str = HELD_OUT) -> RunEvaluation | None:
        return next((e for e in self.evaluations if e.moment == moment and e.split == split), None)


def detail(session: Session, run: TrainingRun) -> RunDetail:
    samples = select(RunSample).where(RunSample.run_id == run.id)
    events = select(RunEvent).where(RunEvent.run_id == run.id)
    return RunDetail(
        run=run,
        evaluations=session.exec(select(RunEvaluation).where(RunEvaluation.run_id == run.id)).all(),
        samples=session.exec(samples.order_by(col(RunSample.position))).all(),
        events=session.exec(events.order_by(col(RunEvent.id))).all(),
    )


def held_out(
    session: Session, run_ids: Sequence[UUID]
) -> dict[UUID, tuple[RunEvaluation | None, RunEvaluation | None]]:
    """What each of the runs measured on held-out pairs: (before, after), None where it was not measured."""
    rows = session.exec(
        select(RunEvaluation).where(col(RunEvaluation.run_id).in_(run_ids) & (col(RunEvaluation.split) == HELD_OUT))
    ).all()
    found = {(row.run_id, row.moment): row for row in rows}
    return {run_id: (found.get((run_id, Moment.BEFORE)), found.get((run_id, Moment.AFTER))) for run_id in run_ids}


def sparkline(session: Session, run_ids: Sequence[UUID], *, points: int = 40) -> dict[UUID, list[float]]:
    """Reward margin over steps for the list of runs: every k-th logged one, at most ``points`` and the last."""
    mine = col(RunMetric.run_id)
    known = (
        sa.select(
            mine,
            col(RunMetric.step),
            col(RunMetric.reward_margin),
            sa.func.row_number().over(partition_by=mine, order_by=col(RunMetric.step)).label("at"),
            sa.func.count().over(partition_by=mine).label("n"),
        )
        .where(mine.in_(run_ids) & col(RunMetric.reward_margin).is_not(None))
        .subquery()
    )
    stride = (known.c.n + points - 1) // points
    kept = sa.or_((known.c.at - 1) % stride == 0, known.c.at == known.c.n)
    query = sa.select(known.c.run_id, known.c.reward_margin).where(kept).order_by(known.c.run_id, known.c.step)
    lines: dict[UUID, list[float]] = {}
    for run_id, margin in session.execute(query):
        lines.setdefault(run_id, []).append(margin)
    return lines
