"""Verdicts in the store: look at one, agree or disagree.

What makes them (``core.judging.judged``), keeps them (``core.judging.keeping``) and lists them
(``core.judging.listing``) is offered here too.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session, col, select

from core.errors import NotFound
from core.judging.judged import evaluate_all, evaluate_new, waiting
from core.judging.keeping import store_evaluation
from core.judging.listing import UNSCORED, EvaluationRow, EvaluationTotals, count, judges, listing, totals
from core.tables import Evaluation, EvaluationReview, Interaction, Plan

__all__ = [
    "UNSCORED",
    "EvaluationDetail",
    "EvaluationRow",
    "EvaluationTotals",
    "count",
    "detail",
    "evaluate_all",
    "evaluate_new",
    "judges",
    "listing",
    "review",
    "store_evaluation",
    "totals",
    "waiting",
]


@dataclass(frozen=True)
class EvaluationDetail:
    evaluation: Evaluation
    interaction: Interaction
    plan: Plan | None
    reviews: list[EvaluationReview]  # oldest first
    others: list[Evaluation]  # of the same interaction, by other judges, versions or repeats


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
    if session.get(Evaluation, evaluation_id) is None:
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
