"""Triage: an inbox of what people wrote, read by the rules, decided by a person with one key each.

In: feedback with a comment. Out: readings (the button on top) and verdicts. What a button or key means is fixed when
it is drawn: it carries the item's id and version, and the store refuses it once somebody else was faster.
"""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

import streamlit as st

from core.errors import HoneError
from core.store import Store
from core.tables import Category, Severity, TriageQueue, TriageStatus
from core.triage import inbox
from core.triage.inbox import InboxItem, InboxRow
from pages.review import triage_item
from pages.review.item_list import Row, after, item_list, moves, open_id, set_in_url, tabs
from pages.review.triage_words import ACTIONS, CATEGORIES, DONE, FORMS, QUEUES, SEVERITY_MARK, SOURCES, age_of
from pages.review.waiting import lately_untriaged, untriaged
from pages.shared import context, layout, words
from pages.shared.literal import one_line

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
_UNDO = "triage_decided"  # what this session decided, newest last: a list of ids each, for undo
_READ = "triage_read"  # how often this session pressed the button
_SHOWN = "triage_shown"  # (id, version, when), for the dwell guard


def page() -> None:
    """Read, show, act."""
    layout.header("Triage", "What people wrote, sorted by what it needs. Keep the reading or correct it.", keys=KEYS)
    store = context.store()
    with store.read() as session:
        by_tab = {str(queue.value): n for queue, n in inbox.count_by_queue(session).items()}
        by_tab[DONE] = inbox.count(session, status=TriageStatus.DONE)
        agreed = inbox.agreement(session)
        nothing = not sum(by_tab.values())
        unread = untriaged(session) if nothing else 0
    if nothing:
        _nothing_yet(unread)
        return
    unread = lately_untriaged(str(store.url), st.session_state.get(_READ, 0), store)
    with layout.filters():
        tab = tabs("Queue", {name: f"{text} {by_tab[name]:,}" for name, text in QUEUES.items()}, key="queue")
        category = _category()
        search = layout.search(key="triage_q", width=220)
        if unread:
            st.button(f"Triage {unread:,} new", type="primary", icon=":material/inbox:", on_click=_triage_new)
    total = by_tab[tab] if category is None and search is None else None
    kept = f"Category kept by people: {words.share_with_interval(agreed.agreed, agreed.n)}" if agreed.n else ""
    _inbox(store, tab, category, search, total, kept, primary=not unread)


def _category() -> Category | None:
    chosen = st.selectbox(
        "Category",
        ["", *Category],
        format_func=lambda value: CATEGORIES[value] if value else "All categories",
        key="category",
        bind="query-params",
        label_visibility="collapsed",
        width=180,
    )
    return Category(chosen) if chosen else None


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
    chosen: dict[str, Any] = {
        "status": TriageStatus.DONE if tab == DONE else TriageStatus.OPEN,
        "queue": None if tab == DONE else TriageQueue(tab),
        "category": category,
        "search": search,
    }
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
                moves("item", ids, current)
            else:
                filtered = category is not None or search is not None
                layout.empty("inbox", "Nothing matches. Change the category or the words." if filtered else EMPTY[tab])
        if tab == TriageQueue.REVIEW:
            _take_sure_ones(rows)
        if kept:
            st.caption(kept)
    with right:
        if current:
            _open(store, current, ids, primary=primary)
        elif st.session_state.get(_UNDO):  # the last item was decided: it can still be taken back
            _undo_last()


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


def _take_sure_ones(rows: list[InboxRow]) -> None:
    """Under the list: accept all sure readings of this page at once."""
    sure = [(row.result_id, row.version, row.category, row.severity) for row in rows if not row.needs_review]
    if len(sure) > 1:
        with st.popover(f"Accept the {len(sure)} sure ones", icon=":material/done_all:", type="tertiary"):
            st.caption("Every reading on this page that the rules were sure of. You can take it back with U.")
            st.button(f"Accept {len(sure)} readings", on_click=_accept_all, args=(sure,), type="primary")


def _open(store: Store, current: str, ids: list[str], *, primary: bool) -> None:
    try:
        with store.read() as session:
            opened = inbox.item(session, UUID(current))
    except (HoneError, ValueError):
        st.caption("This item is not here any more. Choose another one.")
        return
    st.session_state.setdefault(_SHOWN, ("", 0, 0.0))
    if st.session_state[_SHOWN][:2] != (current, opened.result.version):
        st.session_state[_SHOWN] = (current, opened.result.version, time.monotonic())
    triage_item.heading(opened)
    if opened.result.status == TriageStatus.OPEN:
        severity = _decide(opened, ids, primary=primary)
    else:
        severity = None
        _decided(opened)
    triage_item.said(opened.feedback)
    triage_item.reading(opened)
    if severity is not None:
        _other_categories(opened, severity, ids)
    triage_item.about(opened)


def _decide(opened: InboxItem, ids: list[str], *, primary: bool) -> Severity:
    """The bar that acts; each widget's key names the item and the version it was drawn for."""
    result = opened.result
    identity = f"{result.id}_{result.version}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        severity = st.segmented_control(
            "Severity",
            list(Severity),
            default=result.severity,
            required=True,
            key=f"severity_{identity}",
            format_func=lambda value: SEVERITY_MARK[value].words,
            label_visibility="collapsed",
        )
        severity = Severity(severity or result.severity)
        st.button(
            "Accept",
            key=f"accept_{identity}",
            shortcut="A",
            icon=":material/check:",
            type="primary" if primary else "secondary",
            on_click=_decide_one,
            args=(str(result.id), result.version, result.category, severity, ids),
        )
        _undo_last()
    return severity


def _undo_last() -> None:
    decided = st.session_state.get(_UNDO, [])
    newest = decided[-1] if decided else []
    st.button(
        "Undo",
        key=f"undo_{newest[-1] if newest else ''}_{len(decided)}",
        shortcut="U",
        icon=":material/undo:",
        type="tertiary",
        disabled=not decided,
        on_click=_undo,
        args=(newest,),
        help=f"Opens {words.counted(len(newest), 'item')} again" if newest else None,
    )


def _decided(opened: InboxItem) -> None:
    verdict = opened.verdict
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if verdict:
            kept = "kept as" if verdict.agrees else "changed to"
            st.text(
                f"{one_line(verdict.decided_by, limit=60)} {kept} {CATEGORIES[verdict.category].lower()}, "
                f"{SEVERITY_MARK[verdict.severity].words.lower()}, {words.ago(verdict.created_at)}",
                width="content",
            )
        st.button(
            "Take back",
            key=f"back_{opened.result.id}_{opened.result.version}",
            shortcut="U",
            icon=":material/undo:",
            on_click=_undo,
            args=([str(opened.result.id)],),
        )


def _other_categories(opened: InboxItem, severity: Severity, ids: list[str]) -> None:
    result = opened.result
    st.caption("Or decide for another category")
    with st.grid(3, min_column_width=150, gap="xsmall"):
        for number, category in enumerate(Category, start=1):
            st.button(
                CATEGORIES[category],
                key=f"category_{number}_{result.id}_{result.version}",
                shortcut=str(number),
                width="stretch",
                on_click=_decide_one,
                help=ACTIONS[category],
                args=(str(result.id), result.version, category, severity, ids),
            )


def _decide_one(result_id: str, version: int, category: Category, severity: Severity, ids: list[str]) -> None:
    shown_id, shown_version, since = st.session_state.get(_SHOWN, ("", 0, 0.0))
    if (shown_id, shown_version) == (result_id, version) and (
        time.monotonic() - since
    ) * 1000 < context.settings().min_dwell_ms:
        return  # a held key: nobody can have read it yet
    with context.action() as act, context.store().write() as session:
        inbox.decide(
            session,
            UUID(result_id),
            seen_version=version,
            category=category,
            severity=severity,
            decided_by=context.me(),
        )
    if act.ok:
        st.session_state[_UNDO] = [*st.session_state.get(_UNDO, [])[-99:], [result_id]]
    set_in_url("item", after(ids, result_id))


def _accept_all(sure: list[tuple[UUID, int, Category, Severity]]) -> None:
    with context.action(f"{words.counted(len(sure), 'reading')} accepted") as act, context.store().write() as session:
        for result_id, version, category, severity in sure:
            inbox.decide(
                session, result_id, seen_version=version, category=category, severity=severity, decided_by=context.me()
            )
    if act.ok:
        st.session_state[_UNDO] = [*st.session_state.get(_UNDO, [])[-99:], [str(one[0]) for one in sure]]
    set_in_url("item", None)


def _undo(result_ids: list[str]) -> None:
    with context.action(f"{words.counted(len(result_ids), 'item')} opened again"), context.store().write() as session:
        for result_id in result_ids:
            inbox.undo(session, UUID(result_id), by=context.me())
    decided = [[one for one in ids if one not in result_ids] for ids in st.session_state.get(_UNDO, [])]
    st.session_state[_UNDO] = [ids for ids in decided if ids]
    set_in_url("item", result_ids[-1] if len(result_ids) == 1 else None)


def _triage_new() -> None:
    with context.action("New feedback triaged"):
        while True:  # short transactions, so that nobody else waits for the lock
            with context.store().write() as session:
                if not inbox.triage_new(session, limit=500):
                    break
    st.session_state[_READ] = st.session_state.get(_READ, 0) + 1
    set_in_url("item", None)


page()
