"""Runs: the queue and the history, one run's page (``?run=…``), and the form that starts one (``?new=…``)."""

from __future__ import annotations

import sqlalchemy as sa
import streamlit as st
from sqlmodel import select

from core.tables import TrainingDataset, TrainingRun
from pages.shared import context, layout
from pages.train import new_run, run_detail, run_list


def draw() -> None:
    """Which of the three the address asks for."""
    chosen = layout.id_in(st.query_params.get("run"))
    if chosen is not None:
        run_detail.draw(chosen)
    elif "new" in st.query_params:
        new_run.draw(st.query_params["new"])
    else:
        _all()


def _all() -> None:
    layout.header(
        "Runs",
        "What trains now, what waits for its turn, and what each run made of its pairs.",
    )
    with context.store().read() as session:
        runs, datasets = (
            session.exec(select(sa.func.count()).select_from(table)).one() for table in (TrainingRun, TrainingDataset)
        )
    if runs:
        with layout.filters():
            run_list.choose_state()
            st.space("stretch")
            if st.button("New run", type="primary", icon=":material/add:"):
                layout.go("runs", new="1")
        run_list.draw()
    elif datasets:
        if layout.empty(
            "model_training",
            "A run trains an adapter on a frozen dataset of pairs, live before your eyes, and measures on held-out "
            "pairs whether it got better.",
            "New run",
            title="Nothing has been trained yet",
        ):
            layout.go("runs", new="1")
    else:
        layout.empty(
            "model_training",
            "A run needs a frozen dataset of pairs. Freeze one first; then start the training here with one button.",
            "Freeze a dataset",
            to="datasets",
            title="Nothing to train on yet",
        )


draw()
