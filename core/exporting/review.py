"""What was said of it, as lists: readings of feedback, verdicts of judges, rewards."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from core.exporting.columns import TABLES, Column, columns, named
from core.exporting.filters import at_least, below, contains, exactly, one_of
from core.exporting.table import exported

_results, _verdicts, _feedback = (TABLES[name] for name in ("triage_results", "triage_verdicts", "feedback"))
_evaluations, _reviews, _interactions = (TABLES[name] for name in ("evaluations", "evaluation_reviews", "interactions"))
_judged, _pairs, _rewards = (TABLES[name] for name in ("pair_evaluations", "preference_pairs", "rewards"))


def _reviewers(name: str, *, agree: bool) -> Column:
    """How many people agree, or disagree, with a verdict."""
    mine = sa.select(sa.func.count()).where(
        _reviews.c.evaluation_id == _evaluations.c.id, _reviews.c.agrees == sa.literal(agree)
    )
    return named(name, mine.correlate(_evaluations).scalar_subquery())


def _asked(table: sa.Table) -> Any:
    """The table with the interaction each row is about."""
    return table.join(_interactions, _interactions.c.id == table.c.interaction_id)


def _rated(column: sa.ColumnElement[Any]) -> Any:
    """up, down, or unscored for those without a rating."""
    known = one_of(column)
    return lambda name, value: column.is_(None) if str(value) == "unscored" else known(name, value)


LISTS = (
    exported(
        "triage",
        columns("triage_results", "id category severity priority confidence queue needs_review status")
        + columns("triage_results", "suggested_action reasoning signals analyzer analyzer_version")
        + columns("triage_verdicts", "category severity agrees decided_by created_at", before="verdict_")
        + columns("feedback", "agent_id kind form_type rating comment")
        + columns("triage_results", "feedback_id")
        + columns("feedback", "interaction_id import_id")
        + columns("triage_results", "said_at created_at"),
        table="triage_results",
        rows=_results.join(_feedback, _feedback.c.id == _results.c.feedback_id).outerjoin(
            _verdicts, sa.and_(_verdicts.c.result_id == _results.c.id, _verdicts.c.is_current)
        ),
        agent=exactly(_feedback.c.agent_id),
        time=_results.c.said_at,
        queue=one_of(_results.c.queue),
        category=one_of(_results.c.category),
        severity=one_of(_results.c.severity),
        search=contains(_feedback.c.comment),
    ),
    exported(
        "evaluations",
        columns("evaluations", "id agent_id kind judge prompt_version prompt_hash presentation_order repeat_index")
        + columns("evaluations", "overall_rating unscored_reason score confidence reasoning query_understanding parts")
        + columns("evaluations", "missing suggested_improvements")
        + (_reviewers("agreeing", agree=True), _reviewers("disagreeing", agree=False))
        + columns("evaluations", "tokens_in tokens_out cost_usd latency_ms raw_answer")
        + columns("interactions", "prompt response adapter_id import_id")
        + columns("evaluations", "interaction_id created_at"),
        table="evaluations",
        rows=_asked(_evaluations),
        judge=exactly(_evaluations.c.judge),
        rating=_rated(_evaluations.c.overall_rating),
        kind=one_of(_evaluations.c.kind),
        search=contains(_interactions.c.prompt),
    ),
    exported(
        "pair_evaluations",
        columns("pair_evaluations", "id judge prompt_version prompt_hash presentation_order repeat_index choice")
        + columns("pair_evaluations", "unscored_reason confidence score_a score_b reasoning tokens_in tokens_out")
        + columns("pair_evaluations", "cost_usd latency_ms raw_answer")
        + columns("preference_pairs", "agent_id interaction_a_id interaction_b_id")
        + columns("pair_evaluations", "pair_id import_id created_at"),
        table="pair_evaluations",
        rows=_judged.join(_pairs, _pairs.c.id == _judged.c.pair_id),
        agent=exactly(_pairs.c.agent_id),
        judge=exactly(_judged.c.judge),
        pair_id=exactly(_judged.c.pair_id),
    ),
    exported(
        "rewards",
        columns("rewards", "id agent_id scale value explicit implicit parts")
        + columns("interactions", "prompt response adapter_id import_id")
        + columns("rewards", "interaction_id created_at updated_at"),
        table="rewards",
        rows=_asked(_rewards),
        scale=one_of(_rewards.c.scale),
        low=at_least(_rewards.c.value),
        high=below(_rewards.c.value),
    ),
)
