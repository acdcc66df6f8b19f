"""What a judge said of pairs, as published judge files hold it.

Two shapes: a row a pair with the verdict, its reason and a reference answer, where only an id names the pair; and a
list of results beside the pair itself, the same two answers shown in both orders. What cannot be read as a choice is
stored as unscored with the reason, never guessed at. Choices are by the file's own order of the answers.
"""

from __future__ import annotations

import json
import re
from typing import Any, Literal

from core import untrusted
from core.errors import InputRejected
from core.feedback.fields import counted
from core.feedback.formats import Table
from core.feedback.pairs_reader import cleaned, row_id
from core.feedback.records import Choice, Facts, LooseVerdict, Mapping, Row, Taken, Verdict
from core.feedback.redaction import Redacted, redact

VERSION = "imported"
_JUDGE_LIMIT, _VERSION_LIMIT, _REASON_LIMIT = 100, 40, 200
_MOST_RESULTS = 20
_VERDICT = re.compile(r"(?:(.*)_)?(?:result|verdict|winner|choice)")
_ORDERS: tuple[tuple[str, Literal["first", "second"]], ...] = (("swap = False", "first"), ("swap = True", "second"))
_READ: dict[str, Choice] = {"1": "first", "2": "second", "0": "tie", "tie": "tie", "draw": "tie"}
_IDS = ("idx", "id", "index", "pair_id", "uid")


def judge_of(filename: str) -> tuple[str, str]:
    """(judge, prompt version) as the file's name tells them: "set__GPT-4__CoT.json", "judge_pandalm-7b.json"."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    stem = re.sub(r"(?i)\.(?:gz|jsonl?|ndjson|csv|tsv|parquet)\b", "", name)
    parts = [part for part in untrusted.clean(stem[:200], limit=600).split("__") if part]
    if len(parts) >= 3:
        return parts[-2][:_JUDGE_LIMIT], parts[-1][:_VERSION_LIMIT]
    last = parts[-1] if parts else ""
    return (re.sub(r"(?i)^judge[ _-]+", "", last) or "unnamed judge")[:_JUDGE_LIMIT], VERSION


def suggest_verdicts(table: Table, filename: str) -> Mapping | None:
    """The mapping when there are an id and a column of results with its reasons, and no answers beside them."""
    names = {column.casefold().replace(" ", "_"): column for column in reversed(table.columns)}
    row = next((names[name] for name in _IDS if name in names), None)
    found = next(
        ((match[1] or "", column) for name, column in names.items() if (match := _VERDICT.fullmatch(name))), None
    )
    if row is None or found is None:
        return None
    start = f"{found[0]}_" if found[0] else ""
    judge, version = judge_of(filename)
    return Mapping(
        "verdicts",
        row_id=row,
        verdict=found[1],
        reasoning=next(
            (names[start + name] for name in ("reason", "reasoning", "explanation") if start + name in names), None
        ),
        reference=names.get(start + "reference"),
        judge=judge,
        prompt_version=version,
    )


def read_verdict(row: Row, facts: Facts) -> Taken:
    """One verdict on a pair named by its id. Raises InputRejected with the reason."""
    mapping = facts.mapping
    pair_id = row_id(row, mapping)
    if pair_id is None:
        raise InputRejected(f'"{mapping.row_id}" names no pair')
    said, reasoning, reference = (
        _said(row.cells.get(column) if column else None, column or "")
        for column in (mapping.verdict, mapping.reasoning, mapping.reference)
    )
    raw = {"verdict": said.text, "reasoning": reasoning.text, "reference": reference.text}
    choice = _READ.get(said.text.casefold())
    verdict = Verdict(
        judge=_judge(mapping),
        prompt_version=mapping.prompt_version or VERSION,
        first_shown="first",
        choice=choice,
        unscored_reason=None if choice else _unreadable(said.text),
        score_first=None,
        score_second=None,
        reasoning=reasoning.text,
        raw_answer=json.dumps({name: text for name, text in raw.items() if text}, ensure_ascii=False),
        repeat_index=0,
    )
    shown = {"pair": pair_id, "verdict": choice or verdict.unscored_reason, "reasoning": reasoning.text}
    return Taken(
        verdicts=(LooseVerdict(row.line, pair_id, verdict),), pii=counted(said, reasoning, reference), shown=shown
    )


def read_results(row: Row, mapping: Mapping) -> tuple[tuple[Verdict, ...], Redacted]:
    """Every verdict in a cell of results, and what was redacted in them. Entries that are no objects stand before the
    verdicts (the metrics a judge wrote for itself, its reference answer) and belong to each of them."""
    results = _listed(row.cells.get(mapping.results)) if mapping.results else []
    entries = [entry for entry in results if isinstance(entry, dict)]
    before = "\n\n".join(_first(entry) for entry in results if not isinstance(entry, dict))
    verdicts, counts = [], [_said(before, "results")]
    for repeat, entry in enumerate(entries[:_MOST_RESULTS]):
        for name, shown in _ORDERS:
            if isinstance(entry.get(name), dict):
                answer = _said(_answer(entry, entry[name]), "results")
                counts.append(answer)
                verdicts.append(_verdict(mapping, entry, entry[name], shown, answer.text, counts[0].text, repeat))
    return tuple(verdicts), Redacted("", counted(*counts))


def _verdict(
    mapping: Mapping,
    entry: dict[str, Any],
    said: dict[str, Any],
    shown: Literal["first", "second"],
    answer: str,
    before: str,
    repeat: int,
) -> Verdict:
    winner = said.get("winner")
    choice = _READ.get(str(winner)[:20].strip().casefold()) if isinstance(winner, str | int) else None
    return Verdict(
        judge=_judge(mapping),
        prompt_version=mapping.prompt_version or VERSION,
        first_shown=shown,
        choice=choice,
        unscored_reason=None if choice else _unreadable(answer or str(winner)[:100]),
        score_first=_score(entry.get("score_1")),
        score_second=_score(entry.get("score_2")),
        reasoning=answer if len(answer.split()) > 3 else "",
        raw_answer=f"{before}\n\n{answer}".strip()[: untrusted.MAX_TEXT],
        repeat_index=repeat,
    )


def _answer(entry: dict[str, Any], said: dict[str, Any]) -> str:
    """What the judge wrote; of one that only rated, both ratings."""
    if "completion" in said:
        return _first(said["completion"])
    rated = [f"{name}: {_first(entry[name])}" for name in ("score_1", "score_2") if name in entry]
    return ", ".join(rated)


def _listed(value: Any) -> list[Any]:
    """A cell of results; text that is JSON (as CSV files hold it) is what it stands for."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise InputRejected("its results are no readable JSON") from None
    if value in (None, ""):
        return []
    if not isinstance(value, list):
        raise InputRejected("its results are no list")
    return value[: 2 * _MOST_RESULTS]


def _first(value: Any) -> str:
    """[text, why it ended] → text."""
    item = value[0] if isinstance(value, list) and value else value
    return item if isinstance(item, str) else "" if item is None or isinstance(item, list | dict) else str(item)[:100]


def _score(value: Any) -> float | None:
    try:
        found = float(_first(value))
    except (ValueError, OverflowError):
        return None
    return found if abs(found) < 1e9 else None  # NaN fails too


def _said(value: Any, name: str) -> Redacted:
    """What a judge wrote, at most as long as a text may be: a long answer is no reason to lose its verdict."""
    text = _first(value)[: untrusted.MAX_TEXT]
    return redact(untrusted.clean(text, limit=3 * untrusted.MAX_TEXT)) if text else Redacted("")


def _unreadable(said: str) -> str:
    shown = untrusted.visible(untrusted.clean(said[:80], limit=400))
    return f"names no answer: {shown!r}"[:_REASON_LIMIT] if shown else "no answer"


def _judge(mapping: Mapping) -> str:
    return cleaned((mapping.judge or "")[:_JUDGE_LIMIT], "the judge's name").text[:_JUDGE_LIMIT] or "unnamed judge"


def verdict_notes(table: Table, mapping: Mapping) -> list[str]:
    """What was decided, in words."""
    given = [_said(row.cells.get(mapping.verdict or ""), "verdict").text.casefold() for row in table.rows]
    unread = sum(text not in _READ for text in given)
    notes = [
        f'Verdicts are read from "{mapping.verdict}" as those of the judge "{mapping.judge}": 1 and 2 name an answer,'
        f' 0 is a tie. "{mapping.row_id}" says which pair of this agent is meant;'
        " of a pair that stands in its set more than once, the first is here."
    ]
    return [*notes, f"{unread:,} verdicts name no answer and are stored unscored."] if unread else notes
