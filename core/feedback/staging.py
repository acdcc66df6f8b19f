"""A whole file read, cleaned and redacted in memory, before anything of it is stored.

In: the rows of a file and a mapping (or none, then the suggested one). Out: ``Staged``, with a reason for every row
that cannot be taken and the decisions in words. No transaction is open meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from core.errors import ImportRejected, InputRejected
from core.feedback.formats import Table
from core.feedback.pairs_reader import read_pair, suggest_pairs
from core.feedback.records import ImportedPair, Mapping, Progress, Reject, Row, SurveyRow
from core.feedback.survey_reader import date_order, read_comment, suggest_survey, survey_notes

_STEP = 200  # rows between two calls of on_progress

# What one row became: a pair and what was redacted in it, a comment, or a reason why not.
Reading = tuple[ImportedPair, dict[str, int]] | SurveyRow | Reject


@dataclass(frozen=True)
class Staged:
    """A whole file, read and cleaned, before anything of it is stored."""

    table: Table
    mapping: Mapping
    pairs: list[ImportedPair] = field(default_factory=list)
    comments: list[SurveyRow] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def stage(table: Table, mapping: Mapping | None, agent_id: str, on_progress: Progress | None) -> Staged:
    """Read all rows. Raises ImportRejected when no mapping is given and none can be suggested, or it does not fit."""
    mapping = mapping or suggest_pairs(table.columns) or suggest_survey(table)
    if mapping is None:
        raise ImportRejected(
            "No column looks like comments or like chosen and rejected answers; say which column is which."
            " Nothing was stored."
        )
    check(mapping, table)
    staged = Staged(table, mapping, rejects=list(table.rejects), notes=decisions(table, mapping))
    found: dict[str, int] = {}
    total = len(table.rows)
    for done, (_, one) in enumerate(readings(table.rows, table, mapping, agent_id)):
        if on_progress and done % _STEP == 0:
            on_progress(done, total)
        _sort_in(staged, one, found)
    if on_progress:
        on_progress(total, total)
    if found:
        told = ", ".join(f"{count:,} {kind}" for kind, count in sorted(found.items()))
        staged.notes.append(f"Personal data was replaced before storing: {told}.")
    return staged


def readings(rows: list[Row], table: Table, mapping: Mapping, agent_id: str) -> Iterator[tuple[Row, Reading]]:
    """Every row with what it became: a pair with its counts of personal data, a comment, or a reason."""
    order = date_order(table, mapping.date)
    for row in rows:
        try:
            if mapping.kind == "pairs":
                yield row, read_pair(row, mapping)
            else:
                yield row, read_comment(row, mapping, agent_id=agent_id, order=order)
        except InputRejected as error:
            yield row, Reject(row.line, str(error))


def _sort_in(staged: Staged, one: Reading, found: dict[str, int]) -> None:
    pii: dict[str, int] = {}
    if isinstance(one, Reject):
        staged.rejects.append(one)
    elif isinstance(one, SurveyRow):
        staged.comments.append(one)
        pii = one.pii
    else:
        staged.pairs.append(one[0])
        pii = one[1]
    for kind, count in pii.items():
        found[kind] = found.get(kind, 0) + count


def check(mapping: Mapping, table: Table) -> None:
    """Raises ImportRejected when the mapping lacks what its kind needs, or names a column that is not there."""
    needed = (mapping.comment,) if mapping.kind == "survey" else (mapping.chosen, mapping.rejected)
    if not all(needed):
        wanted = "the column of comments" if mapping.kind == "survey" else "the columns of chosen and rejected answers"
        raise ImportRejected(f"Say which is {wanted}. Nothing was stored.")
    for column in mapping.columns:
        if column not in table.columns:
            has = ", ".join(table.columns[:10])
            raise ImportRejected(f'The file has no column "{column[:100]}"; it has {has}. Nothing was stored.')


def decisions(table: Table, mapping: Mapping) -> list[str]:
    """What was decided about the file, in words."""
    if mapping.kind == "survey":
        return [*table.notes, *survey_notes(table, mapping)]
    prompt = f'the prompt from "{mapping.prompt}"' if mapping.prompt else "the prompt is what both sides begin with"
    notes = [*table.notes, f'Answers are read from "{mapping.chosen}" and "{mapping.rejected}", {prompt}.']
    rest = [column for column in table.columns if column not in mapping.columns]
    return [*notes, f"{len(rest)} other columns are not taken over."] if rest else notes
