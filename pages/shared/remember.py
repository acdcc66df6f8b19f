"""The local name, kept in a cookie of this browser, so that a reload does not label under somebody else's name.

Only for the name a person gave here; a login or a proxy names its user by itself. The cookie is foreign text like
any other and is cleaned when read.
"""

from __future__ import annotations

from urllib.parse import unquote

import streamlit as st

COOKIE = "hone_name"

_SCRIPT = """
export default function ({ data }) {
  const value = encodeURIComponent(data.name);
  document.cookie = `${data.cookie}=${value}; path=/; max-age=31536000; SameSite=Strict`;
}
"""

_writer = st.components.v2.component("hone_remember", js=_SCRIPT)


def write(name: str) -> None:
    """Keep ``name`` in this browser."""
    _writer(key="hone_remember", data={"cookie": COOKIE, "name": name}, height=1)


def read() -> str | None:
    """The name this browser kept, as it came: to be cleaned by the caller."""
    kept = st.context.cookies.get(COOKIE)
    return unquote(kept) if isinstance(kept, str) else None
