"""The labelling board: one prompt, two answers without names in random order, one key to decide.

What a key means is fixed when its button is drawn: pair and version are in the button's own name and in what it
calls, so a late key can never decide the pair after it. A key sooner than the dwell time changes nothing.
"""

from __future__ import annotations

from time import monotonic
from typing import Any
from uuid import UUID

import streamlit as st

from core.errors import AlreadyDecided, HoneError
from core.preferences import labelling
from core.preferences.labelling import Progress, Shown
from core.tables import LabelChoice, Side, now
from pages.curate import mining_panel
from pages.shared import context, keys, layout
from pages.shared.literal import escape_label, literal
from pages.shared.words import counted

KEYS = {
    "1 or ←": "the left answer is better",
    "2 or →": "the right answer is better",
    "T": "a tie: equally good",
    "B": "both are bad",
    "S": "skip: somebody else decides",
    "U": "undo my last label",
    "H": "show these keys",
}
_SHOWN, _AT, _NOTE = "label_shown", "label_shown_at", "label_note"
_ROLES = {"user": "User", "system": "System"}
_WHAT_NEXT = "Mine pairs from new feedback, or freeze what people have decided into a dataset."
_HOW_IT_FILLS = (
    "Two answers to one prompt wait here until a person says which is better. Mine pairs from what came in: those "
    "that ratings and corrections do not decide land on this board."
)
_WHOLE = 6_000  # characters shown of an answer before the fold

# Streamlit gives a button one key, and takes a held one again and again: here the arrows press the same two buttons,
# and the repeats of a held key reach nobody. (The dwell guard holds on the server, whatever a browser sends.)
_ARROWS = st.components.v2.component(
    "hone_label_arrows",
    js="""
const LABEL = /^(1|2|t|b|s|u|h|ArrowLeft|ArrowRight)$/i;
const typing = (e) => {
  const at = e.composedPath()[0];
  return at && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName || ""));
};
export default function ({ data }) {
  const press = (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.shiftKey || !LABEL.test(e.key) || typing(e)) return;
    if (e.repeat) { e.stopImmediatePropagation(); e.preventDefault(); return; }
    const name = { ArrowLeft: data.left, ArrowRight: data.right }[e.key];
    const button = name && document.querySelector(`.st-key-${name} button`);
    if (button && !document.querySelector('[role="dialog"]')) { e.preventDefault(); button.click(); }
  };
  window.addEventListener("keydown", press, true);
  return () => window.removeEventListener("keydown", press, true);
}
""",
)


@st.fragment
def draw() -> None:
    me = context.me()
    shown = _present(me)
    stands = _stands(me)
    if shown is None:
        _nothing_left(me, stands)
        return
    _progress(stands)
    _pair(shown)
    _buttons(shown, me)
    _note()


# -- which pair ---------------------------------------------------------------------------------------------------


def _present(me: str) -> Shown | None:
    """The pair on the board; the next one when there is none or its lease has run out."""
    kept: tuple[str, Shown] | None = st.session_state.get(_SHOWN)
    if kept is not None and kept[0] == me and kept[1].due > now():
        return kept[1]
    with context.store().write() as session:
        shown = labelling.next_pair(session, annotator=me, lease_s=context.settings().lease_s)
    if shown is not None:
        st.session_state[_SHOWN] = (me, shown)
        st.session_state[_AT] = {_identity(shown.pair_id, shown.version): monotonic()}
    return shown


def _identity(pair_id: UUID, version: int) -> str:
    return f"{pair_id}_{version}"


def _go_on() -> None:
    st.session_state.pop(_SHOWN, None)


# -- what is shown ------------------------------------------------------------------------------------------------


def _stands(me: str) -> Progress:
    with context.store().read() as session:
        return labelling.progress(session, annotator=me)


def _progress(stands: Progress) -> None:
    total = stands.labelled + stands.waiting
    pace = f" · {stands.per_hour:,.0f} an hour" if stands.per_hour else ""
    st.progress(
        stands.labelled / total if total else 0.0,
        text=f":small[:gray[{counted(stands.waiting, 'pair')} to label · {stands.labelled_by_me:,} by you{pace}]]",
    )


def _pair(shown: Shown) -> None:
    earlier = shown.messages[:-1]
    if earlier:
        with st.expander(f"{counted(len(earlier), 'earlier turn')}", icon=":material/forum:"):
            for turn in earlier:
                literal(turn["content"], label=_ROLES.get(turn["role"], "Agent"))
    prompt = shown.messages[-1]["content"]
    with st.container(border=True, gap="xsmall", key="label_prompt"):
        literal(prompt, label="Prompt", fold=_WHOLE)
    left, right = st.columns(2, gap="small")
    for column, words, answer in ((left, "Left", shown.left), (right, "Right", shown.right)):
        with column, st.container(border=True, height="stretch", gap="xsmall", key=f"label_{words.lower()}"):
            literal(answer, label=words, fold=_WHOLE)


def _buttons(shown: Shown, me: str) -> None:
    left, right = st.columns(2, gap="small")
    with left:
        left_name = _choice(shown, me, "Left is better", shown.choice(left=True), "1", "stretch")
    with right:
        right_name = _choice(shown, me, "Right is better", shown.choice(left=False), "2", "stretch")
    with st.container(horizontal=True, horizontal_alignment="center"):
        _choice(shown, me, "Tie", LabelChoice.TIE, "T")
        _choice(shown, me, "Both bad", LabelChoice.BOTH_BAD, "B")
        _choice(shown, me, "Skip", LabelChoice.SKIP, "S")
        _undo(me, _identity(shown.pair_id, shown.version))
        if st.button("Help", key="label_help", type="tertiary", shortcut="H"):
            keys.show()
    _ARROWS(key="label_arrows", data={"left": left_name, "right": right_name}, height=1)


def _choice(shown: Shown, me: str, words: str, choice: LabelChoice, shortcut: str, width: Any = "content") -> str:
    name = f"label_{choice.value}_{_identity(shown.pair_id, shown.version)}"
    st.button(
        words,
        key=name,
        shortcut=shortcut,
        width=width,
        on_click=_label,
        args=(shown.pair_id, shown.version, choice, shown.left_side, me),
    )
    return name


def _undo(me: str, after: str) -> None:
    st.button(
        "Undo",
        key=f"label_undo_{after}",
        type="tertiary",
        icon=":material/undo:",
        shortcut="U",
        on_click=_take_back,
        args=(me,),
    )


def _note() -> None:
    note = st.session_state.pop(_NOTE, None)
    # The line is always there, so that a note does not move the buttons.
    st.caption(escape_label(note, limit=300) if note else "&nbsp;", text_alignment="center")


def _nothing_left(me: str, stands: Progress) -> None:
    done = stands.labelled > 0
    with st.container(border=True, key="label_done", horizontal_alignment="center", gap="xsmall"):
        st.space("small")
        st.markdown(f"## :gray[:material/{'done_all' if done else 'compare_arrows'}:]", width="content")
        st.subheader("Nothing left to label" if done else "Nothing to label yet", anchor=False, width="content")
        st.caption(_WHAT_NEXT if done else _HOW_IT_FILLS, width="content", text_alignment="center")
        with st.container(horizontal=True, horizontal_alignment="center"):
            if done and st.button("Freeze a dataset", type="primary", icon=":material/dataset:"):
                layout.go("datasets")
            if not done and not mining_panel.anything_to_mine():
                mining_panel.bring_in(primary=True)
            elif st.button("Mine pairs", type="secondary" if done else "primary", icon=":material/search:"):
                layout.go("pairs", tab="curate")
            if stands.skipped_by_me:
                n = stands.skipped_by_me
                words = f"Show {'the one pair' if n == 1 else f'the {n:,} pairs'} I skipped"
                st.button(words, icon=":material/replay:", key="label_skipped", on_click=_bring_back, args=(me,))
            if done:
                _undo(me, "done")
        _note()


# -- what a key does ----------------------------------------------------------------------------------------------


def _label(pair_id: UUID, version: int, choice: LabelChoice, left_side: Side, me: str) -> None:
    seen_at = st.session_state.get(_AT, {}).get(_identity(pair_id, version))
    if seen_at is None:  # a second press of a button that is gone already: its answer was taken
        return
    shown_ms = int(1000 * (monotonic() - seen_at))
    try:
        with context.store().write() as session:
            labelling.apply_label(
                session,
                pair_id,
                seen_version=version,
                choice=choice,
                left_side=left_side,
                annotator=me,
                shown_ms=shown_ms,
                min_dwell_ms=context.settings().min_dwell_ms,
            )
    except AlreadyDecided as error:
        st.session_state[_NOTE] = str(error)
        _go_on()
    except HoneError as error:
        st.session_state[_NOTE] = str(error)
    else:
        _go_on()


def _bring_back(me: str) -> None:
    with context.action(), context.store().write() as session:
        labelling.bring_back_skipped(session, annotator=me)
    _go_on()


def _take_back(me: str) -> None:
    try:
        with context.store().write() as session:
            undone = labelling.undo_last(session, annotator=me)
    except HoneError as error:
        st.session_state[_NOTE] = str(error)
        return
    if undone is None:
        st.session_state[_NOTE] = "There is no label of yours to take back."
        return
    skipped = undone.choice is LabelChoice.SKIP
    st.session_state[_NOTE] = "The pair you skipped is back." if skipped else "Your last label was taken back."
    _go_on()
