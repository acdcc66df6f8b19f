"""Numbers and times in plain words, the same on every page.

counted(1, "pair")                "1 pair"            counted(1200, "reply", "replies")  "1,200 replies"
share(7, 12)                      "7 of 12"           share(70, 120)                     "58 %"
share_with_interval(70, 120)      "58 % (49–67 %, n = 120)"
ago(run.created_at)               "3 min ago"         exact(run.created_at)              "2026-03-01 14:05 UTC"
when(run.created_at)              draws it with the exact time on hover
duration(95)                      "1 min 35 s"
"""

from __future__ import annotations

import math
from datetime import UTC, datetime

import streamlit as st

ENOUGH = 30  # below this many a percentage says more than is known
_STEPS = ((60, "s"), (60, "min"), (24, "h"), (7, "d"), (5, "wk"))


def number(value: float) -> str:
    """Whole numbers with thousands separators; others with two decimals."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """The count with its noun, agreeing."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def share(k: int, n: int) -> str:
    """``k`` of ``n`` as a percentage; as "k of n" below 30; "none yet" of nothing."""
    if n == 0:
        return "none yet"
    return f"{k:,} of {n:,}" if n < ENOUGH else f"{100 * k / n:.0f} %"


def share_with_interval(k: int, n: int) -> str:
    """Like ``share``, with the 95 % Wilson interval and n once a percentage is shown."""
    if n < ENOUGH:
        return share(k, n)
    low, high = wilson(k, n)
    return f"{100 * k / n:.0f} % ({100 * low:.0f}–{100 * high:.0f} %, n = {n:,})"


def wilson(k: int, n: int, *, z: float = 1.959964) -> tuple[float, float]:
    """The 95 % Wilson score interval of k successes in n trials, both ends in [0, 1] (Wilson 1927)."""
    if n <= 0:
        return 0.0, 1.0
    p, zz = k / n, z * z / n
    centre = (p + zz / 2) / (1 + zz)
    half = z / (1 + zz) * math.sqrt(p * (1 - p) / n + zz / (4 * n))
    # Exact at the ends, where rounding would leave the interval beside its own share.
    return (0.0 if k == 0 else centre - half), (1.0 if k == n else centre + half)


def ago(moment: datetime | None, *, now: datetime | None = None) -> str:
    """How long ago, or in how long, in one unit; beyond five weeks the date."""
    if moment is None:
        return "never"
    moment = _zoned(moment)
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    if abs(seconds) < 10:
        return "just now"
    amount, unit = _largest(abs(seconds))
    if unit is None:
        return moment.strftime("%-d %b %Y")
    return f"{amount} {unit} ago" if seconds > 0 else f"in {amount} {unit}"


def exact(moment: datetime | None) -> str:
    """The moment to the minute, with its zone."""
    return "never" if moment is None else _zoned(moment).strftime("%Y-%m-%d %H:%M %Z")


def when(moment: datetime | None, *, before: str = "") -> None:
    """Draw a relative time; hovering shows the exact one. ``before`` is ours, e.g. "Frozen".

    A badge, because its tooltip needs no question mark beside it.
    """
    st.badge(f"{before} {ago(moment)}".strip(), color="gray", help=exact(moment))


def duration(seconds: float | None) -> str:
    """A length of time in its two largest units."""
    if seconds is None:
        return "–"
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {secs} s" if minutes else f"{secs} s"


def _largest(seconds: float) -> tuple[int, str | None]:
    amount = seconds
    for size, unit in _STEPS:
        if amount < size:
            return int(amount), unit
        amount /= size
    return int(amount), None


def _zoned(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
