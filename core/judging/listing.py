"""Lists and totals of the stored verdicts, paged and counted in SQL; texts in lists are cut."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from core.tables import Evaluation, EvaluationReview, Interaction, InteractionKind, Rating

EXCERPT = 200  # characters of a question or an answer in a list
UNSCORED = "unscored"  # as a filter beside the ratings


@dataclass(frozen=True)
class EvaluationRow:
    evaluation_id: UUID
    interaction_id: UUID
    agent_id: str
    kind: InteractionKind
    judge: str
    prompt_version: str
    overall_rating: Rating | None
    unscored_reason: str | None
    score: float | None
    confidence: float | None
    prompt: str  # the first EXCERPT characters
    response: str  # the first EXCERPT characters
    agreeing: int  # people
    disagreeing: int
    created_at: datetime


@dataclass(frozen=True)
class EvaluationTotals:
    total: int
    up: int
    down: int
    unscored: int
    reviewed: int  # reviews by people
    agreeing: int


def listing(
    session: Session,
    *,
    judge: str | None = None,
    rating: Rating | str | None = None,
    kind: InteractionKind | None = None,
    search: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[EvaluationRow]:
    """One page, newest first. ``rating`` is up, down or "unscored"; ``search`` finds text in the question."""
    order = (col(Evaluation.created_at).desc(), col(Evaluation.id).desc())
    where = _where(judge=judge, rating=rating, kind=kind, search=search)
    page = sa.select(col(Evaluation.id)).where(*where).order_by(*order).limit(limit).offset(offset).subquery()
    query = (
        sa.select(
            col(Evaluation.id),
            col(Evaluation.interaction_id),
            col(Evaluation.agent_id),
            col(Evaluation.kind),
            col(Evaluation.judge),
            col(Evaluation.prompt_version),
            col(Evaluation.overall_rating),
            col(Evaluation.unscored_reason),
            col(Evaluation.score),
            col(Evaluation.confidence),
            sa.func.substr(col(Interaction.prompt), 1, EXCERPT),
            sa.func.substr(col(Interaction.response), 1, EXCERPT),
            _reviews(agrees=True),
            _reviews(agrees=False),
            col(Evaluation.created_at),
        )
        .join(page, page.c.id == col(Evaluation.id))
        .join(Interaction, col(Interaction.id) == col(Evaluation.interaction_id))
        .order_by(*order)
    )
    return [EvaluationRow(*row) for row in session.execute(query)]


def count(
    session: Session,
    *,
    judge: str | None = None,
    rating: Rating | str | None = None,
    kind: InteractionKind | None = None,
    search: str | None = None,
) -> int:
    """How many rows ``listing`` has over all pages for the same filters."""
    where = _where(judge=judge, rating=rating, kind=kind, search=search)
    return int(session.execute(sa.select(sa.func.count()).select_from(Evaluation).where(*where)).scalar_one())


def totals(session: Session, *, judge: str | None = None) -> EvaluationTotals:
    """Counts over all evaluations, or one judge's."""
    rating = col(Evaluation.overall_rating)
    counted = sa.select(
        sa.func.count(),
        sa.func.count(sa.case((rating == Rating.UP, 1))),
        sa.func.count(sa.case((rating == Rating.DOWN, 1))),
    ).select_from(Evaluation)
    said = sa.select(sa.func.count(), sa.func.count(sa.case((col(EvaluationReview.agrees), 1)))).select_from(
        EvaluationReview
    )
    if judge is not None:
        counted = counted.where(col(Evaluation.judge) == judge)
        of_judge = sa.exists().where(col(Evaluation.id) == col(EvaluationReview.evaluation_id))
        said = said.where(of_judge.where(col(Evaluation.judge) == judge))
    total, up, down = session.execute(counted).one()
    reviewed, agreeing = session.execute(said).one()
    return EvaluationTotals(total, up, down, total - up - down, reviewed, agreeing)


def judges(session: Session) -> list[str]:
    """The names of all judges that have stored a verdict, sorted."""
    judge = col(Evaluation.judge)
    return list(session.execute(sa.select(judge).distinct().order_by(judge)).scalars())


def _where(
    *, judge: str | None, rating: Rating | str | None, kind: InteractionKind | None, search: str | None
) -> list[sa.ColumnElement[bool]]:
    where: list[sa.ColumnElement[bool]] = []
    if judge is not None:
        where.append(col(Evaluation.judge) == judge)
    if rating == UNSCORED:
        where.append(col(Evaluation.overall_rating).is_(None))
    elif rating is not None:
        where.append(col(Evaluation.overall_rating) == rating)
    if kind is not None:
        where.append(col(Evaluation.kind) == kind)
    if search:
        asked = sa.select(col(Interaction.id)).where(col(Interaction.prompt).icontains(search[:200], autoescape=True))
        where.append(col(Evaluation.interaction_id).in_(asked))
    return where


def _reviews(*, agrees: bool) -> sa.ScalarSelect[int]:
    return (
        sa.select(sa.func.count())
        .select_from(EvaluationReview)
        .where(
            col(EvaluationReview.evaluation_id) == col(Evaluation.id),
            col(EvaluationReview.agrees) == sa.literal(agrees),
        )
        .correlate(Evaluation)
        .scalar_subquery()
    )
