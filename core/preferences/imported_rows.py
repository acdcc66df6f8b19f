"""Pairs, labels and verdicts of a file as rows of the staging tables, named by their content.

In: what the readers found. Out: rows, and a reason for each that cannot be one. Reads only: a verdict that names its
pair by an id is joined to the pair here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from core.feedback.fields import prompt_key
from core.feedback.records import Choice, ComparedPair, LooseVerdict, Reject, Staged, Verdict
from core.preferences.ledger import unusable
from core.preferences.pairs import Sides, content_key, sides
from core.tables import (
    STAGED_LABELS,
    STAGED_PAIRS,
    STAGED_VERDICTS,
    Import,
    LabelChoice,
    PairChoice,
    PairOrigin,
    PairStatus,
    Side,
    new_id,
)

_tables = SQLModel.metadata.tables
_pairs, _labels = _tables["preference_pairs"], _tables["pair_labels"]
_NOBODY = UUID(int=0)  # the pair of a staged label; publishing finds it by its content
_LOOKED_UP = 500  # ids in one statement
_STATUS = {
    "first": PairStatus.ACCEPTED,
    "second": PairStatus.ACCEPTED,
    "tie": PairStatus.NO_PREFERENCE,
    None: PairStatus.NEEDS_LABEL,
}


def stage(
    session: Session, row: Import, pairs: list[ComparedPair], verdicts: list[LooseVerdict]
) -> tuple[list[Staged], list[Reject]]:
    """Rows for the staging tables, and a reason for each pair or verdict that cannot be one. Reads only."""
    staged: list[Staged] = []
    rejects: list[Reject] = []
    for pair in pairs:
        if reason := unusable(pair.prompt, pair.first, pair.second):
            if not pair.first_id:  # of a tree's many pairs the ones that say nothing are only passed over
                rejects.append(Reject(pair.line, reason.value))
        else:
            staged += _rows(pair, row)
    known = _by_external_id(session, row.agent_id, {one.external_id for one in verdicts})
    for loose in verdicts:
        found = known.get(loose.external_id, [])
        key, first_side = found[0] if len(found) == 1 else ("", None)
        if first_side is not None:
            staged.append(_verdict_row(loose.line, 0, loose.verdict, key, first_side, row.created_at))
        else:
            rejects.append(Reject(loose.line, _not_found(loose.external_id, found)))
    return staged, rejects


def _rows(pair: ComparedPair, row: Import) -> Iterable[Staged]:
    lone = not pair.messages or pair.messages == [{"role": "user", "content": pair.prompt}]
    messages = None if lone else pair.messages
    key = content_key(pair.prompt, pair.first, pair.second, messages=messages)
    both = sides(key, pair.first, pair.second)
    first_side = both.side_of(pair.first)
    yield STAGED_PAIRS, _pair_row(pair, row, messages, key, both)
    for number, vote in enumerate(pair.votes):
        yield (
            STAGED_LABELS,
            {
                "line": pair.line,
                "item": pair.item + number,
                "id": new_id(),
                "pair_id": _NOBODY,
                "annotator": vote.annotator,
                "choice": _label(vote.choice, first_side),
                "left_side": first_side,  # the file's first answer is the one that was read first
                "shown_ms": 0,
                "strength": None,
                "is_current": True,
                "created_at": row.created_at,
                "content_key": key,
            },
        )
    for number, verdict in enumerate(pair.verdicts):
        yield _verdict_row(pair.line, pair.item + number, verdict, key, first_side, row.created_at)


def _pair_row(
    pair: ComparedPair, row: Import, messages: list[dict[str, str]] | None, key: str, both: Sides
) -> dict[str, Any]:
    first_on_a = both.side_of(pair.first) is Side.A
    ids = (pair.first_id, pair.second_id) if first_on_a else (pair.second_id, pair.first_id)
    better = {"first": pair.first, "second": pair.second}.get(pair.winner or "")
    return {
        "line": pair.line,
        "item": pair.item,
        "id": new_id(),
        "agent_id": row.agent_id,
        "prompt": pair.prompt,
        "messages": messages,
        "prompt_group": prompt_key(pair.prompt),
        "answer_a": both.answer_a,
        "answer_b": both.answer_b,
        "preferred": both.side_of(better) if better is not None else None,
        "status": _STATUS[pair.winner],
        "origin": PairOrigin.IMPORT,
        "reason": pair.reason,
        "margin": None,
        "content_key": key,
        "interaction_a_id": ids[0],
        "interaction_b_id": ids[1],
        "feedback_id": None,
        "learning_example_id": None,
        "external_id": pair.external_id or (key if pair.votes or pair.verdicts else None),
        "version": 0,
        "leased_by": None,
        "leased_until": None,
        "created_at": row.created_at,
    }


def _verdict_row(line: int, item: int, said: Verdict, key: str, first_side: Side, at: datetime) -> Staged:
    first_is_a = first_side is Side.A
    a_shown_first = (said.first_shown == "first") is first_is_a
    scores = (said.score_first, said.score_second) if first_is_a else (said.score_second, said.score_first)
    return STAGED_VERDICTS, {
        "line": line,
        "item": item,
        "id": new_id(),
        "pair_id": _NOBODY,
        "judge": said.judge,
        "prompt_version": said.prompt_version,
        "prompt_hash": "",
        "presentation_order": "AB" if a_shown_first else "BA",
        "repeat_index": said.repeat_index,
        "choice": None if said.choice is None else PairChoice(_label(said.choice, first_side).value),
        "unscored_reason": said.unscored_reason,
        "confidence": None,
        "score_a": scores[0],
        "score_b": scores[1],
        "reasoning": said.reasoning,
        "tokens_in": None,
        "tokens_out": None,
        "cost_usd": None,
        "latency_ms": None,
        "request_id": None,
        "raw_answer": said.raw_answer or None,
        "created_at": at,
        "content_key": key,
    }


def _label(choice: Choice, first_side: Side) -> LabelChoice:
    """A choice by the file's order of the answers, as one by the pair's sides."""
    if choice == "tie":
        return LabelChoice.TIE
    other = Side.B if first_side is Side.A else Side.A
    return LabelChoice((first_side if choice == "first" else other).value)


def _by_external_id(session: Session, agent_id: str, ids: set[str]) -> dict[str, list[tuple[str, Side | None]]]:
    """Id in the file → (content key, side of the file's first answer) of the agent's pairs that carry it.

    Which answer came first is known from the labels that came with the pair: the left one is the first. A pair that
    came twice, in both orders, has no side: a verdict is not turned round by a guess.
    """
    found: dict[str, list[tuple[str, Side | None]]] = defaultdict(list)
    wanted = sorted(ids)
    of_pair = (_labels.c.pair_id == _pairs.c.id, _labels.c.import_id.is_not(None))
    side_type = _labels.c.left_side.type
    first, last = (
        sa.select(end(_labels.c.left_side, type_=side_type)).where(*of_pair).scalar_subquery()
        for end in (sa.func.min, sa.func.max)
    )
    for start in range(0, len(wanted), _LOOKED_UP):
        query = sa.select(_pairs.c.external_id, _pairs.c.content_key, first, last).where(
            _pairs.c.agent_id == agent_id, _pairs.c.external_id.in_(wanted[start : start + _LOOKED_UP])
        )
        for external_id, key, side, other in session.execute(query):
            found[external_id].append((key, side if side == other else None))
    return found


def _not_found(external_id: str, found: list[tuple[str, Side | None]]) -> str:
    if not found:
        return f"pair {external_id} is not here; import its pairs first"
    if len(found) > 1:
        return f"{len(found)} pairs of this agent have the id {external_id}; import each set for an agent of its own"
    why = "came without labels or in both orders"
    return f"pair {external_id} {why}, so which of its answers was the first is not known"
