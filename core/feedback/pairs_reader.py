"""A row of a file as a preference pair, in the shapes such files have.

Prompt, chosen and rejected as texts; as lists of messages ({role, content}, with the prompt beside them or repeated in
both); or two whole "\\n\\nHuman: … \\n\\nAssistant: …" transcripts with a common beginning. Out: ``ComparedPair``,
cleaned and redacted. A row that is none of these raises InputRejected with the reason; nothing is guessed.
"""

from __future__ import annotations

import json
import re
from typing import Any

from core import untrusted
from core.errors import InputRejected
from core.feedback.fields import counted
from core.feedback.records import ComparedPair, Facts, Mapping, Row, Taken
from core.feedback.redaction import Redacted, redact

_PROMPT = ("prompt", "messages", "question", "instruction", "query", "input", "conversation")
_CHOSEN = ("chosen", "chosen_response", "preferred", "preferred_response", "accepted", "winner")
_REJECTED = ("rejected", "rejected_response", "dispreferred", "other_response", "refused", "loser")
_ROLES = frozenset({"system", "user", "assistant"})
_TURN = re.compile(r"\n\n(Human|Assistant):")
_LAST_ANSWER = "\n\nAssistant:"

ID_LIMIT = 200

Message = dict[str, str]


def suggest_pairs(columns: list[str]) -> Mapping | None:
    """The mapping when two columns are called what chosen and rejected answers are called, else None."""
    by_name = {column.casefold().replace(" ", "_"): column for column in reversed(columns)}
    prompt, chosen, rejected = (
        next((by_name[name] for name in names if name in by_name), None) for names in (_PROMPT, _CHOSEN, _REJECTED)
    )
    return Mapping("pairs", prompt=prompt, chosen=chosen, rejected=rejected) if chosen and rejected else None


def read_pair(row: Row, facts: Facts) -> Taken:
    """The pair and what was redacted in it. Raises InputRejected, whose message is the reason for the report."""
    mapping = facts.mapping
    prompt, chosen, rejected = (_value(row, name) for name in (mapping.prompt, mapping.chosen, mapping.rejected))
    for name, value in (("chosen", chosen), ("rejected", rejected)):
        if value is None:
            raise InputRejected(f"has no {name} answer")
        if not isinstance(value, (str, list)):
            raise InputRejected(f"{name} is neither text nor a list of messages")
    conversation, better, worse = _split(prompt, chosen, rejected)
    return _pair(row, conversation, better, worse, facts)


def _value(row: Row, column: str | None) -> Any:
    """The cell; text that is a JSON list of messages (as CSV files hold them) is that list."""
    value = row.cells.get(column) if column else None
    if isinstance(value, str) and value.lstrip().startswith("[{"):
        try:
            parsed = json.loads(value)
        except (ValueError, RecursionError):
            return value
        if all(isinstance(item, dict) and {"role", "content"} <= item.keys() for item in parsed):
            return parsed
    return None if value == "" else value


def _split(prompt: Any, chosen: Any, rejected: Any) -> tuple[list[Message], str, str]:
    """(the conversation before the answer, the better answer, the worse one), whichever shape the row has."""
    if isinstance(chosen, list) != isinstance(rejected, list):
        raise InputRejected("one answer is a text and the other a list of messages")
    if isinstance(chosen, list):
        return _from_messages(_opening(prompt), _messages(chosen), _messages(rejected))
    if _is_transcript(chosen) and _is_transcript(rejected):
        return _from_transcripts(chosen, rejected)
    conversation = _opening(prompt)
    if not conversation:
        raise InputRejected("has no prompt, and the answers are no transcripts")
    return conversation, chosen, rejected


def _opening(prompt: Any) -> list[Message]:
    """The prompt's own messages: none, one of the user, or a conversation."""
    if prompt is None:
        return []
    if isinstance(prompt, list):
        return _messages(prompt)
    if not isinstance(prompt, str):
        raise InputRejected("the prompt is neither text nor a list of messages")
    if _is_transcript(prompt):
        return [turn for turn in _turns(prompt) if turn["content"].strip()]
    return [{"role": "user", "content": prompt}]


def _from_messages(opening: list[Message], chosen: list[Message], rejected: list[Message]) -> tuple[Any, str, str]:
    context, better = _last_answer(chosen)
    other, worse = _last_answer(rejected)
    if context != other:
        raise InputRejected("the two conversations differ before the last answer")
    repeated = opening and (context[: len(opening)] == opening or opening[-1] in context)
    return (context if repeated else opening + context), better, worse


def _last_answer(messages: list[Message]) -> tuple[list[Message], str]:
    end = len(messages)
    while end and messages[end - 1]["role"] == "assistant":
        end -= 1
    return messages[:end], "\n\n".join(message["content"] for message in messages[end:])


def _messages(items: list[Any]) -> list[Message]:
    messages = []
    for item in items:
        if not isinstance(item, dict) or item.get("role") not in _ROLES:
            role = item.get("role") if isinstance(item, dict) else None
            raise InputRejected(f"has a message of role {str(role)[:40]!r}; system, user and assistant are read")
        messages.append({"role": item["role"], "content": _content(item.get("content"))})
    return messages


def _content(content: Any) -> str:
    """A message's text; content in parts is joined when every part is text."""
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    said = [text for text in texts if isinstance(text, str)]
    if len(said) != len(texts):
        raise InputRejected("has a message that is not text")
    return "\n\n".join(said)


def _is_transcript(text: str) -> bool:
    return text.lstrip().startswith("Human:") and _LAST_ANSWER in text


def _from_transcripts(chosen: str, rejected: str) -> tuple[list[Message], str, str]:
    before, _, better = chosen.rpartition(_LAST_ANSWER)
    other, _, worse = rejected.rpartition(_LAST_ANSWER)
    if before.strip() != other.strip():
        raise InputRejected("the two transcripts differ before the last answer")
    return _turns(before), better, worse


def _turns(transcript: str) -> list[Message]:
    _, *parts = _TURN.split("\n\n" + transcript.lstrip())
    roles = {"Human": "user", "Assistant": "assistant"}
    return [{"role": roles[speaker], "content": said} for speaker, said in zip(parts[::2], parts[1::2], strict=True)]


# -- the pair -----------------------------------------------------------------------------------------------------


def _pair(row: Row, conversation: list[Message], better: str, worse: str, facts: Facts) -> Taken:
    said = [(message["role"], cleaned(message["content"], "the prompt")) for message in conversation]
    chosen, rejected = cleaned(better, "chosen"), cleaned(worse, "rejected")
    for name, answer in (("chosen", chosen), ("rejected", rejected)):
        if not answer.text:
            raise InputRejected(f"the last answer of {name} is empty")
    messages = _merged(said)
    begun = messages.pop()["content"] + "\n\n" if messages and messages[-1]["role"] == "assistant" else ""
    if not messages or messages[-1]["role"] != "user":
        raise InputRejected("has no prompt: the conversation holds no user's turn before the answer")
    if chosen.text == rejected.text:
        raise InputRejected("chosen and rejected are the same")
    prompt, turns = as_prompt(messages)
    pair = ComparedPair(
        line=row.line,
        item=0,
        prompt=prompt,
        messages=turns,
        # An assistant's turn right before the answer is the beginning of the answer: both sides share it.
        first=begun + chosen.text,
        second=begun + rejected.text,
        winner="first",
        reason="The imported file prefers the chosen answer.",
        external_id=row_id(row, facts.mapping),
    )
    shown = {"prompt": prompt, "chosen": pair.first, "rejected": pair.second}
    return Taken(pairs=(pair,), pii=counted(*(text for _, text in said), chosen, rejected), shown=shown)


def as_prompt(messages: list[Message]) -> tuple[str, list[Message] | None]:
    """A conversation as one text, and as messages when it is more than one turn. Raises InputRejected when too long."""
    single = len(messages) == 1
    prompt = messages[0]["content"] if single else as_text(messages)
    if len(prompt) > untrusted.MAX_TEXT:
        raise InputRejected(f"the prompt has {len(prompt):,} characters; at most {untrusted.MAX_TEXT:,} are taken")
    return prompt, None if single else messages


def row_id(row: Row, mapping: Mapping) -> str | None:
    """The row's own id as rows are found by it; None when it has none, or one too long to be one."""
    value = row.cells.get(mapping.row_id) if mapping.row_id else None
    if value is None or isinstance(value, (bool, list, dict)) or len(str(value)) > ID_LIMIT:
        return None
    return untrusted.clean(str(value), limit=ID_LIMIT) or None


def as_text(messages: list[Message]) -> str:
    """A conversation as one text, a turn a paragraph."""
    return "\n\n".join(f"{message['role'].capitalize()}: {message['content']}" for message in messages)


def _merged(said: list[tuple[str, Redacted]]) -> list[Message]:
    """Without empty turns, and with turns of one speaker in a row made one: chat templates want them to alternate."""
    messages: list[Message] = []
    for role, text in said:
        if not text.text:
            continue
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"] += "\n\n" + text.text
        else:
            messages.append({"role": role, "content": text.text})
    return messages


def cleaned(text: str, name: str) -> Redacted:
    """A text of the row, cleaned and redacted. Raises InputRejected that says which text it was."""
    try:
        return redact(untrusted.clean(text))
    except InputRejected as error:
        raise InputRejected(f"{name}: {error}") from error
