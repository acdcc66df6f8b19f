"""A row with two answers and what people, or a judge, chose: a pair, a label an annotator, a verdict an order.

Choices are 1 and 2 by the file's order of the answers, 0 or "tie" for neither; they are not turned into sides here.
The majority of the annotators decides the pair; a majority of ties is no preference; without a majority it waits.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from core.errors import InputRejected
from core.feedback.fields import counted
from core.feedback.formats import Table
from core.feedback.pairs_reader import as_prompt, cleaned, row_id
from core.feedback.records import Choice, ComparedPair, Facts, Mapping, Row, Taken, Vote
from core.feedback.redaction import Redacted
from core.feedback.verdicts_reader import judge_of, read_results

_PROMPT = ("instruction", "prompt", "question", "query", "input")
_ANSWERS = tuple(
    (f"{name}{gap}{one}", f"{name}{gap}{two}")
    for name in ("response", "output", "answer", "completion", "model_output", "reply")
    for gap in ("", "_")
    for one, two in (("1", "2"), ("a", "b"))
)
_ANNOTATOR = re.compile(r"(?:annotator|rater|labell?er|human|expert)[ _-]?\w{0,20}|label|preference|human_label|winner")
_FIRST = frozenset({"1", "1.0", "a", "first", "left", "model_a", "response1", "response_1", "output_1", "output_a"})
_SECOND = frozenset({"2", "2.0", "b", "second", "right", "model_b", "response2", "response_2", "output_2", "output_b"})
_TIE = frozenset({"0", "0.0", "tie", "both", "equal", "draw", "neither", "tie (bothbad)"})
_ID = ("idx", "id", "index", "pair_id", "uid", "question_id")
_MOST_ANNOTATORS = 50


def suggest_judged(table: Table, filename: str) -> Mapping | None:
    """The mapping when two columns are called like two answers to one question, else None."""
    names = {column.casefold().replace(" ", "_"): column for column in reversed(table.columns)}
    both = next(((names[one], names[two]) for one, two in _ANSWERS if one in names and two in names), None)
    prompt = next((names[name] for name in _PROMPT if name in names), None)
    if both is None or prompt is None:
        return None
    more = names.get("input") if prompt != names.get("input") else None
    people = [column for column in table.columns if column not in both and _is_annotator(table, column)]
    judged = names.get("results") or names.get("evaluations")
    judge, version = judge_of(filename) if judged else (None, None)
    return Mapping(
        "judged",
        prompt=prompt,
        input=more,
        first=both[0],
        second=both[1],
        annotators=tuple(people[:_MOST_ANNOTATORS]),
        row_id=next((names[name] for name in _ID if name in names), None),
        results=judged,
        judge=judge,
        prompt_version=version,
    )


def read_judged(row: Row, facts: Facts) -> Taken:
    """The pair with its labels and verdicts. Raises InputRejected, whose message is the reason for the report."""
    mapping = facts.mapping
    parts = [_text(row, column, "the prompt") for column in (mapping.prompt, mapping.input)]
    first, second = (_text(row, column, f'"{column}"') for column in (mapping.first, mapping.second))
    prompt, _ = as_prompt([{"role": "user", "content": "\n\n".join(part.text for part in parts if part.text)}])
    if not prompt:
        raise InputRejected("has no prompt")
    for column, answer in ((mapping.first, first), (mapping.second, second)):
        if not answer.text:
            raise InputRejected(f'"{column}" is empty')
    if first.text == second.text:
        raise InputRejected("both answers are the same")
    votes = tuple(_votes(row, mapping))
    verdicts, found = read_results(row, mapping)
    winner, reason = _majority(votes)
    pair = ComparedPair(
        line=row.line,
        item=0,
        prompt=prompt,
        messages=None,
        first=first.text,
        second=second.text,
        winner=winner,
        reason=reason,
        external_id=row_id(row, mapping),
        votes=votes,
        verdicts=verdicts,
    )
    shown = {"prompt": prompt, "first": first.text, "second": second.text, "preferred": winner or "nobody knows"}
    return Taken(pairs=(pair,), pii=counted(*parts, first, second, found), shown=shown)


def choice_of(value: Any) -> Choice | None:
    """What a cell chose, by the file's order of the answers; None when it says nothing that is known."""
    said = "" if value is None or isinstance(value, (bool, list, dict)) else str(value)[:40].strip().casefold()
    for words, choice in ((_FIRST, "first"), (_SECOND, "second"), (_TIE, "tie")):
        if said in words:
            return choice  # type: ignore[return-value]
    return None


def _votes(row: Row, mapping: Mapping) -> list[Vote]:
    votes = []
    for column in mapping.annotators:
        value = row.cells.get(column)
        if value is None or value == "":
            continue
        choice = choice_of(value)
        if choice is None:
            raise InputRejected(f'"{column}" is {str(value)[:40]!r}; a choice is 1, 2, or 0 for a tie')
        votes.append(Vote(column, choice))
    return votes


def _majority(votes: tuple[Vote, ...]) -> tuple[Choice | None, str]:
    """(what more than half of the annotators chose or None, why in words)."""
    counts = Counter(vote.choice for vote in votes)
    choice, most = counts.most_common(1)[0] if counts else (None, 0)
    if choice is None:
        return None, "The imported file says nothing of which answer is better."
    if 2 * most <= len(votes):
        return None, f"The {len(votes)} annotators of the imported file do not agree."
    people = f"{most} of {len(votes)} annotators" if len(votes) > 1 else "The annotator"
    if choice == "tie":
        return choice, f"{people} of the imported file found both answers equally good."
    return choice, f"{people} of the imported file preferred the chosen answer."


def _text(row: Row, column: str | None, name: str) -> Redacted:
    """A cell as text. Numbers and true or false are texts that a program took for values."""
    value = row.cells.get(column) if column else None
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, int) and value.bit_length() > 4096:
        raise InputRejected(f"{name} is a number too large to read")
    if value is None or isinstance(value, str | int | float):
        return cleaned("" if value is None else str(value), name)
    raise InputRejected(f"{name} is neither text nor a number")


def _is_annotator(table: Table, column: str) -> bool:
    if not _ANNOTATOR.fullmatch(column.casefold().strip()):
        return False
    step = max(1, len(table.rows) // 200)
    given = [row.cells.get(column) for row in table.rows[::step]]
    given = [value for value in given if value not in (None, "")]
    return bool(given) and sum(choice_of(value) is not None for value in given) >= len(given) * 0.9


def judged_notes(table: Table, mapping: Mapping) -> list[str]:
    """What was decided, in words."""
    below = f' with "{mapping.input}" below it' if mapping.input else ""
    notes = [
        f'The prompt is read from "{mapping.prompt}"{below}, the answers from "{mapping.first}" and "{mapping.second}".'
    ]
    if mapping.annotators:
        many = len(mapping.annotators)
        named = ", ".join(f'"{column}"' for column in mapping.annotators[:5]) + (" …" if many > 5 else "")
        notes.append(
            f"Labels are read from {named}: 1 and 2 name an answer, 0 is a tie. Their majority decides the pair."
        )
    else:
        notes.append("No column says which answer people prefer: the pairs wait for a label.")
    if mapping.results:
        notes.append(
            f'Verdicts in both orders are read from "{mapping.results}" as those of the judge "{mapping.judge}".'
        )
    if mapping.row_id:
        notes.append(f'"{mapping.row_id}" is kept as the id of each pair: verdicts of the same set find it by that.')
    return notes
