"""What the rewards page draws above its list, from counts kept for some seconds for all viewers alike.

The classes live here and not in the page's script: what a cache keeps must come from a module that is imported once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.rewards import distribution
from core.rewards.chat import BANDS, band
from core.rewards.distribution import AgentRewards, Bin, Day, RewardStatistics, Spread
from core.store import Store
from core.tables import RewardScale
from pages.review.bars import signed
from pages.review.item_list import Tone, tabs
from pages.shared import charts, words
from pages.shared.literal import escape_label

BAND_TONE: dict[str, Tone] = {
    "Excellent": "green",
    "Good": "green",
    "Acceptable": "gray",
    "Poor": "orange",
    "Bad": "red",
}
MOST_AGENTS = 6  # small pictures side by side; more say less


@dataclass(frozen=True)
class Picture:
    """Everything drawn above the list, for one scale and one agent or all."""

    statistics: RewardStatistics
    spread: Spread
    bins: list[Bin]
    agents: list[AgentRewards]
    by_agent: dict[str, list[Bin]]


@st.cache_data(ttl=10, refresh_mode="background", show_spinner=False, max_entries=200)
def picture(url: str, scale: RewardScale, agent: str | None, _store: Store) -> Picture:
    """Counts and bins in SQL. ``url`` is there to be part of the cache's key."""
    with _store.read() as session:
        agents = sorted(distribution.by_agent(session, scale, limit=1000), key=lambda one: -one.n)
        several = [one.agent_id for one in agents[:MOST_AGENTS]] if agent is None and len(agents) > 1 else []
        return Picture(
            statistics=distribution.statistics(session, agent_id=agent, scale=scale),
            spread=distribution.spread(session, agent_id=agent, scale=scale),
            bins=distribution.histogram(session, scale=scale, agent_id=agent),
            agents=[one for one in agents if agent in (None, one.agent_id)],
            by_agent={name: distribution.histogram(session, scale=scale, agent_id=name) for name in several},
        )


@st.cache_data(ttl=10, refresh_mode="background", show_spinner=False, max_entries=200)
def days_of(url: str, scale: RewardScale, agent: str | None, days: int, _store: Store) -> list[Day]:
    """Daily means with their intervals."""
    with _store.read() as session:
        return distribution.trend(session, scale=scale, agent_id=agent, days=days)


def band_counts(bins: Sequence[Bin]) -> dict[str, int]:
    """How many chat rewards lie in each band; the bands' edges are edges of the bins."""
    counts = {one.name: 0 for _, one in BANDS}
    for one in bins:
        counts[band((one.low + one.high) / 2).name] += one.count
    return counts


def pictures(drawn: Picture, scale: RewardScale, agent: str | None, store: Store) -> list[int]:
    """Distribution, words, agents, days; returns the pressed bars of the distribution."""
    left, right = st.columns([5, 3])
    with left.container(border=True, height="stretch"):
        bars = _distribution(drawn)
    with right.container(border=True, height="stretch"):
        _in_words(drawn, scale)
    if drawn.by_agent:
        with st.grid(4 if len(drawn.by_agent) == 4 else 3, min_column_width=220):
            for name, bins in drawn.by_agent.items():
                _small(next(one for one in drawn.agents if one.agent_id == name), bins)
        if len(drawn.agents) > MOST_AGENTS:
            st.caption(f"The {MOST_AGENTS} agents with the most rewards, of {len(drawn.agents)}.")
    with st.container(border=True):
        _trend(scale, agent, store)
    return bars


def _distribution(drawn: Picture) -> list[int]:
    """The histogram; returns the bars that were pressed."""
    stats = drawn.statistics
    with st.container(horizontal=True, gap="small"):  # not at the right: the chart's own tools appear there
        st.markdown("**Distribution**", width="content")
        st.caption("Press bars to list their answers", width="content")
    return charts.histogram(
        [(one.low, one.high, one.count) for one in drawn.bins],
        colour="human",
        x="Reward",
        mean=stats.avg_reward,
        height=250,
        key="reward_bars",
        alt=f"Rewards in {len(drawn.bins)} bins; mean {stats.avg_reward:.2f}, n = {stats.rated:,}",
        selectable=True,
    )


def _in_words(drawn: Picture, scale: RewardScale) -> None:
    stats, spread = drawn.statistics, drawn.spread
    st.metric(
        "Mean reward",
        signed(stats.avg_reward),
        help=f"n = {stats.rated:,}; from {signed(stats.min_reward)} to {signed(stats.max_reward)}",
    )
    unrated = stats.total_interactions - stats.rated
    sure = (
        f"95 % interval {signed(spread.low)} to {signed(spread.high)}, n = {stats.rated:,}. "
        if spread.low is not None and spread.high is not None
        else f"n = {stats.rated:,}, not enough for an interval. "
    )
    said = (
        "People rated all of them."
        if spread.explicit == stats.rated
        else f"People rated {words.share(spread.explicit, stats.rated)}; the others are estimated from the answer."
    )
    without = (
        f" {words.counted(unrated, 'answer has', 'answers have')} no reward and no part in the mean." if unrated else ""
    )
    st.caption(sure + said + without)
    if scale == RewardScale.CHAT:
        for name, count in band_counts(drawn.bins).items():
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.badge(name, color=BAND_TONE[name], width=96)
                st.progress(count / stats.rated if stats.rated else 0.0)
                st.caption(f"{count:,}", width=52, text_alignment="right")


def _small(one: AgentRewards, bins: Sequence[Bin]) -> None:
    with st.container(border=True, gap="xxsmall", height="stretch"):
        with st.container(horizontal=True, horizontal_alignment="distribute", gap="small"):
            st.markdown(f"**{escape_label(one.agent_id, limit=30)}**", width="content")
            low, high = one.low, one.high
            around = "not enough" if low is None or high is None else f"{signed(low)} to {signed(high)}"
            help_text = f"95 % interval of the mean: {around}"
            st.caption(f"{signed(one.mean)} · n = {one.n:,}", help=help_text, width="content")
        charts.histogram(
            [(b.low, b.high, b.count) for b in bins],
            colour="human",
            x="",
            mean=one.mean,
            height=120,
            key=f"bars_{one.agent_id}",
            alt=f"Rewards of one agent; mean {one.mean:.2f}, n = {one.n:,}",
        )


def _trend(scale: RewardScale, agent: str | None, store: Store) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown("**Mean per day**", width="content")
        days = int(tabs("Days", {"7": "7 days", "30": "30 days", "90": "90 days"}, key="days", default="30"))
    with st.skeleton(height=220):
        found = days_of(str(store.url), scale, agent, days, store)
    if not found:
        st.caption(f"No answer of the last {days} days has a reward.")
        return
    low, high = distribution.LIMITS[scale]
    charts.trend(
        [(d.day, d.mean, d.low, d.high, d.n) for d in found],
        y="Mean reward",
        low=low,
        high=high,
        height=200,
        key="reward_days",
        alt=f"Mean reward per day over {words.counted(len(found), 'day')}, with 95 % interval",
    )
