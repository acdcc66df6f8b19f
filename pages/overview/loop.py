"""The loop drawn as its eight steps joined by arrows; a click on a step goes to its page.

    gone_to = loop.draw([Tile("Feedback", 412, "+32 this week", "all read", page="triage"), …])

A component rather than native cards, because the arrows turn with the layout: a ring on a wide screen, a line
from top to bottom on a narrow one. It shows only our own words and numbers, set as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import streamlit as st

_CSS = """
:host, .frame { display: block; container-type: inline-size; font-family: var(--st-font); }
ol { list-style: none; margin: 0; padding: 0; display: grid; gap: 26px; grid-template-columns: 1fr; }
li { position: relative; }
.tile { box-sizing: border-box; height: 100%; min-height: 84px; padding: 13px 15px 12px; display: flex;
  flex-direction: column; border: 1px solid var(--st-border-color); border-radius: 10px; text-decoration: none;
  color: var(--st-text-color); background: var(--st-background-color); transition: border-color .12s, box-shadow .12s; }
a.tile:hover { border-color: color-mix(in srgb, var(--st-primary-color) 55%, var(--st-border-color));
  box-shadow: 0 1px 8px color-mix(in srgb, var(--st-primary-color) 12%, transparent); }
a.tile:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
.name { font-size: 13px; font-weight: 550; opacity: .78; }
.row { display: flex; align-items: baseline; gap: 8px; margin: 2px 0 6px; min-height: 33px; }
.count { font-size: 25px; font-weight: 620; letter-spacing: -.02em; font-variant-numeric: tabular-nums; }
.week { font-size: 12px; opacity: .62; white-space: nowrap; }
.wait { margin-top: auto; font-size: 12.5px; line-height: 1.35; opacity: .66; display: flex; gap: 7px; }
.calls .wait { opacity: 1; }
.calls .wait::before { content: ""; flex: none; width: 7px; height: 7px; margin-top: 5px; border-radius: 50%;
  background: var(--st-primary-color); }
.bare .count { opacity: .32; font-weight: 500; }
.plain { border-style: dashed; background: transparent; }
svg { position: absolute; width: 18px; height: 18px; color: var(--st-text-color); opacity: .38;
  left: calc(50% - 9px); bottom: -22px; transform: rotate(90deg); }
li:last-child svg { display: none; }
@container (max-width: 719px) {
  ol { gap: 22px; }
  .tile { min-height: 0; display: grid; grid-template-columns: 1fr auto; column-gap: 12px; align-items: baseline; }
  .row { margin: 0; min-height: 0; flex-direction: row-reverse; }
  .wait { grid-column: 1 / -1; margin-top: 3px; }
  .count { font-size: 19px; }
  svg { bottom: -20px; }
}
@container (min-width: 720px) {
  ol { grid-template-columns: repeat(4, minmax(0, 1fr)); grid-auto-rows: minmax(96px, auto); }
  li:nth-child(n + 5) { grid-row: 2; }
  li:nth-child(5) { grid-column: 4; } li:nth-child(6) { grid-column: 3; }
  li:nth-child(7) { grid-column: 2; } li:nth-child(8) { grid-column: 1; }
  svg, li:last-child svg { display: block; }
  li:nth-child(-n + 3) svg { left: auto; right: -22px; bottom: calc(50% - 9px); transform: none; }
  li:nth-child(n + 5):nth-child(-n + 7) svg { left: -22px; bottom: calc(50% - 9px); transform: rotate(180deg); }
  li:nth-child(8) svg { bottom: auto; top: -22px; transform: rotate(-90deg); }
}
@media (prefers-reduced-motion: reduce) { .tile { transition: none; } }
"""

_JS = """
const ARROW = "M2 9h13M10.5 4.5 15 9l-4.5 4.5";
const make = (tag, name, text) => {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  return node;
};
const arrow = () => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 18 18");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  for (const [key, value] of Object.entries({ d: ARROW, fill: "none", stroke: "currentColor",
    "stroke-width": "1.6", "stroke-linecap": "round", "stroke-linejoin": "round" })) path.setAttribute(key, value);
  svg.append(path);
  return svg;
};
export default function ({ data, parentElement, setTriggerValue }) {
  const list = make("ol");
  list.setAttribute("aria-label", "The loop, step by step");
  for (const step of data.tiles) {
    const item = make("li");
    const tile = make(step.page ? "a" : "div",
      ["tile", step.calls && "calls", !step.count && "bare", !step.page && "plain"].filter(Boolean).join(" "));
    if (step.page) {
      tile.href = step.page;
      tile.addEventListener("click", (event) => {
        if (event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        setTriggerValue("page", step.page);
      });
    }
    tile.append(make("span", "name", step.name));
    if (step.count !== null) {
      const row = make("div", "row");
      row.append(make("span", "count", step.count.toLocaleString("en")), make("span", "week", step.week));
      tile.append(row);
    }
    tile.append(make("span", "wait", step.wait));
    item.append(tile, arrow());
    list.append(item);
  }
  const frame = parentElement.querySelector(".frame");
  frame.replaceChildren(list);
}
"""

_component = st.components.v2.component("hone_loop", html='<div class="frame"></div>', css=_CSS, js=_JS)


@dataclass(frozen=True)
class Tile:
    """One step as drawn; without ``page`` it is a plain word. ``calls`` marks that it waits for a person."""

    name: str
    count: int | None
    week: str
    wait: str
    page: str | None = None
    calls: bool = False


def draw(tiles: Sequence[Tile], *, key: str = "loop") -> str | None:
    """Draw the eight steps; returns the page somebody clicked, on the one run after the click."""
    result = _component(
        key=key, data={"tiles": [asdict(tile) for tile in tiles]}, on_page_change=lambda: None, height="content"
    )
    clicked = result.page
    return clicked if clicked in {tile.page for tile in tiles} else None
