"""One pair: both sides whole, which is chosen and why, where it came from, who labelled it, and taking it out."""

from __future__ import annotations

from uuid import UUID

import streamlit as st
from sqlmodel import Session

from core.errors import NotFound
from core.lineage import Kind
from core.preferences import table
from core.preferences.table import PairDetail
from core.tables import (
    Feedback,
    Import,
    Interaction,
    LearningExample,
    PairStatus,
    PreferencePair,
    Side,
)
from pages.curate.pair_words import CHOSEN, LABEL, ORIGIN, REJECTED, badge
from pages.shared import context, lineage
from pages.shared.literal import escape_label, literal
from pages.shared.words import ago, counted, exact

CLOSED = "pairs_closed"  # how often a pair was closed in this session


def draw(pair_id: UUID) -> None:
    try:
        with context.store().read() as session:
            detail = table.detail(session, pair_id)
            origins = _came_from(session, detail.pair)
    except NotFound:
        st.caption("There is no such pair; it may belong to another store.")
        _close()
        return
    with st.container(border=True, key=f"pair_{pair_id}", gap="small"):
        _headline(detail.pair)
        _conversation(detail)
        _sides(detail.pair)
        _lineage(detail, origins)
        _take_out(detail.pair)


def _headline(pair: PreferencePair) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        margin = f" :small[:gray[margin {pair.margin:.2f}]]" if pair.margin is not None else ""
        st.markdown(f"{badge(pair.status)} :gray-badge[{ORIGIN[pair.origin]}]{margin}", width="content")
        _close()
    if pair.reason:
        st.caption(escape_label(pair.reason, limit=400))


def _take_out(pair: PreferencePair) -> None:
    taken_out = pair.status is PairStatus.EXCLUDED
    st.button(
        "Restore pair" if taken_out else "Exclude pair",
        key=f"exclude_{pair.id}_{pair.version}",
        icon=":material/undo:" if taken_out else ":material/block:",
        on_click=_restore if taken_out else _exclude,
        args=(pair.id, pair.version),
    )


def _close() -> None:
    if st.button("", icon=":material/close:", type="tertiary", key="pair_close", help="Back to the checks"):
        st.query_params.pop("pair", None)
        st.session_state[CLOSED] = st.session_state.get(CLOSED, 0) + 1
        st.rerun()


def _exclude(pair_id: UUID, version: int) -> None:
    with context.action("Pair excluded; frozen datasets keep their copy"), context.store().write() as session:
        table.exclude(session, pair_id, seen_version=version)
    st.cache_data.clear()


def _restore(pair_id: UUID, version: int) -> None:
    with context.action("Pair restored"), context.store().write() as session:
        table.restore(session, pair_id, seen_version=version)
    st.cache_data.clear()


def _conversation(detail: PairDetail) -> None:
    earlier = detail.messages[:-1]
    if earlier:
        with st.expander(counted(len(earlier), "earlier turn"), icon=":material/forum:", type="compact"):
            for turn in earlier:
                literal(turn["content"], label="User" if turn["role"] == "user" else "Agent")
    literal(detail.messages[-1]["content"], label="Prompt")


def _sides(pair: PreferencePair) -> None:
    answers = {Side.A: pair.answer_a, Side.B: pair.answer_b}
    if pair.preferred is None:
        for side, answer in answers.items():
            _side(f"**Answer {side.value}**", answer)
        return
    _side(CHOSEN, answers[pair.preferred])
    _side(REJECTED, answers[Side.B if pair.preferred is Side.A else Side.A])


def _side(mark: str, answer: str) -> None:
    with st.container(border=True, gap="xsmall"):
        st.markdown(mark)
        literal(answer)


# -- where it came from -------------------------------------------------------------------------------------------


def _came_from(session: Session, pair: PreferencePair) -> list[tuple[str, str, str]]:
    """(icon, what it is, its text) of the rows the pair keeps the ids of; the text is foreign."""
    found: list[tuple[str, str, str]] = []
    for interaction_id in (pair.interaction_a_id, pair.interaction_b_id):
        if interaction_id and (interaction := session.get(Interaction, interaction_id)):
            side = "A" if interaction_id == pair.interaction_a_id else "B"
            found.append(("chat", f"Answer {side} was given {ago(interaction.created_at)}", interaction.source))
    if pair.feedback_id and (feedback := session.get(Feedback, pair.feedback_id)):
        kind = feedback.feedback_type.value.replace("_", " ") if feedback.feedback_type else feedback.kind.value
        found.append(("reviews", f"Feedback {ago(feedback.created_at)}: {kind}", feedback.comment or ""))
    if pair.learning_example_id and (example := session.get(LearningExample, pair.learning_example_id)):
        found.append(("edit_note", f"A correction {ago(example.created_at)}", ""))
    if pair.import_id and (row := session.get(Import, pair.import_id)):
        found.append(("upload_file", f"Imported {ago(row.created_at)}", f"{row.filename}, by {row.imported_by}"))
    return found


def _lineage(detail: PairDetail, origins: list[tuple[str, str, str]]) -> None:
    st.caption("Where it came from, and where it went")
    with st.container(gap="xxsmall"):
        for icon, what, text in origins:
            _line(icon, f"{what}: {escape_label(text, limit=200)}" if text else what)
        for label in detail.labels:
            state = "" if label.is_current else ", taken back"
            seconds = f"{label.shown_ms / 1000:,.1f} s"
            _line(
                "person",
                f"{escape_label(label.annotator, limit=60)} {LABEL[label.choice]} after {seconds}, "
                f"{ago(label.created_at)}{state}",
            )
        if not origins and not detail.labels:
            _line("history", f"Made {exact(detail.pair.created_at)}")
    lineage.draw(Kind.PAIR, detail.pair.id)


def _line(icon: str, words: str) -> None:
    with st.container(horizontal=True, gap="small", wrap=False):
        st.markdown(f":gray[:small[:material/{icon}:]]", width="content")
        st.markdown(f":small[{words}]", width="stretch")
