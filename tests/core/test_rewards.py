"""Rewards follow the rules exactly, are explained by their parts, and are counted by the database."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from statistics import mean, stdev
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql
from sqlmodel import Session, select

from core.errors import InputRejected
from core.rewards import chat, distribution, items
from core.rewards.widgets import WIDGETS, zero_based
from core.store import Store
from core.tables import (
    Feedback,
    FeedbackKind,
    Interaction,
    InteractionKind,
    MessageFeedbackType,
    Reward,
    RewardScale,
)

CHAT, PLAN = RewardScale.CHAT, RewardScale.PLAN
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

anything = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]))
signals = st.dictionaries(
    st.sampled_from(["intent_match", "used_context", "context_used", "response_length"]), anything
)
metadata = st.dictionaries(
    st.sampled_from(["intent_confidence", "context_used", "suggested_actions", "response_length"]), anything
)
context = st.none() | st.dictionaries(
    st.sampled_from(["immediate_clarification", "natural_continuation"]), st.booleans()
)
FEW = settings(max_examples=60, deadline=None)


def interaction(session: Session, **given: Any) -> Interaction:
    row = Interaction(
        **{"agent_id": "a", "prompt": "q", "response": "x" * 120, "prompt_key": "k", "source": "test"} | given
    )
    session.add(row)
    session.flush()
    return row


def said(session: Session, about: Interaction, kind: MessageFeedbackType, user: str = "u", **given: Any) -> Feedback:
    row = Feedback(
        kind=FeedbackKind.CHAT_MESSAGE,
        agent_id=about.agent_id,
        interaction_id=about.id,
        user_id=user,
        feedback_type=kind,
        source="test",
        **given,
    )
    session.add(row)
    session.flush()
    return row


def rewarded(
    session: Session, value: float, *, agent: str = "a", when: datetime = NOON, scale: RewardScale = CHAT
) -> UUID:
    kind = InteractionKind.PLAN if scale == PLAN else InteractionKind.CHAT
    about = interaction(session, agent_id=agent, created_at=when, kind=kind)
    session.add(
        Reward(interaction_id=about.id, agent_id=agent, scale=scale, implicit=value, value=value, created_at=when)
    )
    session.flush()
    return about.id


# --- the rules ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("feedback_type", "signals", "reward"),
    [
        ("thumbs_up", {"intent_match": True, "response_length": 10}, 0.9),  # the cap comes before the deduction
        ("thumbs_up", None, 1.0),
        ("rating_4", {"intent_match": True}, 0.9),
        ("rating_4", {"context_used": True}, 0.85),
        ("rating_4", {"context_used": True, "used_context": True}, 0.85),  # one signal under two names
        ("rating_4", {"response_length": None}, 0.8),
        ("rating_4", {"response_length": 0}, 0.7),
        ("rating_4", {"response_length": 49}, 0.7),
        ("rating_4", {"response_length": 50}, 0.8),
        ("rating_4", {"response_length": 2000}, 0.8),
        ("rating_4", {"response_length": 2001}, 0.75),
        ("rating_1", {"response_length": 3}, 0.0),
        ("never heard of", None, 0.5),
    ],
)
def test_explicit_reward_follows_the_rules(feedback_type: str, signals: dict[str, Any] | None, reward: float) -> None:
    assert chat.explicit_reward(feedback_type, signals) == pytest.approx(reward, abs=1e-9)


@pytest.mark.parametrize(
    ("meta", "context", "reward"),
    [
        ({}, None, 0.5),
        ({"intent_confidence": None}, None, 0.5),
        (
            {"intent_confidence": 0.9, "context_used": True, "suggested_actions": ["x"], "response_length": 500},
            None,
            0.83,
        ),
        ({"response_length": 99}, None, 0.5),
        ({"response_length": 100}, None, 0.6),
        ({"response_length": 1500}, None, 0.6),
        ({"response_length": 1501}, None, 0.5),
        ({}, {"immediate_clarification": True}, 0.3),
        ({}, {"natural_continuation": True}, 0.6),
        ({"intent_confidence": 9.0}, None, 1.0),
    ],
)
def test_implicit_reward_follows_the_rules(meta: dict[str, Any], context: dict[str, Any] | None, reward: float) -> None:
    assert chat.implicit_reward(meta, context) == pytest.approx(reward, abs=1e-9)


@FEW
@given(st.sampled_from([*chat.BASE, "", "zzz"]), st.none() | signals)
def test_explicit_reward_stays_in_range_and_is_the_sum_of_its_parts(kind: str, signals: dict[str, Any] | None) -> None:
    reward = chat.explicit_reward(kind, signals)
    assert 0 <= reward <= 1
    assert sum(chat.explicit_parts(kind, signals).values()) == pytest.approx(reward, abs=1e-8)


@FEW
@given(metadata, context)
def test_implicit_reward_stays_in_range_and_is_the_sum_of_its_parts(
    meta: dict[str, Any], context: dict[str, Any] | None
) -> None:
    reward = chat.implicit_reward(meta, context)
    assert 0 <= reward <= 1
    # A confidence of 10^300 loses digits; no real one does.
    if abs(float(chat.implicit_parts(meta, context).get("intent_confidence", 0))) < 1e3:
        assert sum(chat.implicit_parts(meta, context).values()) == pytest.approx(reward, abs=1e-8)


@pytest.mark.parametrize(
    ("reward", "name"),
    [
        (1.0, "Excellent"),
        (0.9, "Excellent"),
        (0.8 + 0.1, "Excellent"),
        (0.899, "Good"),
        (0.7, "Good"),
        (0.699, "Acceptable"),
        (0.5, "Acceptable"),
        (0.499, "Poor"),
        (0.3, "Poor"),
        (0.299, "Bad"),
        (0.0, "Bad"),
    ],
)
def test_every_reward_has_a_band_and_its_explanation_begins_with_the_bands_word(reward: float, name: str) -> None:
    assert chat.band(reward).name == name
    assert chat.band(reward).sentence.startswith(name)
    assert chat.explain(reward).startswith(name)


# --- one row per interaction -------------------------------------------------------------------------------------


def test_an_unrated_answer_has_an_implicit_reward_only(session: Session) -> None:
    reward = chat.update_reward(session, interaction(session, intent="billing", intent_confidence=0.9))
    assert (reward.explicit, reward.implicit, reward.value) == (None, 0.68, 0.68)
    assert reward.parts == {"implicit": {"start": 0.5, "intent_confidence": 0.08, "good_length": 0.1}}


def test_explicit_replaces_implicit_and_both_are_kept(session: Session) -> None:
    about = interaction(session, intent="billing", context_sources=["faq"], response="short")
    chat.update_reward(session, about)
    said(session, about, MessageFeedbackType.RATING_4)
    reward = chat.update_reward(session, about)
    assert (reward.explicit, reward.implicit, reward.value) == (0.85, 0.6, 0.85)
    assert reward.parts["explicit"] == {"feedback": 0.8, "intent_match": 0.1, "used_context": 0.05, "too_short": -0.1}
    assert reward.parts["feedback_types"] == {"rating_4": 1}
    assert len(session.exec(select(Reward)).all()) == 1


def test_several_people_are_averaged_and_only_their_current_word_counts(session: Session) -> None:
    about = interaction(session)
    said(session, about, MessageFeedbackType.THUMBS_DOWN, "ann", is_current=False)
    said(session, about, MessageFeedbackType.THUMBS_UP, "ann")
    said(session, about, MessageFeedbackType.RATING_3, "bob")
    reward = chat.update_reward(session, about)
    assert reward.explicit == 0.75
    assert sum(reward.parts["explicit"].values()) == pytest.approx(0.75)


def test_feedback_taken_back_gives_the_implicit_reward_again(session: Session) -> None:
    about = interaction(session)
    given = said(session, about, MessageFeedbackType.THUMBS_UP)
    assert chat.update_reward(session, about).value == 1.0
    given.is_current = False
    session.add(given)
    reward = chat.update_reward(session, about)
    assert (reward.explicit, reward.value, "explicit" in reward.parts) == (None, 0.6, False)


def test_a_reward_carries_the_time_of_its_interaction(session: Session) -> None:
    reward = chat.update_reward(session, interaction(session, created_at=NOON))
    assert reward.created_at == NOON


def test_a_plan_has_no_chat_reward(session: Session) -> None:
    with pytest.raises(InputRejected, match="own scale"):
        chat.update_reward(session, interaction(session, kind=InteractionKind.PLAN))


# --- distributions -----------------------------------------------------------------------------------------------


def test_statistics_of_an_empty_store_are_zero(session: Session) -> None:
    assert vars(distribution.statistics(session)) == {
        "enabled": True,
        "total_interactions": 0,
        "rated": 0,
        "avg_reward": 0.0,
        "min_reward": 0.0,
        "max_reward": 0.0,
    }


def test_unrated_interactions_are_counted_and_not_averaged(session: Session) -> None:
    rewarded(session, 1.0)
    rewarded(session, 0.4, agent="b")
    interaction(session)
    everyone, only_a = distribution.statistics(session), distribution.statistics(session, agent_id="a")
    assert (everyone.total_interactions, everyone.rated, everyone.avg_reward) == (3, 2, pytest.approx(0.7))
    assert (only_a.total_interactions, only_a.rated, only_a.avg_reward) == (2, 1, 1.0)
    assert (everyone.min_reward, everyone.max_reward) == (0.4, 1.0)


@given(st.lists(st.floats(0, 1), max_size=12), st.lists(st.floats(0, 1), max_size=5))
@FEW
def test_the_interval_of_the_mean_is_the_textbooks(shared_store: Store, one: list[float], other: list[float]) -> None:
    """Compared with the formula on the values themselves, over all agents and of one."""
    with shared_store.read() as session:
        for agent, values in (("a", one), ("b", other)):
            for value in values:
                rewarded(session, value, agent=agent)
        for agent_id, values in ((None, one + other), ("a", one)):
            found = distribution.spread(session, scale=CHAT, agent_id=agent_id)
            assert found.n == len(values)
            if len(values) < 2:
                assert (found.low, found.high) == (None, None)
                continue
            half = distribution.Z95 * stdev(values) / math.sqrt(len(values))
            assert (found.low, found.high) == pytest.approx((mean(values) - half, mean(values) + half), abs=1e-6)


def test_only_what_people_said_counts_as_explicit(session: Session) -> None:
    for agent, explicit in (("a", 0.9), ("a", None), ("b", 0.1), ("b", None)):
        about = rewarded(session, explicit or 0.5, agent=agent)
        session.exec(select(Reward).where(Reward.interaction_id == about)).one().explicit = explicit
    session.flush()
    found, of_b = (distribution.spread(session, scale=CHAT, agent_id=agent) for agent in (None, "b"))
    assert (found.n, found.explicit, of_b.n, of_b.explicit) == (4, 2, 2, 1)


def test_the_two_scales_are_never_averaged_together(session: Session) -> None:
    rewarded(session, 0.5)
    rewarded(session, -2.0, scale=PLAN)
    chats, plans = distribution.statistics(session), distribution.statistics(session, scale=PLAN)
    assert (chats.avg_reward, chats.total_interactions) == (0.5, 1)
    assert (plans.avg_reward, plans.total_interactions) == (-2.0, 1)
    assert sum(one.count for one in distribution.histogram(session, scale=CHAT)) == 1


def test_a_histogram_covers_the_scale_and_an_edge_belongs_to_the_bin_it_begins(session: Session) -> None:
    for value in (0.0, 0.05, 0.7, 0.1 + 0.2, 0.999, 1.0):
        rewarded(session, value)
    bins = distribution.histogram(session, scale=CHAT)
    assert (len(bins), bins[0].low, bins[-1].high) == (20, 0.0, 1.0)
    assert {i: one.count for i, one in enumerate(bins) if one.count} == {0: 1, 1: 1, 6: 1, 14: 1, 19: 2}


def test_a_histogram_can_be_of_one_agent_and_of_recent_days(session: Session) -> None:
    rewarded(session, -2.0, scale=PLAN)
    rewarded(session, 2.0, scale=PLAN, agent="b")
    rewarded(session, 1.9, scale=PLAN, agent="b", when=NOON - timedelta(days=40))
    recent = distribution.histogram(session, scale=PLAN, agent_id="b", bins=4, since=NOON - timedelta(days=30))
    assert [one.count for one in recent] == [0, 0, 0, 1]
    assert [one.count for one in distribution.histogram(session, scale=PLAN, bins=4)] == [1, 0, 0, 2]


def test_the_rows_behind_a_bin_are_as_many_as_it_counts(session: Session) -> None:
    for value in (0.0, 0.3, 0.35, 0.95, 1.0):
        rewarded(session, value)
    for one in distribution.histogram(session, scale=CHAT):
        rows = distribution.in_bin(session, scale=CHAT, low=one.low, high=one.high)
        assert len(rows) == one.count


def test_a_day_has_its_mean_and_interval_and_one_reward_has_no_interval(session: Session) -> None:
    for value in (0.2, 0.4, 0.6):
        rewarded(session, value)
    rewarded(session, 1.0, when=datetime(2026, 11, 19, 23, 59, 59, tzinfo=UTC))
    rewarded(session, 0.0, when=NOON - timedelta(days=90))
    first, last = distribution.trend(session, scale=CHAT, until=date(2026, 11, 20))
    assert (first.day, first.mean, first.n, first.low, first.high) == (date(2026, 11, 19), 1.0, 1, None, None)
    assert (last.day, last.n, last.mean) == (date(2026, 11, 20), 3, pytest.approx(0.4))
    # sd 0.2 of n 3: 1.96 · 0.2 / √3
    assert (last.low, last.high) == (pytest.approx(0.17368, abs=1e-4), pytest.approx(0.62632, abs=1e-4))


def test_agents_are_listed_once_and_compared_with_their_counts(session: Session) -> None:
    assert distribution.agents(session) == []
    rewarded(session, 0.2, agent="b")
    rewarded(session, 0.8, agent="b")
    rewarded(session, 1.0, agent="a")
    interaction(session, agent_id="unrated")
    assert distribution.agents(session) == ["a", "b", "unrated"]
    rows = distribution.by_agent(session, CHAT)
    assert [(row.agent_id, row.n, row.mean, row.min_reward, row.max_reward) for row in rows] == [
        ("a", 1, 1.0, 1.0, 1.0),
        ("b", 2, 0.5, 0.2, 0.8),
    ]
    assert rows[0].low is None
    assert rows[1].low is not None


def test_the_lowest_come_first_in_pages_with_cut_texts(session: Session) -> None:
    ids = [rewarded(session, value) for value in (0.9, 0.1, 0.5)]
    long = interaction(session, prompt="p" * 1000)
    chat.update_reward(session, long)
    first, second = (distribution.lowest(session, scale=CHAT, limit=2, offset=offset) for offset in (0, 2))
    assert [row.value for row in [*first, *second]] == [0.1, 0.5, 0.6, 0.9]
    assert first[0].interaction_id == ids[1]
    assert len(second[0].prompt) == distribution.EXCERPT
    assert second[0].parts == {"implicit": {"start": 0.5, "good_length": 0.1}}


@pytest.mark.sqlite  # it reads SQLite's own words for its plans; PostgreSQL's follow the statistics of a table
@pytest.mark.parametrize("agent", [None, "a"])
def test_hot_queries_are_answered_from_covering_indexes(shared_store: Store, agent: str | None) -> None:
    statements: list[tuple[str, Any]] = []

    @sa.event.listens_for(shared_store.engine, "before_cursor_execute")
    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if statement.startswith("SELECT"):
            statements.append((statement, parameters))

    with shared_store.read() as session:
        distribution.statistics(session, agent_id=agent)
        distribution.spread(session, scale=CHAT, agent_id=agent)
        distribution.histogram(session, scale=CHAT, agent_id=agent)
        distribution.histogram(session, scale=CHAT, agent_id=agent, since=NOON)
        distribution.trend(session, scale=CHAT, agent_id=agent)
        distribution.by_agent(session, CHAT)
        distribution.agents(session)
        connection = session.connection()
        asked = list(statements)
        steps = [
            row[3]
            for statement, parameters in asked
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    reading = [step for step in steps if " rewards" in step or " interactions" in step]
    assert len(reading) > 70
    assert [step for step in reading if "USING COVERING INDEX" not in step] == []
    assert [step for step in reading if step.startswith("SCAN rewards")] == []


@pytest.mark.sqlite  # it reads SQLite's own words for its plans
def test_ranked_lists_walk_an_index_and_scan_nothing(shared_store: Store) -> None:
    with shared_store.read() as session:
        for agent in (None, "a"):
            where = items.chosen(CHAT, agent)
            ids = sa.select(Reward.id).where(*where).order_by(Reward.value, Reward.created_at).limit(50)  # type: ignore[call-overload,arg-type]
            compiled = str(ids.compile(shared_store.engine, compile_kwargs={"literal_binds": True}))
            steps = [row[3] for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")]
            assert steps
            assert all(step.startswith("SEARCH rewards USING INDEX") for step in steps), steps


def test_the_statements_compile_for_postgresql() -> None:
    for statement in (distribution._range_counts(20, True, True), distribution._range_sums(30, False)):
        compiled = str(statement.compile(dialect=postgresql.dialect()))
        assert compiled.count("UNION ALL") in (19, 29)


# --- the widget catalogue ----------------------------------------------------------------------------------------


def test_the_widget_catalogue_is_alphabetical_and_whole() -> None:
    assert list(WIDGETS) == sorted(WIDGETS)
    assert len(WIDGETS) == 19
    assert WIDGETS["kpi"] == ("compact", "normal")
    assert WIDGETS["chatstream"] == ("expanded",)


@pytest.mark.parametrize(("indices", "expected"), [([1, 2, 3], [0, 1, 2]), ([0, 1], [0, 1]), ([], []), ([2], [1])])
def test_widget_indices_are_turned_to_count_from_zero(indices: list[int], expected: list[int]) -> None:
    assert zero_based(indices) == expected
