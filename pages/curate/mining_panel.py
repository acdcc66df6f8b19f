"""What mining made and left out, the way from answers to frozen pairs, and what the checks found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.jobs import table as jobs
from core.preferences import checks, table
from core.preferences.checks import Check
from core.tables import PairOrigin
from pages.curate.pair_words import ORIGIN
from pages.shared import context, layout
from pages.shared.words import counted, when

_HIDDEN = "mined_hidden"
_STAGES = {
    "answers": "Answers",
    "prompts": "Prompts with several answers",
    "pairs": "Pairs",
    "accepted": "Accepted",
    "frozen": "In a frozen dataset",
}


def button() -> None:
    st.button("Mine pairs", type="primary", icon=":material/search:", key="mine_pairs", on_click=_mine)


def bring_in(*, primary: bool) -> None:
    """The way to the import: the first thing to do while there is nothing to mine."""
    kind = "primary" if primary else "secondary"
    if layout.exists("import") and st.button("Import pairs", type=kind, icon=":material/upload_file:"):
        layout.go("import")


def anything_to_mine() -> bool:
    with context.store().read() as session:
        return table.any_answers(session)


def _mine() -> None:
    context.ask("mine", "Mining of pairs is under way")


def result() -> None:
    """The last mining, whoever asked for it, in a sentence, with the reasons for what was left out."""
    with context.store().read() as session:
        job = jobs.latest(session, "mine")
    if job is None or st.session_state.get(_HIDDEN) == job.id:
        return
    with st.container(border=True, key="mined", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(_sentence(job.result), width="stretch")
            when(job.ended_at)
            if st.button("", icon=":material/close:", type="tertiary", key="mined_close", help="Hide this"):
                st.session_state[_HIDDEN] = job.id
                st.rerun()
        skipped = job.result.get("skipped") or {}
        if skipped:
            with st.expander("Why candidates were left out", type="compact"):
                rows = sorted(skipped.items(), key=lambda entry: -entry[1])
                st.dataframe(
                    [{"Reason": reason.capitalize(), "Candidates": n} for reason, n in rows],
                    hide_index=True,
                    column_config=_bars("Candidates", max(skipped.values())),
                    alt="Reasons for which mining left candidates out",
                )


def _sentence(mined: Mapping[str, Any]) -> str:
    made = [f"{n:,} from {ORIGIN[PairOrigin(name)].lower()}" for name, n in mined["by_origin"].items() if n]
    words = f"**{counted(mined['added'], 'new pair')}** out of {counted(mined['candidates'], 'candidate')}"
    words += f": {', '.join(made)}." if made else "."
    if mined["promoted"]:
        words += f" {counted(mined['promoted'], 'waiting pair')} {'was' if mined['promoted'] == 1 else 'were'} decided."
    return words


def draw(agent: str | None) -> None:
    st.caption("From answers to training material")
    stages = sorted(_funnel(agent), key=lambda stage: list(_STAGES).index(stage.name))
    most = max((stage.count for stage in stages), default=0)
    st.dataframe(
        [{"Step": _STAGES[stage.name], "Count": stage.count} for stage in stages],
        hide_index=True,
        column_config=_bars("Count", most) | {"Step": st.column_config.TextColumn(width=200)},
        alt="How many answers became pairs and how many pairs were frozen",
    )
    checks_of(_checks(agent), key="pairs")


@st.cache_data(ttl=30, refresh_mode="background", show_spinner=False)
def _funnel(agent: str | None) -> list[table.Stage]:
    with context.store().read() as session:
        return [stage for stage in table.funnel(session, agent_id=agent) if stage.name in _STAGES]


_FACTS = ("length_bias", "one_origin")  # these measure; the others count what is wrong


@st.cache_data(ttl=60, refresh_mode="background", show_spinner="Checking the pairs")
def _checks(agent: str | None) -> list[Check]:
    with context.store().read() as session:
        return checks.check_pairs(session, agent_id=agent)


def checks_of(found: list[Check], *, key: str) -> None:
    """What the checks found as one line each; those that passed lie in a fold."""
    wrong = [check for check in found if check.count and check.name not in _FACTS]
    passed = [check for check in found if not check.count and check.name not in _FACTS]
    st.caption(f"{len(passed)} of {counted(len(passed) + len(wrong), 'check')} of the accepted pairs passed")
    with st.container(gap="xsmall", key=f"checks_{key}"):
        for check in [*wrong, *(check for check in found if check.name in _FACTS)]:
            _check(check, key)
        if passed:
            fold = st.expander(":green[:material/check:] :small[Those that passed]", type="compact", key=f"ok_{key}")
            with fold:
                for check in passed:
                    _check(check, key)


def _check(check: Check, key: str) -> None:
    if check.name in _FACTS:
        mark = ":gray[:material/straighten:]"
    elif not check.count:
        mark = ":green[:material/check:]"
    else:
        mark = ":red[:material/block:]" if check.blocking else ":orange[:material/warning:]"
    if not check.example_ids:
        with st.container(horizontal=True, gap="small", wrap=False):
            st.markdown(mark, width="content")
            st.markdown(f":small[{check.sentence}]", width="stretch")
        return
    fold = st.expander(f"{mark} :small[{check.sentence}]", type="compact", key=f"check_{key}_{check.name}")
    with fold, st.container(horizontal=True, gap="xsmall"):
        for at, pair_id in enumerate(check.example_ids, 1):
            if st.button(f"Pair {at}", key=f"check_{key}_{check.name}_{pair_id}"):
                layout.go("pairs", tab="curate", pair=str(pair_id))


def _bars(column: str, most: int) -> dict[str, Any]:
    return {column: st.column_config.ProgressColumn(format="localized", min_value=0, max_value=max(1, most))}
