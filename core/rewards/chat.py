"""The reward of a chat answer, in [0, 1] (rules section 4).

In: what people said of the answer, and what the stored message tells by itself. Out: one ``Reward`` row per
interaction with its parts by name; the parts of a side add up to that side's value. What a conversation did next
(a clarification, a natural continuation) is taken into account only where the caller knows it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from core.errors import InputRejected
from core.tables import Feedback, FeedbackKind, Interaction, InteractionKind, Reward, RewardScale

BASE: dict[str, float] = {
    "thumbs_up": 1.0,
    "rating_5": 1.0,
    "copy": 0.9,
    "rating_4": 0.8,
    "follow_up": 0.7,
    "rating_3": 0.5,
    "rating_2": 0.3,
    "regenerate": 0.2,
    "thumbs_down": 0.0,
    "rating_1": 0.0,
}
UNKNOWN_BASE = 0.5
NEUTRAL = 0.5
SHORT, LONG = 50, 2000  # characters; outside of these an explicit reward loses
GOOD_LENGTH = (100, 1500)  # characters; inside of these an implicit reward gains

Parts = dict[str, float]


@dataclass(frozen=True)
class Band:
    """A range of rewards with the word people use for it."""

    name: str
    sentence: str


BANDS: tuple[tuple[float, Band], ...] = (
    (0.9, Band("Excellent", "Excellent: the answer did what was asked, and people said or showed so.")),
    (0.7, Band("Good", "Good: the answer helped; little was missing.")),
    (0.5, Band("Acceptable", "Acceptable: nothing speaks clearly for or against the answer.")),
    (0.3, Band("Poor", "Poor: the answer missed part of what was asked.")),
    (-math.inf, Band("Bad", "Bad: the answer did not help; look at it first.")),
)


def explicit_reward(feedback_type: str, signals: Mapping[str, Any] | None) -> float:
    """What a person's feedback makes the answer worth, in [0, 1].

    ``signals`` may hold intent_match, used_context (or context_used) and response_length (characters; without
    it no length rule applies). An unknown feedback type counts as 0.5.
    """
    return _total(explicit_parts(feedback_type, signals))


def explicit_parts(feedback_type: str, signals: Mapping[str, Any] | None) -> Parts:
    """The steps behind ``explicit_reward`` in their order, each with its effect after the cap."""
    signals = signals or {}
    length = _number(signals.get("response_length"))
    parts: Parts = {"feedback": BASE.get(feedback_type, UNKNOWN_BASE)}
    if signals.get("intent_match"):
        _step(parts, "intent_match", 0.1)
    if signals.get("used_context") or signals.get("context_used"):
        _step(parts, "used_context", 0.05)
    if length is not None and length < SHORT:
        _step(parts, "too_short", -0.1)
    if length is not None and length > LONG:
        _step(parts, "too_long", -0.05)
    return parts


def implicit_reward(response_metadata: Mapping[str, Any], conversation_context: Mapping[str, Any] | None) -> float:
    """What an answer seems worth before anybody said so, in [0, 1].

    ``response_metadata``: intent_confidence (0.5 when missing), context_used (or used_context),
    suggested_actions, response_length in characters. ``conversation_context``: immediate_clarification,
    natural_continuation.
    """
    return _total(implicit_parts(response_metadata, conversation_context))


def implicit_parts(response_metadata: Mapping[str, Any], conversation_context: Mapping[str, Any] | None) -> Parts:
    """The parts of ``implicit_reward`` by name; a part that does not apply is left out."""
    meta, context = response_metadata, conversation_context or {}
    confidence = _number(meta.get("intent_confidence"))
    length = _number(meta.get("response_length"))
    parts: Parts = {"start": NEUTRAL}
    if confidence is not None:
        parts["intent_confidence"] = round((confidence - 0.5) * 0.2, 9)
    if meta.get("context_used") or meta.get("used_context"):
        parts["context_used"] = 0.1
    if meta.get("suggested_actions"):
        parts["suggested_actions"] = 0.05
    if length is not None and GOOD_LENGTH[0] <= length <= GOOD_LENGTH[1]:
        parts["good_length"] = 0.1
    if context.get("immediate_clarification"):
        parts["immediate_clarification"] = -0.2
    if context.get("natural_continuation"):
        parts["natural_continuation"] = 0.1
    total = sum(parts.values())
    if not 0 <= round(total, 9) <= 1:
        parts["limit"] = _clamp(total) - total
    return parts


def band(reward: float) -> Band:
    """The band a chat reward lies in; its sentence begins with the band's name."""
    value = round(reward, 9)  # 0.8 + 0.1 is 0.9 here
    return next(found for lowest, found in BANDS if value >= lowest or lowest == -math.inf)


def explain(reward: float) -> str:
    """One sentence for a person; it begins with the band's word."""
    return f"{band(reward).sentence} The reward is {reward:.2f} on a scale from 0 to 1."


def update_reward(session: Session, interaction: Interaction) -> Reward:
    """Compute the interaction's chat reward from what is stored now, and store it.

    Explicit is the mean over the people whose current feedback stands; it replaces implicit as ``value``, and both
    are kept. Call it within ``store.write()``. Raises InputRejected for a plan: its reward lives on another scale.
    """
    if interaction.kind == InteractionKind.PLAN:
        raise InputRejected("A plan has no chat reward; plans are rewarded on their own scale.", field="kind")
    said = _current_feedback(session, interaction)
    implicit = implicit_parts(_metadata(interaction), None)
    explicit = _mean_parts([explicit_parts(kind, _signals(interaction)) for kind in said])
    reward = _row(session, interaction)
    reward.implicit = _total(implicit)
    reward.explicit = _total(explicit) if explicit else None
    reward.value = reward.implicit if reward.explicit is None else reward.explicit
    reward.parts = {"implicit": implicit}
    if explicit:
        reward.parts = {"explicit": explicit, "implicit": implicit, "feedback_types": dict(Counter(said))}
    session.add(reward)
    session.flush()
    return reward


def _row(session: Session, interaction: Interaction) -> Reward:
    found = session.exec(
        select(Reward).where(Reward.interaction_id == interaction.id, Reward.scale == RewardScale.CHAT)
    ).first()
    return found or Reward(
        interaction_id=interaction.id,
        agent_id=interaction.agent_id,
        scale=RewardScale.CHAT,
        value=NEUTRAL,
        created_at=interaction.created_at,
    )


def _current_feedback(session: Session, interaction: Interaction) -> list[str]:
    kinds = session.exec(
        select(Feedback.feedback_type)
        .where(
            Feedback.interaction_id == interaction.id,
            Feedback.kind == FeedbackKind.CHAT_MESSAGE,
            col(Feedback.is_current),
            col(Feedback.feedback_type).is_not(None),
        )
        .order_by(col(Feedback.created_at), col(Feedback.id))
    ).all()
    return [str(kind) for kind in kinds]


def _signals(interaction: Interaction) -> dict[str, Any]:
    return {
        "response_length": len(interaction.response),
        "intent_match": bool(interaction.intent),
        "used_context": bool(interaction.context_sources),
    }


def _metadata(interaction: Interaction) -> dict[str, Any]:
    return {
        "intent_confidence": interaction.intent_confidence,
        "context_used": bool(interaction.context_sources),
        "suggested_actions": interaction.suggested_actions,
        "response_length": len(interaction.response),
    }


def _mean_parts(sides: list[Parts]) -> Parts:
    names = dict.fromkeys(name for side in sides for name in side)
    return {name: sum(side.get(name, 0.0) for side in sides) / len(sides) for name in names}


def _step(parts: Parts, name: str, change: float) -> None:
    """Apply ``change`` to the running sum, and note what was left of it by the limits 0 and 1."""
    before = sum(parts.values())
    parts[name] = round(_clamp(before + change) - before, 9)


def _total(parts: Parts) -> float:
    return round(_clamp(sum(parts.values())), 9)


def _clamp(value: float) -> float:
    return min(1.0, max(0.0, value))


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # an integer of hundreds of digits
        return None
    return number if math.isfinite(number) else None
