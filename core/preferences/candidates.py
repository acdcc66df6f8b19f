"""Which answers to one prompt people's feedback lets us compare: numbers in, proposals out; no store, no texts.

An answer that was given several times counts once, with the mean of its explicit rewards. The strongest evidence
comes first. Every function is linear in the answers (but for a sort), so one much-asked prompt cannot stall a round.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import nsmallest
from itertools import combinations
from statistics import fmean
from uuid import UUID

from core.preferences.ledger import Skip
from core.tables import PairOrigin

MARGIN = 0.3
PAIRS_A_PROMPT = 10
UNRATED_A_PROMPT = 3
_UNRATED_ANSWERS = 6


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to the prompt. Answers with the same ``text`` number are the same text."""

    id: UUID
    text: int
    at: datetime
    conversation: str | None = None
    reward: float | None = None  # explicit only: an implicit reward is a guess and decides nothing
    regenerated: UUID | None = None  # the feedback that asked for another answer


@dataclass(frozen=True, slots=True)
class Proposal:
    """Two answers to compare; unless the origin is unrated, the first is preferred."""

    first: UUID
    second: UUID
    origin: PairOrigin
    margin: float | None = None
    feedback_id: UUID | None = None
    refused: Skip | None = None


def propose(answers: Sequence[Answer]) -> list[Proposal]:
    """All proposals for the answers to one prompt, those that people decided first.

    Asking for another answer is a comparison of two answers; it comes before ratings, which were given one by one.
    """
    in_time = sorted(answers, key=_when)
    once = distinct(in_time)
    return by_regeneration(in_time) + by_rating(once) + unrated(once)


def distinct(answers: Sequence[Answer]) -> list[Answer]:
    """Each text once: its first rated giving, or else its first, with the mean of its rewards."""
    copies: dict[int, list[Answer]] = defaultdict(list)
    for answer in answers:
        copies[answer.text].append(answer)
    return [_merged(same) for same in copies.values()]


def by_rating(answers: Sequence[Answer]) -> list[Proposal]:
    """The ten largest differences in reward, if they reach the margin; compared after rounding to 1e-9."""
    rated = sorted((answer for answer in answers if answer.reward is not None), key=lambda answer: _reward(answer))
    # The ten largest differences all lie between the ten best and the ten worst.
    ends = rated if len(rated) <= 2 * PAIRS_A_PROMPT else rated[:PAIRS_A_PROMPT] + rated[-PAIRS_A_PROMPT:]
    margins = [(difference(high, low), high, low) for low, high in combinations(ends, 2)]
    far = [(margin, high, low) for margin, high, low in margins if margin >= MARGIN]
    kept = nsmallest(PAIRS_A_PROMPT, far, key=lambda item: (-item[0], _when(item[1]), _when(item[2])))
    return [Proposal(high.id, low.id, PairOrigin.RATING, margin) for margin, high, low in kept]


def by_regeneration(answers: Sequence[Answer]) -> list[Proposal]:
    """An answer somebody had regenerated, under the next answer of that conversation which stayed.

    ``answers`` come in time order. Where both carry ratings that say the opposite, the ratings are believed.
    """
    stayed: dict[str | None, Answer] = {}
    found = []
    for answer in reversed(answers):
        if answer.regenerated is None:
            stayed[answer.conversation] = answer
        elif later := stayed.get(answer.conversation):
            margin = None if later.reward is None or answer.reward is None else difference(later, answer)
            refused = Skip.LATER_RATED_LOWER if margin is not None and margin < 0 else None
            origin = PairOrigin.REGENERATION
            found.append(Proposal(later.id, answer.id, origin, margin, answer.regenerated, refused))
    return found[::-1]


def unrated(answers: Sequence[Answer]) -> list[Proposal]:
    """Pairs between which no explicit reward decides, those nobody rated first; none of them is preferred.

    Twice as many as a prompt may get, so that a pair which is decided otherwise leaves its place to the next.
    """
    few = nsmallest(_UNRATED_ANSWERS, answers, key=lambda answer: (answer.reward is not None, _when(answer)))
    open_pairs = [
        (_rated(one) + _rated(other), low + high, low, one, other)
        for (low, one), (high, other) in combinations(enumerate(few), 2)
        if not (_rated(one) and _rated(other) and abs(difference(one, other)) >= MARGIN)
    ]
    kept = nsmallest(2 * UNRATED_A_PROMPT, open_pairs, key=lambda item: item[:3])
    return [Proposal(one.id, other.id, PairOrigin.UNRATED) for *_, one, other in kept]


def difference(one: Answer, other: Answer) -> float:
    """How much more ``one`` is worth, rounded to 1e-9, so that 1.0 - 0.7 reaches 0.3."""
    return round(_reward(one) - _reward(other), 9)


def _merged(same: list[Answer]) -> Answer:
    rewards = [answer.reward for answer in same if answer.reward is not None]
    first = next((answer for answer in same if answer.reward is not None), same[0])
    return replace(first, reward=fmean(rewards)) if rewards else first


def _reward(answer: Answer) -> float:
    return answer.reward or 0.0


def _rated(answer: Answer) -> bool:
    return answer.reward is not None


def _when(answer: Answer) -> tuple[datetime, UUID]:
    return answer.at, answer.id
