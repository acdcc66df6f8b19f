"""Judges what the rule-based judge has not judged with this rubric: answers and plans in, one verdict for each out.

The judge works outside of any transaction; a short one stores its verdicts, and passes over what somebody else has
judged in the meantime. Plans without widgets are left out. Doing it again adds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from core.judging import rule_based
from core.judging.keeping import evaluation_of
from core.store import Store
from core.tables import Evaluation, Interaction, InteractionKind, Plan
from core.work import Work

BATCH = 200  # interactions a transaction
_ROUND = 20_000  # ids looked up at once
_THIS_RUBRIC = (
    col(Evaluation.judge) == rule_based.JUDGE,
    col(Evaluation.prompt_version) == rule_based.PROMPT_VERSION,
)


def evaluate_all(store: Store, work: Work, *, agent_id: str | None = None, batch: int = BATCH) -> int:
    """Judge every interaction that waits for it, oldest first; ``batch`` of them a transaction.

    Returns how many evaluations were added. A stop between two batches loses nothing. Raises Stopped.
    """
    with store.read() as session:
        total = session.scalar(sa.select(sa.func.count()).select_from(_waiting_ids(agent_id).subquery())) or 0
    added = seen = 0
    while ids := _next(store, agent_id):
        for start in range(0, len(ids), batch):
            work.check()
            with store.read() as session:
                verdicts = _judged(session, ids[start : start + batch])
            with store.write() as session:
                added += _store(session, verdicts)
                seen += len(verdicts)
                work.saved(session, seen, max(total, seen), unit="answers")
    return added


def evaluate_new(session: Session, *, agent_id: str | None = None, limit: int = 1000) -> int:
    """Judge up to ``limit`` interactions that wait for it, oldest first.

    Returns how many evaluations were added; 0 means all are judged.
    """
    ids = session.scalars(_waiting_ids(agent_id).limit(limit)).all()
    return _store(session, _judged(session, ids))


def waiting(session: Session) -> int:
    """How many interactions ``evaluate_all`` would still judge; 0 once it has nothing left to do.

    All interactions, less the judged ones, less the plans it leaves out: three counts from indexes, where looking for
    each interaction's verdict would touch every row. Only plans are looked at one by one.
    """
    every = sa.select(sa.func.count()).select_from(Interaction)
    judged = sa.select(sa.func.count(sa.distinct(col(Evaluation.interaction_id)))).where(*_THIS_RUBRIC)
    empty = (
        sa.select(sa.func.count())
        .select_from(Interaction)
        .outerjoin(Plan, col(Plan.interaction_id) == col(Interaction.id))
        .where(col(Interaction.kind) == InteractionKind.PLAN, _not_judged(), ~_has_widgets())
    )
    counts = (every, judged, empty)
    stored, done, left_out = session.execute(sa.select(*(one.scalar_subquery() for one in counts))).one()
    return int(stored - done - left_out)


def _waiting_ids(agent_id: str | None) -> sa.Select[Any]:
    query = (
        sa.select(col(Interaction.id))
        .outerjoin(Plan, col(Plan.interaction_id) == col(Interaction.id))
        .where(_not_judged(), sa.or_(col(Interaction.kind) != InteractionKind.PLAN, _has_widgets()))
        .order_by(col(Interaction.created_at), col(Interaction.id))
    )
    return query if agent_id is None else query.where(col(Interaction.agent_id) == agent_id)


def _next(store: Store, agent_id: str | None) -> Sequence[UUID]:
    """Looked up for many batches at once: finding the first that waits passes over all that are judged."""
    with store.read() as session:
        return session.scalars(_waiting_ids(agent_id).limit(_ROUND)).all()


def _judged(session: Session, ids: Sequence[UUID]) -> list[Evaluation]:
    query = (
        sa.select(Interaction, Plan)
        .outerjoin(Plan, col(Plan.interaction_id) == col(Interaction.id))
        .where(col(Interaction.id).in_(ids))
        .order_by(col(Interaction.created_at), col(Interaction.id))
    )
    return [_verdict(interaction, plan) for interaction, plan in session.execute(query)]


def _verdict(interaction: Interaction, plan: Plan | None) -> Evaluation:
    shown = {"heading": plan.heading, "widgets": plan.widgets} if plan is not None else None
    return evaluation_of(
        interaction,
        rule_based.judge_answer(interaction.prompt, interaction.response, plan=shown),
        judge=rule_based.JUDGE,
        prompt_version=rule_based.PROMPT_VERSION,
        prompt_hash=rule_based.prompt_hash(),
    )


def _store(session: Session, verdicts: Sequence[Evaluation]) -> int:
    """Add the verdicts on what is still there and still not judged."""
    ids = [verdict.interaction_id for verdict in verdicts]
    there = sa.select(col(Interaction.id)).where(col(Interaction.id).in_(ids), _not_judged())
    open_ids = set(session.scalars(there))
    new = [verdict for verdict in verdicts if verdict.interaction_id in open_ids]
    session.add_all(new)
    session.flush()
    return len(new)


def _not_judged() -> sa.ColumnElement[bool]:
    return ~sa.exists().where(col(Evaluation.interaction_id) == col(Interaction.id)).where(*_THIS_RUBRIC)


def _has_widgets() -> sa.ColumnElement[bool]:
    """Whether the plan joined to an interaction is there and asks for at least one widget; never NULL."""
    widgets = sa.cast(col(Plan.widgets), sa.Text)
    return sa.and_(col(Plan.interaction_id).is_not(None), widgets.not_in(("[]", "null")))
