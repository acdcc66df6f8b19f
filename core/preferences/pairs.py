"""What a preference pair is: its identity, its two sides, and the one way its state changes.

A pair's identity is its content, whichever way round the answers come, so mining or importing the same material
twice finds the pair again. Which answer stands on side A follows from the content too: A says nothing about
who is preferred. Nothing here decides a preference.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from core.errors import AlreadyDecided, InvalidTransition, NotFound
from core.tables import PAIR_TRANSITIONS, LabelChoice, PairStatus, PreferencePair, Side

Turns = list[dict[str, str]]

_pairs = SQLModel.metadata.tables["preference_pairs"]
_labels = SQLModel.metadata.tables["pair_labels"]


class Sides(NamedTuple):
    """The two answers as they stand in the table."""

    answer_a: str
    answer_b: str

    def side_of(self, answer: str) -> Side:
        return Side.A if answer == self.answer_a else Side.B


def normalised(text: str) -> str:
    """The text without its case and spacing: two texts that differ in nothing else count as the same."""
    return " ".join(text.casefold().split())


def conversation(prompt: str, messages: list[Any] | None) -> Turns:
    """The turns before the answer; a lone prompt is one turn of the user."""
    return list(messages) if messages else [{"role": "user", "content": prompt}]


def context(prompt: str, messages: list[Any] | None) -> str:
    """Everything the answer answers, normalised: pairs whose contexts are equal are about one prompt."""
    turns = conversation(prompt, messages)
    if len(turns) == 1:
        return normalised(turns[0]["content"])
    return json.dumps([[turn["role"], normalised(turn["content"])] for turn in turns], ensure_ascii=False)


def content_key(prompt: str, one: str, other: str, *, messages: list[Any] | None = None) -> str:
    """sha256 of the prompt and both answers, the same whichever answer comes first.

    The answers enter whole and as they are; the prompt whole, without its case and spacing, because answers to
    one prompt are compared even where it was typed differently. Every part carries its length, so that no text
    can be shifted from one part into the next.
    """
    digest = hashlib.sha256()
    for part in (context(prompt, messages), *sorted((one, other))):
        data = part.encode()
        digest.update(f"{len(data)}:".encode())
        digest.update(data)
    return digest.hexdigest()


def sides(key: str, one: str, other: str) -> Sides:
    """Put two answers on their sides. The parity of the content's key decides, so A is chosen about half the time."""
    first, second = sorted((one, other))
    return Sides(first, second) if int(key[-1], 16) % 2 == 0 else Sides(second, first)


def claim(session: Session, pair_id: UUID, *, seen_version: int) -> PreferencePair:
    """Hold the row for this transaction if it still is as it was seen; its lease ends.

    One guarded UPDATE, so of two people acting on the same version exactly one gets the row, on every database.
    Raises NotFound, or AlreadyDecided naming who acted in between.
    """
    held = session.execute(
        sa.update(_pairs)
        .where(_pairs.c.id == pair_id, _pairs.c.version == seen_version)
        .values(leased_by=None, leased_until=None)
        .returning(_pairs.c.id)
    ).first()
    pair = session.get(PreferencePair, pair_id, populate_existing=True)
    if pair is None:
        raise NotFound("Pair", pair_id)
    if held is None:
        raise AlreadyDecided("pair", pair_id, by=decided_by(session, pair_id))
    return pair


def advance(pair: PreferencePair, to: PairStatus) -> PreferencePair:
    """Move the pair to ``to``; its version grows and its lease ends. Raises InvalidTransition."""
    if to not in PAIR_TRANSITIONS[pair.status]:
        raise InvalidTransition("pair", pair.id, was=pair.status.value, to=to.value)
    pair.status = to
    pair.version += 1
    pair.leased_by = pair.leased_until = None
    return pair


def decided_by(session: Session, pair_id: UUID) -> str | None:
    """The annotator whose label decided the pair; None when no person's label did."""
    annotator: str | None = session.scalar(_deciding(pair_id, _labels.c.annotator))
    return annotator


def deciding_label(session: Session, pair_id: UUID) -> UUID | None:
    """The id of the label that decided the pair."""
    label_id: UUID | None = session.scalar(_deciding(pair_id, _labels.c.id))
    return label_id


def _deciding(pair_id: UUID, column: sa.Column[Any]) -> sa.Select[Any]:
    return (
        sa.select(column)
        .where(_labels.c.pair_id == pair_id, _labels.c.is_current, _labels.c.choice != LabelChoice.SKIP)
        .order_by(_labels.c.created_at.desc(), _labels.c.id.desc())
        .limit(1)
    )
