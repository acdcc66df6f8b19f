"""The list at the left of a review page: one row an item, the open one marked; and the tabs above it.

    ids = [str(row.id) for row in rows]
    current = open_id("item", ids, view=(queue, category, page))
    item_list("item", [Row(id=…, title=row.comment, …), …], selected=current, label="Feedback")
    moves("item", Page(ids, first, total), current)     previous and next, by button and key

What is open lives in the URL (``?item=…``), so a link opens it again. Rows hold foreign text: the script writes it
with ``textContent`` only, so nothing in it is ever interpreted. Arrow keys move inside the list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import streamlit as st

from pages.shared.literal import one_line

Tone = Literal["red", "orange", "yellow", "blue", "green", "violet", "gray"]  # the theme's own names

_CSS = """
:host { display: block; }
.list {
  max-height: 660px; overflow-y: auto; outline: none; font-family: var(--st-font);
  border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius);
  scrollbar-width: thin; scrollbar-color: var(--st-border-color) transparent;
}
.row {
  display: grid; grid-template-columns: auto minmax(0, 1fr) auto; column-gap: 10px; align-items: start;
  padding: 9px 12px 9px 10px; cursor: pointer; border-left: 2px solid transparent;
  border-bottom: 1px solid var(--st-border-color-light, var(--st-border-color)); color: var(--st-text-color);
}
.row:last-child { border-bottom: 0; }
.row:hover { background: color-mix(in srgb, var(--st-text-color) 4%, transparent); }
.row[aria-selected="true"] {
  background: color-mix(in srgb, var(--st-primary-color) 9%, transparent); border-left-color: var(--st-primary-color);
}
.list:focus-visible { box-shadow: 0 0 0 2px color-mix(in srgb, var(--st-primary-color) 45%, transparent); }
.title { font-size: 13.5px; line-height: 19px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.row[aria-selected="true"] .title { font-weight: 550; }
.below, .aside { font-size: 12px; line-height: 17px; color: var(--st-gray-text-color); }
.below { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.aside { white-space: nowrap; line-height: 19px; font-variant-numeric: tabular-nums; }
.mark {
  width: 18px; height: 18px; margin-top: 1px; border-radius: 5px; display: grid; place-items: center;
  font-size: 11px; font-weight: 700; line-height: 1; font-variant-numeric: tabular-nums;
}
.mark.wide { width: 34px; }
.bars { display: grid; grid-template-columns: repeat(3, 3px); gap: 2px; align-items: end; height: 12px; }
.bars i { border-radius: 1px; background: var(--st-text-color); opacity: 0.2; }
.bars i.on { opacity: 1; background: var(--tone); }
.bars i:nth-child(1) { height: 5px; } .bars i:nth-child(2) { height: 8px; } .bars i:nth-child(3) { height: 12px; }
@media (max-width: 640px) { .list { max-height: 236px; } }
"""

_JS = """
const tone = (name) => `var(--st-${name}-text-color)`;
const ground = (name) => `var(--st-${name}-background-color)`;
const part = (cls, text, title) => {
  const el = document.createElement("div");
  el.className = cls; el.textContent = text;
  if (title) el.title = title;
  return el;
};
const mark = (m) => {
  const el = document.createElement("div");
  el.className = "mark"; el.title = m.words; el.setAttribute("aria-label", m.words);
  if (m.bars) {
    const bars = document.createElement("div");
    bars.className = "bars"; bars.style.setProperty("--tone", `var(--st-${m.tone}-color)`);
    for (let n = 1; n <= 3; n++) {
      const bar = document.createElement("i");
      if (n <= m.bars) bar.className = "on";
      bars.append(bar);
    }
    el.append(bars);
  } else {
    el.textContent = m.glyph; el.style.color = tone(m.tone); el.style.background = ground(m.tone);
    if (m.glyph.length > 2) el.classList.add("wide");
  }
  return el;
};
export default function ({ data, parentElement, setTriggerValue }) {
  let list = parentElement.querySelector(".list");
  if (!list) {
    list = document.createElement("div");
    list.className = "list"; list.tabIndex = 0; list.setAttribute("role", "listbox");
    parentElement.append(list);
  }
  list.setAttribute("aria-label", data.label);
  const shown = JSON.stringify(data.rows);
  if (list.dataset.shown !== shown) {
    list.dataset.shown = shown;
    list.replaceChildren(...data.rows.map((r) => {
      const row = document.createElement("div");
      row.className = "row"; row.id = `row-${r.id}`; row.dataset.id = r.id; row.setAttribute("role", "option");
      const words = document.createElement("div");
      words.append(part("title", r.title));
      if (r.below) words.append(part("below", r.below));
      row.append(mark(r.mark), words, part("aside", r.aside, r.exact));
      return row;
    }));
  }
  const select = (id) => {
    for (const row of list.children) row.setAttribute("aria-selected", String(row.dataset.id === id));
    list.setAttribute("aria-activedescendant", id ? `row-${id}` : "");
    const row = [...list.children].find((r) => r.dataset.id === id);
    if (!row) return;
    const top = row.offsetTop - list.offsetTop;
    if (top < list.scrollTop) list.scrollTop = top;
    const under = top + row.offsetHeight - list.clientHeight;
    if (under > list.scrollTop) list.scrollTop = under;
  };
  const open = (id) => { if (id) { select(id); setTriggerValue("opened", id); } };
  select(data.selected);
  list.onclick = (e) => open(e.target.closest(".row")?.dataset.id);
  list.onkeydown = (e) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (!step) return;
    e.preventDefault();
    const ids = [...list.children].map((r) => r.dataset.id);
    const at = [...list.children].findIndex((r) => r.getAttribute("aria-selected") === "true");
    open(ids[Math.min(ids.length - 1, Math.max(0, at + step))]);
  };
}
"""

_LIST = st.components.v2.component("hone_item_list", css=_CSS, js=_JS)


@dataclass(frozen=True)
class Mark:
    """The sign at the left of a row: signal bars (1–3) or a glyph, in a theme colour, named in ``words``."""

    words: str
    tone: Tone
    glyph: str = ""
    bars: int = 0


@dataclass(frozen=True)
class Row:
    """One line of the list. ``title`` may be foreign; ``below``, ``aside`` and ``exact`` stand beside it quietly."""

    id: str
    title: str
    below: str
    aside: str
    exact: str
    mark: Mark


@dataclass(frozen=True)
class Page:
    """One page of a list: the ids on it, the place of the first of them in the whole list (from 0), and its length."""

    ids: Sequence[str]
    first: int
    total: int


def item_list(name: str, rows: Sequence[Row], *, selected: str | None, label: str) -> None:
    """Draw the rows; pressing one writes its id into the URL as ``name``. ``label`` is read out, not shown."""
    key = f"{name}_list"
    shown = [asdict(row) | {"title": one_line(row.title, limit=140)} for row in rows]

    def opened() -> None:
        pressed = st.session_state[key].opened
        if any(row.id == pressed for row in rows):
            set_in_url(name, pressed)

    _LIST(key=key, data={"rows": shown, "selected": selected, "label": label}, on_opened_change=opened)


def open_id(name: str, ids: Sequence[str], *, view: tuple[object, ...]) -> str | None:
    """The id that is open: the one in the URL, else the first of ``ids``.

    An id outside of ``ids`` stands when a link brought it here, and falls once ``view`` (filters, page) changes.
    """
    wanted, seen = in_url(name), f"{name}_view"
    moved_on = st.session_state.get(seen, view) != view
    st.session_state[seen] = view
    if wanted in ids or (wanted and not moved_on):
        return wanted
    set_in_url(name, None)
    return ids[0] if ids else None


def moves(name: str, page: Page, current: str | None) -> None:
    """Previous (K) and next (J). They only open another item, so their keys need not carry its identity."""
    ids = page.ids
    at = ids.index(current) if current in ids else -1
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for words, icon, key, to in (
            ("Previous", ":material/keyboard_arrow_up:", "K", at - 1),
            ("Next", ":material/keyboard_arrow_down:", "J", at + 1),
        ):
            there = 0 <= to < len(ids)
            st.button(
                words,
                key=f"{name}_{words.lower()}",
                icon=icon,
                shortcut=key,
                type="tertiary",
                disabled=not there,
                on_click=set_in_url,
                args=(name, ids[to] if there else None),
            )
        place = f"{page.first + at + 1:,} of {page.total:,}" if at >= 0 else f"{page.total:,} in all"
        st.caption(place, width="content")


def after(ids: Sequence[str], current: str) -> str | None:
    """What is shown once ``current`` has left the list: the one below it, else the one above."""
    at = ids.index(current) if current in ids else -1
    rest = [one for one in ids if one != current]
    return rest[min(max(at, 0), len(rest) - 1)] if rest else None


def tabs(label: str, options: Mapping[str, str], *, key: str, default: str | None = None) -> str:
    """One of a few ``{value: words}``, kept in the URL by its value; the first unless ``default``.

    The words may hold counts, which change under the reader's eyes: Streamlit's own binding writes the words
    into the URL, so a copied link would break with the next count.
    """
    chosen, usual = in_url(key), default or next(iter(options))
    if chosen not in options:
        chosen = usual
    widget = f"{key}_tab"
    if st.session_state.get(widget) not in options or st.session_state.get(f"{key}_in_url") != in_url(key):
        st.session_state[widget] = chosen
    pressed = st.segmented_control(
        label,
        list(options),
        format_func=lambda value: options[value],
        required=True,
        key=widget,
        label_visibility="collapsed",
    )
    value = str(pressed or chosen)
    set_in_url(key, None if value == usual else value)
    st.session_state[f"{key}_in_url"] = in_url(key)
    return value


def in_url(name: str) -> str | None:
    """What the address bar says of ``name``; foreign, so check it before use."""
    return st.query_params.get(name)


def set_in_url(name: str, value: str | None) -> None:
    """Write ``name`` into the address bar, or take it out; silent when nothing changes."""
    if value is None:
        if name in st.query_params:
            del st.query_params[name]
    elif st.query_params.get(name) != value:
        st.query_params[name] = value
