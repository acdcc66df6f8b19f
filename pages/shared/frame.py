"""The frame around every page, run by app.py on each rerun: logo, menu with what waits, the running jobs, who I am.

A page is in the menu as soon as its file exists (``layout.PAGES``). The counts beside the titles and the running
jobs come from one small cached read each, so a rerun of any page costs the frame a few milliseconds. Page scripts need
nothing from here.
"""

from __future__ import annotations

import streamlit as st

from core import overview
from core.errors import HoneError
from pages.shared import access, context, keys, layout, remember, working
from pages.shared.literal import escape_label

MENU: dict[str, tuple[str, ...]] = {
    "": ("overview",),
    "Review": ("triage", "evaluations", "rewards"),
    "Curate": ("pairs", "datasets"),
    "Train": ("runs", "adapters"),
    "Admin": ("import", "jobs"),
}
STATIC = layout.ROOT / "static"
BOARD, BOARD_TAB = "label", "tab"  # the first tab of Pairs, and its name in the address
# Only classes of our own keys: who I am stays at the sidebar's foot, running jobs are thin lines.
STYLE = """
<style>
@media (min-height: 640px) {
  .st-key-who { position: absolute; bottom: 0.9rem; left: 1.1rem; right: 1.1rem; width: auto; }
}
.st-key-who button { justify-content: flex-start; }
.st-key-running_jobs [role=progressbar] > div, .st-key-running_jobs [role=progressbar] div { height: 3px; }
</style>
"""


def main() -> None:
    """Draw the frame, then run the page the address names."""
    # A local file: a Material icon here would be fetched from the network.
    st.set_page_config(page_title="Hone", page_icon=str(STATIC / "favicon.png"), layout="wide")
    st.logo(str(STATIC / "logo.svg"), icon_image=str(STATIC / "favicon.svg"), size="medium")
    st.html(STYLE)
    access.require()
    try:
        waiting, doing = waits(), working.now()
    except HoneError as error:
        _broken(str(error))
        return
    page = st.navigation(_menu(waiting))
    st.set_page_config(page_title=f"{_title(page.url_path)} · Hone")
    meaning = keys.listen()
    if meaning and meaning != "keys":
        layout.go(meaning)
    _who()
    if doing and not _labelling(page):
        st.fragment(working.draw, run_every=2)(tuple(one.job_id for one in doing))
    context.show_done()
    st.session_state.pop(keys.PAGE_KEYS, None)
    page.run()
    if meaning == "keys":
        keys.show()


@st.cache_data(ttl=5, refresh_mode="background", show_spinner=False)
def waits() -> dict[str, int]:
    """Page name → how many things wait there for a person."""
    with context.store().read() as session:
        return overview.waiting(session)


def _labelling(page: st.Page) -> bool:
    """Whether the labelling board is shown: nothing else is on screen then, and nothing draws itself anew.

    A fragment's own rerun that meets a key press can leave the pair on screen that was just labelled.
    """
    shown = st.session_state.get(f"{BOARD_TAB}_tab") or st.query_params.get(
        BOARD_TAB, BOARD
    )  # pressed, or the address's
    return page.url_path == layout.url("pairs") and shown == BOARD


def _menu(waiting: dict[str, int]) -> dict[str, list[st.Page]]:
    sections = {
        section: [_page(name, waiting.get(name, 0)) for name in names if layout.exists(name)]
        for section, names in MENU.items()
    }
    return {section: entries for section, entries in sections.items() if entries}


def _page(name: str, waiting: int) -> st.Page:
    file, title, icon = layout.PAGES[name]
    return st.Page(
        layout.ROOT / file,
        title=f"{title} · {_short(waiting)}" if waiting else title,
        icon=icon,
        url_path=layout.url(name),
        default=name == "overview",
    )


def _title(url_path: str) -> str:
    return next(title for name, (_, title, _) in layout.PAGES.items() if layout.url(name) == url_path)


def _short(n: int) -> str:
    return f"{n:,}" if n < 1_000 else f"{n // 1_000}k"


def _who() -> None:
    with st.sidebar, st.container(key="who"):
        name = context.me()
        fixed = context.logged_in() or context.from_proxy()
        with st.popover(escape_label(name, limit=30), icon=":material/person:", type="tertiary", width="stretch"):
            if fixed:
                st.caption("Signed in. This name stands beside your labels and verdicts.")
                if context.logged_in():
                    st.button("Sign out", on_click=st.logout)
            else:
                _rename(name)
        if context.NAME in st.session_state:
            remember.write(name)


def _rename(name: str) -> None:
    with st.form("who", border=False):
        given = st.text_input("Your name", value=name, help="Stands beside your labels and verdicts.")
        if st.form_submit_button("Use this name", type="primary"):
            with context.action() as act:
                context.call_me(given or "")
            if act.ok:
                st.rerun()


def _broken(sentence: str) -> None:
    """The store cannot be opened: say so, and stop before any page fails in its own way."""
    st.title("The store cannot be opened", anchor=False)
    st.text(sentence)
