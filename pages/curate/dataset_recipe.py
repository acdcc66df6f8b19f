"""The recipe of a dataset at the left, and what it would make now at the right: counts, splits, checks, examples."""

from __future__ import annotations

from uuid import UUID

import streamlit as st

from core.datasets import freeze
from core.datasets.freeze import SEED
from core.datasets.split import SHARES, Shares
from core.preferences import table
from core.tables import PairStatus, Side, Split, new_id
from core.untrusted import optional
from pages.curate import mining_panel
from pages.curate.pair_words import CHOSEN, ORIGIN, REJECTED, beginning
from pages.shared import context, layout
from pages.shared.literal import literal, one_line
from pages.shared.words import counted

_DRAWN = "freeze_drawn"
SPLIT_WORDS = {Split.TRAIN: "Training", Split.VALIDATION: "Validation", Split.TEST: "Test"}
_SHARES: dict[str, Shares] = {
    "80 / 10 / 10": SHARES,
    "70 / 15 / 15": (0.7, 0.15, 0.15),
    "60 / 20 / 20": (0.6, 0.2, 0.2),
}


def draw(agents: list[str]) -> None:
    recipe, preview = st.columns([2, 3], gap="large")
    with recipe, st.container(border=True, key="recipe"):
        agent, seed, shares = _recipe(agents)
        ready = st.container()
    with preview:
        usable = _preview(agent, seed, shares)
    with ready:
        _button(agent, seed, shares, usable)


def _recipe(agents: list[str]) -> tuple[str, int, Shares]:
    st.subheader("Recipe", anchor=False)
    agent = st.selectbox("Agent", agents, format_func=lambda name: one_line(name, limit=60), key="recipe_agent")
    words = st.segmented_control(
        "Training, validation, test",
        list(_SHARES),
        default=next(iter(_SHARES)),
        required=True,
        key="recipe_shares",
        help="In percent. Pairs of one prompt always stay together, so nothing is tested that was trained on.",
    )
    seed = st.number_input(
        "Seed", min_value=0, value=SEED, step=1, key="recipe_seed", help="Decides which prompt goes where."
    )
    st.text_input(
        "Name", placeholder="Left empty, it is named after the agent and the day", max_chars=300, key="recipe_name"
    )
    return agent or agents[0], int(seed), _SHARES[words or next(iter(_SHARES))]


@st.cache_data(ttl=20, refresh_mode="background", show_spinner="Counting the pairs")
def _would_make(agent: str, seed: int, shares: Shares) -> freeze.Preview:
    with context.store().read() as session:
        return freeze.recipe_preview(session, agent_id=agent, seed=seed, shares=shares)


def _preview(agent: str, seed: int, shares: Shares) -> int:
    """Draw what a freeze would make now; returns how many pairs that is."""
    made = _would_make(agent, seed, shares)
    if not made.total:
        layout.empty(
            "dataset",
            "No pair of this agent can be frozen now: none is accepted, or all are taken up by a run. Label or import "
            "more, or cancel the run that holds them.",
            "Go to pairs",
            to="pairs",
            key="recipe",
        )
        return 0
    with st.grid(4, min_column_width=110):
        st.metric("Pairs", f"{made.total:,}", border=True, help=f"From {counted(made.groups, 'prompt')}.")
        for split, words in SPLIT_WORDS.items():
            st.metric(words, f"{made.by_split[split]:,}", border=True)
    least = context.settings().min_pairs
    if made.total < least:
        st.markdown(f":orange[:material/hourglass_empty:] {made.total} of {least} pairs until training.")
    for note in made.notes:
        st.markdown(f":orange[:material/warning:] {note}")
    origins = [f"{n:,} from {ORIGIN[origin].lower()}" for origin, n in made.by_origin.items() if n]
    st.caption(", ".join(origins) + ".")
    mining_panel.checks_of(made.checks, key="recipe")
    _examples(agent)
    return made.total


def _examples(agent: str) -> None:
    fold = st.expander(
        "Example rows", icon=":material/table_rows:", expanded=True, key="recipe_examples", on_change="rerun"
    )
    if not fold.open:
        return
    with context.store().read() as session:
        rows = table.listing(session, agent_id=agent, status=PairStatus.ACCEPTED, limit=3)
    with fold:
        for row in rows:
            answers = (row.answer_a, row.answer_b) if row.preferred is Side.A else (row.answer_b, row.answer_a)
            literal(beginning(row.prompt))
            for column, mark, answer in zip(st.columns(2), (CHOSEN, REJECTED), answers, strict=True):
                with column, st.container(border=True, height="stretch", gap="xsmall"):
                    st.markdown(f":small[{mark}]")
                    literal(beginning(answer))


def _button(agent: str, seed: int, shares: Shares, usable: int) -> None:
    token: UUID = st.session_state.setdefault(_DRAWN, new_id())
    st.button(
        "Freeze dataset",
        type="primary",
        icon=":material/ac_unit:",
        width="stretch",
        disabled=not usable,
        key=f"freeze_{token}",
        on_click=_freeze,
        args=(token, agent, seed, shares),
    )
    st.caption("The pairs are copied: what happens to them later changes nothing in the dataset.")


def _freeze(token: UUID, agent: str, seed: int, shares: Shares) -> None:
    """Freeze once for each time the button was drawn: a second click of the same button finds its token gone."""
    if st.session_state.get(_DRAWN) != token:
        return
    with context.action("Dataset frozen") as act:
        dataset = freeze.freeze_now(
            context.store(),
            agent_id=agent,
            frozen_by=context.me(),
            name=optional(st.session_state.get("recipe_name"), limit=300),
            seed=seed,
            shares=shares,
        )
    if act.ok:
        st.session_state.pop(_DRAWN, None)
        st.cache_data.clear()
        st.query_params["dataset"] = str(dataset.id)
