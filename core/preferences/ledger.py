"""Where proposed pairs meet the pairs that exist: taken, promoted, or refused with a reason.

In comes a batch of drafts from mining; out go rows of ``preference_pairs``, written in bulk, and one
reason for every draft that was not taken. Only the pairs and prompts of the batch are looked up, so a batch costs the
same on a large store. A person's decision is never overwritten by a later proposal. A file of pairs
is held to the same rules, in SQL, by ``core.preferences.imported``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from core.preferences.pairs import Sides, advance, content_key, normalised, sides
from core.tables import PairOrigin, PairStatus, PreferencePair, Side, new_id, now

Limits = Mapping[PairOrigin, int]  # pairs a prompt may have, by origin

_pairs = SQLModel.metadata.tables["preference_pairs"]
_interactions = SQLModel.metadata.tables["interactions"]


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
    margin: float | None = None
    first_id: UUID | None = None  # the interactions that gave the answers
    second_id: UUID | None = None
    feedback_id: UUID | None = None
    learning_example_id: UUID | None = None
    prompt_key: str | None = None  # with it, the origin's limit per prompt holds
    refused: Skip | None = None  # known to be unusable already when it was found


@dataclass(frozen=True, slots=True)
class Offered:
    """What became of a batch. ``reasons`` has one entry a draft, in order; None: a pair was added or promoted."""

    reasons: tuple[Skip | None, ...] = ()
    taken: Counter[PairOrigin] = field(default_factory=Counter)  # new pairs
    promoted: int = 0  # pairs that waited for a label and are decided now

    @property
    def skipped(self) -> Counter[Skip]:
        return Counter(reason for reason in self.reasons if reason is not None)


def offer(session: Session, drafts: Sequence[Draft], *, limits: Limits | None = None) -> Offered:
    """Take the drafts in, in order, or say of each why not. Call it within ``store.write()``: what is looked up here
    must not change before it is written."""
    reasons = [draft.refused or unusable(draft.prompt, draft.first, draft.second) for draft in drafts]
    entries = [None if reason else _entry(draft) for draft, reason in zip(drafts, reasons, strict=True)]
    ledger = _Ledger(session, [entry for entry in entries if entry is not None], limits or {})
    placed = [ledger.place(entry) if entry else reason for entry, reason in zip(entries, reasons, strict=True)]
    ledger.close()
    return Offered(tuple(placed), ledger.taken, ledger.promoted)


@dataclass(frozen=True, slots=True)
class _Entry:
    draft: Draft
    key: str
    both: Sides

    @property
    def at(self) -> tuple[str, str]:
        return self.draft.agent_id, self.key

    @property
    def prompt(self) -> tuple[str, str | None, PairOrigin]:
        return self.draft.agent_id, self.draft.prompt_key, self.draft.origin


@dataclass(slots=True)
class _Known:
    id: UUID
    status: PairStatus
    preferred: Side | None


class _Ledger:
    """The pairs that the entries of one batch can meet."""

    def __init__(self, session: Session, entries: Sequence[_Entry], limits: Limits) -> None:
        self._session = session
        self._limits = limits
        self._known = _known_pairs(session, entries)
        self._waiting = _waiting_pairs(session, entries, self._known)
        self._of_prompt = _pairs_of_prompts(session, entries, limits)
        self._rows: list[dict[str, Any]] = []
        self.taken: Counter[PairOrigin] = Counter()
        self.promoted = 0

    def place(self, entry: _Entry) -> Skip | None:
        known = self._known.get(entry.at)
        standing = _standing(known, entry) if known else None
        if standing:
            return standing
        limit = self._limits.get(entry.draft.origin) if entry.draft.prompt_key else None
        if limit is not None and self._of_prompt[entry.prompt] >= limit:
            return Skip.FULL
        self._of_prompt[entry.prompt] += 1
        if known:
            self._promote(known, entry.draft)
        else:
            self._add(entry)
        return None

    def close(self) -> None:
        """Write what is held back."""
        if self._rows:
            self._session.execute(sa.insert(_pairs), self._rows)
            self._rows = []

    def _promote(self, known: _Known, draft: Draft) -> None:
        """Decide a pair that was waiting for a label."""
        pair = self._waiting.get(known.id)
        if pair is None:  # added by this batch
            self.close()
            pair = self._waiting[known.id] = self._session.get_one(PreferencePair, known.id)
        pair.preferred = Sides(pair.answer_a, pair.answer_b).side_of(draft.first)
        pair.origin, pair.reason, pair.margin = draft.origin, draft.reason, draft.margin
        pair.feedback_id = draft.feedback_id or pair.feedback_id
        pair.learning_example_id = draft.learning_example_id or pair.learning_example_id
        advance(pair, PairStatus.ACCEPTED)
        known.status, known.preferred = pair.status, pair.preferred
        self.promoted += 1

    def _add(self, entry: _Entry) -> None:
        row = _row(entry)
        self._rows.append(row)
        self._known[entry.at] = _Known(row["id"], row["status"], row["preferred"])
        self.taken[entry.draft.origin] += 1


def _standing(known: _Known, entry: _Entry) -> Skip | None:
    """Why the pair there is stays as it is: what a person decided stands. None: it waits, and may be decided now."""
    decided = entry.draft.decided
    if known.status is PairStatus.EXCLUDED:
        return Skip.EXCLUDED
    if known.status is PairStatus.NO_PREFERENCE:
        return Skip.NO_PREFERENCE if decided else Skip.KNOWN
    turned = known.preferred is not entry.both.side_of(entry.draft.first)
    if known.status is PairStatus.ACCEPTED and decided and turned:
        return Skip.CONTRADICTS
    return None if decided and known.status is PairStatus.NEEDS_LABEL else Skip.KNOWN


def unusable(prompt: str, first: str, second: str) -> Skip | None:
    """Why these texts are no pair at all, whatever stands in the store."""
    if not prompt.strip():
        return Skip.NO_PROMPT
    if not first.strip() or not second.strip():
        return Skip.EMPTY
    return Skip.SAME if normalised(first) == normalised(second) else None


def _entry(draft: Draft) -> _Entry:
    key = content_key(draft.prompt, draft.first, draft.second)
    return _Entry(draft, key, sides(key, draft.first, draft.second))


def _row(entry: _Entry) -> dict[str, Any]:
    draft, both = entry.draft, entry.both
    first_on_a = both.side_of(draft.first) is Side.A
    ids = (draft.first_id, draft.second_id) if first_on_a else (draft.second_id, draft.first_id)
    return {
        "id": new_id(),
        "agent_id": draft.agent_id,
        "prompt": draft.prompt,
        "messages": None,
        "prompt_group": draft.prompt_group,
        "answer_a": both.answer_a,
        "answer_b": both.answer_b,
        "preferred": both.side_of(draft.first) if draft.decided else None,
        "status": PairStatus.ACCEPTED if draft.decided else PairStatus.NEEDS_LABEL,
        "origin": draft.origin,
        "reason": draft.reason,
        "margin": draft.margin,
        "content_key": entry.key,
        "interaction_a_id": ids[0],
        "interaction_b_id": ids[1],
        "feedback_id": draft.feedback_id,
        "learning_example_id": draft.learning_example_id,
        "version": 0,
        "created_at": now(),
    }


def _known_pairs(session: Session, entries: Sequence[_Entry]) -> dict[tuple[str, str], _Known]:
    """The pairs with the content of these entries. Agent by agent, so that the unique index is used."""
    keys: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        keys[entry.draft.agent_id].append(entry.key)
    found = {}
    for agent, of_agent in keys.items():
        query = sa.select(_pairs.c.content_key, _pairs.c.id, _pairs.c.status, _pairs.c.preferred)
        rows = session.execute(query.where(_pairs.c.agent_id == agent, _pairs.c.content_key.in_(of_agent)))
        found.update({(agent, key): _Known(*rest) for key, *rest in rows})
    return found


def _waiting_pairs(
    session: Session, entries: Sequence[_Entry], known: Mapping[tuple[str, str], _Known]
) -> dict[UUID, PreferencePair]:
    """Those of the known pairs that a decided draft promotes, read at once."""
    met = [known[entry.at] for entry in entries if entry.draft.decided and entry.at in known]
    ids = {pair.id for pair in met if pair.status is PairStatus.NEEDS_LABEL}
    if not ids:
        return {}
    query = sa.select(PreferencePair).where(_pairs.c.id.in_(ids)).execution_options(populate_existing=True)
    return {pair.id: pair for pair in session.scalars(query)}


def _pairs_of_prompts(
    session: Session, entries: Sequence[_Entry], limits: Limits
) -> Counter[tuple[str, str | None, PairOrigin]]:
    """How many pairs the prompts of these entries have, by origin."""
    prompts: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        if entry.draft.prompt_key and entry.draft.origin in limits:
            prompts[entry.draft.agent_id].add(entry.draft.prompt_key)
    counts: Counter[tuple[str, str | None, PairOrigin]] = Counter()
    for agent, keys in prompts.items():
        for key, origin, n in session.execute(_pairs_of(agent, keys, list(limits))):
            counts[agent, key, origin] = n
    return counts


def _pairs_of(agent: str, keys: set[str], origins: list[PairOrigin]) -> sa.Select[Any]:
    """Pairs only carry their interactions, which carry the prompt's key. Each side is looked up by its own index."""
    given = (
        sa.select(_interactions.c.id, _interactions.c.prompt_key)
        .where(_interactions.c.agent_id == agent, _interactions.c.prompt_key.in_(keys))
        .cte("given")
    )
    found = sa.select(given.c.prompt_key, _pairs.c.origin).where(_pairs.c.origin.in_(origins)).select_from(given)
    both = sa.union_all(
        found.join(_pairs, _pairs.c.interaction_a_id == given.c.id),
        found.join(_pairs, _pairs.c.interaction_b_id == given.c.id).where(_pairs.c.interaction_a_id.is_(None)),
    ).subquery("pairs_of")
    return sa.select(both.c.prompt_key, both.c.origin, sa.func.count()).group_by(both.c.prompt_key, both.c.origin)
