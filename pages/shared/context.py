"""What a page works with: the store, the settings, the jobs, who I am; and how a page acts.

    from pages.shared import context

    with context.store().read() as session:
        rows = inbox(session, limit=50)

    if st.button("Freeze dataset"):
        with context.action("Dataset frozen") as act, context.store().write() as session:
            freeze(session, agent_id=agent, frozen_by=context.me())
        if act.ok:
            st.rerun()

``action`` shows a HoneError as its one sentence and swallows it (``act.ok`` stays False); any other error is
logged and shown as one sentence without a traceback. Its label is shown as a toast after success, also
across the ``st.rerun()`` that follows. What ``st.cache_data`` keeps must be of a class from core or from an imported
module, not from the page's own script. Never call these from a training thread: they belong to a browser session.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import streamlit as st

from core.api import process
from core.errors import HoneError, InputRejected
from core.settings import Settings
from core.store import Store
from core.untrusted import optional
from pages.shared import remember
from pages.shared.literal import escape_label

_log = logging.getLogger("hone.pages")
NAME = "hone_local_name"
_DONE = "hone_done"
ACTION_FAILED = "Something went wrong on our side and this was not finished. The server's log has the details."


def settings() -> Settings:
    """The settings of this process, read once."""
    return process.current().settings


def store() -> Store:
    """The one store of this process: ``with store().read() as session`` or ``with store().write() as session``."""
    return process.current().store


def wake() -> None:
    """A job was put into the queue: let this process's worker look at it now, and the frame show it."""
    from pages.shared import working

    process.current().wake()
    working.now.clear()


def ask(kind: str, said: str) -> bool:
    """Queue a step's job in my name, once however often it is pressed; ``said`` is the toast. True when it is.

    One that was paused or interrupted goes on: that is what pressing the button again means.
    """
    from core.jobs import queue

    with action(said) as act, store().write() as session:
        job = queue.enqueue(session, kind, requested_by=me())
        queue.resume(session, job.id, by=me())
    if act.ok:
        wake()
    return act.ok


def me() -> str:
    """The name written beside my labels and verdicts: the login, else the proxy's user, else the local name."""
    return logged_in() or from_proxy() or local_name() or settings().user


def logged_in() -> str | None:
    """The e-mail address or name of the person logged in through ``st.login``."""
    if not getattr(st.user, "is_logged_in", False):
        return None
    return _name(st.user.get("email") or st.user.get("name") or st.user.get("sub"))


def from_proxy() -> str | None:
    """The user a trusted proxy passed in the configured header."""
    header = settings().proxy_user_header
    return _name(st.context.headers.get(header)) if header else None


def local_name() -> str | None:
    """The name given in this session, or kept by this browser; None before anybody gave one."""
    return st.session_state.get(NAME) or _name(remember.read())


def call_me(name: str) -> None:
    """Change the local name; a login or a proxy is stronger. Raises InputRejected for an empty or endless name."""
    cleaned = optional(name, limit=200)
    if not cleaned:
        raise InputRejected("Give a name: it is written beside your labels and verdicts.")
    st.session_state[NAME] = cleaned


def _name(value: object) -> str | None:
    try:
        return optional(value, limit=200)
    except InputRejected:
        return None


@dataclass
class Action:
    """How an action went; ``ok`` after success, else ``error`` holds the sentence shown."""

    ok: bool = False
    error: str | None = None


@contextmanager
def action(done: str | None = None) -> Iterator[Action]:
    """Run what is inside; show a failure as one sentence, and ``done`` as a toast after success."""
    act = Action()
    try:
        yield act
    except HoneError as error:
        act.error = str(error)
    except Exception as error:
        if type(error).__module__.startswith("streamlit."):  # st.stop and st.rerun are no failures
            raise
        _log.exception("an action failed")
        act.error = ACTION_FAILED
    else:
        act.ok = True
        if done:
            st.session_state[_DONE] = done
    if act.error:
        st.error(escape_label(act.error, limit=600), icon=":material/error:")


def show_done() -> None:
    """Show the toast of the last action; the frame calls it on every run, so it outlives a rerun."""
    done = st.session_state.pop(_DONE, None)
    if done:
        st.toast(escape_label(done), icon=":material/check:")


def script_failed(error: Exception) -> bool:
    """What a page shows when it fails: one sentence. The server hands every uncaught error of a script here."""
    if isinstance(error, HoneError):
        st.error(escape_label(str(error), limit=600), icon=":material/error:")
        return True
    _log.error("a page failed", exc_info=error)
    st.error(
        "This page could not be drawn. What is stored is untouched. Reload; the server's log has the details.",
        icon=":material/error:",
    )
    return True
