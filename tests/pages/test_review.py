"""Triage, evaluations and rewards as a visitor meets them: invitations, content, decisions, hostile text."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from core.api import process
from core.exporting import Format, choose
from core.feedback import intake
from core.judging import evaluations, rule_based
from core.judging.verdict import unscored
from core.rewards import chat, distribution
from core.rewards.distribution import Bin
from core.settings import Settings
from core.store import Store
from core.tables import (
    Category,
    Evaluation,
    EvaluationReview,
    Reward,
    RewardScale,
    Severity,
    TriageResult,
    TriageStatus,
    TriageVerdict,
    now,
)
from core.triage import inbox
from pages.review import bars, item_list, plan_board, reward_pictures
from pages.shared import export, layout
from tests.pages.conftest import OpenPage

HOSTILE = "**b** <script>alert(1)</script> :red[x] [l](http://evil.example) ![i](http://evil.example/p.png)"
REVIEW = ("triage", "evaluations", "rewards")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """No dwell guard: a test reads faster than a person."""
    return settings.model_copy(update={"min_dwell_ms": 0})


def said(store: Store, *comments: str, form_type: str = "bug", rating: int = 2) -> None:
    with store.write() as session:
        for comment in comments:
            intake.store_site_form(session, form_type=form_type, rating=rating, comment=comment)
        inbox.triage_new(session)


def answered(store: Store, prompt: str = "How do I export?", *, kind: str | None = None, agent: str = "support") -> str:
    with store.write() as session:
        row = intake.store_interaction(session, agent_id=agent, prompt=prompt, response=f"Press export. {prompt}").row
        if kind:
            intake.store_message_feedback(session, row.id, feedback_type=kind)
        chat.update_reward(session, row)
        return str(row.id)


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


def shown(page: AppTest) -> str:
    """All text that is shown letter by letter."""
    return "\n".join(text.value for text in page.text)


def interpreted(page: AppTest) -> str:
    """Everything that goes through markdown: here foreign text must be escaped."""
    return "\n".join(element.value for element in (*page.markdown, *page.caption, *page.title, *page.subheader))


def verdicts(store: Store) -> list[TriageVerdict]:
    with store.read() as session:
        return list(session.exec(select(TriageVerdict)).all())


def first_result(store: Store) -> TriageResult:
    with store.read() as session:
        return inbox.item(session, inbox.inbox(session)[0].result_id).result


# Every page


@pytest.mark.parametrize("name", REVIEW)
def test_an_empty_store_invites_to_the_next_step(open_page: OpenPage, name: str) -> None:
    page = open_page(name)
    assert not page.exception
    assert page.title[0].value == name.capitalize()
    assert page.subheader[0].value.startswith("No ")
    assert "Import your data" in labels(page)


@pytest.mark.parametrize("name", REVIEW)
def test_a_page_with_rows_shows_hostile_text_letter_by_letter(open_page: OpenPage, store: Store, name: str) -> None:
    agent = "a **b** [l](http://evil.example)"
    said(store, f"{HOSTILE} the page crashes")
    answered(store, HOSTILE, kind="rating_1", agent=agent)
    answered(store, HOSTILE, agent="other")
    with store.write() as session:
        evaluations.evaluate_new(session)
        found = str(evaluations.listing(session)[0].evaluation_id)
    page = open_page(name, **({"evaluation": found} if name == "evaluations" else {}))
    assert not page.exception
    assert HOSTILE in shown(page)
    for dangerous in ("<script>", "](http://evil.example", ":red[x]", "**b**"):
        assert dangerous not in interpreted(page)


@pytest.mark.parametrize("query", [{"item": "nonsense"}, {"queue": "nonsense"}, {"category": "nonsense"}])
def test_nonsense_in_the_address_is_met_calmly(open_page: OpenPage, store: Store, query: dict[str, str]) -> None:
    said(store, "The page crashes")
    page = open_page("triage", **query)
    assert not page.exception
    assert page.title[0].value == "Triage"


# Triage


def test_the_button_triages_what_nobody_has_read(
    open_page: OpenPage, store: Store, finish_jobs: Callable[[], None]
) -> None:
    with store.write() as session:
        intake.store_site_form(session, form_type="bug", comment="The page crashes")
    page = open_page("triage")
    next(button for button in page.button if button.label == "Triage new feedback").click().run()
    assert not page.exception
    finish_jobs()
    page.run()
    with store.read() as session:
        assert inbox.waiting(session) == 0
        assert inbox.count(session) == 1
    assert "The page crashes" in shown(page)


def test_accepting_stores_a_verdict_and_shows_the_next_item(open_page: OpenPage, store: Store) -> None:
    said(store, "The page crashes when I save", "The docs are unclear")
    first = first_result(store)
    page = open_page("triage")
    page.button(key=f"accept_{first.id}_{first.version}").click().run()
    assert not page.exception
    (verdict,) = verdicts(store)
    assert (verdict.result_id, verdict.category, verdict.agrees) == (first.id, first.category, True)
    assert verdict.decided_by == "ada"
    following = first_result(store)
    assert page.button(key=f"accept_{following.id}_{following.version}").label == "Accept"
    assert not [button for button in page.button if str(first.id) in (button.key or "") and "accept" in button.key]


def test_a_number_decides_for_that_category_with_the_severity_chosen(open_page: OpenPage, store: Store) -> None:
    said(store, "The page crashes when I save")
    first = first_result(store)
    page = open_page("triage")
    page.segmented_control(key=f"severity_{first.id}_0").set_value(Severity.LOW).run()
    page.button(key=f"category_6_{first.id}_0").click().run()
    (verdict,) = verdicts(store)
    assert (verdict.category, verdict.severity, verdict.agrees) == (Category.NOISE, Severity.LOW, False)


def test_a_decision_on_what_somebody_else_decided_is_refused(open_page: OpenPage, store: Store) -> None:
    said(store, "The page crashes when I save", "The docs are unclear")
    first = first_result(store)
    page = open_page("triage")
    with store.write() as session:
        inbox.decide(session, first.id, seen_version=0, category=Category.NOISE, severity=Severity.LOW, decided_by="bo")
    page.button(key=f"accept_{first.id}_0").click().run()
    assert "already decided" in page.error[0].value
    assert [verdict.decided_by for verdict in verdicts(store)] == ["bo"]


def test_a_held_key_decides_nothing(
    open_page: OpenPage, at_work: process.Process, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = at_work.settings.model_copy(update={"min_dwell_ms": 10_000})
    monkeypatch.setattr(at_work, "settings", slow)
    said(store, "The page crashes when I save")
    first = first_result(store)
    page = open_page("triage")
    page.button(key=f"accept_{first.id}_0").click().run()
    assert verdicts(store) == []


def test_undo_opens_the_last_decided_item_again(open_page: OpenPage, store: Store) -> None:
    said(store, "The page crashes when I save", "The docs are unclear")
    first = first_result(store)
    page = open_page("triage")
    page.button(key=f"accept_{first.id}_0").click().run()
    page.button(key=f"undo_{first.id}_1").click().run()
    assert first_result(store).status == TriageStatus.OPEN
    assert not any(verdict.is_current for verdict in verdicts(store))
    assert page.query_params["item"] in (str(first.id), [str(first.id)])


def test_the_sure_readings_of_a_page_are_accepted_at_once_and_taken_back_at_once(
    open_page: OpenPage, store: Store
) -> None:
    said(store, *(f"Traceback in the API after the update, it crashes {n}" for n in range(3)))
    with store.read() as session:
        sure = inbox.count(session, needs_review=False)
    assert sure == 3
    page = open_page("triage")
    next(button for button in page.button if button.label == "Accept 3 readings").click().run()
    assert len(verdicts(store)) == 3
    next(button for button in page.button if button.label == "Undo").click().run()
    with store.read() as session:
        assert inbox.count(session) == 3


def test_the_done_tab_says_who_decided_and_takes_it_back(open_page: OpenPage, store: Store) -> None:
    said(store, "The page crashes when I save")
    first = first_result(store)
    with store.write() as session:
        inbox.decide(session, first.id, seen_version=0, category=Category.NOISE, severity=Severity.LOW, decided_by="bo")
    page = open_page("triage", queue="done")
    assert "bo changed to noise, low" in shown(page)
    page.button(key=f"back_{first.id}_1").click().run()
    assert first_result(store).status == TriageStatus.OPEN


def test_search_and_category_narrow_the_inbox(open_page: OpenPage, store: Store) -> None:
    said(store, "The page crashes when I save", "The documentation is unclear: docs missing", form_type="general")
    page = open_page("triage", triage_q="docs", category="Content gap")
    assert "docs missing" in shown(page)
    assert "crashes when I save" not in shown(page)
    page = open_page("triage", triage_q="no such words")
    assert "Nothing matches" in interpreted(page)


def test_the_place_of_the_open_item_counts_in_the_whole_list(open_page: OpenPage, store: Store) -> None:
    said(store, *(f"The page crashes when I save {n}" for n in range(layout.PAGE_SIZE + 2)))
    page = open_page("triage", triage_page="2")
    assert f"{layout.PAGE_SIZE + 1} of {layout.PAGE_SIZE + 2}" in [caption.value for caption in page.caption]


# Evaluations


def test_the_button_judges_what_is_new(open_page: OpenPage, store: Store, finish_jobs: Callable[[], None]) -> None:
    answered(store)
    page = open_page("evaluations")
    next(button for button in page.button if button.label == "Judge new answers").click().run()
    assert not page.exception
    finish_jobs()
    with store.read() as session:
        (row,) = evaluations.listing(session)
        assert evaluations.waiting(session) == 0
    assert row.judge == rule_based.JUDGE


def judged(store: Store, *prompts: str) -> list[str]:
    for prompt in prompts:
        answered(store, prompt)
    with store.write() as session:
        evaluations.evaluate_new(session)
        return [str(row.evaluation_id) for row in evaluations.listing(session)]


def test_a_link_opens_an_evaluation_with_its_reasons(open_page: OpenPage, store: Store) -> None:
    _, second = judged(store, "How do I export?", "How do I sign in?")
    page = open_page("evaluations", evaluation=second)
    assert not page.exception
    with store.read() as session:
        found = evaluations.detail(session, session.exec(select(Evaluation)).first().id)  # type: ignore[union-attr]
    assert found.evaluation.reasoning.split()[0] in shown(page)
    assert "What the judge understood" in interpreted(page)
    assert "Rule\\-based" in interpreted(page)  # a badge, escaped like a foreign judge's name


def test_agreeing_stores_my_word_and_opens_the_next(open_page: OpenPage, store: Store) -> None:
    first, second = judged(store, "How do I export?", "How do I sign in?")
    page = open_page("evaluations", evaluation=first)
    page.button(key=f"agree_{first}").click().run()
    assert page.query_params["evaluation"] in (second, [second])
    page.button(key=f"disagree_{second}").click().run()
    with store.read() as session:
        reviews = {str(r.evaluation_id): (r.reviewer, r.agrees) for r in session.exec(select(EvaluationReview)).all()}
    assert reviews == {first: ("ada", True), second: ("ada", False)}
    page = open_page("evaluations")
    assert "1 of 2" in interpreted(page)


@pytest.mark.parametrize("unknown", ["nonsense", "00000000-0000-7000-8000-000000000000"])
def test_an_unknown_evaluation_is_said_to_be_missing(open_page: OpenPage, store: Store, unknown: str) -> None:
    judged(store, "How do I export?")
    page = open_page("evaluations", evaluation=unknown)
    assert not page.exception
    assert "is not here" in interpreted(page)


def test_an_unscored_verdict_says_why_and_cannot_be_agreed_with(open_page: OpenPage, store: Store) -> None:
    interaction = answered(store)
    with store.write() as session:
        from uuid import UUID

        from core.tables import Interaction

        row = session.get(Interaction, UUID(interaction))
        assert row is not None
        stored = evaluations.store_evaluation(
            session, row, unscored("the answer was cut off"), judge="model-x", prompt_version="p1", prompt_hash="0" * 64
        )
        assert stored is not None
        found = str(stored.id)
    page = open_page("evaluations", evaluation=found)
    assert "the answer was cut off" in shown(page)
    assert page.button(key=f"agree_{found}").disabled


PLAN = {
    "heading": HOSTILE,
    "widgets": [
        {"scenario": "kpi", "size": "compact", "why": "The pressure of the pump"},
        {"scenario": "trend", "size": "giant", "why": HOSTILE},
        "odd",
    ],
}


def test_a_plan_is_drawn_even_when_it_is_malformed(open_page: OpenPage, store: Store) -> None:
    with store.write() as session:
        intake.store_interaction(
            session, agent_id="planner", kind="plan", prompt="Trend of the pump?", response="", plan=PLAN
        )
        evaluations.evaluate_new(session)
        (row,) = evaluations.listing(session)
    page = open_page("evaluations", evaluation=str(row.evaluation_id))
    assert not page.exception
    assert "**Plan**" in [element.value for element in page.markdown]


def test_a_card_has_its_widgets_size_score_and_place() -> None:
    parts = [{"widget_index": 1, "score": 0.3, "size_appropriate": False}]
    first, second, third = plan_board.cards(PLAN["widgets"], parts)
    assert (first["name"], first["size"], first["score"]) == ("kpi", "compact", None)
    assert (second["size"], second["score"], second["tone"], second["wrong"]) == ("expanded", 0.3, "red", True)
    assert third["name"] == "unnamed widget"


# Rewards


def test_the_rewards_page_says_mean_share_and_bands(open_page: OpenPage, store: Store) -> None:
    for kind in ("rating_5", "thumbs_down", None):
        answered(store, kind=kind)
    page = open_page("rewards")
    assert not page.exception
    with store.read() as session:
        statistics = distribution.statistics(session)
    assert page.metric[0].value == f"{statistics.avg_reward:.2f}"
    assert "People rated 2 of 3" in interpreted(page)
    assert page.segmented_control(key="band_tab").options[0] == "All 3"
    assert not [control for control in page.segmented_control if control.key == "scale_tab"]  # no plan rewards


def test_a_band_lists_its_answers_and_one_shows_its_parts(open_page: OpenPage, store: Store) -> None:
    answered(store, "A question that was answered well", kind="rating_5")
    answered(store, "A question that was answered badly", kind="thumbs_down")
    page = open_page("rewards", band="bad")
    assert "A question that was answered badly" in shown(page)
    assert "A question that was answered well" not in shown(page)
    assert "Bad: the answer did not help" in shown(page)
    assert "1 × thumbs down" in interpreted(page)


def test_answers_without_a_reward_are_counted_in_words(open_page: OpenPage, store: Store) -> None:
    answered(store, kind="rating_5")
    with store.write() as session:
        intake.store_interaction(session, agent_id="support", prompt="Not rated", response="An answer")
    assert "1 answer has no reward" in interpreted(open_page("rewards"))


def test_t05_csv_formula_in_a_question_arrives_as_text(store: Store) -> None:
    answered(store, "=HYPERLINK(1)", agent="@agent")
    with export.made(store, choose("rewards"), Format.CSV) as file:
        rows = list(csv.DictReader(io.TextIOWrapper(file, encoding="utf-8", newline="")))
    assert [(row["prompt"], row["agent_id"]) for row in rows] == [("'=HYPERLINK(1)", "'@agent")]


def test_bands_count_every_reward_once() -> None:
    bins = [Bin(low / 20, (low + 1) / 20, low + 1) for low in range(20)]
    counts = reward_pictures.band_counts(bins)
    assert sum(counts.values()) == sum(one.count for one in bins)
    assert counts["Excellent"] == 19 + 20  # the two bins from 0.9 on
    assert counts["Bad"] == sum(range(1, 7))  # below 0.3


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.floats(-1, 1), max_size=8))
def test_the_bars_of_a_waterfall_stay_within_the_scale_and_end_at_the_total(parts: dict[str, float]) -> None:
    drawn = bars.steps(parts, 0.0, 1.0)
    assert len(drawn) == len(parts) + 1
    for bar in drawn:
        assert 0 <= bar["left"] <= 100.01
        assert 0 <= bar["left"] + bar["width"] <= 100.02
    assert float(drawn[-1]["value"].replace("−", "-")) == pytest.approx(sum(parts.values()), abs=0.006)


def test_a_plan_is_drawn_on_its_own_scale_with_zero_in_the_middle() -> None:
    down, up, total = bars.steps({"feedback": -1.5, "bonus": 0.5}, -2.0, 2.0)
    assert (down["left"], down["width"], down["value"]) == (12.5, 37.5, "−1.50")
    assert (up["left"], up["width"], up["value"]) == (12.5, 12.5, "+0.50")
    assert (total["left"], total["width"], total["value"]) == (25.0, 25.0, "−1.00")


def test_plan_rewards_have_a_page_of_their_own_scale(open_page: OpenPage, store: Store) -> None:
    answered(store, kind="rating_5")
    with store.write() as session:
        about = intake.store_interaction(
            session, agent_id="planner", kind="plan", prompt="Trend of the pump?", response="Here it is.", plan=PLAN
        ).row
        reward = Reward(interaction_id=about.id, agent_id="planner", scale=RewardScale.PLAN, explicit=-1.5, value=-1.5)
        session.add(reward)
    page = open_page("rewards", scale="plan")
    assert not page.exception
    assert page.metric[0].value == "−1.50"
    assert "People rated all of them" in interpreted(page)
    assert "A plan's reward lies between −2 and 2" in shown(page)
    assert "was not kept" in interpreted(page)


# The list


@pytest.mark.parametrize(("decided", "following"), [("a", "b"), ("b", "c"), ("c", "b")])
def test_after_a_decision_the_next_below_is_open_else_the_one_above(decided: str, following: str) -> None:
    assert item_list.after(["a", "b", "c"], decided) == following


def test_after_the_last_item_nothing_is_open() -> None:
    assert item_list.after(["a"], "a") is None


def test_an_age_is_short() -> None:
    from pages.review.triage_words import age_of

    assert age_of(now()) == "just now"


@pytest.mark.parametrize("days", [200, 800])
def test_a_date_has_its_year_only_when_it_is_another_one(days: int) -> None:
    from pages.review.triage_words import age_of

    moment = now() - timedelta(days=days)
    assert age_of(moment).endswith(str(moment.year)) == (moment.year != now().year)


def test_every_category_and_severity_has_its_words() -> None:
    from pages.review import triage_words

    words: list[Any] = [triage_words.CATEGORIES, triage_words.ACTIONS, triage_words.SEVERITY_MARK]
    assert [set(table) for table in words] == [set(Category), set(Category), set(Severity)]
