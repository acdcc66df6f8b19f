"""Everything the overview shows, read in one transaction and shared by all viewers for a few seconds.

Its class lives here and not in the page: what a cache keeps has to be importable by name, a page's script is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core import overview
from core.rewards import distribution
from core.tables import RewardScale
from pages.shared import context

DAYS = 30


@dataclass(frozen=True)
class Board:
    """A moment's view; the counts agree with each other."""

    counts: overview.LoopCounts
    gain: overview.Gain | None
    running: overview.Running | None
    events: list[overview.Happening]
    trend: list[distribution.Day]
    releases: list[overview.Release]


@st.cache_data(ttl=4, refresh_mode="background", show_spinner=False)
def board() -> Board:
    """At most a few seconds old; ``board.clear()`` after an action of one's own."""
    with context.store().read() as session:
        return Board(
            counts=overview.loop_counts(session),
            gain=overview.held_out_gain(session),
            running=overview.running(session),
            events=overview.latest(session),
            trend=distribution.trend(session, scale=RewardScale.CHAT, days=DAYS),
            releases=overview.releases(session, days=DAYS),
        )
