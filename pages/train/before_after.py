"""What training changed on held-out pairs, in words and as a picture: accuracy before and after with its interval.

In: the two RunEvaluation rows of a run (either may be missing). Out: text and an SVG; nothing is computed here
but rounding. Below 30 pairs a count is shown instead of a percentage.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import streamlit as st

from core.tables import RunEvaluation
from pages.shared.charts import COLOURS
from pages.shared.words import ENOUGH, share, share_with_interval

_INK = "#7c7f88"  # readable on white and on near-black: an SVG in an image knows no theme
_FONTS = "Inter, -apple-system, Segoe UI, Roboto, sans-serif"
_WIDTH, _LEFT, _ROW, _TOP = 440, 68, 30, 26  # narrow enough for a phone to show its words unshrunk
_SCALE = (_WIDTH - _LEFT - 24) / 100


@dataclass(frozen=True)
class Change:
    """The two measurements of one run on the same held-out pairs."""

    before: RunEvaluation | None
    after: RunEvaluation | None

    @property
    def short(self) -> str:
        """ "52 % → 91 %", or what is known of it."""
        if self.before is None:
            return "not measured"
        first = share(self.before.correct, self.before.n)
        return f"{first} → {share(self.after.correct, self.after.n)}" if self.after else f"{first} before"

    @property
    def n(self) -> int:
        """Held-out pairs it was measured on."""
        return self.before.n if self.before else 0

    @property
    def long(self) -> str:
        """One sentence on what was measured."""
        if self.before is None:
            return "Not measured yet. The base model is measured on the held-out pairs before the first step."
        first = _together(self.before)
        if self.after is None:
            return f"Before training the chosen answer is the likelier one in {first} of the held-out pairs."
        second = _together(self.after)
        return f"The chosen answer is the likelier one in {first} before and {second} after training."

    @property
    def finding(self) -> str | None:
        """What may be said of the difference; None until both were measured."""
        if self.before is None or self.after is None:
            return None
        if self.after.n < ENOUGH:
            return f"Only {self.after.n} held-out pairs: not enough to tell."
        if self.after.low > self.before.high:
            return "Better than the base model: the two intervals do not overlap."
        if self.after.high < self.before.low:
            return "Worse than the base model: the two intervals do not overlap."
        return "The two intervals overlap: not enough to tell."


def _together(measured: RunEvaluation) -> str:
    """The share with its interval, unbroken at a line's end inside "n = 94" and "93 %"."""
    return re.sub(r"(?<=[\dn=]) (?=[%=\d])", "\u00a0", share_with_interval(measured.correct, measured.n))


def picture(change: Change, *, width: int = _WIDTH) -> None:
    """Before and after as a dot with its 95 % interval on the way from 0 to 100 %, chance marked."""
    rows = [("Before", change.before, "base"), ("After", change.after, "adapter")]
    known = [(words, measured, COLOURS[colour]) for words, measured, colour in rows if measured]
    drawn = [_row(at, *row) for at, row in enumerate(known)]
    if drawn:
        st.image(_svg(drawn), width=width, alt=change.long)


def _svg(rows: list[str]) -> str:
    bottom = _TOP + _ROW * len(rows)
    ticks = "".join(_tick(percent, bottom) for percent in (0, 25, 50, 75, 100))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{bottom + 8}" '
        f'viewBox="0 0 {_WIDTH} {bottom + 8}" font-family="{_FONTS}" font-size="12" fill="{_INK}">'
        f"{ticks}{''.join(rows)}</svg>"
    )


def _tick(percent: int, bottom: int) -> str:
    x = _LEFT + percent * _SCALE
    dashes = ' stroke-dasharray="3 3" stroke-opacity="0.9"' if percent == 50 else ' stroke-opacity="0.22"'
    words = "chance" if percent == 50 else f"{percent} %"
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 8}" y2="{bottom}" stroke="{_INK}"{dashes}/>'
        f'<text x="{x:.1f}" y="11" text-anchor="middle" font-size="11">{words}</text>'
    )


def _row(at: int, words: str, measured: RunEvaluation, colour: str) -> str:
    y = _TOP + _ROW * at + _ROW / 2
    low, high, dot = (_LEFT + 100 * value * _SCALE for value in (measured.low, measured.high, measured.accuracy))
    return (
        f'<text x="0" y="{y + 4}">{words}</text>'
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="10" '
        f'stroke-linecap="round" stroke-opacity="0.28"/>'
        f'<circle cx="{dot:.1f}" cy="{y}" r="6" fill="{colour}"/>'
    )
