"""The queue and the history of runs as rows: state, dataset, base, margin as a sparkline, held-out before → after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
import streamlit as st
from sqlmodel import Session, col, select

from core.tables import RunStatus, TrainingDataset, TrainingRun
from core.training import records
from pages.shared import context, export, layout
from pages.shared.charts import COLOURS, sparkline
from pages.shared.literal import escape_label
from pages.shared.words import when
from pages.train import run_words
from pages.train.before_after import Change

SIZE = 20
_STATE = "state"
VIEWS = {"all": "All", "active": "In the queue", "completed": "Completed", "stopped": "Stopped"}
_VIEW_STATES = {
    "active": (RunStatus.PENDING, RunStatus.RUNNING),
    "completed": (RunStatus.COMPLETED,),
    "stopped": (RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.INTERRUPTED),
}


@dataclass(frozen=True)
class Row:
    """One run with what its line shows."""

    run: TrainingRun
    dataset: str
    pairs: int
    margins: Sequence[float]
    change: Change


def total(session: Session, view: str) -> int:
    return session.exec(select(sa.func.count()).select_from(TrainingRun).where(_in_view(view))).one()


def rows(session: Session, view: str, *, page: int) -> list[Row]:
    """One page of runs, newest first, in four queries whatever its length."""
    query = (
        select(TrainingRun, TrainingDataset.name, TrainingDataset.total_examples)
        .join(TrainingDataset, col(TrainingDataset.id) == TrainingRun.dataset_id)
        .where(_in_view(view))
        .order_by(col(TrainingRun.id).desc())
        .limit(SIZE)
        .offset(layout.offset(page, size=SIZE))
    )
    found = session.exec(query).all()
    ids = [run.id for run, _, _ in found]
    margins, measured = records.sparkline(session, ids), records.held_out(session, ids)
    return [
        Row(
            run=run,
            dataset=name,
            pairs=pairs,
            margins=sparkline(margins.get(run.id, [])),
            change=Change(*measured[run.id]),
        )
        for run, name, pairs in found
    ]


def _in_view(view: str) -> sa.ColumnElement[bool]:
    return col(TrainingRun.status).in_(_VIEW_STATES[view]) if view in _VIEW_STATES else sa.true()


def choose_state() -> None:
    """The filter and the way to take what it leaves away; ``draw`` reads what was chosen."""
    view = layout.choice("State", VIEWS, key=_STATE)
    export.popover("runs", {"status": _VIEW_STATES.get(view)})


def draw() -> None:
    """The rows and the pages of the chosen state."""
    view = st.session_state.get(_STATE, "all")
    with context.store().read() as session:
        count = total(session, view)
        page = layout.paging(count, size=SIZE) if count > SIZE else 1
        found = rows(session, view, page=page)
    if not found:
        st.caption("No run is in this state.")
    with st.container(gap="xsmall"):
        for row in found:
            _draw(row)


def _draw(row: Row) -> None:
    run = row.run
    with (
        st.container(border=True, key=f"run_{run.id}"),
        st.container(horizontal=True, vertical_alignment="center", gap="medium"),
    ):
        with st.container(gap=None, width="stretch"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                if st.button(f"**{escape_label(row.dataset, limit=70)}**", type="tertiary", key=f"open_{run.id}"):
                    layout.go("runs", run=str(run.id))
                st.markdown(run_words.badge(run), width="content")
            st.caption(_about(row))
        # Held together, so that on a narrow screen they stand below the name and not beside a squeezed one.
        with st.container(horizontal=True, vertical_alignment="center", gap="medium", width="content"):
            _measures(row)


def _measures(row: Row) -> None:
    if len(row.margins) > 1:
        st.image(_line(row.margins), width=120, alt="Reward margin over the run")
    else:
        st.caption("no curve", width=120)
    measured_on = f" :small[:gray[n = {row.change.n:,}]]" if row.change.n else ""
    st.markdown(row.change.short + measured_on, width=170)
    with st.container(width=100):
        when(row.run.created_at)


def _about(row: Row) -> str:
    run = row.run
    words = [escape_label(run_words.base(run.base_model)), f"{row.pairs:,} pairs"]
    if run.status is RunStatus.RUNNING and run.total_steps:
        words.append(f"step {run.current_step:,} of {run.total_steps:,}")
    words.append(f"by {escape_label(run.requested_by, limit=40)}")
    return " · ".join(words)


def _line(values: Sequence[float], *, width: int = 120, height: int = 28) -> str:
    """The values as a small SVG line with its zero line, where zero is in sight."""
    low, high = min(*values, 0.0), max(*values, 0.0)
    span = (high - low) or 1.0
    at = [
        (2 + i * (width - 8) / (len(values) - 1), height - 4 - (value - low) / span * (height - 8))
        for i, value in enumerate(values)
    ]
    zero = height - 4 - (0 - low) / span * (height - 8)
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<line x1="2" x2="{width - 6}" y1="{zero:.1f}" y2="{zero:.1f}" stroke="#7c7f88" stroke-opacity="0.35"/>'
        f'<polyline points="{points}" fill="none" stroke="{COLOURS["adapter"]}" stroke-width="1.6" '
        f'stroke-linejoin="round"/><circle cx="{at[-1][0]:.1f}" cy="{at[-1][1]:.1f}" r="2.4" '
        f'fill="{COLOURS["adapter"]}"/></svg>'
    )
