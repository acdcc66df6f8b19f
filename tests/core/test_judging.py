"""The rule-based judge explains each part of its verdict, and every judge's verdict is stored once or not at all."""

from __future__ import annotations

from threading import Barrier, Thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Session, select

from core.errors import NotFound
from core.judging import evaluations, rubric
from core.judging.listing import EXCERPT
from core.judging.rule_based import JUDGE, PROMPT_VERSION, RUBRIC, judge_answer, prompt_hash
from core.judging.verdict import Part, Verdict, read_verdict
from core.store import Store
from core.tables import Evaluation, EvaluationReview, Interaction, InteractionKind, Plan, Rating, new_id
from core.work import Alone

QUESTION = "How do I reset my password?"
GOOD = (
    'Open Settings > Account and choose "Reset password". Follow the link in the email. '
    "If it does not arrive, reply here and we will send a new one."
)
CRITERIA = [criterion.name for criterion in RUBRIC if criterion.applies_to == "answer"]
RICH: dict[str, Any] = {
    "overall_rating": "GOOD",
    "confidence": 0.92,
    "reasoning": "r",
    "query_understanding": "u",
    "widget_feedback": [
        {"widget_index": 1, "widget_type": "alerts", "appropriateness_score": 0.9, "size_appropriate": True},
        {"widget_index": 2, "widget_type": "kpi", "appropriateness_score": 0.5, "issues": ["i"], "strengths": ["s"]},
    ],
    "missing_widgets": ["trend"],
    "suggested_improvements": ["add a trend"],
}

json_like = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(RICH)), inner, max_size=4),
    max_leaves=10,
)
FEW = settings(max_examples=60, deadline=None)


def interaction(session: Session, prompt: str = QUESTION, response: str = GOOD, **given: Any) -> Interaction:
    row = Interaction(
        **{"agent_id": "a", "prompt": prompt, "response": response, "prompt_key": "k", "source": "test"} | given
    )
    session.add(row)
    session.flush()
    return row


def plan_of(session: Session, widgets: list[Any]) -> Interaction:
    row = interaction(session, "compare the pumps", "", kind=InteractionKind.PLAN)
    session.add(Plan(interaction_id=row.id, heading="Pumps", widgets=widgets))
    session.flush()
    return row


def store_model_verdict(
    session: Session, about: Interaction, verdict: object = RICH, **given: Any
) -> Evaluation | None:
    return evaluations.store_evaluation(
        session, about, verdict, **{"judge": "model-x", "prompt_version": "1", "prompt_hash": "h"} | given
    )


def parts(response: str, prompt: str = QUESTION) -> dict[str, float]:
    return {part.name: part.score for part in judge_answer(prompt, response).parts}


# --- the rubric --------------------------------------------------------------------------------------------------


def test_a_concrete_answer_is_up_and_every_criterion_has_its_reason() -> None:
    verdict = judge_answer(QUESTION, GOOD)
    assert verdict.overall_rating == Rating.UP
    assert [part.name for part in verdict.parts] == CRITERIA
    assert 5 <= len(CRITERIA) <= 7
    assert all(part.why.endswith(".") for part in verdict.parts)
    assert (verdict.missing, verdict.suggested_improvements) == ((), ())


@pytest.mark.parametrize(
    ("response", "weak"),
    [
        ("I don't know.", "addresses_question"),
        ("how do i reset my password", "addresses_question"),
        ("Passwords are reset. That is all there is to it.", "concrete_steps"),
        ("Open the page and reset the password there.", "next_step"),
        ("Reset it.", "adequate_length"),
        (GOOD + " Obviously.", "respectful_tone"),
        (GOOD + " You idiot.", "respectful_tone"),
        (GOOD.upper(), "respectful_tone"),
        (GOOD + " This is guaranteed, and 99% of people agree.", "no_unsourced_claims"),
        (GOOD + " You should have written it down.", "no_blame"),
    ],
)
def test_each_fault_lowers_its_own_criterion_and_is_named(response: str, weak: str) -> None:
    assert parts(response)[weak] < rubric.THRESHOLD
    advice = next(criterion.advice for criterion in RUBRIC if criterion.name == weak)
    assert advice in judge_answer(QUESTION, response).suggested_improvements


@pytest.mark.parametrize("response", ["I don't know.", GOOD + " You idiot.", "how do i reset my password"])
def test_some_faults_decide_alone(response: str) -> None:
    verdict = judge_answer(QUESTION, response)
    assert verdict.overall_rating == Rating.DOWN
    assert "scores nothing" in verdict.reasoning


def test_a_figure_with_its_source_is_no_fault() -> None:
    sourced = GOOD + " According to the report of 2025 this helps 99% of people."
    assert parts(sourced)["no_unsourced_claims"] == 1.0


def test_an_empty_answer_is_unscored_and_not_zero() -> None:
    verdict = judge_answer(QUESTION, "  \n ")
    assert (verdict.overall_rating, verdict.score, verdict.unscored_reason) == (None, None, "the answer is empty")


@FEW
@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_gets_the_same_verdict_again_and_never_much_confidence(prompt: str, response: str) -> None:
    verdict = judge_answer(prompt, response)
    assert verdict == judge_answer(prompt, response)
    if verdict.unscored_reason is None:
        assert verdict.confidence is not None
        assert 0 < verdict.confidence <= 0.7
        assert all(0 <= part.score <= 1 for part in verdict.parts)


@pytest.mark.parametrize("text", ["x" * 30_000, "1," * 15_000, "- \n" * 10_000, "“" * 20_000, "reset " * 5_000])
def test_long_and_odd_texts_are_judged_too(text: str) -> None:
    assert judge_answer(text, text).unscored_reason is None


def test_the_hash_changes_with_the_rubric(monkeypatch: pytest.MonkeyPatch) -> None:
    before = prompt_hash()
    assert len(before) == 64
    monkeypatch.setattr(rubric, "THRESHOLD", 0.5)
    assert prompt_hash() != before


# --- plans -------------------------------------------------------------------------------------------------------


def test_a_plan_is_judged_widget_by_widget_counting_from_zero() -> None:
    plan = {
        "heading": "Pump comparison",
        "widgets": [
            {"scenario": "comparison", "size": "hero", "relevance": 0.9, "why": "compare the pumps"},
            {"scenario": "trend", "size": "compact"},
            {"scenario": "no such widget"},
        ],
    }
    verdict = judge_answer("Compare the pumps over the last week", "", plan=plan)
    widgets = [part.row() for part in verdict.parts if part.widget_index is not None]
    assert [widget["widget_index"] for widget in widgets] == [0, 1, 2]
    assert [widget["size_appropriate"] for widget in widgets] == [True, False, None]
    assert [widget["appropriateness_score"] for widget in widgets] == [1.0, 0.7, 0.0]
    assert "does not come in the size compact" in widgets[1]["issues"][0]
    assert verdict.overall_rating == Rating.UP


def test_a_plan_without_what_the_question_calls_for_names_it() -> None:
    plan = {"heading": "", "widgets": [{"scenario": "chatstream", "size": "expanded"}]}
    verdict = judge_answer("Show the alarms and compare the sites", "", plan=plan)
    assert (verdict.missing, verdict.overall_rating) == (("alerts", "comparison"), Rating.DOWN)


@pytest.mark.parametrize("plan", [{}, {"widgets": []}, {"widgets": None}, {"widgets": "kpi"}])
def test_a_plan_without_widgets_is_unscored(plan: dict[str, Any]) -> None:
    assert judge_answer("q", "", plan=plan).unscored_reason == "the plan has no widgets"


@FEW
@given(st.lists(st.none() | st.text() | st.dictionaries(st.sampled_from(["scenario", "size"]), st.text() | st.none())))
def test_malformed_widgets_score_low_and_never_raise(widgets: list[Any]) -> None:
    verdict = judge_answer("q", "", plan={"heading": 3, "widgets": widgets})
    assert (verdict.unscored_reason is None) == bool(widgets)


# --- reading a rich evaluation -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("said", "rating"), [("GOOD", "up"), ("POOR", "down"), ("up", "up"), ("down", "down")])
def test_the_four_words_for_a_rating_are_read(said: str, rating: str) -> None:
    assert read_verdict(RICH | {"overall_rating": said}).overall_rating == rating


@pytest.mark.parametrize(("given", "stored"), [([1, 2], [0, 1]), ([0, 1], [0, 1]), ([2, 0], [2, 0]), ([3, 2], [2, 1])])
def test_widget_indices_are_turned_to_count_from_zero_once(given: list[int], stored: list[int]) -> None:
    widgets = [widget | {"widget_index": i} for widget, i in zip(RICH["widget_feedback"], given, strict=True)]
    verdict = read_verdict(RICH | {"widget_feedback": widgets})
    assert [part.widget_index for part in verdict.parts] == stored


def test_a_chat_answers_parts_are_read_like_widgets() -> None:
    verdict = read_verdict({"overall_rating": "up", "confidence": 1, "parts": [{"name": "tone", "score": 0.5}]})
    assert (verdict.parts, verdict.score) == ((Part("tone", 0.5),), 0.5)


@pytest.mark.parametrize(
    "broken",
    [
        None,
        "GOOD",
        [],
        {},
        RICH | {"overall_rating": "7"},
        RICH | {"overall_rating": None},
        RICH | {"confidence": 1.2},
        RICH | {"confidence": float("nan")},
        RICH | {"confidence": "0.9"},
        RICH | {"confidence": True},
        RICH | {"reasoning": 3},
        RICH | {"widget_feedback": [{"widget_index": 1, "widget_type": "kpi", "appropriateness_score": 11}]},
        RICH | {"widget_feedback": [{"widget_index": -1, "widget_type": "kpi", "appropriateness_score": 1}]},
        RICH | {"widget_feedback": "none"},
        RICH | {"missing_widgets": [{"a": 1}]},
        RICH | {"reasoning": "x" * 100_000},
    ],
    ids=range(16),
)
def test_what_cannot_be_read_is_unscored_with_a_reason_and_no_number(broken: object) -> None:
    verdict = read_verdict(broken)
    assert verdict.unscored_reason
    assert len(verdict.unscored_reason) <= 200
    assert (verdict.overall_rating, verdict.score, verdict.confidence) == (None, None, None)


@FEW
@given(json_like)
def test_any_json_gives_a_verdict(data: Any) -> None:
    verdict = read_verdict(data)
    assert (verdict.overall_rating is None) == (verdict.unscored_reason is not None)


def test_a_verdict_has_a_rating_or_a_reason_and_not_both() -> None:
    for rating, reason in ((None, None), (Rating.UP, "because")):
        with pytest.raises(ValueError, match="either"):
            Verdict(overall_rating=rating, unscored_reason=reason)


# --- the store ---------------------------------------------------------------------------------------------------


def test_what_is_judged_is_not_judged_again_and_plans_without_widgets_are_left_out(session: Session) -> None:
    interaction(session)
    interaction(session, response="", agent_id="b")
    plan_of(session, [{"scenario": "comparison", "size": "hero"}])
    plan_of(session, [])
    interaction(session, kind=InteractionKind.PLAN)  # its plan never came
    assert evaluations.waiting(session) == 3
    assert [evaluations.evaluate_new(session, agent_id="b"), evaluations.evaluate_new(session, limit=1)] == [1, 1]
    assert [evaluations.evaluate_new(session), evaluations.evaluate_new(session)] == [1, 0]
    assert evaluations.waiting(session) == 0
    stored = session.exec(select(Evaluation)).all()
    assert {(row.judge, row.prompt_version, row.prompt_hash) for row in stored} == {
        (JUDGE, PROMPT_VERSION, prompt_hash())
    }
    assert sorted(row.unscored_reason or "" for row in stored) == ["", "", "the answer is empty"]


def test_all_that_waits_is_judged_in_short_transactions_each_told(store: Store) -> None:
    with store.write() as session:
        for agent_id in ("a", "a", "a", "b"):
            interaction(session, agent_id=agent_id)
        plan_of(session, [])
    told: list[tuple[int, int]] = []
    work = Alone(lambda done, total: told.append((done, total)))
    assert evaluations.evaluate_all(store, work, agent_id="a", batch=2) == 3
    assert told == [(2, 3), (3, 3)]
    assert [evaluations.evaluate_all(store, Alone()), evaluations.evaluate_all(store, Alone())] == [1, 0]


def test_two_judges_at_once_store_one_verdict_on_each_answer(store: Store) -> None:
    with store.write() as session:
        for _ in range(20):
            interaction(session)
    together = Barrier(2)
    judged: list[int] = []

    def one_of_two() -> None:
        together.wait(timeout=30)
        judged.append(evaluations.evaluate_all(store, Alone(), batch=3))

    judges = [Thread(target=one_of_two) for _ in range(2)]
    for judge in judges:
        judge.start()
    for judge in judges:
        judge.join(timeout=120)
    assert sum(judged) == 20


def test_the_same_verdict_is_stored_once_and_a_repeat_beside_it(session: Session) -> None:
    about = interaction(session)
    assert store_model_verdict(session, about) is not None
    assert store_model_verdict(session, about) is None
    assert store_model_verdict(session, about, repeat_index=1) is not None
    assert store_model_verdict(session, about, prompt_version="2") is not None
    assert evaluations.totals(session).total == 3


def test_a_rich_evaluation_is_stored_whole_with_indices_from_zero(session: Session) -> None:
    stored = store_model_verdict(
        session, plan_of(session, [{"scenario": "alerts"}]), tokens_in=10, cost_usd=0.1, raw_answer="{}"
    )
    assert stored is not None
    assert (stored.overall_rating, stored.confidence, stored.score) == (Rating.UP, 0.92, 0.7)
    assert [(part["widget_index"], part["widget_type"]) for part in stored.parts] == [(0, "alerts"), (1, "kpi")]
    assert (stored.missing, stored.suggested_improvements) == (["trend"], ["add a trend"])
    assert (stored.tokens_in, stored.cost_usd, stored.raw_answer) == (10, 0.1, "{}")


def test_an_unreadable_evaluation_is_stored_as_unscored(session: Session) -> None:
    stored = store_model_verdict(session, interaction(session), RICH | {"confidence": 7})
    assert stored is not None
    assert (stored.overall_rating, stored.score) == (None, None)
    assert stored.unscored_reason is not None
    assert stored.unscored_reason.startswith("confidence")
    assert vars(evaluations.totals(session)) == {
        "total": 1,
        "up": 0,
        "down": 0,
        "unscored": 1,
        "reviewed": 0,
        "agreeing": 0,
    }


def test_the_list_filters_and_pages(session: Session) -> None:
    about = interaction(session, prompt="p" * 1000)
    plan = plan_of(session, [{"scenario": "kpi"}])
    first = store_model_verdict(session, about)
    store_model_verdict(session, plan, RICH | {"overall_rating": "POOR"})
    store_model_verdict(session, plan, None, judge="model-y")
    assert first is not None
    (row,) = evaluations.listing(session, rating=Rating.UP)
    assert (row.evaluation_id, row.judge, len(row.prompt)) == (first.id, "model-x", EXCERPT)
    assert len(evaluations.listing(session, kind=InteractionKind.PLAN)) == 2
    assert [row.judge for row in evaluations.listing(session, rating=evaluations.UNSCORED)] == ["model-y"]
    assert len(evaluations.listing(session, judge="model-x", search="PUMPS")) == 1
    assert evaluations.count(session, search="%") == 0
    everything = evaluations.listing(session)
    assert [*evaluations.listing(session, limit=2), *evaluations.listing(session, limit=2, offset=2)] == everything
    assert evaluations.judges(session) == ["model-x", "model-y"]


def test_the_latest_word_of_each_person_counts(session: Session) -> None:
    stored = store_model_verdict(session, interaction(session))
    assert stored is not None
    evaluations.review(session, stored.id, reviewer="ada", agrees=True)
    evaluations.review(session, stored.id, reviewer="bob", agrees=True)
    evaluations.review(session, stored.id, reviewer="ada", agrees=False)
    assert len(session.exec(select(EvaluationReview)).all()) == 2
    (row,) = evaluations.listing(session)
    assert (row.agreeing, row.disagreeing) == (1, 1)
    totals = evaluations.totals(session, judge="model-x")
    assert (totals.reviewed, totals.agreeing) == (2, 1)


def test_the_detail_shows_what_was_judged_and_the_other_verdicts(session: Session) -> None:
    about = plan_of(session, [{"scenario": "kpi"}])
    stored = store_model_verdict(session, about)
    evaluations.evaluate_new(session)
    assert stored is not None
    evaluations.review(session, stored.id, reviewer="ada", agrees=True)
    detail = evaluations.detail(session, stored.id)
    assert detail.plan is not None
    assert (detail.interaction.id, detail.plan.heading) == (about.id, "Pumps")
    assert [review.reviewer for review in detail.reviews] == ["ada"]
    assert [other.judge for other in detail.others] == [JUDGE]


def test_an_unknown_evaluation_is_not_found(session: Session) -> None:
    with pytest.raises(NotFound):
        evaluations.detail(session, new_id())
    with pytest.raises(NotFound):
        evaluations.review(session, new_id(), reviewer="ada", agrees=True)
