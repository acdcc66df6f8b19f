"""What a query says of the answer before it: the follow-up types of rules section 1c, in their order.

In: two consecutive queries with what was understood of them ({entities: {name: value}, domains: [name]}). Out: one of
five types. Words match as whole words; nothing is stored here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

REPEATS = 0.8  # share of words in common from which a query is the same again
REFINES, LEAVES = 0.5, 0.3  # share of entities in common: above is a refinement, below with other domains satisfied
_EDGE = 1e-9


class FollowUpType(StrEnum):
    SATISFIED = "satisfied"
    NEW_TOPIC = "new_topic"
    REFINEMENT = "refinement"
    REPEAT = "repeat"
    CORRECTION = "correction"


@dataclass(frozen=True)
class Said:
    """One query and what was understood of it."""

    text: str
    intent: Mapping[str, Any] = field(default_factory=dict)


_OPENING = re.compile(r"\W*\b(?:no|nope|wrong|actually|sorry)\b(?!['’])", re.IGNORECASE)
_PHRASE = re.compile(
    r"\b(?:i meant|i mean|not that|not what i|instead of|that['’]s wrong|that is wrong)\b", re.IGNORECASE
)
_AGAIN = re.compile(r"\W*(?:(?:again|repeat|pardon|huh)\b|what\s*\?)", re.IGNORECASE)
# What leads up to the value that was meant; the last one counts: "No, sorry, I meant pump-002".
_LEAD = re.compile(
    r"^\W*(?:no|nope|wrong|actually|sorry)\b(?!['’])"
    r"|\b(?:i meant|i mean|not that|not what i (?:meant|wanted|asked(?: for)?|said)|not what i"
    r"|that['’]s wrong|that is wrong)\b",
    re.IGNORECASE,
)


def classify(previous: Said, current: Said) -> FollowUpType:
    """The type of ``current`` as a follow-up to ``previous``; the first that fits, in the order of the rules."""
    if _OPENING.match(current.text) or _PHRASE.search(current.text):
        return FollowUpType.CORRECTION
    if _AGAIN.match(current.text) or _jaccard(_words(previous.text), _words(current.text)) >= REPEATS - _EDGE:
        return FollowUpType.REPEAT
    before, after = _entities(previous.intent), _entities(current.intent)
    overlap = _jaccard(before, after)
    shared = bool(_domains(previous.intent) & _domains(current.intent))
    if overlap > REFINES + _EDGE and shared:
        return FollowUpType.REFINEMENT
    if overlap < LEAVES - _EDGE and not shared and before and after:
        return FollowUpType.SATISFIED
    return FollowUpType.NEW_TOPIC


def corrected_value(text: str) -> str | None:
    """What follows the correcting phrase ("No, I meant pump-002" → "pump-002"); None when nothing is corrected."""
    if not (_OPENING.match(text) or _PHRASE.search(text)):
        return None
    rest = text
    while found := _LEAD.search(rest):
        rest = rest[found.end() :]
    return rest.strip(" \t\n,;:.!?–—\"'“”") or None


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", text.casefold()))


def _entities(intent: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(_leaves(intent.get("entities")))


def _domains(intent: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(_leaves(intent.get("domains")))


def _leaves(value: Any) -> Iterable[str]:
    """Every value in a nest of lists and objects, as text without regard to case."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _leaves(item)
    elif value is not None and str(value).strip():
        yield " ".join(str(value).casefold().split())


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Shared over all; 0 when both are empty: nothing in common is known."""
    return len(one & other) / len(one | other) if one or other else 0.0
