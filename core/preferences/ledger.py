"""Where proposed pairs meet the pairs that exist: taken, promoted, or refused with a reason.

In come drafts from mining or an import; out go rows of ``preference_pairs``, written in bulk, and one reason for
every draft that was not taken. A person's decision is never overwritten by a later proposal.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from core.preferences.pairs import Sides, advance, content_key, normalised, sides
from core.tables import PairOrigin, PairStatus, PreferencePair, Side, new_id, now

_pairs = SQLModel.metadata.tables["preference_pairs"]
_interactions = SQLModel.metadata.tables["interactions"]
_BATCH = 1_000


class Skip(StrEnum):
    """Why a proposed pair was not taken, as a person reads it."""

    NO_PROMPT = "the prompt is empty"
    EMPTY = "an answer is empty"
    SAME = "both answers are the same but for case and spacing"
    KNOWN = "already a pair"
    CONTRADICTS = "contradicts an earlier preference"
    NO_PREFERENCE = "a person saw no preference"
    EXCLUDED = "the pair was taken out"
    FULL = "its prompt has enough pairs"
    LATER_RATED_LOWER = "the later answer was rated lower"
    REVIEWED_AWAY = "the correction was rejected in review"


@dataclass(frozen=True, slots=True)
class Draft:
    """A proposed pair. ``decided`` means that ``first`` is preferred to ``second``; otherwise nobody knows yet."""

    agent_id: str
    prompt: str
    prompt_group: str
    first: str
    second: str
    decided: bool
    origin: PairOrigin
    reason: str
    messages: list[Any] | None = None
    margin: float | None = None
    first_id: UUID | None = None  # the interactions that gave the answers
    second_id: UUID | None = None
    feedback_id: UUID | None = None
    learning_example_id: UUID | None = None
    import_id: UUID | None = None
    prompt_key: str | None = None  # with it, the origin's limit per prompt holds
    refused: Skip | None = None  # known to be unusable already when it was found


@dataclass(slots=True)
class _Known:
    id: UUID
    status: PairStatus
    preferred: Side | None


class Ledger:
    """All pairs of one agent (or of all), open for proposals. ``close`` writes what is still held back."""

    def __init__(
        self, session: Session, *, agent_id: str | None = None, limits: dict[PairOrigin, int] | None = None
    ) -> None:
        self._session = session
        self._limits = limits or {}
        self._known = _known_pairs(session, agent_id)
        self._of_prompt = _pairs_of_prompts(session, agent_id, list(self._limits))
        self._rows: list[dict[str, Any]] = []
        self.taken: Counter[PairOrigin] = Counter()
        self.promoted = 0
        self.skipped: Counter[Skip] = Counter()

    def offer(self, draft: Draft) -> Skip | None:
        """Take the draft in, or say why not. None means that a pair was added or an undecided one promoted."""
        reason = draft.refused or _unusable(draft) or self._place(draft)
        if reason:
            self.skipped[reason] += 1
        return reason

    def close(self) -> None:
        if self._rows:
            self._session.execute(sa.insert(_pairs), self._rows)
            self._rows = []

    def _place(self, draft: Draft) -> Skip | None:
        key = content_key(draft.prompt, draft.first, draft.second, messages=draft.messages)
        both = sides(key, draft.first, draft.second)
        known = self._known.get((draft.agent_id, key))
        standing = _standing(known, draft, both) if known else None
        if standing:
            return standing
        at_prompt = (draft.agent_id, draft.prompt_key, draft.origin)
        limit = self._limits.get(draft.origin)
        if draft.prompt_key and limit is not None and self._of_prompt[at_prompt] >= limit:
            return Skip.FULL
        self._of_prompt[at_prompt] += 1
        if known:
            return self._promote(known, draft)
        return self._add(draft, key, both)

    def _promote(self, known: _Known, draft: Draft) -> Skip | None:
        """Decide a pair that was waiting for a label."""
        self.close()  # it may still be among the rows held back
        pair = self._session.get_one(PreferencePair, known.id, with_for_update=True, populate_existing=True)
        if pair.status is not PairStatus.NEEDS_LABEL:  # somebody labelled it while this looked on
            return Skip.KNOWN
        pair.preferred = Sides(pair.answer_a, pair.answer_b).side_of(draft.first)
        pair.origin, pair.reason, pair.margin = draft.origin, draft.reason, draft.margin
        pair.feedback_id = draft.feedback_id or pair.feedback_id
        pair.learning_example_id = draft.learning_example_id or pair.learning_example_id
        pair.import_id = draft.import_id or pair.import_id
        advance(pair, PairStatus.ACCEPTED)
        known.status, known.preferred = pair.status, pair.preferred
        self.promoted += 1
        return None

    def _add(self, draft: Draft, key: str, both: Sides) -> Skip | None:
        row = _row(draft, key, both)
        self._rows.append(row)
        self._known[draft.agent_id, key] = _Known(row["id"], row["status"], row["preferred"])
        self.taken[draft.origin] += 1
        if len(self._rows) >= _BATCH:
            self.close()
        return None


def _standing(known: _Known, draft: Draft, both: Sides) -> Skip | None:
    """Why the pair there is stays as it is: what a person decided stands. None: it waits, and may be decided now."""
    if known.status is PairStatus.EXCLUDED:
        return Skip.EXCLUDED
    if known.status is PairStatus.NO_PREFERENCE:
        return Skip.NO_PREFERENCE if draft.decided else Skip.KNOWN
    if known.status is PairStatus.ACCEPTED and draft.decided and known.preferred is not both.side_of(draft.first):
        return Skip.CONTRADICTS
    return None if draft.decided and known.status is PairStatus.NEEDS_LABEL else Skip.KNOWN


def _unusable(draft: Draft) -> Skip | None:
    if not draft.prompt.strip():
        return Skip.NO_PROMPT
    if not draft.first.strip() or not draft.second.strip():
        return Skip.EMPTY
    return Skip.SAME if normalised(draft.first) == normalised(draft.second) else None


def _row(draft: Draft, key: str, both: Sides) -> dict[str, Any]:
    first_on_a = both.side_of(draft.first) is Side.A
    ids = (draft.first_id, draft.second_id) if first_on_a else (draft.second_id, draft.first_id)
    return {
        "id": new_id(),
        "agent_id": draft.agent_id,
        "prompt": draft.prompt,
        "messages": draft.messages,
        "prompt_group": draft.prompt_group,
        "answer_a": both.answer_a,
        "answer_b": both.answer_b,
        "preferred": both.side_of(draft.first) if draft.decided else None,
        "status": PairStatus.ACCEPTED if draft.decided else PairStatus.NEEDS_LABEL,
        "origin": draft.origin,
        "reason": draft.reason,
        "margin": draft.margin,
        "content_key": key,
        "interaction_a_id": ids[0],
        "interaction_b_id": ids[1],
        "feedback_id": draft.feedback_id,
        "learning_example_id": draft.learning_example_id,
        "import_id": draft.import_id,
        "version": 0,
        "created_at": now(),
    }


def _known_pairs(session: Session, agent_id: str | None) -> dict[tuple[str, str], _Known]:
    columns = (_pairs.c.agent_id, _pairs.c.content_key, _pairs.c.id, _pairs.c.status, _pairs.c.preferred)
    query = sa.select(*columns)
    if agent_id is not None:
        query = query.where(_pairs.c.agent_id == agent_id)
    return {(agent, key): _Known(*rest) for agent, key, *rest in session.execute(query)}


def _pairs_of_prompts(
    session: Session, agent_id: str | None, origins: list[PairOrigin]
) -> Counter[tuple[str, str | None, PairOrigin]]:
    """How many pairs each prompt has by origin; pairs only carry their interactions, which carry the prompt's key."""
    either = sa.func.coalesce(_pairs.c.interaction_a_id, _pairs.c.interaction_b_id)
    columns = (_interactions.c.agent_id, _interactions.c.prompt_key, _pairs.c.origin)
    query = (
        sa.select(*columns, sa.func.count())
        .join(_interactions, _interactions.c.id == either)
        .where(_pairs.c.origin.in_(origins))
        .group_by(*columns)
    )
    if agent_id is not None:
        query = query.where(_pairs.c.agent_id == agent_id)
    return Counter({(agent, key, origin): n for agent, key, origin, n in session.execute(query)})
