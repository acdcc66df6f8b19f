"""Overview: where the loop stands, what waits for me, how rewards go, what happened last. Read → show → act."""

from __future__ import annotations

import streamlit as st

from pages.overview import latest, loop, needs, start
from pages.overview.board import DAYS, Board, board
from pages.overview.tiles import tiles
from pages.shared import charts, context, layout


def reward_trend(shown: Board) -> None:
    """Mean chat reward by day, with its interval and the releases."""
    with st.container(border=True, height="stretch", gap="xsmall"):
        st.markdown("**Reward by day**")
        if not shown.trend:
            st.caption(f"No answer was given or rated in the last {DAYS} days.")
            return
        n = sum(day.n for day in shown.trend)
        st.caption(f"Mean chat reward with its 95 % interval, {n:,} answers in {DAYS} days")
        charts.trend(
            [(day.day, day.mean, day.low, day.high, day.n) for day in shown.trend],
            y="Mean reward",
            marks=[(release.at.date(), f"v{release.version}") for release in shown.releases],
            low=0,
            high=1,
            height=250,
            key="reward_trend",
            alt=f"Mean chat reward of the last {DAYS} days, {shown.trend[-1].mean:.2f} on the last day",
        )


shown, min_pairs = board(), context.settings().min_pairs
job = shown.running
layout.header(
    "Overview", "Where the loop stands, what waits for you, and the one thing to do next.", keys={}, share=False
)
if shown.counts.empty:
    start.invite()
clicked = loop.draw(tiles(shown.counts, min_pairs=min_pairs, job=job, gain=shown.gain))
if clicked:
    layout.go(clicked)
if not shown.counts.empty:
    left, right = st.columns([2, 3], gap="small")
    with left:
        needs.panel(shown.counts, min_pairs=min_pairs, busy=job is not None, refresh=board.clear)
    with right:
        reward_trend(shown)
    latest.panel(shown.events)
