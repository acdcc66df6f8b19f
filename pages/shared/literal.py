"""Foreign text on the screen: always literally, never as markdown or HTML.

    literal(interaction.response)                        a block of text, long ones folded
    literal(comment, label="Comment")                    with a small label above
    st.button(f"Open {escape_label(name)}")              inside a label, caption, toast, expander title
    st.badge(chip(name))                                 a badge
    {"prompt": one_line(row.prompt)}                     a cell of a dataframe (cells are literal already)
    escape_html(agent_id)                                a name inside an echarts tooltip template

Characters that hide or reorder text are shown by their code. Never pass foreign text to ``st.markdown``,
``st.write`` or ``st.title``; there is no need to.
"""

from __future__ import annotations

import html
import re

import streamlit as st

from core.untrusted import visible

FOLD = 1_200  # characters shown before the fold
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
# What is replaced after markdown was parsed, where a backslash no longer helps: shortcodes (:smile:, :material/home:),
# addresses without brackets (www.example.org, a@example.org), arrows and the like between spaces.
_REPLACED = re.compile(r":(?=[\w/+-])|(?<=www)(?=\.)|@(?=[\w-])|(?<!\S)[<>~-](?=[->=])", re.IGNORECASE)
_SPACE = re.compile(r"\s+")


def literal(
    text: str | None,
    *,
    label: str | None = None,
    height: int | None = None,
    fold: int = FOLD,
    key: str | None = None,
) -> None:
    """Show ``text`` as it is, wrapped, with its line breaks.

    Beyond ``fold`` characters the rest lies in an expander; with ``height`` (pixels) the text scrolls in a box
    instead and is shown whole. ``None`` or empty text shows a dash. ``label`` is ours, never foreign.
    """
    if label:
        st.caption(label)
    shown = visible(text or "").strip() or "–"
    if height is not None:
        with st.container(height=height, border=True, key=key):
            st.text(shown, width="stretch")
        return
    if len(shown) <= fold:
        st.text(shown, width="stretch")
        return
    st.text(_cut(shown, fold), width="stretch")
    with st.expander(f"Show all {len(shown):,} characters", key=key):
        st.text(shown, width="stretch")


def one_line(text: str | None, *, limit: int = 160) -> str:
    """``text`` on one line, cut at ``limit`` characters: for cells and option lists, which show text literally."""
    line = _SPACE.sub(" ", text or "").strip()
    return _cut(visible(line[:limit]), limit, more=len(line) > limit)


def escape_label(text: str | None, *, limit: int = 160) -> str:
    """``text`` on one line, escaped so that a label, caption, toast or metric shows it letter by letter."""
    # A backslash stops markdown; what is replaced only after parsing has to be parted by a zero-width joiner.
    parted = _REPLACED.sub(lambda match: f"{match[0]}\u2060", one_line(text, limit=limit))
    return _PUNCTUATION.sub(r"\\\1", parted)


def chip(text: str | None, *, limit: int = 40) -> str:
    """As ``escape_label``, for ``st.badge``, which escapes square brackets by itself."""
    return escape_label(text, limit=limit).replace(r"\[", "[").replace(r"\]", "]")


def escape_html(text: str | None, *, limit: int = 160) -> str:
    """``text`` on one line for a chart's tooltip template, which is HTML, and for plotly's pseudo-HTML."""
    return html.escape(one_line(text, limit=limit)).replace("{", "&#123;").replace("}", "&#125;")


def _cut(text: str, limit: int, *, more: bool = False) -> str:
    return f"{text[: limit - 1].rstrip()}…" if more or len(text) > limit else text
