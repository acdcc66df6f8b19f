"""Rewards: from the picture of all of them down to one answer and the parts its reward was made of.

In: the rewards in the store, one scale at a time. Out: nothing is written here; what is listed can be taken away. The
pictures come from counts made in SQL, kept for some seconds; the list is paged.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from core.rewards import distribution
from core.rewards.chat import BANDS, band, explain
from core.rewards.distribution import RewardRow
from core.rewards.items import ROUNDING
from core.store import Store
from core.tables import Interaction, RewardScale
from pages.review.bars import signed, waterfall
from pages.review.item_list import Mark, Page, Row, Tone, item_list, moves, open_id, tabs
from pages.review.reward_pictures import BAND_TONE, Picture, band_counts, picture, pictures
from pages.review.triage_words import age_of
from pages.shared import context, export, layout, words
from pages.shared.literal import escape_label, literal, one_line

SCALES = {RewardScale.CHAT.value: "Chat answers", RewardScale.PLAN.value: "Plans"}
KEYS = {"J": "next answer", "K": "previous answer"}


def page() -> None:
    """Read, show; this page writes nothing."""
    layout.header("Rewards", "What each answer was worth, from what people said and did with it.", keys=KEYS)
    store = context.store()
    with store.read() as session:
        scales = distribution.scales(session)
        names = distribution.agents(session)
    if not scales:
        _nothing_yet(bool(names))
        return
    with layout.filters():
        agent = layout.pick("Agent", names, key="reward_agent") if len(names) > 1 else None
        scale = (
            RewardScale(tabs("Scale", {s.value: SCALES[s.value] for s in scales}, key="scale"))
            if len(scales) > 1
            else scales[0]
        )
        download = st.container(width="content")
    with st.skeleton(height=320):
        drawn = picture(str(store.url), scale, agent, store)
    if not drawn.statistics.rated:
        layout.empty("bar_chart", "This agent has no reward on this scale yet. Choose another agent above.")
        return
    bars = pictures(drawn, scale, agent, store)
    _answers(drawn, bars, scale, agent, store, download)


def _nothing_yet(some_interactions: bool) -> None:
    layout.empty(
        "bar_chart",
        "Here you will see how rewards are spread, where they are low, and what each was made of. "
        + (
            "The stored interactions have no reward yet: the first rating brings one."
            if some_interactions
            else "Rewards come with the first rated answers."
        ),
        "Import your data",
        to="import",
        title="No rewards yet",
    )
    layout.link("overview", "Or load the sample workspace from the overview", icon=":material/route:")


def _answers(
    drawn: Picture, bars: list[int], scale: RewardScale, agent: str | None, store: Store, download: Any
) -> None:
    st.subheader("Answers", anchor=False)
    low, high, total = _pressed_range(drawn, bars) or _chosen_band(drawn, scale)
    left, right = st.columns([2, 3], gap="medium")
    with left:
        list_place = st.container()
        number = layout.paging(total, key="reward_page")
    found = partial(distribution.in_bin, scale=scale, low=low, high=high, agent_id=agent)
    with store.read() as session:
        rows = found(session, limit=layout.PAGE_SIZE, offset=layout.offset(number))
    with download:
        export.popover("rewards", _filters(scale, agent, low, high))
    ids = [str(row.reward_id) for row in rows]
    current = open_id("reward", ids, view=(scale, agent, low, high, number))
    with list_place:
        if not rows:
            layout.empty("filter_alt_off", "No answer lies in this range. Choose another one.")
            return
        item_list("reward", [_row(row, scale) for row in rows], selected=current, label="Answers")
        moves("reward", Page(ids, layout.offset(number), total), current)
    with right:
        _detail(next((row for row in rows if str(row.reward_id) == current), rows[0]), scale, store)


def _filters(scale: RewardScale, agent: str | None, low: float, high: float) -> dict[str, Any]:
    """The range as ``distribution.in_bin`` understands it: the end of the scale belongs to the last one."""
    top = None if high >= distribution.LIMITS[scale][1] else high - ROUNDING
    return {"scale": scale, "agent_id": agent, "low": low - ROUNDING, "high": top}


def _pressed_range(drawn: Picture, bars: list[int]) -> tuple[float, float, int] | None:
    """(low, high, count) from the first to the last pressed bar of the distribution."""
    pressed = [drawn.bins[index] for index in bars if 0 <= index < len(drawn.bins)]
    if not pressed:
        return None
    low, high = min(one.low for one in pressed), max(one.high for one in pressed)
    count = sum(one.count for one in drawn.bins if low <= one.low < high)
    st.caption(
        f"Rewards from {signed(low)} to {signed(high)}, {words.counted(count, 'answer')}. Press the bars again for all."
    )
    return low, high, count


def _chosen_band(drawn: Picture, scale: RewardScale) -> tuple[float, float, int]:
    """(low, high, count) of the chosen band, or of the whole scale."""
    low, high = distribution.LIMITS[scale]
    options = {"all": f"All {drawn.statistics.rated:,}"}
    ranges = {"all": (low, high, drawn.statistics.rated)}
    if scale == RewardScale.CHAT:
        counts = band_counts(drawn.bins)
        top = high
        for lowest, one in BANDS:
            bottom = max(low, lowest)
            options[one.name.lower()] = f"{one.name} {counts[one.name]:,}"
            ranges[one.name.lower()] = (bottom, top, counts[one.name])
            top = bottom
    else:
        for edge in range(4):
            name, count = f"{edge - 2}to{edge - 1}", sum(b.count for b in drawn.bins if edge - 2 <= b.low < edge - 1)
            options[name] = f"{edge - 2} to {edge - 1} · {count:,}".replace("-", "−")
            ranges[name] = (edge - 2.0, edge - 1.0, count)
    return ranges[tabs("Band", options, key="band")]


def _row(row: RewardRow, scale: RewardScale) -> Row:
    return Row(
        id=str(row.reward_id),
        title=row.prompt,
        below=f"{one_line(row.agent_id, limit=40)} · {'rated' if row.explicit is not None else 'estimated'}",
        aside=age_of(row.created_at),
        exact=words.exact(row.created_at),
        mark=Mark(words=f"Reward {signed(row.value)}", tone=_tone(row.value, scale), glyph=signed(row.value)),
    )


def _tone(value: float, scale: RewardScale) -> Tone:
    if scale == RewardScale.CHAT:
        return BAND_TONE[band(value).name]
    return "red" if value < 0 else "green" if value >= 1 else "gray"


def _detail(row: RewardRow, scale: RewardScale, store: Store) -> None:
    with store.read() as session:
        interaction = session.get(Interaction, row.interaction_id)
    chat = scale == RewardScale.CHAT
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        said = f"{band(row.value).name} {row.value:.2f}" if chat else signed(row.value)
        st.badge(said, color=_tone(row.value, scale))
        st.caption(escape_label(row.agent_id, limit=60), width="content")
        words.when(row.created_at)
    st.text(explain(row.value) if chat else "A plan's reward lies between −2 and 2.")
    with st.container(border=True):
        _parts(row, scale)
    if interaction is None:
        return
    with st.container(border=True):
        literal(interaction.prompt, label="Question", key=f"q_{row.reward_id}")
        literal(interaction.response, label="Answer", key=f"a_{row.reward_id}")


def _parts(row: RewardRow, scale: RewardScale) -> None:
    """The side in force as a waterfall; the other one in a fold."""
    low, high = distribution.LIMITS[scale]
    draw = partial(waterfall, low=low, high=high)
    explicit, implicit = row.parts.get("explicit") or {}, row.parts.get("implicit") or {}
    said = row.parts.get("feedback_types") or {}
    if explicit:
        heard = ", ".join(f"{count} × {kind.replace('_', ' ')}" for kind, count in said.items())
        draw(explicit, heading="From what people said" + (f": {heard}" if heard else ""), key=f"x{row.reward_id}")
        if implicit and row.implicit is not None:
            with st.expander(f"Before anybody said anything it was estimated at {signed(row.implicit)}"):
                draw(implicit, heading="From the answer itself", key=f"i{row.reward_id}")
        return
    if row.explicit is not None:
        st.caption("People rated it. What the reward was made of was not kept.")
    else:
        draw(implicit, heading="Estimated from the answer itself; nobody has rated it", key=f"i{row.reward_id}")


page()
