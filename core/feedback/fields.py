"""Single foreign values at the door, each checked and named in the sentence that refuses it.

Texts come out cleaned and redacted, names cleaned only (rows are found by them), numbers inside their range.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from core import untrusted
from core.errors import InputRejected
from core.feedback.redaction import Redacted, redact
from core.tables import MessageFeedbackType

Member = TypeVar("Member", bound=StrEnum)


def text(value: object, field: str, *, limit: int = untrusted.MAX_TEXT) -> Redacted:
    """``value`` cleaned and redacted; "" when it is None.

    Raises InputRejected, naming ``field``, when it is no text or longer than ``limit`` characters.
    """
    return redact(plain(value, field, limit=limit), label=field)


def plain(value: object, field: str, *, limit: int) -> str:
    """A short name or id: cleaned, not redacted, because rows are found by it."""
    try:
        return untrusted.clean("" if value is None else value, limit=limit)
    except InputRejected as error:
        raise InputRejected(f"{field}: {error} Nothing was stored.", field=field) from error


def counted(*texts: Redacted) -> dict[str, int]:
    """How many of each kind were taken out of all the texts together."""
    counts: dict[str, int] = {}
    for one in texts:
        for kind, count in one.counts.items():
            counts[kind] = counts.get(kind, 0) + count
    return counts


def name(value: object, field: str, *, limit: int) -> str:
    """Like ``plain``, and not empty."""
    given = plain(value, field, limit=limit)
    if not given:
        raise InputRejected(f"{field} is empty; nothing was stored.", field=field)
    return given


def member(kinds: type[Member], value: object, field: str) -> Member:
    """The member of a closed set. Raises InputRejected with the values that are taken."""
    for kind in kinds:
        if value == kind.value:
            return kind
    taken = ", ".join(kind.value for kind in kinds)
    raise InputRejected(f"Unknown {field}: {_shown(value)}. Use one of {taken}; nothing was stored.", field=field)


def feedback_type(value: object) -> MessageFeedbackType:
    """One of the ten kinds of message feedback (rules section 1b)."""
    for kind in MessageFeedbackType:
        if value == kind.value:
            return kind
    raise InputRejected(f"Invalid feedback_type: {_shown(value)}", field="feedback_type")


def stars(kind: MessageFeedbackType, rating: object) -> int | None:
    """The rating that goes with a kind of feedback: ``rating_4`` has 4, and nothing else beside it."""
    given = whole(rating, "rating", 1, 5)
    implied = int(kind.value[-1]) if kind.value.startswith("rating_") else None
    if implied is not None and given not in (None, implied):
        raise InputRejected(
            f"The rating {given} contradicts feedback_type {kind.value}; nothing was stored.", field="rating"
        )
    return given if implied is None else implied


def whole(value: object, field: str, low: int, high: int) -> int | None:
    """A whole number in [low, high], or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InputRejected(
            f"{field} must be a whole number from {low} to {high}, got {_shown(value)}; nothing was stored.",
            field=field,
        )
    return value


def number(value: object, field: str, low: float, high: float) -> float | None:
    """A finite number in [low, high], or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:  # NaN fails too
        raise InputRejected(
            f"{field} must be a number from {low} to {high}, got {_shown(value)}; nothing was stored.", field=field
        )
    return float(value)


def flag(value: object, field: str) -> bool | None:
    """True, False or None; nothing that only looks like one."""
    if value is None or isinstance(value, bool):
        return value
    raise InputRejected(f"{field} must be true or false, got {_shown(value)}; nothing was stored.", field=field)


def moment(value: datetime | None) -> datetime | None:
    """A time in UTC; one without a zone is taken as UTC. Raises InputRejected for one that UTC has no name for."""
    if value is None:
        return None
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise InputRejected("The time lies outside the calendar; nothing was stored.", field="created_at") from None


def prompt_key(prompt: str) -> str:
    """What answers to one prompt share: sha256 of the prompt without regard to case and spacing."""
    return hashlib.sha256(" ".join(prompt.casefold().split()).encode()).hexdigest()


def _shown(value: object) -> str:
    """A refused value as it may stand in a sentence."""
    if isinstance(value, int) and value.bit_length() > 63:
        return "a very large number"
    return untrusted.visible(untrusted.clean(str(value)[:60], limit=240))
