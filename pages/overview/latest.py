"""The latest events as one line each, linked to what they are about."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.overview import Happening
from pages.shared import layout
from pages.shared.literal import escape_label
from pages.shared.words import ago, counted, exact

ICONS = {
    "import": "upload_file",
    "dataset": "dataset",
    "run": "model_training",
    "adapter": "extension",
    "labels": "compare_arrows",
}
PAGES = {"import": "import", "dataset": "datasets", "run": "runs", "adapter": "adapters", "labels": "pairs"}


def panel(events: Sequence[Happening]) -> None:
    """Draw the list, newest first."""
    with st.container(border=True, gap="xsmall"):
        st.markdown("**Latest**")
        if not events:
            st.caption("Imports, frozen datasets, runs and releases will stand here.")
        for event in events:
            _row(event)


def sentence(event: Happening) -> str:
    """The event in words, foreign names escaped for a label."""
    name, by = escape_label(event.name, limit=60), escape_label(event.by, limit=40)
    match event.kind:
        case "import":
            return f"{by} imported {counted(event.count, 'row')} from {name}"
        case "dataset":
            return f"{by} froze {name}: {counted(event.count, 'pair')}"
        case "run":
            return f"Training run for {name} is {event.state}" + (f", step {event.count:,}" if event.count else "")
        case "adapter":
            return (
                f"Adapter v{event.count} of {name} is a {event.state}"
                if event.state == "candidate"
                else (f"{by} made adapter v{event.count} of {name} {event.state}")
            )
        case _:
            return f"{name} labelled {counted(event.count, 'pair')} this week"


def _row(event: Happening) -> None:
    query = {event.kind: event.row_id} if event.row_id else {}
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
        icon = f":material/{ICONS[event.kind]}:"
        layout.link(PAGES[event.kind], sentence(event), icon=icon, help=exact(event.at), **query)
        st.caption(ago(event.at), width="content")
