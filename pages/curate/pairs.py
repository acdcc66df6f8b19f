"""Pairs: *Label* decides which of two answers is better, *Curate* shows every pair and where it came from."""

from __future__ import annotations

import streamlit as st

from pages.curate import label_board, pair_table
from pages.review.item_list import tabs
from pages.shared import layout

TABS = {"label": "Label", "curate": "Curate"}


def draw() -> None:
    head = st.container()
    labelling = tabs("View", TABS, key="tab") == "label"
    with head:
        layout.header(
            "Pairs",
            "Two answers to one prompt, and which of them people prefer: what an adapter learns from.",
            keys=label_board.KEYS if labelling else None,
        )
    # Only the chosen tab's body runs: labelling is not slowed down by the table.
    if labelling:
        label_board.draw()
    else:
        pair_table.draw()


draw()
