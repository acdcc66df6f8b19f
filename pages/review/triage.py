"""Triage: an inbox of what people wrote, read by the rules, decided by a person with one key each.

In: feedback with a comment. Out: readings (the button on top) and verdicts. What a button or key means is fixed when
it is drawn: it carries the item's id and version, and the store refuses it once somebody else was faster.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import streamlit as st

from core.errors import HoneError
from core.store import Store
from core.tables import Category, TriageQueue, TriageStatus
from core.triage import inbox
from core.triage.inbox import InboxRow
from pages.review import triage_decide, triage_item
from pages.review.item_list import Page, Row, item_list, moves, open_id, set_in_url, tabs
from pages.review.triage_words import CATEGORIES, DONE, FORMS, QUEUES, SEVERITY_MARK, SOURCES, age_of
from pages.review.waiting import lately_untriaged
from pages.shared import context, export, layout, words, working

KEYS = {
    "A": "accept the reading",
    "1 … 6": "decide for another category",
    "J / K": "next, previous",
    "U": "take the last decision back",
}
EMPTY = {
    "review": "Nothing waits for review. New feedback comes in through the import or the HTTP routes.",
    "hostile": "Nobody was hostile. Such messages always come to a person, none is thrown away.",
    "commercial": "No commercial message waits. They always come to a person.",
    DONE: "Nothing has been decided yet. What you decide can be taken back here.",
}


def page() -> None:
    """Read, show, act."""
    layout.header("Triage", "What people wrote, sorted by what it needs. Keep the reading or correct it.", keys=KEYS)
    store = context.store()
    with store.read() as session:
        by_tab = {str(queue.value): n for queue, n in inbox.count_by_queue(session).items()}
        by_tab[DONE] = inbox.count(session, status=TriageStatus.DONE)
        agreed = inbox.agreement(session)
        nothing = not sum(by_tab.values())
        unread = inbox.waiting(session) if nothing else 0
    if nothing:
        _nothing_yet(unread)
        return
    unread = lately_untriaged(str(store.url), store)
    with layout.filters():
        tab = tabs("Queue", {name: f"{text} {by_tab[name]:,}" for name, text in QUEUES.items()}, key="queue")
        category = _category()
        search = layout.search(key="triage_q", width=220)
        if unread:
            said, busy = (f"Triage {unread:,} new", False) if not working.busy("triage") else ("Triaging", True)
            st.button(said, type="primary", icon=":material/inbox:", on_click=_triage_new, disabled=busy)
        export.popover("triage", _chosen(tab, category, search))
    total = by_tab[tab] if category is None and search is None else None
    kept = f"Category kept by people: {words.share_with_interval(agreed.agreed, agreed.n)}" if agreed.n else ""
    _inbox(store, tab, category, search, total, kept, primary=not unread)


def _category() -> Category | None:
    by_words = {text: category for category, text in CATEGORIES.items()}
    chosen = layout.pick("Category", list(by_words), key="category", plural="categories", width=180)
    return by_words[chosen] if chosen else None


def _nothing_yet(unread: int) -> None:
    if unread:
        sentence = f"{words.counted(unread, 'comment waits', 'comments wait')} to be read by the rules."
        if layout.empty("inbox", sentence, "Triage new feedback", title="Nothing is sorted yet"):
            _triage_new()
            st.rerun()
        return
    layout.empty(
        "inbox",
        "Comments and site forms arrive here, each with its category, its severity and what to do. "
        "Hostile and commercial messages get a place of their own.",
        "Import your data",
        to="import",
        title="No feedback yet",
    )
    layout.link("overview", "Or load the sample workspace from the overview", icon=":material/route:")


def _inbox(
    store: Store,
    tab: str,
    category: Category | None,
    search: str | None,
    total: int | None,
    kept: str,
    *,
    primary: bool,
) -> None:
    chosen = _chosen(tab, category, search)
    if total is None:
        with store.read() as session:
            total = inbox.count(session, **chosen)
    left, right = st.columns([2, 3], gap="medium")
    with left:
        list_place = st.container()
        number = layout.paging(total, key="triage_page")
        with store.read() as session:
            rows = inbox.inbox(session, **chosen, limit=layout.PAGE_SIZE, offset=layout.offset(number))
        ids = [str(row.result_id) for row in rows]
        current = open_id("item", ids, view=(tab, category, search, number))
        with list_place:
            if rows or current:
                item_list("item", [_row(row) for row in rows], selected=current, label="Feedback")
                moves("item", Page(ids, layout.offset(number), total), current)
            else:
                filtered = category is not None or search is not None
                layout.empty("inbox", "Nothing matches. Change the category or the words." if filtered else EMPTY[tab])
        if tab == TriageQueue.REVIEW:
            triage_decide.take_sure_ones(rows)
        if kept:
            st.caption(kept)
    with right:
        if current:
            _open(store, current, ids, primary=primary)
        elif triage_decide.can_undo():  # the last item was decided: it can still be taken back
            triage_decide.undo_last()


def _chosen(tab: str, category: Category | None, search: str | None) -> dict[str, Any]:
    """The filters, as the inbox and the export call them."""
    return {
        "status": TriageStatus.DONE if tab == DONE else TriageStatus.OPEN,
        "queue": None if tab == DONE else TriageQueue(tab),
        "category": category,
        "search": search,
    }


def _row(row: InboxRow) -> Row:
    source = FORMS[row.form_type] if row.form_type else SOURCES[row.kind]
    return Row(
        id=str(row.result_id),
        title=row.excerpt,
        below=f"{source} · {CATEGORIES[row.category]}" + (" · not sure" if row.needs_review else ""),
        aside=age_of(row.said_at),
        exact=words.exact(row.said_at),
        mark=SEVERITY_MARK[row.severity],
    )


def _open(store: Store, current: str, ids: list[str], *, primary: bool) -> None:
    try:
        with store.read() as session:
            opened = inbox.item(session, UUID(current))
    except (HoneError, ValueError):
        st.caption("This item is not here any more. Choose another one.")
        return
    triage_decide.shown(opened)
    triage_item.heading(opened)
    if opened.result.status == TriageStatus.OPEN:
        severity = triage_decide.bar(opened, ids, primary=primary)
    else:
        severity = None
        triage_decide.decided(opened)
    triage_item.said(opened.feedback)
    triage_item.reading(opened)
    if severity is not None:
        triage_decide.other_categories(opened, severity, ids)
    triage_item.about(opened)


def _triage_new() -> None:
    if context.ask("triage", "Triage of the new comments is under way"):
        set_in_url("item", None)


page()
