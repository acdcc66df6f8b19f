"""Dates as files write them: ISO, numbers whose order the column tells, and an issue tracker's 30/Sep/21 17:20.

Out: moments in UTC, a day as its midnight. Nothing is guessed from this machine's language or zone.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any, Literal

from core.feedback.formats import Table

_DAY = re.compile(r"\s*(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})\b")
_NAMED = re.compile(
    r"(\d{1,2})[-/. ]([A-Za-z]{3})[a-z]*[-/. ](\d{4}|\d{2})(?:[ T,]+(\d{1,2}):(\d\d))?"
)  # 30/Sep/21 17:20
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

DateOrder = Literal["day first", "month first"]


def as_date(value: Any, order: DateOrder) -> datetime | None:
    """The moment a cell names, in UTC (a day is its midnight); None when it names none since 1970."""
    text = str(value)[:40].strip() if value is not None else ""
    try:
        found = _numbered(text, order) or _named(text) or datetime.fromisoformat(text)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if 1970 <= found.year <= datetime.now(UTC).year + 1 else None


def _numbered(text: str, order: DateOrder) -> datetime | None:
    day = _DAY.match(text)
    if day is None:
        return None
    first, second, year = (int(part) for part in day.groups())
    month_first = _only(day) == "month first" or (order == "month first" and first <= 12)
    number, month = (second, first) if month_first else (first, second)
    return datetime(year, month, number, tzinfo=UTC)


def _named(text: str) -> datetime | None:
    """30/Sep/21 17:20, as issue trackers write it; English months, whatever this machine's language is."""
    day = _NAMED.match(text)
    if day is None or day[2].lower() not in _MONTHS:
        return None
    year = int(day[3]) + (2000 if len(day[3]) == 2 else 0)
    month = _MONTHS.index(day[2].lower()) + 1
    return datetime(year, month, int(day[1]), int(day[4] or 0), int(day[5] or 0), tzinfo=UTC)


def date_order(table: Table, column: str | None) -> DateOrder:
    """Which comes first in 05/06/2022: what most values that can be only one tell; day first when none tells."""
    counts = told(table, column)
    return "month first" if counts["month first"] > counts["day first"] else "day first"


def told(table: Table, column: str | None) -> Counter[DateOrder | None]:
    """How many dates of a column can only be read one way, by the way."""
    days = (_DAY.match(str(row.cells.get(column, ""))[:40]) for row in table.rows if column)
    return Counter(_only(day) for day in days if day)


def _only(day: re.Match[str]) -> DateOrder | None:
    """The only order in which a date can be read, or None when it can be read both ways (or neither)."""
    first, second = int(day[1]) > 12, int(day[2]) > 12
    return None if first == second else "day first" if first else "month first"
