"""A tree of messages, as people wrote and ranked them: answers, thumbs, and pairs of answers to one message.

In: a row that holds the first message with its nested replies (role, text, rank, emojis). Out: an interaction for every
assistant's message, feedback for every thumb, and a pair for two ranked replies to the same message, the better rank
preferred. What was deleted or found to be spam is left out with everything below it, and the row says so.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations
from typing import Any
from uuid import UUID

from core import untrusted
from core.errors import InputRejected
from core.feedback.dates import as_date
from core.feedback.fields import plain, prompt_key
from core.feedback.formats import Table
from core.feedback.pairs_reader import Message, as_prompt, cleaned
from core.feedback.payload import payload
from core.feedback.records import ComparedPair, Facts, Mapping, Row, Staged, Taken
from core.feedback.staged_rows import interaction_id, staged_feedback, staged_interaction
from core.tables import FeedbackKind, MessageFeedbackType

PAIRS_A_PROMPT = 10  # rules section 7
_MOST_MESSAGES = 5_000  # of one tree
_MOST_THUMBS = 50  # of a kind, of one message
_ROLES = {"prompter": "user", "user": "user", "assistant": "assistant", "system": "system"}
_THUMBS = (
    ("+1", "up", MessageFeedbackType.THUMBS_UP, True),
    ("-1", "down", MessageFeedbackType.THUMBS_DOWN, False),
)
_ABORTED = frozenset({"aborted_low_grade", "halted_by_moderator"})
_NOT_RAW = frozenset({"replies", "text", "content"})
_IDS = ("message_tree_id", "tree_id", "conversation_id", "id")


def suggest_trees(table: Table) -> Mapping | None:
    """The mapping when a column holds messages with replies below them, else None."""
    names = {column.casefold(): column for column in reversed(table.columns)}
    for column in table.columns:
        given = [row.cells.get(column) for row in table.rows[:50]]
        if given and all(isinstance(value, dict) and "replies" in value for value in given):
            return Mapping("trees", tree=column, row_id=next((names[name] for name in _IDS if name in names), None))
    return None


@dataclass
class _Reading:
    """What one tree has given so far."""

    line: int
    facts: Facts
    conversation_id: str
    rows: list[Staged] = field(default_factory=list)
    pairs: list[ComparedPair] = field(default_factory=list)
    pii: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    messages: int = 0


@dataclass(frozen=True)
class _Node:
    """One message and the conversation that led to it; ``turn`` is its own."""

    message: dict[str, Any]
    before: tuple[Message, ...]
    turn: Message
    counts: dict[str, int]


def read_tree(row: Row, facts: Facts) -> Taken:
    """Every answer, thumb and pair of a tree. Raises InputRejected when nothing of it can be used."""
    root = row.cells.get(facts.mapping.tree or "")
    if not isinstance(root, dict):
        raise InputRejected("holds no message with replies")
    state = row.cells.get("tree_state")
    if state in _ABORTED:
        raise InputRejected(f"the tree was given up ({state})")
    reading = _Reading(row.line, facts, _id(row.cells.get(facts.mapping.row_id or "") or root.get("message_id")))
    for parent, replies in _walked(reading, root):
        answers = [(reply, _answer(reading, parent, reply)) for reply in replies if reply.turn["role"] == "assistant"]
        _compare(reading, parent, [(reply, own) for reply, own in answers if own is not None])
    if not reading.rows:
        raise InputRejected(_left_out(reading) or "holds no answer of an assistant")
    shown = {"conversation": reading.conversation_id, "messages": reading.messages, "pairs": len(reading.pairs)}
    return Taken(tuple(reading.rows), tuple(reading.pairs), pii=reading.pii, partly=_left_out(reading), shown=shown)


def _walked(reading: _Reading, root: dict[str, Any]) -> Iterator[tuple[_Node, list[_Node]]]:
    """Every message that can be used, with the replies to it that can be used, parents first."""
    first = _node(reading, root, ())
    waiting = [first] if first else []
    while waiting:
        parent = waiting.pop(0)
        replies = parent.message.get("replies")
        conversation = (*parent.before, parent.turn)
        given = [reply for reply in replies if isinstance(reply, dict)] if isinstance(replies, list) else []
        nodes = [node for reply in given if (node := _node(reading, reply, conversation))]
        yield parent, nodes
        waiting += nodes


def _node(reading: _Reading, message: dict[str, Any], before: tuple[Message, ...]) -> _Node | None:
    """The message, cleaned and redacted; None, with the reason counted, when it is left out."""
    reading.messages += 1
    if reason := _unusable(reading, message):
        reading.left_out[reason] += 1
        return None
    try:
        said = cleaned(message.get("text"), "the text")  # type: ignore[arg-type]
    except InputRejected:
        reading.left_out["no text, or one too long"] += 1
        return None
    if not said.text:
        reading.left_out["no text, or one too long"] += 1
        return None
    return _Node(message, before, {"role": _ROLES[message["role"]], "content": said.text}, said.counts)


def _unusable(reading: _Reading, message: dict[str, Any]) -> str | None:
    role = message.get("role")
    if reading.messages > _MOST_MESSAGES:
        return f"behind the first {_MOST_MESSAGES:,} of the tree"
    if message.get("deleted") is True:
        return "deleted"
    if message.get("review_result") is False or _spam(message):
        return "spam"
    return None if isinstance(role, str) and role in _ROLES else "of an unknown role"


def _spam(message: dict[str, Any]) -> bool:
    """Reviewers put a share on every label; half of them saying spam is spam."""
    labels = message.get("labels")
    said = labels.get("spam") if isinstance(labels, dict) else None
    value = said.get("value") if isinstance(said, dict) else None
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0.5


def _answer(reading: _Reading, parent: _Node, reply: _Node) -> UUID | None:
    """The interaction that asked ``parent`` and got ``reply``; None when nobody asked."""
    if parent.turn["role"] != "user":
        reading.left_out["an answer to no question"] += 1
        return None
    facts = reading.facts
    try:
        external = plain(reply.message.get("message_id") or _made_up(parent, reply), "message_id", limit=200)
    except InputRejected:
        external = _made_up(parent, reply)
    own = interaction_id(facts.agent_id, external)
    asked, turns = parent.turn["content"], [*parent.before, parent.turn]
    told = {name: value for name, value in reply.message.items() if name not in _NOT_RAW}
    counts = Counter(parent.counts) + Counter(reply.counts)
    at = _when(reply.message.get("created_date"), facts.at)
    reading.pii += counts
    reading.rows.append(
        staged_interaction(
            reading.line,
            len(reading.rows),
            agent_id=facts.agent_id,
            external_id=external,
            conversation_id=reading.conversation_id,
            prompt=asked,
            response=reply.turn["content"],
            prompt_group=_group(turns),
            pii=dict(counts),
            raw=payload(told),
            created_at=at,
        )
    )
    _thumbs(reading, reply.message.get("emojis"), own, external, at)
    return own


def _thumbs(reading: _Reading, emojis: Any, interaction: UUID, external: str, at: datetime) -> None:
    """A row for every thumb. Who gave it is not told: they are numbered, so that each counts as one person."""
    if not isinstance(emojis, dict):
        return
    for emoji, word, kind, helpful in _THUMBS:
        count = emojis.get(emoji)
        count = count if isinstance(count, int) and not isinstance(count, bool) else 0
        for number in range(1, min(count, _MOST_THUMBS) + 1):
            told = json.dumps(["thumb", reading.facts.agent_id, external, emoji, number])
            reading.rows.append(
                staged_feedback(
                    reading.line,
                    item=len(reading.rows),
                    kind=FeedbackKind.CHAT_MESSAGE,
                    agent_id=reading.facts.agent_id,
                    interaction=interaction,
                    user_id=f"anonymous {word} {number}",
                    feedback_type=kind,
                    helpful=helpful,
                    dedupe_key=hashlib.sha256(told.encode()).hexdigest(),
                    created_at=at,
                )
            )


def _compare(reading: _Reading, parent: _Node, answers: list[tuple[_Node, UUID]]) -> None:
    """At most ten pairs of replies that people ranked differently, the best against the rest first."""
    ranked = [(rank, node, own) for node, own in answers if (rank := _rank(node.message)) is not None]
    ranked.sort(key=lambda entry: entry[0])
    try:
        prompt, messages = as_prompt([*parent.before, parent.turn])
    except InputRejected:
        return
    taken = 0
    for (better, one, one_id), (worse, other, other_id) in combinations(ranked, 2):
        if taken == PAIRS_A_PROMPT:
            return
        if better == worse or one.turn["content"] == other.turn["content"]:
            continue
        taken += 1
        reading.pairs.append(
            ComparedPair(
                line=reading.line,
                item=len(reading.pairs),
                prompt=prompt,
                messages=messages,
                first=one.turn["content"],
                second=other.turn["content"],
                winner="first",
                reason=f"People ranked the chosen answer {better + 1} and the other {worse + 1}.",
                first_id=one_id,
                second_id=other_id,
            )
        )


def _rank(message: dict[str, Any]) -> int | None:
    rank = message.get("rank")
    return rank if isinstance(rank, int) and not isinstance(rank, bool) and 0 <= rank < 10_000 else None


def _group(turns: list[Message]) -> str:
    """Answers to one conversation must not be split apart."""
    try:
        return prompt_key(as_prompt(turns)[0])
    except InputRejected:
        return prompt_key(turns[-1]["content"])


def _made_up(parent: _Node, reply: _Node) -> str:
    """An id for a message that brings none: the same whenever it comes again."""
    told = json.dumps([[turn["content"] for turn in parent.before], parent.turn["content"], reply.turn["content"]])
    return hashlib.sha256(told.encode()).hexdigest()


def _id(value: Any) -> str:
    told = value if isinstance(value, str) else json.dumps(value, default=str)
    text = untrusted.clean(told[:200], limit=600)[:200]
    return text or "unnamed"


def _when(value: Any, at: datetime) -> datetime:
    return (as_date(value, "day first") if isinstance(value, str) else None) or at


def _left_out(reading: _Reading) -> str | None:
    if not reading.left_out:
        return None
    total = reading.left_out.total()
    told = ", ".join(f"{count:,} {reason}" for reason, count in reading.left_out.most_common())
    return f"{total:,} of its messages and all replies to them are left out: {told}"


def tree_notes(table: Table, mapping: Mapping) -> list[str]:
    """What was decided, in words."""
    return [
        f'Conversations are read from "{mapping.tree}": every answer of the assistant becomes an interaction.',
        "+1 and -1 are stored as thumbs, at most 50 of a kind for an answer, each of a numbered anonymous person.",
        f"Replies that people ranked differently become pairs, at most {PAIRS_A_PROMPT} for one message.",
        "Deleted messages and spam are left out, with all replies to them.",
    ]
