"""What a run fixed and broke on held-out pairs, with the complaint behind each; and whose labels taught it.

In: the run's margins before and after (``core.lineage.fixed``). Complaints, prompts and answers are foreign text and
shown literally; nothing here acts.
"""

from __future__ import annotations

from uuid import UUID

import streamlit as st

from core import lineage
from core.lineage import Change, ChangedPair, Tally, Teaching
from core.tables import MessageFeedbackType
from pages.curate.pair_words import CHOSEN, ORIGIN, REJECTED
from pages.shared import context, layout
from pages.shared.literal import escape_label, literal
from pages.shared.words import ago, counted, exact

SIZE = 5
_NAMED = 4  # annotators
_SAID = {
    MessageFeedbackType.THUMBS_DOWN: "Thumbs down",
    MessageFeedbackType.REGENERATE: "Asked for another answer",
    MessageFeedbackType.RATING_1: "Rated 1 of 5",
    MessageFeedbackType.RATING_2: "Rated 2 of 5",
}


def draw(run_id: UUID) -> None:
    """The section of a run's or an adapter's page; nothing where nothing was measured pair by pair."""
    found = tally(run_id)
    if not found.n:
        return
    st.subheader("What it fixed", anchor=False)
    st.markdown(f"{headline(found)}.", help=sentence(found))
    if found.fixed or found.broken:
        _changes(run_id, found)


def on_card(run_id: UUID, *, alone: bool) -> None:
    """On an adapter's card: the counts at once, the pairs in a fold, which reads nothing while it is closed."""
    found = tally(run_id)
    if not found.n:
        return
    st.markdown(f"{headline(found)}.", help=sentence(found))
    if not (found.fixed or found.broken):
        return
    box = st.expander(
        "What it fixed", icon=":material/task_alt:", expanded=alone, on_change="rerun", key=f"fixed_of_{run_id}"
    )
    if box.open:
        with box:
            _changes(run_id, found)


def tally(run_id: UUID) -> Tally:
    """The counts, kept for half a minute: a run's margins never change, only what people say of its answers."""
    return _tally(str(context.store().url), str(run_id))


@st.cache_data(ttl=30, max_entries=200, show_spinner=False)
def _tally(url: str, run_id: str) -> Tally:
    with context.store().read() as session:
        return lineage.tally(session, UUID(run_id))


def headline(found: Tally) -> str:
    """ "24 of 30 complaints fixed, 1 broken"; of wrong pairs where nobody complained."""
    if found.complaints:
        broken = found.complaints_broken
        return f"**{found.complaints_fixed:,} of {counted(found.complaints, 'complaint')} fixed, {broken:,} broken**"
    return f"**{found.fixed:,} of {counted(found.wrong, 'wrong pair')} fixed, {found.broken:,} broken**"


def sentence(found: Tally) -> str:
    right = found.n - found.wrong
    return (
        f"Of {counted(found.n, 'held-out pair')}, {found.wrong:,} were wrong before training: {found.fixed:,} of these "
        f"are right now. {right:,} were right: {found.broken:,} of these are wrong now. Wrong means that the rejected "
        "answer is at least as likely as the chosen one."
    )


def _changes(run_id: UUID, found: Tally) -> None:
    short = str(run_id)[-12:]
    words = {Change.FIXED: f"Fixed {found.fixed:,}", Change.BROKEN: f"Broken {found.broken:,}"}
    chosen = st.segmented_control(
        "Changed pairs",
        [change.value for change in Change],
        format_func=lambda value: words[Change(value)],
        default=Change.FIXED.value if found.fixed else Change.BROKEN.value,
        required=True,
        key=f"change_{short}",
        label_visibility="collapsed",
    )
    change = Change(chosen or Change.FIXED)
    body = st.container(gap="small")
    total = found.fixed if change is Change.FIXED else found.broken
    page = layout.paging(total, key=f"{change.value}_{short}", size=SIZE)
    with context.store().read() as session:
        effect = lineage.fixed(session, run_id, change=change, limit=SIZE, offset=layout.offset(page, size=SIZE))
    with body:
        if not effect.rows:
            st.caption("No pair is broken." if change is Change.BROKEN else "No pair is fixed.")
        for row in effect.rows:
            _pair(row)


def _pair(row: ChangedPair) -> None:
    with st.container(border=True, gap="xsmall", key=f"changed_{row.pair_id}"):
        complaint, prompt = st.columns(2, gap="medium")
        with complaint, st.container(gap="xsmall"):
            st.caption(_complaint(row), help=exact(row.said_at) if row.said_at else None)
            if row.comment:
                literal(row.comment, fold=400, key=f"complaint_{row.pair_id}")
        with prompt, st.container(gap="xsmall"):
            literal(row.prompt, label="Prompt", fold=400, key=f"asked_{row.pair_id}")
        with st.expander(
            f"Answers, margin {_nats(row.margin_before)} → {_nats(row.margin_after)} nats", type="compact"
        ):
            for column, mark, answer in zip(st.columns(2), (CHOSEN, REJECTED), (row.chosen, row.rejected), strict=True):
                with column:
                    st.markdown(f":small[{mark}]")
                    literal(answer)
            layout.link("pairs", "Open the pair", icon=":material/compare_arrows:", tab="curate", pair=str(row.pair_id))


def _complaint(row: ChangedPair) -> str:
    if row.feedback_id is None and row.agent_feedback_id is None:
        return "Nobody complained; people preferred the other answer"
    words = _SAID.get(row.said, "Complaint") if row.said else "Complaint"
    return f"{words}, {ago(row.said_at)}" + ("" if row.comment else ", without words")


def _nats(margin: float) -> str:
    return f"{margin:+.2f}".replace("-", "−")


def taught(row_id: UUID) -> None:
    """One line on an adapter, a run or a dataset: how many labels it rests on, and by whom."""
    st.caption(_labels(_teaching(str(context.store().url), str(row_id))))


def origins(row_id: UUID) -> None:
    """One line: where its pairs came from."""
    found = _teaching(str(context.store().url), str(row_id)).by_origin
    st.caption(", ".join(f"{n:,} from {ORIGIN[origin].lower()}" for origin, n in found.items() if n))


@st.cache_data(ttl=30, max_entries=200, show_spinner=False)
def _teaching(url: str, row_id: str) -> Teaching:
    with context.store().read() as session:
        return lineage.taught_by(session, UUID(row_id))


def _labels(found: Teaching) -> str:
    if not found.labels:
        return "Nobody labelled its pairs by hand."
    named = list(found.by_annotator.items())[:_NAMED]
    names = ", ".join(f"{escape_label(name, limit=40)} {n:,}" for name, n in named)
    more = f" and {found.people - len(named):,} more" if found.people > len(named) else ""
    return f"{counted(found.labels, 'label')} by {names}{more}."
