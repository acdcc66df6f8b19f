"""Verdicts in the store: judge what is new, list them, look at one, agree or disagree.

An evaluation is stored once per (interaction, judge, prompt version, repeat); storing it again does nothing. Nothing
here calls a model: another judge hands its verdict, or its raw rich evaluation, to ``store_evaluation``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from core.errors import NotFound
from core.judging import rule_based
from core.judging.verdict import Verdict, read_verdict
from core.tables import Evaluation, EvaluationReview, Interaction, InteractionKind, Plan, Rating

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
class EvaluationDetail:
    evaluation: Evaluation
    interaction: Interaction
    plan: Plan | None
    reviews: list[EvaluationReview]  # oldest first
    others: list[Evaluation]  # of the same interaction, by other judges, versions or repeats


@dataclass(frozen=True)
class EvaluationTotals:
    total: int
    up: int
    down: int
    unscored: int
    reviewed: int  # reviews by people
    agreeing: int


def evaluate_new(session: Session, *, agent_id: str | None = None, limit: int = 1000) -> int:
    """Judge up to ``limit`` interactions that the rule-based judge has not judged with this rubric, oldest first.

    Plans without widgets are left out. Returns how many evaluations were added; 0 means all are judged.
    """
    query = (
        sa.select(Interaction, Plan)
        .outerjoin(Plan, col(Plan.interaction_id) == col(Interaction.id))
        .where(_not_judged(), _can_be_judged())
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
    """How many interactions ``evaluate_new`` would still judge. Walks over all of them: keep it a few seconds."""
    query = (
        sa.select(sa.func.count())
        .select_from(Interaction)
        .outerjoin(Plan, col(Plan.interaction_id) == col(Interaction.id))
        .where(_not_judged(), _can_be_judged())
    )
    return int(session.execute(query).scalar_one())


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


def _not_judged() -> sa.ColumnElement[bool]:
    return ~(
        sa.exists()
        .where(col(Evaluation.interaction_id) == col(Interaction.id))
        .where(col(Evaluation.judge) == rule_based.JUDGE)
        .where(col(Evaluation.prompt_version) == rule_based.PROMPT_VERSION)
    )


def _can_be_judged() -> sa.ColumnElement[bool]:
    widgets = sa.cast(col(Plan.widgets), sa.Text)
    return sa.or_(
        col(Interaction.kind) != InteractionKind.PLAN,
        sa.and_(col(Plan.interaction_id).is_not(None), widgets.not_in(("[]", "null"))),
    )


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
