"""Keys that work on every page: ``?`` lists them, ``g`` then a letter goes to a page.

Streamlit's own shortcuts take no punctuation and no sequences, so a small script listens on the window. It
hears nothing while a field has the focus, and sends only the name of the key's meaning, never what was typed. The
repeats of a held key reach no shortcut, except those of J and K.
The keys of the page itself are Streamlit's ``shortcut=`` on buttons; ``layout.header(keys=…)`` lists them.
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from pages.shared import layout

GO = {
    "o": "overview",
    "t": "triage",
    "e": "evaluations",
    "w": "rewards",
    "p": "pairs",
    "d": "datasets",
    "r": "runs",
    "a": "adapters",
    "i": "import",
    "j": "jobs",
}
_PRESSED = "hone_keys"
PAGE_KEYS = "hone_page_keys"

# On the window, before Streamlit's own shortcuts, which take each repeat of a held key for a press: a finger that rests
# on A would decide one unseen item after another. J and K only move, so they may be held.
_SCRIPT = r"""
export default function ({ data, setTriggerValue }) {
  let afterG = 0;
  const typing = (e) => {
    const at = e.composedPath()[0];
    return at && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName || ""));
  };
  const listen = (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || typing(e)) return;
    if (e.repeat) {
      if (/^[^\s]$/.test(e.key) && !/^[jk]$/i.test(e.key)) { e.preventDefault(); e.stopImmediatePropagation(); }
      return;
    }
    if (e.key === "?") { setTriggerValue("meaning", "keys"); return; }
    if (e.key === "g") { afterG = e.timeStamp; return; }
    if (afterG && e.timeStamp - afterG < 1200 && data.go[e.key]) {
      e.preventDefault(); e.stopPropagation();
      setTriggerValue("meaning", data.go[e.key]);
    }
    afterG = 0;
  };
  window.addEventListener("keydown", listen, true);
  return () => window.removeEventListener("keydown", listen, true);
}
"""


_listener = st.components.v2.component(_PRESSED, js=_SCRIPT)


def listen() -> str | None:
    """Mount the listener; returns the page to go to, or "keys", on the run that a key caused. For the frame."""
    result = _listener(
        key=_PRESSED,
        data={"go": {letter: name for letter, name in GO.items() if layout.exists(name)}},
        on_meaning_change=lambda: None,
        height=1,
    )
    meaning = result.meaning
    return meaning if meaning == "keys" or meaning in layout.PAGES else None


def keys_button(keys: Mapping[str, str]) -> None:
    """A quiet button that lists this page's keys; ``?`` does the same."""
    st.session_state[PAGE_KEYS] = dict(keys)
    if st.button("Keys", icon=":material/keyboard:", type="tertiary", help="Press ? any time"):
        show()


@st.dialog("Keys", width="small")
def show() -> None:
    """All keys: the page's own, then the ones of every page."""
    for key, meaning in st.session_state.get(PAGE_KEYS, {}).items():
        _row(key, meaning)
    st.caption("Everywhere")
    _row("?", "show these keys")
    for letter, name in GO.items():
        if layout.exists(name):
            _row(f"g {letter}", layout.PAGES[name][1].lower())


def _row(key: str, meaning: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"`{key}`", width=90)
        st.text(meaning)
