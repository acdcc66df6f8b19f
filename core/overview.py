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

from core.feedback.totals import feedback_totals
from core.tables import (
    Adapter,
    AdapterStatus,
    DatasetKind,
    DatasetStatus,
    Evaluation,
    ExperimentStatus,
    Feedback,
    Import,
    Interaction,
    LearningExperiment,
    Moment,
    PairLabel,
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

    feedback: Step  # waiting: comments no analyzer has read yet
    triage: Step  # waiting: readings a person has not decided
    evaluation: Step  # waiting: interactions no judge has seen
    pairs: Step  # total: usable (accepted); waiting: pairs that need a label
    datasets: Step  # waiting: frozen ones no run has used
    runs: Step  # waiting: queued or running
    adapters: Step  # waiting: candidates for approval
    experiments: Step  # waiting: running
    interactions: int
    pairs_mined: int  # pairs in any state

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


@dataclass(frozen=True)
class Release:
    """An adapter that was let out."""

    at: datetime
    agent_id: str
    version: int


@dataclass(frozen=True)
class Happening:
    """One thing that happened lately; ``name`` is foreign text, ``row_id`` leads to its page."""

    kind: str  # import | dataset | run | adapter | labels
    at: datetime
    name: str
    row_id: str
    count: int = 0
    state: str = ""
    by: str = ""


def loop_counts(session: Session) -> LoopCounts:
    """All counts of the loop in a handful of grouped queries, each answered from indexes."""
    since = now() - WEEK
    pair = _by_status(session, PreferencePair, since)
    run = _by_status(session, TrainingRun, since)
    adapter = _by_status(session, Adapter, since)
    experiment = _by_status(session, LearningExperiment, since, moment="started_at")
    accepted = pair.get(PairStatus.ACCEPTED, (0, 0))
    interactions = _count(session, Interaction)
    return LoopCounts(
        feedback=_feedback(session, since),
        triage=_triage(session, since),
        evaluation=_evaluation(session, since, interactions),
        pairs=Step(*accepted, waiting=pair.get(PairStatus.NEEDS_LABEL, (0, 0))[0]),
        datasets=_datasets(session, since),
        runs=_summed(run, waiting=(RunStatus.PENDING, RunStatus.RUNNING)),
        adapters=_summed(adapter, waiting=(AdapterStatus.CANDIDATE,)),
        experiments=_summed(experiment, waiting=(ExperimentStatus.RUNNING,)),
        interactions=interactions,
        pairs_mined=sum(total for total, _ in pair.values()),
    )


def waiting(session: Session) -> dict[str, int]:
    """What waits for a person, by the page it waits on: cheap enough for every page's menu."""
    counts = {
        "triage": (TriageResult, TriageResult.status == TriageStatus.OPEN),
        "pairs": (PreferencePair, PreferencePair.status == PairStatus.NEEDS_LABEL),
        "adapters": (Adapter, Adapter.status == AdapterStatus.CANDIDATE),
    }
    return {
        page: session.exec(select(sa.func.count()).select_from(table).where(where)).one()
        for page, (table, where) in counts.items()
    }


def running(session: Session) -> Running | None:
    """The one run that trains now, or None. Reads a single row through the slot's own index."""
    wanted = ("id", "agent_id", "phase", "current_step", "total_steps", "progress_percentage", "started_at")
    row = session.execute(_select(TrainingRun, *wanted).where(col(TrainingRun.status) == RunStatus.RUNNING)).first()
    if row is None:
        return None
    run_id, agent_id, phase, step, steps, percentage, started_at = row
    return Running(str(run_id), agent_id, phase.value if phase else "", step, steps, percentage, started_at)


def latest(session: Session, *, limit: int = 8) -> list[Happening]:
    """What happened last, newest first: imports, frozen datasets, runs, adapters, labelling per person."""
    happened = [
        *_imports(session, limit),
        *_frozen(session, limit),
        *_runs(session, limit),
        *_adapters(session, limit),
        *_labels(session),
    ]
    return sorted(happened, key=lambda event: event.at, reverse=True)[:limit]


def releases(session: Session, *, days: int) -> list[Release]:
    """Adapters let out in the last ``days``, oldest first, for the time axis of a trend."""
    out = (AdapterStatus.DEPLOYED, AdapterStatus.RETIRED)
    rows = session.exec(
        select(Adapter.decided_at, Adapter.agent_id, Adapter.version)
        .where(col(Adapter.status).in_(out), col(Adapter.decided_at) >= now() - timedelta(days=days))
        .order_by(col(Adapter.decided_at))
        .limit(20)
    ).all()
    return [Release(at, agent_id, version) for at, agent_id, version in rows if at is not None]


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


def _count(session: Session, table: type[SQLModel]) -> int:
    return session.exec(select(sa.func.count()).select_from(table)).one()


def _grown(session: Session, table: type[SQLModel], since: datetime, *where: sa.ColumnElement[bool]) -> tuple[int, int]:
    """(rows, rows since) of a table; two narrow counts, so that each can use its own index."""
    every = select(sa.func.count()).select_from(table).where(*where)
    return session.exec(every).one(), session.exec(every.where(_column(table, "created_at") >= since)).one()


def _by_status(
    session: Session, table: type[SQLModel], since: datetime, *, moment: str = "created_at"
) -> dict[StrEnum, tuple[int, int]]:
    """Status → (rows, rows since)."""
    status, at = _column(table, "status"), _column(table, moment)
    counted = sa.select(status, sa.func.count(), sa.func.count(sa.case((at >= since, 1)))).group_by(status)
    rows = session.execute(counted).all()
    return {state: (total, week) for state, total, week in rows}


def _summed(by_status: dict[StrEnum, tuple[int, int]], *, waiting: Sequence[StrEnum]) -> Step:
    return Step(
        total=sum(total for total, _ in by_status.values()),
        week=sum(week for _, week in by_status.values()),
        waiting=sum(by_status.get(state, (0, 0))[0] for state in waiting),
    )


def _column(table: type[SQLModel], name: str) -> Any:
    return getattr(table, name)


def _feedback(session: Session, since: datetime) -> Step:
    week = select(sa.func.count()).where(Feedback.created_at >= since, col(Feedback.is_current))
    read = sa.exists().where(col(TriageResult.feedback_id) == Feedback.id)
    unread = select(sa.func.count()).where(col(Feedback.comment).is_not(None), col(Feedback.is_current), ~read)
    total = feedback_totals(session).feedback
    return Step(total, session.exec(week).one(), waiting=session.exec(unread).one())


def _triage(session: Session, since: datetime) -> Step:
    waiting = select(sa.func.count()).where(TriageResult.status == TriageStatus.OPEN)
    return Step(*_grown(session, TriageResult, since), waiting=session.exec(waiting).one())


def _evaluation(session: Session, since: datetime, interactions: int) -> Step:
    judged = session.exec(select(sa.func.count(sa.distinct(col(Evaluation.interaction_id))))).one()
    return Step(*_grown(session, Evaluation, since), waiting=max(0, interactions - judged))


def _datasets(session: Session, since: datetime) -> Step:
    frozen = (col(TrainingDataset.status).in_(USABLE_DATASETS), col(TrainingDataset.kind) == DatasetKind.PAIRS)
    unused = ~sa.exists().where(col(TrainingRun.dataset_id) == TrainingDataset.id)
    waiting = session.exec(select(sa.func.count()).select_from(TrainingDataset).where(*frozen, unused)).one()
    return Step(*_grown(session, TrainingDataset, since, *frozen), waiting=waiting)


def _imports(session: Session, limit: int) -> list[Happening]:
    rows = _newest(session, Import, limit, "created_at", "filename", "id", "accepted", "imported_by")
    return [Happening("import", at, name, str(row_id), count=n, by=by) for at, name, row_id, n, by in rows]


def _frozen(session: Session, limit: int) -> list[Happening]:
    rows = _newest(session, TrainingDataset, limit, "frozen_at", "name", "id", "total_examples", "frozen_by")
    return [
        Happening("dataset", at, name, str(row_id), count=n, by=by or "")
        for at, name, row_id, n, by in rows
        if at is not None  # a draft has not happened yet
    ]


def _runs(session: Session, limit: int) -> list[Happening]:
    moments = ("created_at", "started_at", "completed_at")
    rows = _newest(session, TrainingRun, limit, *moments, "agent_id", "id", "current_step", "status", "requested_by")
    return [
        Happening("run", ended or began or asked, agent, str(row_id), count=step, state=status.value, by=by)
        for asked, began, ended, agent, row_id, step, status, by in rows
    ]


def _adapters(session: Session, limit: int) -> list[Happening]:
    moments = ("created_at", "decided_at")
    rows = _newest(session, Adapter, limit, *moments, "agent_id", "id", "version", "status", "decided_by")
    return [
        Happening("adapter", decided or made, agent, str(row_id), count=version, state=status.value, by=by or "")
        for made, decided, agent, row_id, version, status, by in rows
    ]


def _newest(session: Session, table: type[SQLModel], limit: int, *columns: str) -> Sequence[Any]:
    """The named columns of the newest rows; ids sort by creation."""
    return session.execute(_select(table, *columns).order_by(_column(table, "id").desc()).limit(limit)).all()


def _select(table: type[SQLModel], *columns: str) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(*(_column(table, name) for name in columns))


def _labels(session: Session) -> list[Happening]:
    """One line per person who labelled in the last week."""
    who, at = col(PairLabel.annotator), col(PairLabel.created_at)
    last = sa.func.max(at)
    mine = sa.select(who, sa.func.count(), last).where(col(PairLabel.is_current), at >= now() - WEEK)
    rows = session.execute(mine.group_by(who).order_by(last.desc()).limit(5)).all()
    return [Happening("labels", at, annotator, "", count=count, by=annotator) for annotator, count, at in rows]
