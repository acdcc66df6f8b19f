"""One pair at a time to a person, one answer back: leases, the blind order, the dwell guard, exactly one decision.

A pair is leased to the person it is shown to and comes back to all when the lease ends. An answer carries the
version of the pair that was seen, so of two people exactly one decides. Labels are appended, never edited: an undone
or superseded one stays as history. Call these within ``store.write()``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from core.errors import AlreadyDecided, InputRejected, NotFound
from core.preferences.pairs import Turns, advance, claim, conversation, decided_by, deciding_label
from core.tables import LabelChoice, PairLabel, PairStatus, PreferencePair, Side, now

_pairs = SQLModel.metadata.tables["preference_pairs"]
_labels = SQLModel.metadata.tables["pair_labels"]
_frozen = SQLModel.metadata.tables["dataset_pairs"]

UNDECIDED = "Nobody has compared these two answers yet."
_BECOMES = {
    LabelChoice.A: PairStatus.ACCEPTED,
    LabelChoice.B: PairStatus.ACCEPTED,
    LabelChoice.TIE: PairStatus.NO_PREFERENCE,
    LabelChoice.BOTH_BAD: PairStatus.NO_PREFERENCE,
}
_REASONS = {
    LabelChoice.A: "A person compared both answers and preferred the chosen one.",
    LabelChoice.B: "A person compared both answers and preferred the chosen one.",
    LabelChoice.TIE: "A person found both answers equally good.",
    LabelChoice.BOTH_BAD: "A person found both answers bad.",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A pair as one person sees it. ``left`` is the text of ``left_side``; nothing says who made which answer."""

    pair_id: UUID
    version: int
    prompt: str
    messages: Turns  # the whole conversation before the answer
    left: str
    right: str
    left_side: Side
    due: datetime  # until then nobody else is shown this pair

    def choice(self, *, left: bool) -> LabelChoice:
        """The side that a key for the left or the right answer means."""
        return LabelChoice.A if (self.left_side is Side.A) is left else LabelChoice.B


@dataclass(frozen=True, slots=True)
class Labelled:
    pair_id: UUID
    label_id: UUID
    choice: LabelChoice
    status: PairStatus
    version: int


@dataclass(frozen=True, slots=True)
class Undone:
    pair_id: UUID
    choice: LabelChoice  # what was taken back


@dataclass(frozen=True, slots=True)
class Progress:
    waiting: int  # pairs this person may still be shown
    labelled_by_me: int
    labelled: int  # by everybody
    skipped_by_me: int
    per_hour: float | None  # this person's pace in the last hour; None with fewer than two labels in it


def left_side(pair_id: UUID, annotator: str) -> Side:
    """Which answer stands on the left for this person: random over pairs, the same whenever it is asked."""
    digest = hashlib.sha256(f"{pair_id.hex}:{annotator}".encode()).digest()
    return Side.A if digest[0] % 2 == 0 else Side.B


def next_pair(
    session: Session,
    *,
    annotator: str,
    lease_s: float,
    skip_ids: Collection[UUID] = (),
    agent_id: str | None = None,
) -> Shown | None:
    """Lease the next pair to this person: one they undid, one they hold already, or the oldest that is free.

    Nobody is shown a pair they have labelled or skipped. None when nothing waits for them.
    """
    moment = now()
    row = session.execute(
        sa.update(_pairs)
        .where(_pairs.c.id == _oldest_free(annotator, moment, lease_s, skip_ids, agent_id))
        .values(leased_by=annotator, leased_until=moment + timedelta(seconds=lease_s))
        .returning(*(_pairs.c[name] for name in _SHOWN))
    ).first()
    return _shown(row, annotator) if row else None


_SHOWN = ("id", "version", "prompt", "messages", "answer_a", "answer_b", "leased_until")


def _oldest_free(
    annotator: str, moment: datetime, lease_s: float, skip_ids: Collection[UUID], agent_id: str | None
) -> sa.ScalarSelect[Any]:
    waiting = _pairs.alias("waiting")
    answered = sa.select(_labels.c.pair_id).where(_labels.c.annotator == annotator, _labels.c.is_current)
    undone = sa.select(_labels.c.pair_id).where(_labels.c.annotator == annotator, sa.not_(_labels.c.is_current))
    held = waiting.c.leased_by == annotator
    until = waiting.c.leased_until
    # A lease that lies further ahead than any is given comes from a clock that was set back: it is over.
    free = sa.or_(until.is_(None), until < moment, until > moment + timedelta(seconds=lease_s + 1), held)
    query = sa.select(waiting.c.id).where(
        waiting.c.status == PairStatus.NEEDS_LABEL, free, waiting.c.id.not_in(answered)
    )
    if skip_ids:
        query = query.where(waiting.c.id.not_in(list(skip_ids)))
    if agent_id is not None:
        query = query.where(waiting.c.agent_id == agent_id)
    order = (sa.case((waiting.c.id.in_(undone), 0), (held, 1), else_=2), waiting.c.id)  # ids grow with time
    return query.order_by(*order).limit(1).scalar_subquery()


def _shown(row: sa.Row[Any], annotator: str) -> Shown:
    left = left_side(row.id, annotator)
    answers = (row.answer_a, row.answer_b) if left is Side.A else (row.answer_b, row.answer_a)
    turns = conversation(row.prompt, row.messages)
    return Shown(row.id, row.version, row.prompt, turns, *answers, left_side=left, due=row.leased_until)


def apply_label(
    session: Session,
    pair_id: UUID,
    *,
    seen_version: int,
    choice: LabelChoice,
    left_side: Side,
    annotator: str,
    shown_ms: int,
    min_dwell_ms: int,
) -> Labelled:
    """Store one person's answer; unless it is a skip, it decides the pair.

    ``choice`` names a side of the pair (A or B), not of the screen. The same answer sent twice is stored once.
    Raises InputRejected when it came sooner than ``min_dwell_ms`` after the pair was shown, AlreadyDecided when
    somebody acted first, NotFound. Nothing is stored then.
    """
    if shown_ms < min_dwell_ms:
        raise InputRejected(
            f"That answer came too soon, {max(shown_ms, 0)} ms after the pair was shown; it was not stored. "
            f"Read both answers, then press the key again."
        )
    earlier = _current(session, pair_id, annotator)
    if earlier and earlier.choice is choice:
        return _labelled(_existing(session, pair_id), earlier)
    pair = claim(session, pair_id, seen_version=seen_version)
    if pair.status is not PairStatus.NEEDS_LABEL:
        raise AlreadyDecided("pair", pair_id, by=decided_by(session, pair_id))
    if earlier:  # a skip this person has thought better of
        earlier.is_current = False
        session.flush()
    label = PairLabel(pair_id=pair_id, annotator=annotator, choice=choice, left_side=left_side, shown_ms=shown_ms)
    session.add(label)
    if choice is not LabelChoice.SKIP:
        _decide(pair, choice)
    session.flush()
    return _labelled(pair, label)


def undo_last(session: Session, *, annotator: str) -> Undone | None:
    """Take back this person's newest label or skip; its pair waits again, first of all for them. None: there is none.

    Raises InputRejected when the pair has meanwhile been frozen into a dataset, or taken out.
    """
    label = session.scalars(
        sa.select(PairLabel)
        .where(_labels.c.annotator == annotator, _labels.c.is_current)
        .order_by(_labels.c.created_at.desc(), _labels.c.id.desc())
        .limit(1)
    ).first()
    if label is None:
        return None
    pair = _existing(session, label.pair_id, lock=True)
    # The pair may since have been reopened and decided by somebody else; that decision stays.
    if pair.status is not PairStatus.NEEDS_LABEL and deciding_label(session, pair.id) == label.id:
        _reopen(session, pair)
    label.is_current = False
    session.flush()
    return Undone(label.pair_id, label.choice)


def bring_back_skipped(session: Session, *, annotator: str) -> int:
    """Show this person the pairs they skipped again; how many. The skips stay as history."""
    skipped = (_labels.c.annotator == annotator, _labels.c.is_current, _labels.c.choice == LabelChoice.SKIP)
    taken_back = sa.update(_labels).where(*skipped).values(is_current=False).returning(_labels.c.id)
    return len(session.execute(taken_back).all())


def progress(session: Session, *, annotator: str, agent_id: str | None = None) -> Progress:
    """Where the labelling stands, and how fast this person is."""
    mine = sa.select(_labels.c.pair_id).where(_labels.c.annotator == annotator, _labels.c.is_current)
    waiting = sa.select(sa.func.count()).where(_pairs.c.status == PairStatus.NEEDS_LABEL, _pairs.c.id.not_in(mine))
    if agent_id is not None:
        waiting = waiting.where(_pairs.c.agent_id == agent_id)
    skips = _labels.c.choice == LabelChoice.SKIP
    own = _labels.c.annotator == annotator
    counts = session.execute(
        sa.select(
            sa.func.count().filter(own, sa.not_(skips)).label("mine"),
            sa.func.count().filter(sa.not_(skips)).label("everybody"),
            sa.func.count().filter(own, skips).label("skipped"),
        ).where(_labels.c.is_current)
    ).one()
    per_hour = _pace(session, annotator)
    return Progress(session.scalar(waiting) or 0, counts.mine, counts.everybody, counts.skipped, per_hour)


def _pace(session: Session, annotator: str) -> float | None:
    n, first, last = session.execute(
        sa.select(sa.func.count(), sa.func.min(_labels.c.created_at), sa.func.max(_labels.c.created_at)).where(
            _labels.c.annotator == annotator,
            _labels.c.is_current,
            _labels.c.choice != LabelChoice.SKIP,
            _labels.c.created_at >= now() - timedelta(hours=1),
        )
    ).one()
    return (n - 1) * 3600 / (last - first).total_seconds() if n > 1 and last > first else None


def _decide(pair: PreferencePair, choice: LabelChoice) -> None:
    to = _BECOMES[choice]
    pair.preferred = Side(choice.value) if to is PairStatus.ACCEPTED else None
    pair.reason = _REASONS[choice]
    advance(pair, to)


def _reopen(session: Session, pair: PreferencePair) -> None:
    if session.scalar(sa.select(_frozen.c.id).where(_frozen.c.pair_id == pair.id).limit(1)):
        raise InputRejected(
            "That pair is part of a frozen dataset, which never changes, so its label stays. "
            "Exclude the pair to keep it out of later datasets."
        )
    if pair.status is PairStatus.EXCLUDED:
        raise InputRejected("That pair was taken out after you labelled it; its label stays. Restore the pair first.")
    pair.preferred = None
    pair.reason = UNDECIDED
    advance(pair, PairStatus.NEEDS_LABEL)


def _current(session: Session, pair_id: UUID, annotator: str) -> PairLabel | None:
    return session.scalars(
        sa.select(PairLabel).where(_labels.c.pair_id == pair_id, _labels.c.annotator == annotator, _labels.c.is_current)
    ).first()


def _existing(session: Session, pair_id: UUID, *, lock: bool = False) -> PreferencePair:
    pair = session.get(PreferencePair, pair_id, with_for_update=lock or None, populate_existing=lock)
    if pair is None:
        raise NotFound("Pair", pair_id)
    return pair


def _labelled(pair: PreferencePair, label: PairLabel) -> Labelled:
    return Labelled(pair.id, label.id, label.choice, pair.status, pair.version)
