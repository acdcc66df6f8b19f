"""What people decide about triage results.

A decision carries the version it saw; whoever comes second gets AlreadyDecided and nothing is overwritten. Verdicts
are appended: taking one back adds a row of its own and opens the result again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from core.errors import AlreadyDecided, InvalidTransition, NotFound
from core.tables import TRIAGE_TRANSITIONS, Category, Severity, TriageResult, TriageStatus, TriageVerdict

NOUN = "triage item"


@dataclass(frozen=True)
class Agreement:
    """How often people kept the analyzer's category; hand-decided results only."""

    n: int
    agreed: int


def decide(
    session: Session,
    result_id: UUID,
    *,
    seen_version: int,
    category: Category,
    severity: Severity,
    decided_by: str,
) -> TriageVerdict:
    """Store a person's verdict and close the item.

    Raises AlreadyDecided when the item changed after ``seen_version`` was shown, InvalidTransition when it is
    closed already (take the verdict back first), NotFound.
    """
    result = advance(session, result_id, TriageStatus.DONE, seen_version=seen_version)
    verdict = TriageVerdict(
        result_id=result_id,
        category=Category(category),
        severity=Severity(severity),
        agrees=result.category == category,
        decided_by=decided_by,
    )
    session.add(verdict)
    session.flush()
    return verdict


def undo(session: Session, result_id: UUID, *, by: str) -> TriageVerdict:
    """Take the verdict in force back and open the item again; returns the row that says so.

    The verdict stays as history. Raises InvalidTransition when nothing was decided, NotFound.
    """
    advance(session, result_id, TriageStatus.OPEN)
    taken_back = _current(session, result_id)
    if taken_back is None:
        raise InvalidTransition(NOUN, result_id, was="undecided", to=TriageStatus.OPEN)
    taken_back.is_current = False
    session.add(taken_back)
    session.flush()
    note = TriageVerdict(
        result_id=result_id,
        category=taken_back.category,
        severity=taken_back.severity,
        agrees=taken_back.agrees,
        decided_by=by,
        undoes=taken_back.id,
        is_current=False,
    )
    session.add(note)
    session.flush()
    return note


def agreement(session: Session) -> Agreement:
    """Over the verdicts in force: how many there are, and how many keep the analyzer's category."""
    agrees = sa.case((col(TriageVerdict.agrees), 1), else_=0)
    n, agreed = session.execute(
        sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(agrees), 0))
        .select_from(TriageVerdict)
        .where(col(TriageVerdict.is_current))
    ).one()
    return Agreement(int(n), int(agreed))


def advance(session: Session, result_id: UUID, to: TriageStatus, *, seen_version: int | None = None) -> TriageResult:
    """The one place where an item's status changes: TRIAGE_TRANSITIONS, compared with the version that was seen."""
    result = found(session, result_id)
    if seen_version is not None and result.version != seen_version:
        raise AlreadyDecided(NOUN, result_id, by=_who(session, result_id))
    if to not in TRIAGE_TRANSITIONS[result.status]:
        raise InvalidTransition(NOUN, result_id, was=result.status, to=to)
    changed = session.execute(
        sa.update(TriageResult)
        .where(col(TriageResult.id) == result_id, col(TriageResult.version) == result.version)
        .values(status=to, version=result.version + 1)
    )
    if cast("sa.CursorResult[Any]", changed).rowcount != 1:
        raise AlreadyDecided(NOUN, result_id, by=_who(session, result_id))
    session.refresh(result)
    return result


def found(session: Session, result_id: UUID) -> TriageResult:
    """The row as the database has it now, not as this session read it earlier. Raises NotFound."""
    result = session.get(TriageResult, result_id, populate_existing=True)
    if result is None:
        raise NotFound(NOUN, result_id)
    return result


def _current(session: Session, result_id: UUID) -> TriageVerdict | None:
    return session.exec(
        select(TriageVerdict).where(TriageVerdict.result_id == result_id, col(TriageVerdict.is_current))
    ).first()


def _who(session: Session, result_id: UUID) -> str | None:
    verdict = _current(session, result_id)
    return verdict.decided_by if verdict else None
