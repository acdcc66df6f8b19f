"""A store with many rows, written straight into the tables; for benchmarks only."""

from __future__ import annotations

import hashlib
import random
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from core.store import Store
from core.tables import (
    Category,
    Evaluation,
    Feedback,
    FeedbackKind,
    FormType,
    Interaction,
    InteractionKind,
    PairOrigin,
    PairStatus,
    PreferencePair,
    Rating,
    Reward,
    RewardScale,
    Severity,
    TriageQueue,
    TriageResult,
    new_id,
    now,
)

CHUNK = 5_000


def fill(store: Store, *, rows: int, seed: int = 1) -> None:
    """``rows`` interactions with a reward and a triaged comment each, half as many evaluations and pairs."""
    draw = random.Random(seed)
    for start in range(0, rows, CHUNK):
        numbers = range(start, min(rows, start + CHUNK))
        tables = _chunk(draw, numbers)
        with store.write() as session:
            for table, values in tables:
                session.exec(sa.insert(table), params=values)


def _chunk(draw: random.Random, numbers: range) -> list[tuple[type, list[dict[str, Any]]]]:
    interactions, rewards, feedback, triage, evaluations, pairs = [], [], [], [], [], []
    for number in numbers:
        at = now() - timedelta(minutes=draw.randrange(60 * 24 * 60))
        agent, interaction_id, feedback_id = f"agent-{number % 6}", new_id(), new_id()
        prompt = f"How do I change schedule {number % 9000} of pump {number % 70}?"
        interactions.append(
            {
                "id": interaction_id,
                "agent_id": agent,
                "prompt": prompt,
                "response": f"Open the schedule and choose entry {number}. " * 5,
                "prompt_key": hashlib.sha256(prompt.encode()).hexdigest(),
                "source": "benchmark",
                "external_id": str(number),
                "context_sources": [],
                "suggested_actions": [],
                "pii": {},
                "raw": {},
                "created_at": at,
            }
        )
        value = round(min(1.0, max(0.0, draw.gauss(0.6, 0.25))), 3)
        rewards.append(
            {
                "id": new_id(),
                "interaction_id": interaction_id,
                "agent_id": agent,
                "scale": RewardScale.CHAT,
                "explicit": value if number % 2 else None,
                "implicit": value,
                "value": value,
                "parts": {},
                "created_at": at,
                "updated_at": at,
            }
        )
        feedback.append(
            {
                "id": feedback_id,
                "kind": FeedbackKind.SITE_FORM,
                "agent_id": agent,
                "form_type": draw.choice(list(FormType)),
                "rating": draw.randint(1, 5),
                "comment": f"The schedule page of pump {number} was slow again today, please look at it.",
                "source": "benchmark",
                "page": {},
                "pii": {},
                "raw": {},
                "created_at": at,
            }
        )
        triage.append(
            {
                "id": new_id(),
                "feedback_id": feedback_id,
                "category": draw.choice(list(Category)),
                "severity": draw.choice(list(Severity)),
                "suggested_action": "Check the schedule page's loading time.",
                "priority": round(draw.uniform(0, 10), 1),
                "confidence": round(draw.random(), 2),
                "reasoning": "The text names the schedule page.",
                "signals": [],
                "queue": draw.choice(list(TriageQueue)),
                "needs_review": bool(number % 3),
                "analyzer": "rules",
                "analyzer_version": "1",
                "said_at": at,
                "created_at": at,
            }
        )
        if number % 2:
            evaluations.append(_evaluation(draw, interaction_id, agent, at))
            pairs.append(_pair(draw, number, prompt, agent, at))
    return [
        (Interaction, interactions),
        (Reward, rewards),
        (Feedback, feedback),
        (TriageResult, triage),
        (Evaluation, evaluations),
        (PreferencePair, pairs),
    ]


def _evaluation(draw: random.Random, interaction_id: Any, agent: str, at: Any) -> dict[str, Any]:
    score = round(draw.random(), 3)
    return {
        "id": new_id(),
        "interaction_id": interaction_id,
        "agent_id": agent,
        "kind": InteractionKind.CHAT,
        "judge": "rule-based",
        "prompt_version": "rubric-1",
        "prompt_hash": "0" * 64,
        "overall_rating": Rating.UP if score > 0.5 else Rating.DOWN,
        "score": score,
        "confidence": round(draw.random() * 0.7, 2),
        "parts": [],
        "missing": [],
        "suggested_improvements": [],
        "created_at": at,
    }


def _pair(draw: random.Random, number: int, prompt: str, agent: str, at: Any) -> dict[str, Any]:
    decided = bool(number % 5)
    return {
        "id": new_id(),
        "agent_id": agent,
        "prompt": prompt,
        "prompt_group": f"group-{number % 900}",
        "answer_a": f"Open the schedule and choose entry {number}. " * 4,
        "answer_b": f"Have a look at the handbook, chapter {number}. " * 4,
        "preferred": draw.choice(["A", "B"]) if decided else None,
        "status": PairStatus.ACCEPTED if decided else PairStatus.NEEDS_LABEL,
        "origin": PairOrigin.RATING if decided else PairOrigin.UNRATED,
        "content_key": hashlib.sha256(str(number).encode()).hexdigest(),
        "created_at": at,
    }
