"""The bar that decides one piece of feedback, and what takes a decision back: buttons, keys and what they store.

What a button or key means is fixed when it is drawn: its key names the item and the version it was drawn for.
"""

from __future__ import annotations

import time
from uuid import UUID

import streamlit as st

from core.tables import Category, Severity
from core.triage import inbox
from core.triage.inbox import InboxItem, InboxRow
from pages.review.item_list import after, set_in_url
from pages.review.triage_words import ACTIONS, CATEGORIES, SEVERITY_MARK
from pages.shared import context, words
from pages.shared.literal import one_line

_UNDO = "triage_decided"  # what this session decided, newest last: a list of ids each, for undo
_SHOWN = "triage_shown"  # (id, version, when), for the dwell guard


def shown(opened: InboxItem) -> None:
    """Note since when this item, in this version, is on the screen."""
    now = (str(opened.result.id), opened.result.version)
    if st.session_state.get(_SHOWN, ("", 0, 0.0))[:2] != now:
        st.session_state[_SHOWN] = (*now, time.monotonic())


def bar(opened: InboxItem, ids: list[str], *, primary: bool) -> Severity:
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
        undo_last()
    return severity


def can_undo() -> bool:
    """Whether this session has decided anything that stands."""
    return bool(st.session_state.get(_UNDO))


def undo_last() -> None:
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


def decided(opened: InboxItem) -> None:
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


def other_categories(opened: InboxItem, severity: Severity, ids: list[str]) -> None:
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


def take_sure_ones(rows: list[InboxRow]) -> None:
    """Under the list: accept all sure readings of this page at once."""
    sure = [(row.result_id, row.version, row.category, row.severity) for row in rows if not row.needs_review]
    if len(sure) > 1:
        with st.popover(f"Accept the {len(sure)} sure ones", icon=":material/done_all:", type="tertiary"):
            st.caption("Every reading on this page that the rules were sure of. You can take it back with U.")
            st.button(f"Accept {len(sure)} readings", on_click=_accept_all, args=(sure,), type="primary")
