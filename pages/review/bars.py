"""Rows of bars: a reward as the sum of its parts, a verdict as the scores of its criteria.

    waterfall({"feedback": 1.0, "too_short": -0.1}, heading="From what people said: 1 × thumbs up", key="w1")
    waterfall({"feedback": -1.5}, heading="…", key="w2", low=-2, high=2)      with a line at zero
    scores([("Addresses question", 0.67, "It takes up “export”."), …], key="s1")

In a waterfall each bar starts where the one before it ended; the last is the total. Names and reasons may be foreign:
the script writes text only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.review.plan_board import tone
from pages.shared.charts import COLOURS
from pages.shared.literal import one_line

WORDS = {
    "feedback": "What people said",
    "intent_match": "The intent was recognised",
    "used_context": "Sources were used",
    "context_used": "Sources were used",
    "too_short": "Shorter than 50 characters",
    "too_long": "Longer than 2,000 characters",
    "start": "Where every answer starts",
    "intent_confidence": "Confidence in the intent",
    "suggested_actions": "Next steps were offered",
    "good_length": "Between 100 and 1,500 characters",
    "immediate_clarification": "The person had to ask again at once",
    "natural_continuation": "The conversation went on naturally",
    "limit": "Kept within the scale",
}
_CSS = """
:host { display: block; font-family: var(--st-font); color: var(--st-text-color); }
.part {
  display: grid; grid-template-columns: minmax(120px, 3fr) minmax(80px, 4fr) 52px; column-gap: 12px;
  align-items: center; min-height: 26px; font-size: 13px;
}
.part.scored { grid-template-columns: minmax(0, 1fr) 96px 36px; }
.part.total { border-top: 1px solid var(--st-border-color); font-weight: 600; margin-top: 3px; padding-top: 3px; }
.name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.track {
  position: relative; height: 12px; border-radius: 3px;
  background: color-mix(in srgb, var(--st-text-color) 5%, transparent);
}
.zero { position: absolute; top: -3px; bottom: -3px; width: 1px; background: var(--st-gray-text-color); }
.bar { position: absolute; top: 0; bottom: 0; border-radius: 3px; min-width: 2px; }
.value { text-align: right; font-variant-numeric: tabular-nums; }
.note {
  grid-column: 1 / -1; font-size: 12.5px; line-height: 18px; color: var(--st-gray-text-color); overflow-wrap: anywhere;
  padding-bottom: 7px;
}
"""
_JS = """
const el = (cls, text) => {
  const made = document.createElement("div");
  made.className = cls;
  if (text !== undefined) made.textContent = text;
  return made;
};
export default function ({ data, parentElement }) {
  let root = parentElement.querySelector(".parts");
  if (!root) { root = el("parts"); parentElement.append(root); }
  root.replaceChildren(...data.rows.map((r) => {
    const kind = r.total ? "part total" : r.note === undefined ? "part" : "part scored";
    const row = el(kind), track = el("track"), bar = el("bar");
    bar.style.left = `${r.left}%`; bar.style.width = `${r.width}%`; bar.style.background = r.colour;
    track.append(bar);
    if (data.zero !== undefined) {
      const zero = el("zero");
      zero.style.left = `${data.zero}%`;
      track.append(zero);
    }
    const name = el("name", r.name); name.title = r.name;
    row.append(name, track, el("value", r.value));
    if (r.note) row.append(el("note", r.note));
    return row;
  }));
}
"""
_BARS = st.components.v2.component("hone_bars", css=_CSS, js=_JS)


def waterfall(parts: Mapping[str, float], *, heading: str, key: str, low: float = 0.0, high: float = 1.0) -> None:
    """Draw ``parts`` in their order between ``low`` and ``high``; ``heading`` is ours."""
    st.caption(heading)
    zero = {"zero": 100 * -low / (high - low)} if low < 0 else {}
    _BARS(key=key, data={"rows": steps(parts, low, high)} | zero)


def scores(parts: Sequence[tuple[str, float, str]], *, key: str) -> None:
    """Draw ``(name, score in [0, 1], why)`` as bars with the reason under each."""
    drawn = []
    for name, score, why in parts:
        bar = _bar(name, f"{score:.2f}", 0.0, score, f"var(--st-{tone(score)}-color)", 0.0, 1.0)
        drawn.append(bar | {"note": why})
    _BARS(key=key, data={"rows": drawn})


def steps(parts: Mapping[str, float], low: float, high: float) -> list[dict[str, Any]]:
    """The bars as percentages of the scale; the first starts at zero, the last is the total."""
    drawn, reached = [], 0.0
    for number, (name, change) in enumerate(parts.items()):
        words = WORDS.get(name) or one_line(name.replace("_", " "), limit=60).capitalize()
        colour = COLOURS["base"] if number == 0 else COLOURS["chosen" if change >= 0 else "rejected"]
        value = signed(change) if number == 0 else f"{change:+.2f}".replace("-", "−")
        drawn.append(_bar(words, value, reached, reached + change, colour, low, high))
        reached += change
    total = _bar("Reward", signed(reached), 0.0, reached, COLOURS["human"], low, high)
    return [*drawn, total | {"total": True}]


def signed(value: float) -> str:
    """Two decimals, with a minus sign rather than a hyphen."""
    return f"{value:.2f}".replace("-", "−")


def _bar(name: str, value: str, start: float, end: float, colour: str, low: float, high: float) -> dict[str, Any]:
    left, right = sorted(100 * (min(high, max(low, edge)) - low) / (high - low) for edge in (start, end))
    return {"name": name, "value": value, "left": round(left, 2), "width": round(right - left, 2), "colour": colour}
