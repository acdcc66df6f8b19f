"""Verdicts in the store: judge what is new, look at one, agree or disagree; ``core.judging.listing`` lists them.

An evaluation is stored once per (interaction, judge, prompt version, repeat); storing it again does nothing. Nothing
here calls a model: another judge hands its verdict, or its raw rich evaluation, to ``store_evaluation``.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from core.errors import NotFound
from core.judging import rule_based
from core.judging.listing import UNSCORED, EvaluationRow, EvaluationTotals, count, judges, listing, totals
from core.judging.verdict import Verdict, read_verdict
from core.tables import Evaluation, EvaluationReview, Interaction, InteractionKind, Plan

__all__ = [
    "UNSCORED",
    "EvaluationDetail",
    "EvaluationRow",
    "EvaluationTotals",
    "count",
    "detail",
    "evaluate_new",
    "judges",
    "listing",
    "review",
    "store_evaluation",
    "totals",
    "waiting",
]

_THIS_RUBRIC = (
    col(Evaluation.judge) == rule_based.JUDGE,
    col(Evaluation.prompt_version) == rule_based.PROMPT_VERSION,
)


@dataclass(frozen=True)
class EvaluationDetail:
    evaluation: Evaluation
    interaction: Interaction
    plan: Plan | None
    reviews: list[EvaluationReview]  # oldest first
    others: list[Evaluation]  # of the same interaction, by other judges, versions or repeats


def evaluate_new(session: Session, *, agent_id: str | None = None, limit: int = 1000) -> int:
    """Judge up to ``limit`` interactions that the rule-based judge has not judged with this rubric, oldest first.

    Plans without widgets are left out. Returns how many evaluations were added; 0 means all are judged.
    """
    query = (
        sa.select(Interaction, Plan)
        .outerjoin(Plan, col(Plan.interaction_id) == col(Interaction.id))
        .where(_not_judged(), sa.or_(col(Interaction.kind) != InteractionKind.PLAN, _has_widgets()))
        .order_by(col(Interaction.created_at), col(Interaction.id))
        .limit(limit)
    )
    if agent_id is not None:
        query = query.where(col(Interaction.agent_id) == agent_id)
    added = 0
    for interaction, plan in session.execute(query).all():
        shown = {"heading": plan.heading, "widgets": plan.widgets} if plan is not None else None
        stored = store_evaluation(
            session,
            interaction,
            rule_based.judge_answer(interaction.prompt, interaction.response, plan=shown),
            judge=rule_based.JUDGE,
            prompt_version=rule_based.PROMPT_VERSION,
            prompt_hash=rule_based.prompt_hash(),
        )
        added += stored is not None
    return added


def waiting(session: Session) -> int:
    """How many interactions ``evaluate_new`` would still judge; 0 once it has nothing left to do.

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


def store_evaluation(
    session: Session,
    interaction: Interaction,
    verdict: object,
    *,
    judge: str,
    prompt_version: str,
    prompt_hash: str,
    repeat_index: int = 0,
    presentation_order: str | None = None,
    tokens_in: int | None = None,
    tokens_out: int | None = None,
    cost_usd: float | None = None,
    latency_ms: float | None = None,
    request_id: str | None = None,
    raw_answer: str | None = None,
) -> Evaluation | None:
    """Store one verdict; None when this judge's verdict of this version and repeat is there already.

    Anything but a ``Verdict`` is read as a rich evaluation (GOOD/POOR/up/down, widget indices from 1 or 0); what
    cannot be read is stored as unscored with its reason.
    """
    # On PostgreSQL two judges of one item wait for each other here; SQLite has one writer anyway.
    session.execute(sa.select(col(Interaction.id)).where(col(Interaction.id) == interaction.id).with_for_update())
    present = sa.select(col(Evaluation.id)).where(
        col(Evaluation.interaction_id) == interaction.id,
        col(Evaluation.judge) == judge,
        col(Evaluation.prompt_version) == prompt_version,
        col(Evaluation.repeat_index) == repeat_index,
    )
    if session.execute(present).first() is not None:
        return None
    read = verdict if isinstance(verdict, Verdict) else read_verdict(verdict)
    evaluation = Evaluation(
        interaction_id=interaction.id,
        agent_id=interaction.agent_id,
        kind=interaction.kind,
        judge=judge,
        prompt_version=prompt_version,
        prompt_hash=prompt_hash,
        presentation_order=presentation_order,
        repeat_index=repeat_index,
        overall_rating=read.overall_rating,
        unscored_reason=read.unscored_reason,
        score=read.score,
        confidence=read.confidence,
        reasoning=read.reasoning,
        query_understanding=read.query_understanding,
        parts=[part.row() for part in read.parts],
        missing=list(read.missing),
        suggested_improvements=list(read.suggested_improvements),
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        cost_usd=cost_usd,
        latency_ms=latency_ms,
        request_id=request_id,
        raw_answer=raw_answer,
    )
    session.add(evaluation)
    session.flush()
    return evaluation


def detail(session: Session, evaluation_id: UUID) -> EvaluationDetail:
    """Everything the evaluation's page shows. Raises NotFound."""
    evaluation = session.get(Evaluation, evaluation_id)
    interaction = session.get(Interaction, evaluation.interaction_id) if evaluation else None
    if evaluation is None or interaction is None:
        raise NotFound("evaluation", evaluation_id)
    reviews = session.exec(
        select(EvaluationReview)
        .where(EvaluationReview.evaluation_id == evaluation_id)
        .order_by(col(EvaluationReview.created_at), col(EvaluationReview.id))
    ).all()
    others = session.exec(
        select(Evaluation)
        .where(Evaluation.interaction_id == interaction.id, Evaluation.id != evaluation_id)
        .order_by(col(Evaluation.created_at), col(Evaluation.id))
    ).all()
    return EvaluationDetail(evaluation, interaction, session.get(Plan, interaction.id), list(reviews), list(others))


def review(session: Session, evaluation_id: UUID, *, reviewer: str, agrees: bool) -> EvaluationReview:
    """Say whether a person agrees with the verdict; the latest word of each person counts. Raises NotFound."""
    locked = sa.select(col(Evaluation.id)).where(col(Evaluation.id) == evaluation_id).with_for_update()
    if session.execute(locked).first() is None:
        raise NotFound("evaluation", evaluation_id)
    said = session.exec(
        select(EvaluationReview).where(
            EvaluationReview.evaluation_id == evaluation_id, EvaluationReview.reviewer == reviewer
        )
    ).first() or EvaluationReview(evaluation_id=evaluation_id, reviewer=reviewer, agrees=agrees)
    said.agrees = agrees
    session.add(said)
    session.flush()
    return said


def _not_judged() -> sa.ColumnElement[bool]:
    return ~sa.exists().where(col(Evaluation.interaction_id) == col(Interaction.id)).where(*_THIS_RUBRIC)


def _has_widgets() -> sa.ColumnElement[bool]:
    """Whether the plan joined to an interaction is there and asks for at least one widget; never NULL."""
    widgets = sa.cast(col(Plan.widgets), sa.Text)
    return sa.and_(col(Plan.interaction_id).is_not(None), widgets.not_in(("[]", "null")))
