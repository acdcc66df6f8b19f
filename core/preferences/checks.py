"""What is wrong with a set of pairs, before training learns it: one count, one sentence and examples for each check.

Sides that are equal or empty are blocking: such a pair enters no dataset. All else is told and left to people.
Checks that need the texts look at a bounded number of the newest pairs, and their sentence says so.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from core.preferences.pairs import context, normalised
from core.tables import PairStatus, Side

ALIKE = 0.9  # share of words in common, in order, from which two sides count as nearly equal
SHORT = 10  # characters below which an answer is very short
LEANING = 0.05  # share away from one half from which the length bias is called one
_EXAMPLES = 20
_READ = 2_000
_LONG = 400  # words; beyond, the order of the words is not compared

pairs = SQLModel.metadata.tables["preference_pairs"]
chosen = sa.case((pairs.c.preferred == Side.A, pairs.c.answer_a), else_=pairs.c.answer_b)
rejected = sa.case((pairs.c.preferred == Side.A, pairs.c.answer_b), else_=pairs.c.answer_a)


@dataclass(frozen=True, slots=True)
class Check:
    """``count`` is the number of pairs concerned; 0 means that the check passed."""

    name: str
    count: int
    sentence: str
    example_ids: tuple[UUID, ...] = ()
    blocking: bool = False


def passes() -> sa.ColumnElement[bool]:
    """The blocking checks as a condition on ``preference_pairs``."""
    return sa.not_(sa.or_(_empty(), _equal()))


def check_pairs(session: Session, *, agent_id: str | None = None) -> list[Check]:
    """Every check over the accepted pairs, of one agent or of all; those that pass are listed too."""
    accepted = sa.select(pairs).where(pairs.c.status == PairStatus.ACCEPTED)
    if agent_id is not None:
        accepted = accepted.where(pairs.c.agent_id == agent_id)
    crowded = _crowded(session, accepted)
    return [
        _empty_sides(session, accepted),
        _equal_sides(session, accepted),
        _near_equal_sides(session, accepted),
        _short_sides(session, accepted),
        _duplicates(crowded),
        _contradictions(crowded),
        _length_bias(session, accepted),
        _shared_prompts(session, accepted),
        _one_origin(session, accepted),
    ]


def _empty() -> sa.ColumnElement[bool]:
    return sa.or_(sa.func.trim(pairs.c.answer_a) == "", sa.func.trim(pairs.c.answer_b) == "")


def _equal() -> sa.ColumnElement[bool]:
    """The ends are compared first: for most pairs that settles it without rewriting both texts."""
    a, b = pairs.c.answer_a, pairs.c.answer_b
    return sa.and_(_first(a) == _first(b), _last(a) == _last(b), _squeezed(a) == _squeezed(b))


def _first(text: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    return sa.func.lower(sa.func.substr(sa.func.trim(text), 1, 1))


def _last(text: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    trimmed = sa.func.trim(text)
    return sa.func.lower(sa.func.substr(trimmed, sa.func.length(trimmed), 1))


def _squeezed(text: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """Without case and white space, in functions every database has."""
    for white in (" ", "\n", "\t"):
        text = sa.func.replace(text, white, "")
    return sa.func.lower(text)


def _found(session: Session, scope: sa.Select[Any], condition: sa.ColumnElement[bool]) -> tuple[int, tuple[UUID, ...]]:
    found = scope.where(condition)
    count = session.scalar(sa.select(sa.func.count()).select_from(found.subquery())) or 0
    newest = found.with_only_columns(pairs.c.id).order_by(pairs.c.id.desc()).limit(_EXAMPLES)
    return count, tuple(session.scalars(newest)) if count else ()


def _empty_sides(session: Session, scope: sa.Select[Any]) -> Check:
    count, ids = _found(session, scope, _empty())
    sentence = f"{_n(count)} an empty answer; no dataset takes them." if count else "No pair has an empty answer."
    return Check("empty_side", count, sentence, ids, blocking=True)


def _equal_sides(session: Session, scope: sa.Select[Any]) -> Check:
    count, ids = _found(session, scope, _equal())
    sentence = (
        f"{_n(count)} two answers that differ in nothing but case and spacing; no dataset takes them."
        if count
        else "No pair has two equal answers."
    )
    return Check("equal_sides", count, sentence, ids, blocking=True)


def _short_sides(session: Session, scope: sa.Select[Any]) -> Check:
    short = [sa.func.length(sa.func.trim(side)).between(1, SHORT - 1) for side in (pairs.c.answer_a, pairs.c.answer_b)]
    count, ids = _found(session, scope, sa.or_(*short))
    sentence = (
        f"{_n(count)} an answer of fewer than {SHORT} characters." if count else "No pair has a very short answer."
    )
    return Check("short_side", count, sentence, ids)


def _near_equal_sides(session: Session, scope: sa.Select[Any]) -> Check:
    """Sides of similar length are read; training on sides that hardly differ can make both less likely."""
    a, b = sa.func.length(pairs.c.answer_a), sa.func.length(pairs.c.answer_b)
    similar = scope.where(sa.func.abs(a - b) * 10 <= a + b, passes())
    columns = (pairs.c.id, pairs.c.answer_a, pairs.c.answer_b)
    rows = session.execute(similar.with_only_columns(*columns).order_by(pairs.c.id.desc()).limit(_READ)).all()
    ids = [row.id for row in rows if alike(row.answer_a, row.answer_b)]
    sentence = (
        f"{_n(len(ids))} two answers that share at least {ALIKE:.0%} of their words."
        if ids
        else "No pair has two nearly equal answers."
    )
    if len(rows) == _READ:
        sentence += f" Only the newest {_READ:,} pairs of similar length were read."
    return Check("near_equal_sides", len(ids), sentence, tuple(ids[:_EXAMPLES]))


def alike(one: str, other: str) -> bool:
    """Whether two texts share 90 % of their words in the same order. The cheap bound decides most pairs."""
    words, others = one.casefold().split(), other.casefold().split()
    total = len(words) + len(others)
    common = (Counter(words) & Counter(others)).total()
    if not total or 2 * common < ALIKE * total:
        return False
    return total > 2 * _LONG or SequenceMatcher(None, words, others, autojunk=False).ratio() >= ALIKE


@dataclass(frozen=True, slots=True)
class _Preference:
    """One accepted pair as digests: what was asked, what was chosen, what was rejected."""

    id: UUID
    asked: bytes
    chosen: bytes
    rejected: bytes


def _crowded(session: Session, scope: sa.Select[Any]) -> list[_Preference]:
    """The pairs whose prompt has other pairs too; only these can repeat or contradict each other."""
    of_prompt = sa.func.count().over(partition_by=[pairs.c.agent_id, pairs.c.prompt_group])
    counted = scope.with_only_columns(pairs.c.id, of_prompt.label("n")).subquery("counted")
    query = (
        sa.select(pairs.c.id, pairs.c.agent_id, pairs.c.prompt, pairs.c.messages)
        .add_columns(chosen.label("chosen"), rejected.label("rejected"))
        .join(counted, counted.c.id == pairs.c.id)
        .where(counted.c.n > 1)
        .order_by(pairs.c.id.desc())
        .limit(_READ)
    )
    return [
        _Preference(
            row.id,
            _digest(row.agent_id + "\n" + context(row.prompt, row.messages)),
            _digest(normalised(row.chosen)),
            _digest(normalised(row.rejected)),
        )
        for row in session.execute(query)
    ]


def _duplicates(crowded: list[_Preference]) -> Check:
    same: dict[tuple[bytes, bytes, bytes], list[UUID]] = defaultdict(list)
    for pair in crowded:
        same[pair.asked, pair.chosen, pair.rejected].append(pair.id)
    ids = [pair_id for copies in same.values() for pair_id in copies[1:]]
    sentence = (
        f"{_n(len(ids), 'repeats', 'repeat')} another pair but for case and spacing."
        if ids
        else "No pair repeats another."
    )
    return Check("duplicates", len(ids), sentence + _read_of(crowded), tuple(ids[:_EXAMPLES]))


def _contradictions(crowded: list[_Preference]) -> Check:
    of_prompt: dict[bytes, list[_Preference]] = defaultdict(list)
    for pair in crowded:
        of_prompt[pair.asked].append(pair)
    ids = [pair.id for prompt in of_prompt.values() if len(prompt) > 1 for pair in in_circles(prompt)]
    sentence = (
        f"{_n(len(ids), 'contradicts', 'contradict')} others on the same prompt: followed from answer to answer, "
        "the preferences lead back to where they began."
        if ids
        else "No preferences contradict each other."
    )
    return Check("contradictory", len(ids), sentence + _read_of(crowded), tuple(ids[:_EXAMPLES]))


def in_circles(preferences: Iterable[_Preference]) -> list[_Preference]:
    """The preferences on a circle (A over B over C over A) or between two: what is left when every answer that is
    only ever chosen, or only ever rejected, is taken away with its pairs, again and again."""
    left = [pair for pair in preferences if pair.chosen != pair.rejected]
    while True:
        both = {pair.chosen for pair in left} & {pair.rejected for pair in left}
        kept = [pair for pair in left if pair.chosen in both and pair.rejected in both]
        if len(kept) == len(left):
            return kept
        left = kept


def _length_bias(session: Session, scope: sa.Select[Any]) -> Check:
    longer = sa.case((sa.func.length(chosen) > sa.func.length(rejected), 1), else_=0)
    count, total = session.execute(
        scope.with_only_columns(sa.func.coalesce(sa.func.sum(longer), 0), sa.func.count())
    ).one()
    if not total:
        return Check("length_bias", 0, "No pair is accepted yet, so there is no length bias to measure.")
    lean = count / total - 0.5
    which = "Longer" if lean > 0 else "Shorter"
    told = f"{which} answers are preferred" if abs(lean) >= LEANING else "Neither length is preferred clearly"
    return Check("length_bias", count, f"{told}: the chosen answer is longer in {_share(count, total)}.")


def _shared_prompts(session: Session, scope: sa.Select[Any]) -> Check:
    prompt = [pairs.c.agent_id, pairs.c.prompt]
    ends = [of(pairs.c.prompt_group).over(partition_by=prompt) for of in (sa.func.min, sa.func.max)]
    grouped = scope.with_only_columns(pairs.c.id, ends[0].label("first"), ends[1].label("last")).subquery("grouped")
    shared = grouped.c.first != grouped.c.last
    count = session.scalar(sa.select(sa.func.count()).select_from(grouped).where(shared)) or 0
    found = sa.select(grouped.c.id).where(shared).order_by(grouped.c.id.desc()).limit(_EXAMPLES)
    ids = tuple(session.scalars(found)) if count else ()
    sentence = (
        f"{_n(count, 'has', 'have')} a prompt that stands in several groups; a freeze keeps those groups together."
        if count
        else "No prompt stands in several groups."
    )
    return Check("shared_prompts", count, sentence, ids)


def _one_origin(session: Session, scope: sa.Select[Any]) -> Check:
    by_origin = session.execute(
        scope.with_only_columns(pairs.c.origin, sa.func.count().label("n")).group_by(pairs.c.origin)
    ).all()
    if not by_origin:
        return Check("one_origin", 0, "No pair is accepted yet.")
    total = sum(row.n for row in by_origin)
    most = max(by_origin, key=lambda row: (row.n, row.origin))
    return Check("one_origin", most.n, f"The largest origin is {most.origin.value}, with {_share(most.n, total)}.")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _read_of(crowded: list[_Preference]) -> str:
    return f" Only the newest {_READ:,} pairs were read." if len(crowded) == _READ else ""


def _n(count: int, one: str = "has", many: str = "have") -> str:
    return f"1 pair {one}" if count == 1 else f"{count:,} pairs {many}"


def _share(count: int, total: int) -> str:
    """A percentage with its n; below 30 it would say more than is known."""
    return (
        f"{count} of {total} pairs"
        if total < 30
        else f"{count / total:.1%} of pairs (n = {total:,})".replace("%", " %")
    )
