"""Who can reach the server, read once before it starts: refuse to stand open to others without a login.

On 127.0.0.1 nothing is asked. On any other address people must log in (``[auth]`` in .streamlit/secrets.toml,
see ``st.login``) or come through a proxy that names its user (HONE_PROXY_USER_HEADER); otherwise the start ends
here with one sentence.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import streamlit as st

from core.api.guards import is_local
from core.settings import Settings
from pages.shared.access import login_configured

REFUSAL = (
    "Hone does not start on {address}: others could read and change everything without a login. Configure [auth] in "
    ".streamlit/secrets.toml, or set HONE_PROXY_USER_HEADER behind a proxy that signs people in, or bind 127.0.0.1."
)


def check() -> bool:
    """Whether people have to log in, so that others may reach the server; exits when they could without."""
    guarded = login_configured() or bool(Settings().proxy_user_header)
    address = bind_address()
    if not guarded and not is_local(address):
        sys.stderr.write(REFUSAL.format(address=address or "every address of this machine") + "\n")
        sys.stderr.flush()
        sys.exit(1)
    return guarded


def bind_address() -> str:
    """The address the server will listen on; empty means all of them."""
    started = Path(sys.argv[0])  # …/bin/uvicorn, or …/uvicorn/__main__.py
    if "uvicorn" in (started.name, started.parent.name):
        return _uvicorn_host(sys.argv[1:])
    return str(st.get_option("server.address") or "")


def _uvicorn_host(arguments: list[str]) -> str:
    for number, argument in enumerate(arguments):
        if argument == "--host" and number + 1 < len(arguments):
            return arguments[number + 1]
        if argument.startswith("--host="):
            return argument.removeprefix("--host=")
    return os.environ.get("UVICORN_HOST", "127.0.0.1")
