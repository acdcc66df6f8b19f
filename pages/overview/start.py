"""The greeting of an empty store: two buttons that fill it."""

from __future__ import annotations

import streamlit as st

from pages.shared import context, layout


def invite() -> None:
    """*Load the sample workspace* or *Import your data*; the page is drawn anew when the sample is there."""
    with st.container(border=True, key="invite", gap="xsmall"):
        st.subheader("Turn what people say about your agent into a better agent", anchor=False)
        st.caption(
            "Bring in answers and what people thought of them. Hone sorts the complaints, judges the answers, pairs "
            "better with worse, trains an adapter on your machine, and measures whether it got better."
        )
        with st.container(horizontal=True):
            load = st.button(
                "Load the sample workspace", type="primary", icon=":material/play_arrow:", key="load_sample"
            )
            if layout.exists("import") and st.button(
                "Import your data", icon=":material/upload_file:", key="import_data"
            ):
                layout.go("import")
        if load:
            load_sample()
        else:
            st.caption("The sample is a made-up product's support agent; it takes a few seconds and never leaves here.")


def load_sample() -> None:
    """Load it with a progress line; pressing twice adds nothing twice."""
    from core import workspace  # the sample and its steps are needed once in a store's life

    bar = st.progress(0.0, text="Loading the sample workspace")

    def show(done: int, total: int) -> None:
        bar.progress(done / max(total, 1), text=f"Loading the sample workspace: {done:,} of {total:,}")

    with context.action("The sample workspace is loaded") as act:
        workspace.load_sample(context.store(), context.settings(), show)
    bar.empty()
    if act.ok:
        st.cache_data.clear()
        st.rerun()
