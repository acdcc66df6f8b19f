"""The shape every page shares: header, filters that live in the URL, empty state, paging, links to other pages.

    layout.header("Triage", "What people wrote, sorted by what it needs.", keys={"1 … 6": "set the category"})
    with layout.filters():
        queue = layout.choice("Queue", {"review": "Needs review", "hostile": "Hostile"}, key="queue")
        agent = layout.pick("Agent", agents, key="agent")            # None means all
        words = layout.search(key="q")
    page = layout.paging(total, key="page")                          # 1-based; offset = layout.offset(page)
    if not rows:
        layout.empty("inbox", "Nothing waits here.", "Import your data", to="import")

Filter keys are the names in the URL, so the address bar holds the view and can be copied; an unknown value in
the URL falls back to the default. Titles, sentences and labels here are ours; foreign text goes through literal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import streamlit as st

from pages.shared.literal import one_line
from pages.shared.share import copy_link

PAGE_SIZE = 50
NOBODY = UUID(int=0)  # the id of no row
ROOT = Path(__file__).parents[2]

# Every page there will be: its name (and URL path), file, menu title, icon. Shown once its file exists.
PAGES: dict[str, tuple[str, str, str]] = {
    "overview": ("pages/overview/home.py", "Overview", ":material/route:"),
    "triage": ("pages/review/triage.py", "Triage", ":material/inbox:"),
    "evaluations": ("pages/review/evaluations.py", "Evaluations", ":material/balance:"),
    "rewards": ("pages/review/rewards.py", "Rewards", ":material/bar_chart:"),
    "pairs": ("pages/curate/pairs.py", "Pairs", ":material/compare_arrows:"),
    "datasets": ("pages/curate/datasets.py", "Datasets", ":material/dataset:"),
    "runs": ("pages/train/runs.py", "Runs", ":material/model_training:"),
    "adapters": ("pages/train/adapters.py", "Adapters", ":material/extension:"),
    "import": ("pages/admin/import_data.py", "Import", ":material/upload_file:"),
    "jobs": ("pages/admin/jobs.py", "Jobs", ":material/manufacturing:"),
}


def exists(name: str) -> bool:
    """Whether that page is there to be linked to."""
    return (ROOT / PAGES[name][0]).is_file()


def header(title: str, sentence: str, *, keys: Mapping[str, str] | None = None, share: bool = True) -> None:
    """The page's title, one plain sentence, and quiet buttons: copy a link to this view, list the page's keys.

    ``share=False`` for a page whose address holds no view; without ``keys`` there is no button for them.
    """
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(gap="xxsmall", width="stretch"):
            st.title(title, anchor=False)
            st.caption(sentence)
        with st.container(horizontal=True, width="content", gap="small", vertical_alignment="center"):
            if share:
                copy_link()
            if keys is not None:
                from pages.shared.keys import keys_button

                keys_button(keys)


@contextmanager
def filters() -> Iterator[None]:
    """One row of filters; it wraps on a narrow screen."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        yield


def choice(label: str, options: Mapping[str, str], *, key: str, default: str | None = None) -> str:
    """One of a few ``{value: words}``, all visible; always one chosen, the first unless ``default``."""
    return st.segmented_control(
        label,
        list(options),
        format_func=lambda value: options[value],
        default=default or next(iter(options)),
        required=True,
        key=key,
        bind="query-params",
        label_visibility="collapsed",
    ) or next(iter(options))


def pick(label: str, options: Sequence[str], *, key: str, plural: str | None = None, width: int = 220) -> str | None:
    """One of many foreign or own values, or None for all of them, which is said with ``plural`` ("All agents")."""
    everything = f"All {plural or label.lower() + 's'}"
    chosen = st.selectbox(
        label,
        ["", *options],
        format_func=lambda value: one_line(value, limit=60) if value else everything,
        key=key,
        bind="query-params",
        label_visibility="collapsed",
        width=width,
    )
    return chosen or None


def search(label: str = "Search", *, key: str = "q", width: int = 260) -> str | None:
    """Words to search for, or None."""
    words = st.text_input(
        label,
        key=key,
        placeholder=label,
        icon=":material/search:",
        max_chars=200,
        bind="query-params",
        label_visibility="collapsed",
        width=width,
    )
    return (words or "").strip() or None


def paging(total: int, *, key: str = "page", size: int = PAGE_SIZE) -> int:
    """The page to show, from 1; nothing is drawn when all fits on one."""
    pages = max(1, -(-total // size))
    if pages == 1:
        return 1
    return min(pages, st.pagination(pages, key=key, bind="query-params"))


def offset(page: int, *, size: int = PAGE_SIZE) -> int:
    """The first row of a page."""
    return (page - 1) * size


def id_in(text: str | None) -> UUID | None:
    """The id in a part of the address; None when there is none.

    What is no id becomes the one that no row has, so that a page says of it what it says of any unknown one.
    """
    try:
        return UUID(text) if text else None
    except ValueError:
        return NOBODY


def empty(
    icon: str,
    sentence: str,
    button: str | None = None,
    *,
    to: str | None = None,
    title: str | None = None,
    key: str | None = None,
) -> bool:
    """An invitation where a list would be: icon, sentence, and the button that fills it.

    With ``to`` (a name of PAGES) the button leads there; without, returns whether it was pressed.
    """
    with st.container(border=True, key=f"empty_{key or icon}", horizontal_alignment="center", gap="xsmall"):
        st.space("small")
        st.markdown(f"## :gray[:material/{icon}:]", width="content")
        if title:
            st.subheader(title, anchor=False, width="content", text_alignment="center")
        st.caption(sentence, width="content", text_alignment="center")
        pressed = False
        if button and (to is None or exists(to)):
            pressed = st.button(button, type="primary", key=f"empty_button_{key or icon}")
            if pressed and to:
                go(to)
        st.space("small")
    return pressed


def link(name: str, label: str, *, icon: str | None = None, help: str | None = None, **query: str) -> None:
    """A link to another page, with what it should open in its query (``run=…``); plain text if it is not there yet.

    ``label`` is markdown: escape foreign parts of it with ``escape_label``.
    """
    if exists(name):
        st.page_link(PAGES[name][0], label=label, icon=icon, help=help, query_params=query or None)
    else:
        st.caption(label)


def go(name: str, **query: str) -> None:
    """Leave for another page; nothing after it runs."""
    st.switch_page(PAGES[name][0], query_params=query or None)


def url(name: str) -> str:
    """The page's path from the root of the app."""
    return "" if name == "overview" else name
