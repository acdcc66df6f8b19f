"""The loop as one row of small linked boxes: what an item came from, the item itself, what came of it.

    lineage.draw(Kind.PAIR, pair_id)              a row of boxes, in the loop's order; only kinds that have rows
    lineage.fold(Kind.ADAPTER, adapter_id)        the same in a fold, which reads nothing while it is closed

What was said of a row (verdicts, rewards, readings, labels) stands small in that row's box. Everything here is ours
and counted; no foreign text. The way back from a frozen dataset costs up to two tenths of a second with 10,000
pairs and hardly changes, so it is kept for half a minute; all else is asked anew, in about a millisecond.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

import streamlit as st

from core import lineage
from core.errors import NotFound
from core.lineage import Found, Kind, Lineage
from pages.shared import context, layout
from pages.shared.words import counted

# Only classes of our own keys: the boxes are small enough for the whole loop to stand in one row.
STYLE = """
<style>
[class*="st-key-lineage_box_"] { padding: 0.2rem 0.55rem; }
[class*="st-key-lineage_box_"] [data-testid="stPageLink"] a { padding: 0.1rem 0; min-height: 0; }
[class*="st-key-lineage_box_"] [data-testid="stCaptionContainer"] p { font-size: 0.75rem; line-height: 1.2; }
</style>
"""
_LINKED = 3  # rows of one kind that get a link each; more get one to their list
_FROZEN = (Kind.DATASET, Kind.RUN, Kind.ADAPTER, Kind.EXPERIMENT)


@dataclass(frozen=True, slots=True)
class Box:
    """One step of the loop: its noun, the page that shows it, and what is said of its rows."""

    kind: Kind
    noun: tuple[str, str]
    icon: str
    page: str | None = None
    said: tuple[Kind, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """Words in a box; with a page, a link to it and what its address shall say."""

    words: str
    page: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One box as it is drawn."""

    icon: str
    lines: tuple[Line, ...]
    small: str = ""
    here: bool = False


LOOP = (
    Box(Kind.IMPORT, ("imported file", "imported files"), "upload_file", "import"),
    Box(Kind.INTERACTION, ("answer", "answers"), "forum", said=(Kind.EVALUATION, Kind.REWARD)),
    Box(Kind.FEEDBACK, ("feedback", "feedback"), "reviews", "triage", (Kind.AGENT_FEEDBACK, Kind.TRIAGE)),
    Box(Kind.LEARNING_EXAMPLE, ("example", "examples"), "edit_note", "examples", (Kind.ANNOTATION,)),
    Box(Kind.PAIR, ("pair", "pairs"), "compare_arrows", "pairs", (Kind.LABEL, Kind.PAIR_EVALUATION)),
    Box(Kind.DATASET, ("dataset", "datasets"), "dataset", "datasets"),
    Box(Kind.RUN, ("run", "runs"), "model_training", "runs"),
    Box(Kind.ADAPTER, ("adapter", "adapters"), "extension", "adapters"),
    Box(Kind.EXPERIMENT, ("experiment", "experiments"), "science", "experiments"),
)
_SAID = {
    Kind.EVALUATION: ("verdict", "verdicts"),
    Kind.REWARD: ("reward", "rewards"),
    Kind.AGENT_FEEDBACK: ("on an execution", "on executions"),
    Kind.TRIAGE: ("reading", "readings"),
    Kind.ANNOTATION: ("annotation", "annotations"),
    Kind.LABEL: ("label", "labels"),
    Kind.PAIR_EVALUATION: ("judge's verdict", "judges' verdicts"),
}
# What the address of a page calls the row it opens.
_OPENS = {
    Kind.TRIAGE: "item",
    Kind.LEARNING_EXAMPLE: "example",
    Kind.PAIR: "pair",
    Kind.DATASET: "dataset",
    Kind.RUN: "run",
    Kind.ADAPTER: "adapter",
    Kind.EXPERIMENT: "experiment",
}


def fold(kind: Kind, row_id: UUID, *, expanded: bool = False, key: str = "lineage") -> None:
    """``draw`` in a fold; with one key on every item it stays open from item to item."""
    box = st.expander("Lineage", icon=":material/route:", expanded=expanded, on_change="rerun", key=key)
    if box.open:
        with box:
            draw(kind, row_id)


def draw(kind: Kind, row_id: UUID) -> None:
    """The row of boxes; it wraps on a narrow screen."""
    try:
        behind, ahead = _behind(kind, row_id), _ahead(kind, row_id)
    except NotFound:
        st.caption("This row is not there any more, so nothing leads to it.")
        return
    st.html(STYLE)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"lineage_of_{row_id}"):
        drawn = steps(behind, ahead)
        for at, step in enumerate(drawn, 1):
            # Box and arrow hold together, so that no line begins with an arrow.
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content", wrap=False):
                _box(step, key=f"lineage_box_{at}_{row_id}")
                if at < len(drawn):
                    st.markdown(":small[:gray[:material/arrow_forward:]]", width="content")


def steps(behind: Lineage, ahead: Lineage) -> list[Step]:
    """What the boxes say, in the loop's order, from the two walks of one item."""
    kind = behind.kind
    # The adapter that gave an answer belongs to an earlier round of the loop, the answers an adapter gives to the next.
    found = {**behind.found, **ahead.found}
    if kind is Kind.INTERACTION:
        found[Kind.ADAPTER] = ahead.of(Kind.ADAPTER)
    if kind is Kind.ADAPTER:
        found[Kind.INTERACTION] = behind.of(Kind.INTERACTION)
    shown = [_step(box, found, here=box.kind is kind) for box in LOOP if box.kind is kind or _any(box, found)]
    if kind is Kind.INTERACTION and (giver := behind.of(Kind.ADAPTER)).count:
        line = Line("Its adapter", *_target(Kind.ADAPTER, "adapters", giver))
        shown.insert(0, Step("extension", (line,)))
    if kind is Kind.ADAPTER and (given := ahead.of(Kind.INTERACTION)).count:
        shown.append(Step("forum", (Line(f"{counted(given.count, 'answer')} it gave"),)))
    return shown


def _any(box: Box, found: Mapping[Kind, Found]) -> bool:
    return any(found.get(kind, Found()).count for kind in (box.kind, *box.said))


def _step(box: Box, found: Mapping[Kind, Found], *, here: bool) -> Step:
    said = [counted(found[kind].count, *_SAID[kind]) for kind in box.said if kind in found]
    if here:
        return Step(box.icon, (Line(f"This {box.noun[0]}"),), ", ".join(said), here=True)
    return Step(box.icon, _lines(box, found), ", ".join(said))


def _lines(box: Box, found: Mapping[Kind, Found]) -> tuple[Line, ...]:
    """One link to the list or the only row; of two or three rows one to each."""
    mine = found.get(box.kind, Found())
    if not mine.count:
        return ()
    if box.kind in _FROZEN and 1 < mine.count <= _LINKED:
        noun = box.noun[0].capitalize()
        each = [Found(1, (row_id,)) for row_id in mine.ids]
        return tuple(Line(f"{noun} {at}", *_target(box.kind, box.page, one)) for at, one in enumerate(each, 1))
    words = counted(mine.count, *box.noun)
    if box.kind is Kind.FEEDBACK:  # its page opens it by its reading
        return (Line(words, *_target(Kind.TRIAGE, box.page, found.get(Kind.TRIAGE, Found()))),)
    return (Line(words, *_target(box.kind, box.page, mine)),)


def _target(kind: Kind, page: str | None, found: Found) -> tuple[str | None, dict[str, str]]:
    """The page, and what its address says: the row itself where it is the only one."""
    if page not in layout.PAGES:
        return None, {}
    view = {"tab": "curate"} if kind is Kind.PAIR else {}
    opens = _OPENS.get(kind) if found.count == 1 else None
    return page, view | ({opens: str(found.ids[0])} if opens else {})


def _box(step: Step, *, key: str) -> None:
    with st.container(border=True, width="content", gap=None, key=key):
        for line in step.lines:
            words = f":primary[**{line.words}**]" if step.here else line.words
            if line.page is not None and not step.here:
                layout.link(line.page, words, icon=f":material/{step.icon}:", **line.query)
            else:
                st.markdown(f":small[:material/{step.icon}: {words}]", width="content")
        if step.small:
            st.caption(step.small, width="content")


def _behind(kind: Kind, row_id: UUID) -> Lineage:
    if kind in _FROZEN:
        return _kept(str(context.store().url), kind, str(row_id))
    with context.store().read() as session:
        return lineage.back(session, kind, row_id)


@st.cache_data(ttl=30, max_entries=100, show_spinner=False)
def _kept(url: str, kind: Kind, row_id: str) -> Lineage:
    """``url`` is there for the cache's key."""
    with context.store().read() as session:
        return lineage.back(session, kind, UUID(row_id))


def _ahead(kind: Kind, row_id: UUID) -> Lineage:
    with context.store().read() as session:
        return lineage.forward(session, kind, row_id)
