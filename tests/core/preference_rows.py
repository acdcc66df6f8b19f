"""Small literal rows for the tests of preferences and datasets: answers people rated, pairs, runs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session

from core.feedback.fields import prompt_key
from core.preferences.pairs import content_key, sides
from core.store import Store
from core.tables import (
    ExampleType,
    Feedback,
    FeedbackKind,
    Interaction,
    LearningExample,
    MessageFeedbackType,
    PairOrigin,
    PairStatus,
    PreferencePair,
    Reward,
    RewardScale,
    RunOutcome,
    RunStatus,
    SourceType,
    TrainingRun,
    TrainingType,
)
from tests.core import import_rows

AGENT = "support"
MORNING = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def answer(
    session: Session,
    prompt: str,
    response: str,
    *,
    reward: float | None = None,
    regenerated: bool = False,
    at: int = 0,
    conversation: str | None = None,
    group: str | None = None,
    agent_id: str = AGENT,
) -> Interaction:
    """One answer of the agent, ``at`` minutes into the morning; a reward is an explicit one, with its feedback."""
    row = Interaction(
        agent_id=agent_id,
        prompt=prompt,
        response=response,
        prompt_key=prompt_key(prompt),
        prompt_group=group,
        conversation_id=conversation,
        source="test",
        created_at=MORNING + timedelta(minutes=at),
    )
    session.add(row)
    session.flush()
    if reward is not None:
        worth = {"explicit": reward, "implicit": 0.5, "value": reward}
        session.add(Reward(interaction_id=row.id, agent_id=agent_id, scale=RewardScale.CHAT, **worth))
    if reward is not None or regenerated:
        kind = MessageFeedbackType.REGENERATE if regenerated else MessageFeedbackType.THUMBS_UP
        said(session, row, kind)
    session.flush()
    return row


def said(session: Session, about: Interaction, kind: MessageFeedbackType) -> Feedback:
    row = Feedback(
        kind=FeedbackKind.CHAT_MESSAGE,
        agent_id=about.agent_id,
        interaction_id=about.id,
        feedback_type=kind,
        source="test",
    )
    session.add(row)
    session.flush()
    return row


def correction(session: Session, about: Interaction, expected: str, **changes: object) -> LearningExample:
    row = LearningExample(
        agent_id=about.agent_id,
        example_type=ExampleType.CORRECTION,
        input_text=about.prompt,
        original_output=about.response,
        expected_output=expected,
        source_type=SourceType.USER_FEEDBACK,
        source_interaction_id=about.id,
        source_feedback_id=said(session, about, MessageFeedbackType.THUMBS_DOWN).id,
    )
    for name, value in changes.items():
        setattr(row, name, value)
    session.add(row)
    session.flush()
    return row


def pair(
    session: Session,
    prompt: str,
    good: str,
    bad: str,
    *,
    status: PairStatus = PairStatus.NEEDS_LABEL,
    group: str | None = None,
    origin: PairOrigin = PairOrigin.UNRATED,
    agent_id: str = AGENT,
) -> PreferencePair:
    """A pair as mining would make it; accepted or excluded, ``good`` is preferred."""
    key = content_key(prompt, good, bad)
    both = sides(key, good, bad)
    row = PreferencePair(
        agent_id=agent_id,
        prompt=prompt,
        prompt_group=group or prompt_key(prompt),
        answer_a=both.answer_a,
        answer_b=both.answer_b,
        preferred=both.side_of(good) if status in (PairStatus.ACCEPTED, PairStatus.EXCLUDED) else None,
        status=status,
        origin=origin,
        content_key=key,
    )
    session.add(row)
    session.flush()
    return row


def accepted(session: Session, count: int, *, agent_id: str = AGENT) -> list[PreferencePair]:
    """``count`` accepted pairs, each with a prompt of its own."""
    texts = [(f"Question {n}?", f"The good answer {n}.", f"Some other words {n}.") for n in range(count)]
    return [pair(session, *text, status=PairStatus.ACCEPTED, agent_id=agent_id) for text in texts]


def run(session: Session, dataset_id: UUID, status: RunStatus, outcome: RunOutcome | None = None) -> TrainingRun:
    row = TrainingRun(
        agent_id=AGENT, dataset_id=dataset_id, training_type=TrainingType.DPO, status=status, outcome=outcome
    )
    session.add(row)
    session.flush()
    return row


def imported(
    store: Store, *rows: tuple[Any, str, str], agent_id: str = AGENT
) -> tuple[int, int, list[tuple[int, str]]]:
    """A file with a (prompt, chosen, rejected) a line: accepted, duplicates, and the rejects as (line, reason)."""
    lines = [json.dumps(dict(zip(("prompt", "chosen", "rejected"), row, strict=True))) for row in rows]
    file = import_rows.run(store, "\n".join(lines), "pairs.jsonl", agent_id=agent_id)
    return file.accepted, file.duplicates, sorted(import_rows.reasons(store, file).items())
