"""A row of a survey as one comment with its stars; and which column is which, read off the headers and values.

Suggestions are words for a person to confirm, never a silent choice: ``survey_notes`` says what was decided and how
many rows it touches. Only columns called a rating count as one, and only when their values are 1 to 5.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from typing import Any, Literal

from core import untrusted
from core.errors import InputRejected
from core.feedback.dates import as_date, date_order, told
from core.feedback.formats import Table
from core.feedback.payload import payload
from core.feedback.records import Facts, Mapping, Row, Taken
from core.feedback.redaction import redact
from core.feedback.staged_rows import staged_feedback
from core.tables import FeedbackKind, FormType

# Words of a header, each pattern for a whole word.
_STRONG = re.compile(r"comments?|feedback|verbatims?|remarks?|reviews?|suggestions?")
_WEAK = re.compile(r"answer|response|text|message|description|body|opinion|reason|freetext")
_NO_COMMENT = re.compile(
    r"id|date|time|sentiment|type|category|label|code|question|ratings?|score|name|url|link|email|status|count"
    r"|language|version|index|stars?|user|author"
)
_RATING = re.compile(r"ratings?|stars?|score|satisfaction|csat")
_NO_RATING = re.compile(r"sentiment|id|date|nps")
# The Friends and Family Test codes its answer 1 "very good" … 5 "very poor", 6 "don't know", 7 for none.
_FFT = frozenset({"fft categorical answer", "fft score", "fft rating"})
_BEST_FIRST = re.compile(r"\b1\s*(?:=|is)\s*(?:the\s+)?(?:best|very good|excellent|very satisfied)", re.IGNORECASE)
_ID = re.compile(r"(?:^|\W|_)(?:id|uuid|guid|row_?index|response_?number|key)$", re.IGNORECASE)
_STARS = re.compile(r"\s*([1-5])(?:[.,]0+)?\s*(?:/\s*5|stars?)?\s*\Z", re.IGNORECASE)
_WHEN = frozenset({"date", "created", "created at", "created date", "submitted", "timestamp", "reported"})
# A bug tracker's export: a short text above a long one, and what trackers keep beside them.
_TITLE = re.compile(r"summary|title|subject")
_BUG = frozenset({"priority", "severity", "resolution", "issue id", "issue key", "issue type", "affects version/s"})
_CUT = "\n[cut]"
_SAMPLE = 500


def suggest_survey(table: Table) -> Mapping | None:
    """The mapping of the column that reads like comments, with rating, id and date where there are any."""
    comment = _comment_column(table)
    if comment is None:
        return None
    others = [column for column in table.columns if column != comment]
    rating = next((column for column in others if _is_rating(table, column)), None)
    best: Literal[1, 5] = 1 if rating and (_plain(rating) in _FFT or _BEST_FIRST.search(rating)) else 5
    title = _title_column(table, comment)
    bugs = title is not None and any(_plain(column) in _BUG for column in others)
    return Mapping(
        "survey",
        comment=comment,
        rating=rating,
        best_rating=best,
        row_id=next((column for column in others if _ID.search(_plain(column)) and _tells_apart(table, column)), None),
        date=next((column for column in others if _is_date(table, column)), None),
        title=title,
        form_type=FormType.BUG.value if bugs else None,
    )


def read_comment(row: Row, facts: Facts) -> Taken:
    """The comment, cleaned and redacted. Raises InputRejected with the reason ("no comment", too long)."""
    mapping, column = facts.mapping, facts.mapping.comment or ""
    cleaned = _comment(row, mapping)
    if not cleaned:
        raise InputRejected("no comment")
    said = redact(cleaned)
    told = {column, mapping.title}
    others = {name: cell for name, cell in row.cells.items() if name not in told and cell not in (None, "")}
    rating = stars(row.cells.get(mapping.rating), mapping.best_rating) if mapping.rating else None
    date = as_date(row.cells.get(mapping.date), facts.order) if mapping.date else None
    staged = staged_feedback(
        row.line,
        kind=FeedbackKind.SITE_FORM,
        agent_id=facts.agent_id,
        form_type=FormType(mapping.form_type or FormType.GENERAL),
        rating=rating,
        comment=said.text,
        raw={**payload(others), column: said.text},
        pii=said.counts,
        dedupe_key=_identity(row, mapping, cleaned, facts.agent_id),
        created_at=date or facts.at,
    )
    return Taken((staged,), pii=said.counts, shown={"comment": said.text, "rating": rating, "date": date})


def _comment(row: Row, mapping: Mapping) -> str:
    """The comment's text, with its title above it. A report that carries a whole log is cut, and says so."""
    given = row.cells.get(mapping.comment or "")
    if mapping.title is None:
        return "" if given is None else untrusted.clean(given)
    parts = [row.cells.get(mapping.title), given]
    told = [
        untrusted.clean(part[: untrusted.MAX_TEXT], limit=3 * untrusted.MAX_TEXT)
        for part in parts
        if isinstance(part, str)
    ]
    text = "\n\n".join(part for part in told if part)
    cut = len(text) > untrusted.MAX_TEXT or any(
        isinstance(part, str) and len(part) > untrusted.MAX_TEXT for part in parts
    )
    return text[: untrusted.MAX_TEXT - len(_CUT)] + _CUT if cut else text


def stars(value: Any, best: Literal[1, 5]) -> int | None:
    """1 to 5 with 5 as the best; None for anything else."""
    found = None if isinstance(value, bool) or value is None else _STARS.match(str(value)[:40])
    if not found:
        return None
    return int(found[1]) if best == 5 else 6 - int(found[1])


def _identity(row: Row, mapping: Mapping, comment: str, agent_id: str) -> str:
    """The same for the same row of the same survey, whenever and under whatever file name it comes again.

    With a column of ids: the id and the comment (ids alone repeat between files that merely count their rows).
    Without: every cell of the row, so two people who wrote the same on the same day count once.
    """
    own = str(row.cells.get(mapping.row_id) or "").strip()[:1000] if mapping.row_id else ""
    cells = [own, comment] if own else sorted((name, str(cell).strip()) for name, cell in row.cells.items() if cell)
    told = json.dumps(["survey", agent_id, cells], ensure_ascii=True)
    return hashlib.sha256(told.encode()).hexdigest()


# -- which column is which ----------------------------------------------------------------------------------------


def _comment_column(table: Table) -> str | None:
    """The best one. Columns that only have long texts, and no telling name, must be alone: they could be anything."""
    scores = {column: score for column in table.columns if (score := _reads_like_comments(table, column))}
    best = max(scores, key=lambda column: scores[column], default=None)
    return best if best and (scores[best] > 1 or len(scores) == 1) else None


def _reads_like_comments(table: Table, column: str) -> float:
    """0 for no comments, above 1 for a telling header; higher for many words and for different texts."""
    words = _words(column)
    texts = [value for value in _values(table, column) if isinstance(value, str)]
    if not texts or _has(words, _NO_COMMENT) or _ID.search(_plain(column)):
        return 0.0
    if sum(any(character.isalpha() for character in text) for text in texts) < len(texts) / 2:
        return 0.0
    named = 2.0 if _has(words, _STRONG) else 1.0 if _has(words, _WEAK) or column.rstrip().endswith("?") else 0.0
    length = sum(len(text.split()) for text in texts) / len(texts)
    if not named and length < 4:
        return 0.0
    return named + min(length, 10) / 20 + len(set(texts)) / len(texts) / 2


def _is_rating(table: Table, column: str) -> bool:
    known = _plain(column) in _FFT
    words = _words(column)
    if not known and (not _has(words, _RATING) or _has(words, _NO_RATING)):
        return False
    values = _values(table, column)
    read = sum(stars(value, 5) is not None for value in values)
    return bool(values) and read >= len(values) * (0.5 if known else 0.9)


def _tells_apart(table: Table, column: str) -> bool:
    values = [str(row.cells.get(column) or "").strip() for row in table.rows]
    return all(values) and len(set(values)) == len(values)


def _title_column(table: Table, comment: str) -> str | None:
    """A column of titles right beside descriptions: the two are one text, torn in two."""
    if not _has(_words(comment), re.compile(r"description|body|details?")):
        return None
    return next((column for column in table.columns if column != comment and _TITLE.fullmatch(_plain(column))), None)


def _is_date(table: Table, column: str) -> bool:
    if "date" not in _words(column) and _plain(column) not in _WHEN:
        return False
    values = _values(table, column)
    order = date_order(table, column)
    return bool(values) and sum(as_date(value, order) is not None for value in values) >= len(values) * 0.9


def _values(table: Table, column: str) -> list[Any]:
    """What stands in a column's first filled cells."""
    step = max(1, len(table.rows) // (4 * _SAMPLE))  # from all over the file: surveys are often sorted
    cells = (row.cells.get(column) for row in table.rows[::step])
    return [cell for cell in cells if cell is not None and str(cell).strip()][: 4 * _SAMPLE]


def _plain(header: str) -> str:
    return re.sub(r"([a-z])([A-Z])", r"\1 \2", header).casefold().strip()


def _words(header: str) -> list[str]:
    return re.findall(r"[^\W_]+", _plain(header))


def _has(words: list[str], kind: re.Pattern[str]) -> bool:
    return any(kind.fullmatch(word) for word in words)


# -- what was decided, in words -----------------------------------------------------------------------------------


def survey_notes(table: Table, mapping: Mapping) -> list[str]:
    """Sentences for the preview and the report: what each column was taken for, and how many rows that touches."""
    notes = [f'Comments are read from "{mapping.comment}".', *_rating_notes(table, mapping)]
    if mapping.title:
        notes[0] = f'Comments are read from "{mapping.title}" with "{mapping.comment}" below it.'
        if long := sum(len(str(row.cells.get(mapping.comment or "") or "")) > untrusted.MAX_TEXT for row in table.rows):
            notes.append(f"{long:,} are longer than {untrusted.MAX_TEXT:,} characters and are cut there, saying so.")
    if mapping.form_type:
        notes.append(f"They are stored as forms of the type {mapping.form_type}.")
    if mapping.row_id:
        notes.append(f'"{mapping.row_id}" tells the rows apart: equal comments with different ids are all taken.')
    else:
        notes.append("No column tells the rows apart: rows that are equal in every cell count once.")
    if mapping.date:
        notes += _date_notes(table, mapping.date)
    comments = Counter(str(row.cells.get(mapping.comment or "") or "").strip() for row in table.rows)
    comments.pop("", None)
    common, count = comments.most_common(1)[0] if comments else ("", 0)
    if count >= max(20, len(table.rows) // 20):
        notes.append(f'{count:,} comments are the same: "{_listed([common])}".')
    if rest := [column for column in table.columns if column not in mapping.columns]:
        others = "1 other column is" if len(rest) == 1 else f"{len(rest)} other columns are"
        named = _listed(rest).rstrip(". ")
        notes.append(f"{others} kept with each row, unread: {named}" + ("" if named.endswith("…") else "."))
    return notes


def _rating_notes(table: Table, mapping: Mapping) -> list[str]:
    if not mapping.rating:
        return ["No column is a rating from 1 to 5, so the rows are stored unrated."]
    notes = [f'Ratings are read from "{mapping.rating}"; 5 is read as the best.']
    if mapping.best_rating == 1:
        notes = [f'Ratings are read from "{mapping.rating}"; 1 is read as the best and stored as 5 stars.']
    given = Counter(str(value).strip()[:20] for row in table.rows if (value := row.cells.get(mapping.rating)))
    outside = {value: count for value, count in given.items() if value and stars(value, 5) is None}
    if outside:
        shown = _listed(sorted(outside))
        notes.append(f"{sum(outside.values()):,} rows have a rating outside 1 to 5 ({shown}) and are stored unrated.")
    return notes


def _date_notes(table: Table, column: str) -> list[str]:
    order = date_order(table, column)
    other = told(table, column)["day first" if order == "month first" else "month first"]
    unread = sum(as_date(row.cells.get(column), order) is None for row in table.rows)
    notes = [f'Dates are read from "{column}", the {order}.']
    if other:
        notes.append(f"{other:,} dates can only be read the other way round, and are.")
    return [*notes, f"{unread:,} rows have no readable date and get the time of the import."] if unread else notes


def _listed(names: list[str]) -> str:
    shown = ", ".join(untrusted.visible(untrusted.clean(name[:60])) for name in names[:5])
    return shown + (" …" if len(names) > 5 else "")
