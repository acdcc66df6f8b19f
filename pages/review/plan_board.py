"""A plan drawn as its widgets: in their order, at their sizes, each with the judge's score as a ring.

    plan_board(plan.heading, plan.widgets, parts=evaluation.parts, key="plan_1")

Widgets and parts are foreign, so nothing about their shape is taken for granted and the script writes text only. A
widget no part speaks of has no ring; parts count widgets from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.shared.literal import one_line

SIZES = ("compact", "normal", "expanded", "hero")
MOST_WIDGETS = 40  # of a foreign plan; more are counted, not drawn
GOOD, FAIR = 0.7, 0.4  # from here on the ring is green, orange; below red

_CSS = """
:host { display: block; font-family: var(--st-font); color: var(--st-text-color); }
.heading { font-size: 14px; font-weight: 600; margin-bottom: 8px; overflow-wrap: anywhere; }
.board { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 8px; }
.widget {
  display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 2px 8px; align-content: start; padding: 10px 12px;
  grid-column: span 4; border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius);
  background: var(--st-secondary-background-color);
}
.compact { grid-column: span 2; min-height: 64px; } .normal { grid-column: span 2; min-height: 104px; }
.expanded { min-height: 104px; } .hero { min-height: 150px; }
.name { font-size: 13px; font-weight: 550; line-height: 18px; overflow-wrap: anywhere; }
.size { font-size: 11.5px; line-height: 16px; color: var(--st-gray-text-color); }
.size.wrong { color: var(--st-red-text-color); }
.why { grid-column: span 2; font-size: 12.5px; line-height: 18px; margin-top: 4px; overflow-wrap: anywhere; }
.ring {
  grid-row: span 2; width: 38px; height: 38px; border-radius: 50%; display: grid; place-items: center;
  background: conic-gradient(var(--tone) calc(var(--score) * 1%),
    color-mix(in srgb, var(--st-text-color) 10%, transparent) 0);
}
.ring span {
  width: 30px; height: 30px; border-radius: 50%; display: grid; place-items: center; font-size: 11px; font-weight: 600;
  font-variant-numeric: tabular-nums; background: var(--st-secondary-background-color);
}
@container (max-width: 300px) { .compact, .normal { grid-column: span 4; } }
.root { container-type: inline-size; }
"""
_JS = """
const el = (tag, cls, text) => {
  const made = document.createElement(tag);
  made.className = cls;
  if (text !== undefined) made.textContent = text;
  return made;
};
export default function ({ data, parentElement }) {
  let root = parentElement.querySelector(".root");
  if (!root) { root = el("div", "root"); parentElement.append(root); }
  const board = el("div", "board");
  for (const w of data.widgets) {
    const card = el("div", `widget ${w.size}`);
    card.append(el("div", "name", w.name));
    if (w.score !== null) {
      const ring = el("div", "ring"), number = el("span", "", w.score.toFixed(2));
      ring.style.setProperty("--score", 100 * w.score);
      ring.style.setProperty("--tone", `var(--st-${w.tone}-color)`);
      ring.title = `Scores ${w.score.toFixed(2)} of 1`;
      ring.append(number); card.append(ring);
    } else { card.append(el("span", "")); }
    card.append(el("div", w.wrong ? "size wrong" : "size", w.words));
    if (w.why) card.append(el("div", "why", w.why));
    board.append(card);
  }
  root.replaceChildren(...(data.heading ? [el("div", "heading", data.heading)] : []), board);
}
"""
_BOARD = st.components.v2.component("hone_plan_board", css=_CSS, js=_JS)


def plan_board(heading: str, widgets: Sequence[Any], *, parts: Sequence[Any], key: str) -> None:
    """Draw the plan; widgets beyond MOST_WIDGETS are named by their number."""
    _BOARD(key=key, data={"heading": one_line(heading), "widgets": cards(widgets, parts)})
    if len(widgets) > MOST_WIDGETS:
        st.caption(f"The first {MOST_WIDGETS} of {len(widgets):,} widgets.")


def cards(widgets: Sequence[Any], parts: Sequence[Any]) -> list[dict[str, Any]]:
    """What is drawn of each widget: name, size, score with its tone, why, and whether the size is wrong."""
    by_index = {part.get("widget_index"): part for part in parts if isinstance(part, dict)}
    return [_card(widget, by_index.get(index, {})) for index, widget in enumerate(widgets[:MOST_WIDGETS])]


def _card(widget: Any, part: dict[str, Any]) -> dict[str, Any]:
    given = widget if isinstance(widget, dict) else {}
    size = given.get("size") if given.get("size") in SIZES else ""
    score = part.get("score", part.get("appropriateness_score"))
    wrong = part.get("size_appropriate") is False
    known = isinstance(score, int | float) and not isinstance(score, bool) and 0 <= score <= 1
    return {
        "name": one_line(str(given.get("scenario") or "unnamed widget"), limit=60),
        "size": size or "expanded",
        "words": (one_line(str(given.get("size") or "no size"), limit=30)) + (", not fitting" if wrong else ""),
        "wrong": wrong,
        "why": one_line(str(given.get("why") or ""), limit=240),
        "score": float(score) if known and score is not None else None,
        "tone": tone(float(score)) if known and score is not None else "gray",
    }


def tone(score: float) -> str:
    """The colour of a score; the number always stands beside it."""
    return "green" if score >= GOOD else "orange" if score >= FAIR else "red"
