"""Who may see the pages at all, when the app is served to more than this machine.

With a login configured (``[auth]`` in secrets.toml) every page asks for it; with HONE_PROXY_USER_HEADER set,
a request that carries no user did not come through the proxy and is refused. Neither: the machine's own user.
"""

from __future__ import annotations

import streamlit as st

from pages.shared import context


def login_configured() -> bool:
    """Whether ``st.login`` has a provider."""
    return st.secrets.load_if_toml_exists() and "auth" in st.secrets


def require() -> None:
    """Stop here, with one sentence and perhaps a button, unless the visitor is known well enough."""
    if context.logged_in() or context.from_proxy():
        return
    if login_configured():
        st.title("Hone", anchor=False)
        st.caption("Sign in to see what your users said and what your team made of it.")
        st.button("Sign in", type="primary", on_click=st.login)
        st.stop()
    if context.settings().proxy_user_header:
        st.title("No user was passed", anchor=False)
        st.caption("This address is served behind a login that names its user in a header; that header is missing.")
        st.stop()
