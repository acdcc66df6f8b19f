"""Keeps verdicts: once per (interaction, judge, prompt version, repeat); storing one again does nothing.

Nothing here calls a model: a judge hands over its verdict, or its raw rich evaluation.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from core.judging.verdict import Verdict, read_verdict
from core.tables import Evaluation, Interaction


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
    cannot be read is stored as unscored with its reason. Call it within ``store.write()``.
    """
    present = sa.select(col(Evaluation.id)).where(
        col(Evaluation.interaction_id) == interaction.id,
        col(Evaluation.judge) == judge,
        col(Evaluation.prompt_version) == prompt_version,
        col(Evaluation.repeat_index) == repeat_index,
    )
    if session.execute(present).first() is not None:
        return None
    evaluation = evaluation_of(
        interaction,
        verdict if isinstance(verdict, Verdict) else read_verdict(verdict),
        judge=judge,
        prompt_version=prompt_version,
        prompt_hash=prompt_hash,
        repeat_index=repeat_index,
        presentation_order=presentation_order,
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


def evaluation_of(interaction: Interaction, verdict: Verdict, **facts: Any) -> Evaluation:
    """The row for a verdict on the interaction, not yet in any session; ``facts`` are the row's other columns."""
    return Evaluation(
        interaction_id=interaction.id,
        agent_id=interaction.agent_id,
        kind=interaction.kind,
        overall_rating=verdict.overall_rating,
        unscored_reason=verdict.unscored_reason,
        score=verdict.score,
        confidence=verdict.confidence,
        reasoning=verdict.reasoning,
        query_understanding=verdict.query_understanding,
        parts=[part.row() for part in verdict.parts],
        missing=list(verdict.missing),
        suggested_improvements=list(verdict.suggested_improvements),
        **facts,
    )
