"""Datasets: the recipe and what it would make now, *Freeze dataset*, and everything frozen so far (``?dataset=…``)."""

from __future__ import annotations

import streamlit as st

from core.datasets import table
from core.datasets.table import ListedDataset
from core.preferences.table import agents
from core.tables import DatasetKind
from pages.curate import dataset_detail, dataset_recipe
from pages.shared import context, export, layout
from pages.shared.literal import escape_label
from pages.shared.words import counted, when

SIZE = 20


def draw() -> None:
    """One dataset, or the recipe with the list under it."""
    chosen = layout.id_in(st.query_params.get("dataset"))
    if chosen is not None:
        dataset_detail.draw(chosen)
        return
    layout.header("Datasets", "Accepted pairs, frozen: a dataset never changes, so a run can be repeated and traced.")
    with context.store().read() as session:
        known, frozen = agents(session), table.matching(session)
    if not known and not frozen:
        layout.empty(
            "dataset",
            "A dataset is a frozen copy of the accepted pairs of one agent, split by prompt into training, validation "
            "and test. Mine, label or import pairs first.",
            "Go to pairs",
            to="pairs",
            title="Nothing to freeze yet",
        )
        return
    if known:
        dataset_recipe.draw(known)
    if frozen:
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.subheader("Frozen datasets", anchor=False)
            export.popover("datasets", {"kind": DatasetKind.PAIRS}, total=frozen)
        _frozen(frozen)


def _frozen(total: int) -> None:
    page = layout.paging(total, size=SIZE)
    with context.store().read() as session:
        rows = table.listing(session, limit=SIZE, offset=layout.offset(page, size=SIZE))
    with st.container(gap="xsmall"):
        for row in rows:
            _row(row)


def _row(row: ListedDataset) -> None:
    with (
        st.container(border=True, key=f"dataset_{row.id}"),
        st.container(horizontal=True, vertical_alignment="center", gap="medium"),
    ):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="stretch"):
            name = f"**{escape_label(row.name, limit=70)}**"
            if st.button(name, type="tertiary", key=f"open_{row.id}"):
                layout.go("datasets", dataset=str(row.id))
            agent = escape_label(", ".join(row.agent_ids), limit=50)
            st.caption(f"{agent} · version {escape_label(row.version)}", width="content")
        # Held together, so that on a narrow screen they stand below the name and not beside a squeezed one.
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
            st.markdown(counted(row.total_examples, "pair"), width=90)
            st.caption(f"`{(row.content_hash or '')[:10]}`", width=100)
            st.caption(counted(row.runs, "run") if row.runs else "not used yet", width=90)
            with st.container(width=100):
                when(row.frozen_at)


draw()
