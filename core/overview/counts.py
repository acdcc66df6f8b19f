"""Where the loop stands, counted in SQL: each step's total, this week's growth, and what waits for a person.

Comes in: a session. Goes out: small frozen values for the overview, the menu and ``hone status``.
It reads the tables of all steps and promises no more than a moment's view: the counts come from one
transaction, so they agree with each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from core.judging import evaluations
from core.tables import (
    Adapter,
    AdapterStatus,
    DatasetKind,
    DatasetStatus,
    Evaluation,
    ExperimentStatus,
    Feedback,
    Interaction,
    LearningExperiment,
    Moment,
    PairStatus,
    PreferencePair,
    RunEvaluation,
    RunStatus,
    TrainingDataset,
    TrainingRun,
    TriageResult,
    TriageStatus,
    now,
)
from core.triage import inbox

WEEK = timedelta(days=7)
HELD_OUT = "held_out"
USABLE_DATASETS = (DatasetStatus.READY, DatasetStatus.IN_USE)


@dataclass(frozen=True)
class Step:
    """One step of the loop: rows in all, rows added in the last seven days, rows that wait for somebody."""

    total: int
    week: int
    waiting: int = 0


@dataclass(frozen=True)
class LoopCounts:
    """The eight steps from left to right, and whether the store holds anything at all."""

    feedback: Step  # superseded ratings left out; waiting: comments that triage would read
    triage: Step  # waiting: readings a person has not decided
    evaluation: Step  # waiting: answers and plans that the rule-based judge would judge
    pairs: Step  # total: usable (accepted); waiting: pairs that need a label
    datasets: Step  # waiting: frozen ones no run has used
    runs: Step  # waiting: queued or running
    adapters: Step  # waiting: candidates for approval
    experiments: Step  # waiting: running
    interactions: int
    pairs_mined: int  # pairs in any state
    runs_stopped: int = 0  # paused or interrupted: they can go on

    @property
    def empty(self) -> bool:
        """Nothing has ever come in."""
        return not (self.interactions or self.feedback.total or self.pairs_mined)


@dataclass(frozen=True)
class Running:
    """The run that trains at this moment."""

    run_id: str
    agent_id: str
    phase: str
    step: int
    steps: int | None
    percentage: float
    started_at: datetime | None


@dataclass(frozen=True)
class Gain:
    """Held-out preference accuracy of a run, before and after, over n pairs."""

    run_id: str
    before: float
    after: float
    n: int


def loop_counts(session: Session) -> LoopCounts:
    """All counts of the loop in a handful of grouped queries, each answered from indexes."""
    since = now() - WEEK
    pair = _by_status(session, PreferencePair, since)
    run = _by_status(session, TrainingRun, since)
    adapter = _by_status(session, Adapter, since)
    experiment = _by_status(session, LearningExperiment, since, moment="started_at")
    accepted = pair.get(PairStatus.ACCEPTED, (0, 0))
    return LoopCounts(
        feedback=_feedback(session, since),
        triage=_triage(session, since),
        evaluation=Step(*_grown(session, Evaluation, since), waiting=evaluations.waiting(session)),
        pairs=Step(*accepted, waiting=pair.get(PairStatus.NEEDS_LABEL, (0, 0))[0]),
        datasets=_datasets(session, since),
        runs=_summed(run, waiting=(RunStatus.PENDING, RunStatus.RUNNING)),
        adapters=_summed(adapter, waiting=(AdapterStatus.CANDIDATE,)),
        experiments=_summed(experiment, waiting=(ExperimentStatus.RUNNING,)),
        interactions=_count(session, Interaction),
        pairs_mined=sum(total for total, _ in pair.values()),
        runs_stopped=run.get(RunStatus.INTERRUPTED, (0, 0))[0],
    )


def waiting(session: Session) -> dict[str, int]:
    """What waits for a person, by the page it waits on: cheap enough for every page's menu."""
    return {
        "triage": _count(session, TriageResult, col(TriageResult.status) == TriageStatus.OPEN),
        "pairs": _count(session, PreferencePair, col(PreferencePair.status) == PairStatus.NEEDS_LABEL),
        "adapters": _count(session, Adapter, col(Adapter.status) == AdapterStatus.CANDIDATE),
    }


def running(session: Session) -> Running | None:
    """The one run that trains now, or None. Reads a single row through the slot's own index."""
    run = TrainingRun
    wanted: tuple[Any, ...] = (run.id, run.agent_id, run.phase, run.current_step, run.total_steps)
    query = sa.select(*wanted, col(run.progress_percentage), col(run.started_at))
    row = session.execute(query.where(col(run.status) == RunStatus.RUNNING)).first()
    if row is None:
        return None
    run_id, agent_id, phase, step, steps, percentage, started_at = row
    return Running(str(run_id), agent_id, phase.value if phase else "", step, steps, percentage, started_at)


def held_out_gain(session: Session) -> Gain | None:
    """Preference accuracy on held-out pairs of the newest run that measured it before and after."""
    newest = session.exec(
        select(TrainingRun.id)
        .join(RunEvaluation, col(RunEvaluation.run_id) == TrainingRun.id)
        .where(RunEvaluation.split == HELD_OUT)
        .group_by(col(TrainingRun.id))
        .having(sa.func.count() == 2)
        .order_by(col(TrainingRun.created_at).desc())
        .limit(1)
    ).first()
    if newest is None:
        return None
    measured = session.exec(
        select(RunEvaluation.moment, RunEvaluation.accuracy, RunEvaluation.n).where(
            RunEvaluation.run_id == newest, RunEvaluation.split == HELD_OUT
        )
    ).all()
    accuracy = {moment: value for moment, value, _ in measured}
    n = min(n for _, _, n in measured)
    return Gain(str(newest), before=accuracy[Moment.BEFORE], after=accuracy[Moment.AFTER], n=n)


def _count(session: Session, table: type[SQLModel], *where: sa.ColumnElement[bool]) -> int:
    return session.exec(select(sa.func.count()).select_from(table).where(*where)).one()


def _grown(session: Session, table: type[SQLModel], since: datetime, *where: sa.ColumnElement[bool]) -> tuple[int, int]:
    """(rows, rows since) of a table; two narrow counts, so that each can use its own index."""
    recent = _column(table, "created_at") >= since
    return _count(session, table, *where), _count(session, table, *where, recent)


def _by_status(
    session: Session, table: type[SQLModel], since: datetime, *, moment: str = "created_at"
) -> dict[StrEnum, tuple[int, int]]:
    """Status → (rows, rows since); counted apart, as a condition inside a count would be tried on every row."""
    status = _column(table, "status")
    counted = sa.select(status, sa.func.count()).group_by(status)
    totals = dict(session.execute(counted).all())
    week = dict(session.execute(counted.where(_column(table, moment) >= since)).all())
    return {state: (total, week.get(state, 0)) for state, total in totals.items()}


def _summed(by_status: dict[StrEnum, tuple[int, int]], *, waiting: Sequence[StrEnum]) -> Step:
    return Step(
        total=sum(total for total, _ in by_status.values()),
        week=sum(week for _, week in by_status.values()),
        waiting=sum(by_status.get(state, (0, 0))[0] for state in waiting),
    )


def _column(table: type[SQLModel], name: str) -> Any:
    return getattr(table, name)


def _feedback(session: Session, since: datetime) -> Step:
    """All less the superseded: both are counted from indexes, the current ones alone would touch every row."""
    total, week = _grown(session, Feedback, since)
    past, past_week = _grown(session, Feedback, since, col(Feedback.is_current) == sa.false())
    return Step(total - past, week - past_week, waiting=inbox.waiting(session))


def _triage(session: Session, since: datetime) -> Step:
    waiting = _count(session, TriageResult, col(TriageResult.status) == TriageStatus.OPEN)
    return Step(*_grown(session, TriageResult, since), waiting=waiting)


def _datasets(session: Session, since: datetime) -> Step:
    frozen = (col(TrainingDataset.status).in_(USABLE_DATASETS), col(TrainingDataset.kind) == DatasetKind.PAIRS)
    unused = ~sa.exists().where(col(TrainingRun.dataset_id) == TrainingDataset.id)
    waiting = _count(session, TrainingDataset, *frozen, unused)
    return Step(*_grown(session, TrainingDataset, since, *frozen), waiting=waiting)
