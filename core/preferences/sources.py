"""Reads what people said from the store, and hands it on as drafts of pairs. Nothing is written here.

``find`` reads every prompt's answers as numbers in one scan; ``drafts`` fetches the texts of those that were picked, a
batch at a time. Answers meet when they share agent and prompt; the conversation before the prompt is not compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from core.feedback.fields import prompt_key
from core.preferences.candidates import Answer, Proposal, propose
from core.preferences.ledger import Draft, Skip
from core.tables import (
    ExampleType,
    FeedbackKind,
    InteractionKind,
    MessageFeedbackType,
    PairOrigin,
    ReviewStatus,
    RewardScale,
    SourceType,
)

_BY_PEOPLE = frozenset({SourceType.USER_FEEDBACK, SourceType.EXPERT_REVIEW, SourceType.IMPORTED})

Found = Proposal | UUID  # two answers to compare, or the learning example that holds a correction

_interactions = SQLModel.metadata.tables["interactions"]
_rewards = SQLModel.metadata.tables["rewards"]
_feedback = SQLModel.metadata.tables["feedback"]
_examples = SQLModel.metadata.tables["learning_examples"]


def find(session: Session, agent_id: str | None) -> list[Found]:
    """Everything that can be proposed, as ids and numbers without texts; of one agent, or of all.

    The strongest evidence comes first: what it decides, later evidence may repeat but not turn round. Decided pairs of
    all prompts come before undecided ones: an undecided pair never stands in their way.
    """
    proposals = [proposal for prompt in _prompts(session, agent_id) for proposal in propose(prompt)]
    proposals.sort(key=lambda proposal: proposal.origin is PairOrigin.UNRATED)
    return [*_corrections(session, agent_id), *proposals]


def drafts(session: Session, found: Sequence[Found]) -> list[Draft]:
    """What was found, with its texts, in the same order. What is no longer there is left out."""
    proposals = [one for one in found if isinstance(one, Proposal)]
    texts = _texts(session, {side for one in proposals for side in (one.first, one.second)})
    ratings = _latest_feedback(session, {one.first for one in proposals if one.origin is PairOrigin.RATING})
    corrected = _corrected(session, [one for one in found if not isinstance(one, Proposal)])
    made = []
    for one in found:
        if not isinstance(one, Proposal):
            if one in corrected:
                made.append(_correction(corrected[one]))
        elif one.first in texts and one.second in texts:
            feedback_id = one.feedback_id or ratings.get(one.first)
            made.append(_draft(one, texts[one.first], texts[one.second], feedback_id))
    return made


def _corrections(session: Session, agent_id: str | None) -> list[UUID]:
    """What a person wrote instead of an answer: the learning examples, oldest first."""
    query = (
        sa.select(_examples.c.id)
        .outerjoin(_interactions, _interactions.c.id == _examples.c.source_interaction_id)
        .where(
            _examples.c.example_type == ExampleType.CORRECTION,
            _examples.c.is_active,
            sa.or_(_interactions.c.id.is_(None), _interactions.c.kind != InteractionKind.PLAN),
        )
        .order_by(_examples.c.created_at, _examples.c.id)
    )
    if agent_id is not None:
        query = query.where(_examples.c.agent_id == agent_id)
    return list(session.scalars(query))


def _corrected(session: Session, ids: Sequence[UUID]) -> dict[UUID, sa.Row[Any]]:
    """The corrections with their texts, those of the answer where they have none of their own."""
    given = _interactions
    query = (
        sa.select(
            _examples.c.id,
            _examples.c.agent_id,
            sa.func.coalesce(sa.func.nullif(_examples.c.input_text, ""), given.c.prompt, "").label("prompt"),
            sa.func.coalesce(given.c.prompt_group, given.c.prompt_key).label("prompt_group"),
            _examples.c.expected_output.label("expected"),
            sa.func.coalesce(_examples.c.original_output, given.c.response, "").label("original"),
            _examples.c.source_type,
            _examples.c.source_interaction_id,
            _examples.c.source_feedback_id,
            _examples.c.review_status,
        )
        .select_from(_examples)
        .outerjoin(given, given.c.id == _examples.c.source_interaction_id)
        .where(_examples.c.id.in_(ids))
    )
    return {row.id: row for row in session.execute(query)} if ids else {}


def _prompts(session: Session, agent_id: str | None) -> Iterator[list[Answer]]:
    """The answers of each prompt that has several, as numbers."""
    i, r = _interactions, _rewards
    prompt = [i.c.agent_id, i.c.prompt_key]
    explicit = sa.and_(r.c.interaction_id == i.c.id, r.c.scale == RewardScale.CHAT)
    given = (
        sa.select(i.c.id, i.c.agent_id, i.c.prompt_key, i.c.conversation_id, i.c.created_at, r.c.explicit)
        .add_columns(sa.func.dense_rank().over(partition_by=prompt, order_by=i.c.response).label("text"))
        .add_columns(sa.func.count().over(partition_by=prompt).label("answers"))
        .select_from(i)
        .outerjoin(r, explicit)
        .where(i.c.kind != InteractionKind.PLAN, sa.func.trim(i.c.response) != "")
    )
    if agent_id is not None:
        given = given.where(i.c.agent_id == agent_id)
    several = given.subquery("given")
    query = sa.select(several).where(several.c.answers > 1).order_by(several.c.agent_id, several.c.prompt_key)
    again = _regenerated(session)
    rows = session.execute(query).yield_per(1_000)
    for _, of_prompt in groupby(rows, key=lambda row: (row.agent_id, row.prompt_key)):
        yield [
            Answer(row.id, row.text, row.created_at, row.conversation_id, row.explicit, again.get(row.id))
            for row in of_prompt
        ]


def _current_feedback(*columns: Any) -> sa.Select[Any]:
    return sa.select(*columns).where(_feedback.c.is_current, _feedback.c.kind == FeedbackKind.CHAT_MESSAGE)


def _regenerated(session: Session) -> dict[UUID, UUID]:
    """Interaction → the current feedback that asked for another answer."""
    query = _current_feedback(_feedback.c.interaction_id, _feedback.c.id).where(
        _feedback.c.feedback_type == MessageFeedbackType.REGENERATE
    )
    return {interaction: feedback for interaction, feedback in session.execute(query)}


def _latest_feedback(session: Session, interactions: set[UUID]) -> dict[UUID, UUID]:
    """Interaction → the newest current feedback on it."""
    query = _current_feedback(_feedback.c.interaction_id, _feedback.c.id).where(
        _feedback.c.interaction_id.in_(interactions)
    )
    rows = session.execute(query.order_by(_feedback.c.created_at, _feedback.c.id)) if interactions else ()
    return {interaction: feedback for interaction, feedback in rows}


def _texts(session: Session, ids: set[UUID]) -> dict[UUID, sa.Row[Any]]:
    columns = ("id", "agent_id", "prompt", "prompt_key", "prompt_group", "response")
    query = sa.select(*(_interactions.c[name] for name in columns)).where(_interactions.c.id.in_(ids))
    return {row.id: row for row in session.execute(query)} if ids else {}


_REASONS = {
    PairOrigin.REGENERATION: "The rejected answer was regenerated; the chosen one came next and stayed.",
    PairOrigin.UNRATED: "Nobody has compared these two answers yet.",
}


def _draft(proposal: Proposal, first: sa.Row[Any], second: sa.Row[Any], feedback_id: UUID | None) -> Draft:
    decided = proposal.origin is not PairOrigin.UNRATED
    rated = f"People rated the chosen answer {proposal.margin or 0:.2f} higher."
    return Draft(
        agent_id=first.agent_id,
        prompt=first.prompt,
        prompt_group=first.prompt_group or second.prompt_group or first.prompt_key,
        first=first.response,
        second=second.response,
        decided=decided,
        origin=proposal.origin,
        reason=_REASONS.get(proposal.origin, rated),
        margin=proposal.margin,
        first_id=first.id,
        second_id=second.id,
        feedback_id=feedback_id if decided else None,
        prompt_key=first.prompt_key,
        refused=proposal.refused,
    )


def _correction(row: sa.Row[Any]) -> Draft:
    by_person = row.source_type in _BY_PEOPLE
    wrote = "A person wrote the chosen answer as the correction of the rejected one."
    proposed = "A program proposed one of these answers as a correction; nobody has compared them yet."
    return Draft(
        agent_id=row.agent_id,
        prompt=row.prompt,
        prompt_group=row.prompt_group or prompt_key(row.prompt),
        first=row.expected,
        second=row.original,
        decided=by_person,
        origin=PairOrigin.CORRECTION,
        reason=wrote if by_person else proposed,
        second_id=row.source_interaction_id,
        feedback_id=row.source_feedback_id,
        learning_example_id=row.id,
        refused=Skip.REVIEWED_AWAY if row.review_status is ReviewStatus.REJECTED else None,
    )
