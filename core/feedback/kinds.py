"""What the rows of a file are, recognised from its columns, and the reader for each kind.

A suggestion is made once for the whole file and put into words; a person may choose another. Nothing is stored here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlmodel import Session, col, select

from core import untrusted
from core.errors import ImportRejected, InputRejected
from core.feedback.formats import Table
from core.feedback.judged_reader import judged_notes, read_judged, suggest_judged
from core.feedback.pairs_reader import read_pair, suggest_pairs
from core.feedback.records import Facts, Kind, Mapping, Row, Taken, mapping_from
from core.feedback.survey_reader import read_comment, suggest_survey, survey_notes
from core.feedback.trees_reader import read_tree, suggest_trees, tree_notes
from core.feedback.verdicts_reader import judge_of, read_verdict, suggest_verdicts, verdict_notes
from core.tables import Import, ImportStatus

UNKNOWN = "No column looks like comments or like chosen and rejected answers"
_ID = re.compile(r"(?:.*\W|.*_)?(?:id|ids|idx|key|uuid)", re.IGNORECASE)

READERS: dict[Kind, Callable[[Row, Facts], Taken]] = {
    "survey": read_comment,
    "pairs": read_pair,
    "judged": read_judged,
    "verdicts": read_verdict,
    "trees": read_tree,
}


@dataclass(frozen=True)
class Recalled:
    """How a file with the same columns was imported before."""

    mapping: Mapping
    filename: str


def suggest(table: Table, filename: str) -> Mapping | None:
    """The mapping of the kind the columns tell, most telling first; None when they tell none.

    Raises ImportRejected when there is nothing in the file that could be imported.
    """
    _has_content(table)
    return (
        suggest_trees(table)
        or suggest_pairs(table.columns)
        or suggest_judged(table, filename)
        or suggest_verdicts(table, filename)
        or suggest_survey(table)
    )


def columns_key(columns: list[str]) -> str:
    """What files with the same columns share, in whatever order those stand."""
    return hashlib.sha256(json.dumps(sorted(columns)).encode()).hexdigest()


def recall(session: Session, columns: list[str], *, filename: str = "") -> Recalled | None:
    """The mapping of the newest published import with the same columns; the judge is the one this file's name tells."""
    query = (
        select(Import.mapping, Import.filename)
        .where(Import.columns_key == columns_key(columns), Import.status == ImportStatus.PUBLISHED)
        .order_by(col(Import.created_at).desc())
        .limit(1)
    )
    found = session.exec(query).first()
    try:
        mapping = mapping_from(found[0]) if found else None
    except InputRejected:  # of another version
        return None
    if mapping is None or found is None or any(column not in columns for column in mapping.columns):
        return None
    if mapping.judge:
        judge, version = judge_of(filename)
        mapping = replace(mapping, judge=judge, prompt_version=version)
    return Recalled(mapping, found[1])


def check(mapping: Mapping, table: Table) -> None:
    """Raises ImportRejected when the mapping lacks what its kind needs, or names a column that is not there."""
    if mapping.missing:
        raise ImportRejected(f"Say which is {mapping.missing}. Nothing was stored.")
    for column in mapping.columns:
        if column not in table.columns:
            has = ", ".join(table.columns[:10])
            raise ImportRejected(f'The file has no column "{column[:100]}"; it has {has}. Nothing was stored.')


def decisions(table: Table, mapping: Mapping) -> list[str]:
    """What was decided about the file, in words."""
    if mapping.kind == "survey":
        return [*table.notes, *survey_notes(table, mapping)]
    told = {"pairs": _pair_notes, "judged": judged_notes, "verdicts": verdict_notes, "trees": tree_notes}[mapping.kind]
    notes = [*table.notes, *told(table, mapping)]
    rest = [column for column in table.columns if column not in mapping.columns]
    others = "1 other column is" if len(rest) == 1 else f"{len(rest)} other columns are"
    return [*notes, f"{others} not taken over."] if rest else notes


def recalled_note(found: Recalled) -> str:
    name = untrusted.visible(found.filename[:80])
    return f'These columns were imported before, from "{name}"; they are read the same way again.'


def _pair_notes(table: Table, mapping: Mapping) -> list[str]:
    prompt = f'the prompt from "{mapping.prompt}"' if mapping.prompt else "the prompt is what both sides begin with"
    return [f'Answers are read from "{mapping.chosen}" and "{mapping.rejected}", {prompt}.']


def _has_content(table: Table) -> None:
    """A list of ids (which report repeats which, say) refers to texts that are somewhere else."""
    if table.rows and table.columns and all(_ID.fullmatch(column.strip()) for column in table.columns):
        named = " and ".join(f'"{column[:60]}"' for column in table.columns[:3])
        raise ImportRejected(
            f"The file only holds {named}: ids that refer to each other, and no text to import. Import the file that"
            " holds the texts. Nothing was stored."
        )
