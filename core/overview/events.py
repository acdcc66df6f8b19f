"""What happened last and when adapters were let out: imports, frozen datasets, runs, adapters, labelling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from core.overview.counts import WEEK
from core.tables import (
    Adapter,
    AdapterStatus,
    Import,
    ImportStatus,
    PairLabel,
    RunPhase,
    RunStatus,
    TrainingDataset,
    TrainingRun,
    now,
)


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


def _imports(session: Session, limit: int) -> list[Happening]:
    """Only those whose rows are in the store: a dry run and one that was given up brought nothing."""
    columns = ("published_at", "created_at", "filename", "id", "accepted", "imported_by")
    rows = _newest(session, Import, limit, *columns, where=(col(Import.status) == ImportStatus.PUBLISHED,))
    return [
        Happening("import", stored or begun, name, str(row_id), count=n, by=by)
        for stored, begun, name, row_id, n, by in rows
    ]


def _frozen(session: Session, limit: int) -> list[Happening]:
    rows = _newest(session, TrainingDataset, limit, "frozen_at", "name", "id", "total_examples", "frozen_by")
    return [
        Happening("dataset", at, name, str(row_id), count=n, by=by or "")
        for at, name, row_id, n, by in rows
        if at is not None  # a draft has not happened yet
    ]


def _runs(session: Session, limit: int) -> list[Happening]:
    moments = ("created_at", "started_at", "completed_at")
    said = ("agent_id", "id", "current_step", "status", "phase", "requested_by")
    rows = _newest(session, TrainingRun, limit, *moments, *said)
    return [
        Happening("run", ended or began or asked, agent, str(row_id), count=step, state=_state(status, phase), by=by)
        for asked, began, ended, agent, row_id, step, status, phase, by in rows
    ]


def _state(status: RunStatus, phase: RunPhase | None) -> str:
    """A run that a person paused is stored as interrupted, and was not."""
    paused = status is RunStatus.INTERRUPTED and phase is RunPhase.PAUSED
    return RunPhase.PAUSED.value if paused else status.value


def _adapters(session: Session, limit: int) -> list[Happening]:
    moments = ("created_at", "decided_at")
    rows = _newest(session, Adapter, limit, *moments, "agent_id", "id", "version", "status", "decided_by")
    return [
        Happening("adapter", decided or made, agent, str(row_id), count=version, state=status.value, by=by or "")
        for made, decided, agent, row_id, version, status, by in rows
    ]


def _newest(
    session: Session,
    table: type[SQLModel],
    limit: int,
    *columns: str,
    where: Sequence[sa.ColumnElement[bool]] = (),
) -> Sequence[Any]:
    """The named columns of the newest rows; ids sort by creation."""
    named = [getattr(table, name) for name in ("id", *columns)]
    return session.execute(sa.select(*named[1:]).where(*where).order_by(named[0].desc()).limit(limit)).all()


def _labels(session: Session) -> list[Happening]:
    """One line per person who labelled in the last week."""
    who, at = col(PairLabel.annotator), col(PairLabel.created_at)
    last = sa.func.max(at)
    mine = sa.select(who, sa.func.count(), last).where(col(PairLabel.is_current), at >= now() - WEEK)
    rows = session.execute(mine.group_by(who).order_by(last.desc()).limit(5)).all()
    return [Happening("labels", at, annotator, "", count=count, by=annotator) for annotator, count, at in rows]
