"""*Copy link*: the address bar holds the view (filters, the open item), and this puts it on the clipboard.

Streamlit has no access to the clipboard, so this is a small component; it looks like the quiet buttons beside it.
"""

from __future__ import annotations

import streamlit as st

_HTML = """
<button type="button" title="Copy a link to this view">
  <svg viewBox="0 0 16 16" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.4">
    <path d="M6.6 9.4a2.6 2.6 0 0 0 3.7 0l2.4-2.4a2.6 2.6 0 0 0-3.7-3.7l-.9.9"/>
    <path d="M9.4 6.6a2.6 2.6 0 0 0-3.7 0L3.3 9a2.6 2.6 0 0 0 3.7 3.7l.9-.9"/>
  </svg><span>Copy link</span>
</button>
"""

_CSS = """
button { display: inline-flex; align-items: center; gap: 6px; height: 35px; padding: 0 2px; border: 0; cursor: pointer;
  background: none; color: var(--st-text-color); font: 400 12.25px var(--st-font); white-space: nowrap; }
button:hover { color: var(--st-primary-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; border-radius: 6px; }
svg { width: 15px; height: 15px; }
"""

_JS = """
export default function ({ parentElement }) {
  const button = parentElement.querySelector("button");
  const words = button.querySelector("span");
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      words.textContent = "Copied";
    } catch {
      words.textContent = "Copy it from the address bar";
    }
    setTimeout(() => { words.textContent = "Copy link"; }, 1600);
  };
}
"""

_component = st.components.v2.component("hone_copy_link", html=_HTML, css=_CSS, js=_JS)


def copy_link() -> None:
    """Draw the button."""
    _component(key="hone_copy_link", width="content", height="content")
