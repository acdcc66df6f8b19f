"""Every pair as a table: filtered, searched, paged; beside it the chosen pair, or what mining made and what is wrong.

The chosen pair is in the address (``?pair=…``), so it can be linked to; pressing any cell of a row chooses it.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.preferences import table
from core.preferences.table import ListedPair
from core.tables import PairOrigin, PairStatus
from pages.curate import mining_panel, pair_detail
from pages.curate.pair_words import ORIGIN, STATUS
from pages.review.item_list import tabs
from pages.shared import context, export, layout
from pages.shared.literal import one_line
from pages.shared.words import ago

_ROWS = "pair_rows"
_KEY = "pair_table"
# Faint, so that the text keeps the theme's own ink.
_HUES = {"green": "#0d948833", "orange": "#d9770633", "gray": "#7c7f8833", "red": "#e5486d33"}


def draw() -> None:
    agents, counts = aggregates()
    if not counts.total:
        _empty()
        return
    with layout.filters():
        words = layout.search(key="q")
        origin = _origin()
        agent = layout.pick("Agent", agents, key="agent") if len(agents) > 1 else None
        st.space("stretch")
        download = st.container(width="content")
        mining_panel.button()
    mining_panel.result()
    status = _status(counts)
    with download:
        export.popover("pairs", {"agent_id": agent, "status": status, "origin": origin, "search": words})
    chosen = layout.id_in(st.query_params.get("pair"))
    left, right = st.columns([7, 4], gap="medium")
    with left:
        _table(agent, status, origin, words)
    with right:
        if chosen is not None:
            pair_detail.draw(chosen)
        else:
            mining_panel.draw(agent)


@st.cache_data(ttl=10, refresh_mode="background", show_spinner=False)
def aggregates() -> tuple[list[str], table.Counts]:
    """The agents that have pairs, and the counts; shared by all viewers."""
    with context.store().read() as session:
        return table.agents(session), table.counts(session)


def _empty() -> None:
    layout.empty(
        "compare_arrows",
        "Pairs are mined from ratings, corrections and regenerations of answers to one prompt, or imported from a "
        "file. Those nobody has decided yet wait on the Label tab.",
        title="No pairs yet",
    )
    mine = mining_panel.anything_to_mine()
    with st.container(horizontal=True, horizontal_alignment="center"):
        if mine:
            mining_panel.button()
        mining_panel.bring_in(primary=not mine)
    mining_panel.result()


def _origin() -> PairOrigin | None:
    by_words = {words: origin for origin, words in ORIGIN.items()}
    chosen = layout.pick("Origin", list(by_words), key="origin", width=160)
    return by_words.get(chosen or "")


def _status(counts: table.Counts) -> PairStatus | None:
    options = {"all": f"All {counts.total:,}"}
    options |= {s.value: f"{STATUS[s][0]} {counts.by_status[s]:,}" for s in STATUS}
    chosen = tabs("Status", options, key="status")
    return None if chosen == "all" else PairStatus(chosen)


def _table(agent: str | None, status: PairStatus | None, origin: PairOrigin | None, words: str | None) -> None:
    wanted: dict[str, Any] = {"agent_id": agent, "status": status, "origin": origin, "search": words}
    body = st.container()  # the pages stand below the rows, but say first which rows
    with context.store().read() as session:
        page = layout.paging(table.matching(session, **wanted), key="page")
        rows = table.listing(session, **wanted, limit=layout.PAGE_SIZE, offset=layout.offset(page))
    if not rows:
        body.caption("No pair fits these filters.")
        return
    # Another page, filter or closed pair is another table to Streamlit: nothing stays marked in it.
    key = f"{_KEY}_{abs(hash((page, str(wanted), st.session_state.get(pair_detail.CLOSED, 0))))}"
    st.session_state[_ROWS] = (key, [str(row.id) for row in rows])
    body.dataframe(
        [_cells(row) for row in rows],
        hide_index=True,
        placeholder="",
        height=min(38 + 35 * len(rows), 640),
        column_config=_COLUMNS,
        on_select=_picked,
        selection_mode="single-cell",
        key=key,
        alt="Pairs; pressing a cell shows its pair",
    )


def _cells(row: ListedPair) -> dict[str, Any]:
    return {
        "Status": [STATUS[row.status][0]],
        "Prompt": one_line(row.prompt),
        "Origin": ORIGIN[row.origin],
        "Margin": row.margin,
        "Labels": row.labels,
        "Age": ago(row.created_at).removesuffix(" ago"),
    }


_COLUMNS = {
    "Status": st.column_config.MultiselectColumn(
        options=[words for words, _, _ in STATUS.values()],
        color=[_HUES[colour] for _, _, colour in STATUS.values()],
        width=120,
    ),
    "Prompt": st.column_config.TextColumn(width=290),
    "Origin": st.column_config.TextColumn(width=115),
    "Margin": st.column_config.NumberColumn(format="%.2f", width=65, help="Reward of the chosen minus the rejected."),
    "Labels": st.column_config.NumberColumn(width=55, help="People who compared the two answers."),
    "Age": st.column_config.TextColumn(width=70),
}


def _picked() -> None:
    """A cell was pressed: its row's pair, as it stood when the table was drawn, goes into the address."""
    key, ids = st.session_state.get(_ROWS, ("", []))
    state = st.session_state.get(key)
    cells = state.selection.cells if state else []
    if cells and cells[0][0] < len(ids):
        st.query_params["pair"] = ids[cells[0][0]]
    else:  # the same cell again
        st.query_params.pop("pair", None)
