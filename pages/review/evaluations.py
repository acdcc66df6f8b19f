"""Evaluations: what the judge said of each answer or plan, with its reasons, and whether people agree.

In: interactions (judged by the button on top) and verdicts. Out: verdicts of the rule-based judge, and people's
agreement. ``?evaluation=<id>`` opens one; A and D carry the id they were drawn for, so no key meets an unseen verdict.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import streamlit as st

from core.errors import HoneError
from core.judging import evaluations
from core.judging.evaluations import EvaluationDetail, EvaluationRow, EvaluationTotals
from core.store import Store
from core.tables import InteractionKind
from pages.review.evaluation_detail import VERDICTS, columns, judge_name, rubric
from pages.review.item_list import Mark, Page, Row, in_url, item_list, moves, set_in_url, tabs
from pages.review.triage_words import age_of
from pages.review.waiting import lately_unjudged
from pages.shared import context, export, layout, words, working
from pages.shared.literal import one_line

KEYS = {
    "A": "agree with the verdict",
    "D": "disagree",
    "J / K": "next, previous",
    "B": "back to the list",
}
KINDS = {InteractionKind.CHAT: "Answers", InteractionKind.PLAN: "Plans", InteractionKind.EXECUTION: "Executions"}
_ON_PAGE = "evaluation_on_page"
_SHOWN = "evaluation_shown"  # (id, when), for the dwell guard


@st.cache_data(ttl=30, refresh_mode="background", show_spinner=False, max_entries=50)
def known_judges(url: str, total: int, _store: Store) -> list[str]:
    """The names of all judges. ``url`` and ``total`` (of evaluations) are there for the cache's key."""
    with _store.read() as session:
        return evaluations.judges(session)


def page() -> None:
    """Read, show, act."""
    layout.header("Evaluations", "What the judge said of each answer, and why. Agree or disagree.", keys=KEYS)
    store = context.store()
    with store.read() as session:
        totals = evaluations.totals(session)
        new = 0 if totals.total else evaluations.waiting(session)
    if not totals.total:
        _nothing_yet(new)
        return
    new = lately_unjudged(str(store.url), store)
    judges = known_judges(str(store.url), totals.total, store)
    opened = in_url("evaluation")
    with layout.filters():
        rating = tabs("Verdict", _tab_words(totals), key="verdict")
        judge = layout.pick("Judge", judges, key="judge", width=150) if len(judges) > 1 else None
        kind = _kind()
        search = layout.search(key="evaluation_q", width=180)
        chosen = {"judge": judge, "rating": None if rating == "all" else rating, "kind": kind, "search": search}
        if new and not opened:
            said, busy = (f"Judge {new:,} new", False) if not working.busy("judge") else ("Judging", True)
            st.button(said, type="primary", icon=":material/balance:", on_click=_judge_new, disabled=busy)
        if not opened:
            export.popover("evaluations", chosen)
    listed = _list(store, chosen, totals, opened)
    if opened:
        _open(store, opened, listed)
    rubric()


def _nothing_yet(new: int) -> None:
    if new:
        sentence = f"{words.counted(new, 'answer waits', 'answers wait')} for a verdict of the rule-based judge."
        if layout.empty("balance", sentence, "Judge new answers", title="Nothing is judged yet"):
            _judge_new()
            st.rerun()
        return
    layout.empty(
        "balance",
        "Each answer and plan gets a verdict with its parts and reasons, which you confirm or contradict with one key.",
        "Import your data",
        to="import",
        title="No answers yet",
    )
    layout.link("overview", "Or load the sample workspace from the overview", icon=":material/route:")


def _tab_words(totals: EvaluationTotals) -> dict[str, str]:
    found = {"all": f"All {totals.total:,}", "up": f"Good {totals.up:,}", "down": f"Poor {totals.down:,}"}
    return found | ({evaluations.UNSCORED: f"Unscored {totals.unscored:,}"} if totals.unscored else {})


def _kind() -> InteractionKind | None:
    chosen = st.selectbox(
        "Kind",
        ["", *KINDS],
        format_func=lambda value: KINDS[value] if value else "Answers and plans",
        key="evaluation_kind",
        bind="query-params",
        label_visibility="collapsed",
        width=165,
    )
    return InteractionKind(chosen) if chosen else None


def _list(store: Store, chosen: dict[str, Any], totals: EvaluationTotals, opened: str | None) -> Page:
    """The list, or, while one is open, only the ids around it for previous and next."""
    with store.read() as session:
        total = evaluations.count(session, **chosen) if any(chosen.values()) else totals.total
    list_place = st.container()
    number = _page_number(total, opened)
    with store.read() as session:
        rows = evaluations.listing(session, **chosen, limit=layout.PAGE_SIZE, offset=layout.offset(number))
    if not opened:
        with list_place:
            if rows:
                item_list("evaluation", [_row(row) for row in rows], selected=None, label="Evaluations")
            else:
                layout.empty("filter_alt_off", "Nothing matches. Change the verdict, the kind or the words.")
        if totals.reviewed:
            agreed = words.share_with_interval(totals.agreeing, totals.reviewed)
            st.caption(f"Verdicts that people agreed with: {agreed}")
    return Page([str(row.evaluation_id) for row in rows], layout.offset(number), total)


def _page_number(total: int, opened: str | None) -> int:
    """The page of the list; while an evaluation is open the paging is not drawn, and comes back where it was."""
    if opened:
        return int(st.session_state.get(_ON_PAGE, 1))
    if st.session_state.get(_ON_PAGE, 1) > 1 and "evaluation_page" not in st.session_state:
        st.session_state["evaluation_page"] = st.session_state[_ON_PAGE]
    number = layout.paging(total, key="evaluation_page")
    st.session_state[_ON_PAGE] = number
    return number


def _row(row: EvaluationRow) -> Row:
    name, tone, glyph = VERDICTS[row.overall_rating]
    below = [one_line(row.agent_id, limit=40), judge_name(row.judge)]
    if row.kind == InteractionKind.PLAN:
        below.insert(1, "plan")
    if row.unscored_reason:
        below.append(one_line(row.unscored_reason, limit=80))
    elif row.confidence is not None and row.score is not None:
        below.append(f"score {row.score:.2f}, confidence {row.confidence:.2f}")
    if row.agreeing or row.disagreeing:
        below.append(f"{row.agreeing} agree, {row.disagreeing} disagree")
    return Row(
        id=str(row.evaluation_id),
        title=row.prompt,
        below=" · ".join(below),
        aside=age_of(row.created_at),
        exact=words.exact(row.created_at),
        mark=Mark(words=name, tone=tone, glyph=glyph),
    )


def _open(store: Store, opened: str, listed: Page) -> None:
    try:
        with store.read() as session:
            found = evaluations.detail(session, UUID(opened))
    except (HoneError, ValueError):
        layout.empty("search_off", "This evaluation is not here. It may belong to another store.")
        st.button("Back to the list", on_click=set_in_url, args=("evaluation", None), icon=":material/arrow_back:")
        return
    if st.session_state.get(_SHOWN, ("", 0.0))[0] != opened:
        st.session_state[_SHOWN] = (opened, time.monotonic())
    _bar(found, listed)
    columns(found)


def _bar(found: EvaluationDetail, listed: Page) -> None:
    """Back, move, agree, disagree: always at the same place."""
    current = str(found.evaluation.id)
    mine = next((review.agrees for review in found.reviews if review.reviewer == context.me()), None)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
            st.button(
                "All evaluations",
                shortcut="B",
                icon=":material/arrow_back:",
                type="tertiary",
                on_click=set_in_url,
                args=("evaluation", None),
            )
            moves("evaluation", listed, current)
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
            st.caption(_reviews(found, mine), width="content")
            for name, key, agrees, icon in (
                ("Agree", "A", True, ":material/thumb_up:"),
                ("Disagree", "D", False, ":material/thumb_down:"),
            ):
                st.button(
                    name,
                    key=f"{name.lower()}_{current}",
                    shortcut=key,
                    icon=icon,
                    type="primary" if agrees and mine is None else "secondary",
                    disabled=found.evaluation.overall_rating is None,
                    on_click=_review,
                    args=(current, agrees, listed.ids),
                )


def _reviews(found: EvaluationDetail, mine: bool | None) -> str:
    agreeing = sum(review.agrees for review in found.reviews)
    others = len(found.reviews) - agreeing
    said = {True: "You agree. ", False: "You disagree. ", None: ""}[mine]
    if not found.reviews:
        return "No review yet"
    return f"{said}{agreeing} agree, {others} disagree"


def _review(evaluation_id: str, agrees: bool, ids: Sequence[str]) -> None:
    shown, since = st.session_state.get(_SHOWN, ("", 0.0))
    if shown == evaluation_id and (time.monotonic() - since) * 1000 < context.settings().min_dwell_ms:
        return  # a held key: nobody can have read it yet
    with context.action() as act, context.store().write() as session:
        evaluations.review(session, UUID(evaluation_id), reviewer=context.me(), agrees=agrees)
    if act.ok:
        at = ids.index(evaluation_id) if evaluation_id in ids else len(ids)
        set_in_url("evaluation", ids[at + 1] if at + 1 < len(ids) else evaluation_id)


def _judge_new() -> None:
    if context.ask("judge", "Judging of the new answers is under way"):
        set_in_url("evaluation", None)


page()
