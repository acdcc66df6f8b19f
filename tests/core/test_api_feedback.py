"""The routes for forms, messages, plans and executions: what each promises, and what it refuses."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from core.store import Store
from core.tables import AgentFeedback, Evaluation, Feedback, Interaction, LearningExample, Plan
from tests.api_client import ANSWER, PLAN, QUERY_ID, rows, stored, with_settings

RICH = {
    "evaluation_confidence": 0.92,
    "evaluation_reasoning": "Fits.",
    "query_understanding": "One pump.",
    "per_widget_feedback": [
        {"widget_index": 1, "widget_type": "trend", "appropriateness_score": 0.9},
        {"widget_index": 2, "widget_type": "kpi", "appropriateness_score": 0.5, "size_appropriate": False},
    ],
    "missing_widgets": ["alerts"],
    "suggested_improvements": ["Show the limit."],
}


def planned(client: TestClient, **changes: Any) -> None:
    assert client.post("/v1/plans", json=PLAN | changes).status_code == 201


def say(client: TestClient, *, user: str | None = None, **body: Any) -> Any:
    headers = {"X-User-Id": user} if user else {}
    return client.post("/layer2/feedback/", json={"query_id": QUERY_ID} | body, headers=headers)


def current(store: Store) -> Feedback:
    with store.read() as session:
        return session.exec(select(Feedback).where(col(Feedback.is_current))).one()


# Forms of the site


def test_a_form_is_stored_once_without_personal_data_and_read_back(client: TestClient) -> None:
    form = {"type": "bug", "rating": 2, "comment": "Mail ann@example.org", "external_id": "7", "page": {"url": "/a"}}
    first, again = client.post("/v1/feedback", json=form), client.post("/v1/feedback", json=form)
    assert (first.status_code, first.json()["created"]) == (201, True)
    assert (again.status_code, again.json()) == (200, {"feedback_id": first.json()["feedback_id"], "created": False})
    shown = client.get(f"/v1/feedback/{first.json()['feedback_id']}").json()
    assert (shown["kind"], shown["form_type"], shown["comment"], shown["rating"]) == (
        "site_form",
        "bug",
        "Mail [email]",
        2,
    )
    assert shown["page"] == {"url": "/a"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"type": "rant"}, "Unknown form_type: rant. Use one of bug"),
        ({"rating": 6}, "rating"),
        ({"rating": "5"}, "rating"),
        ({"comment": "x" * 20_001}, "comment"),
        ({"page": "home"}, "page"),
        ({"created_at": "2026-01-01T00:00:00"}, "time zone"),
        ({"colour": 1}, "colour"),
    ],
)
def test_a_bad_form_answers_400_and_stores_nothing(
    client: TestClient, store: Store, change: dict[str, Any], words: str
) -> None:
    answer = client.post("/v1/feedback", json={"type": "bug"} | change)
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert rows(store)["feedback"] == 0


def test_a_batch_of_forms_stores_the_good_and_names_the_bad(client: TestClient) -> None:
    forms: list[Any] = [{"type": "bug"}, {"type": "rant"}, 7, {"type": "general", "external_id": "a"}]
    answer = client.post("/v1/feedback/batch", json={"feedback": [*forms, forms[3]]}).json()
    assert (answer["created"], answer["duplicates"], answer["rejected"]) == (2, 1, 2)
    assert "rant" in answer["results"][1]["error"]
    assert "no JSON object" in answer["results"][2]["error"]
    assert answer["results"][3]["feedback_id"] == answer["results"][4]["feedback_id"]


@pytest.mark.parametrize("path", ["/v1/feedback", "/v1/interactions"])
@pytest.mark.parametrize("row_id", ["3f2b6c1e-8a57-4f0e-9a52-0d3c1b7e2f12", "12", "%00"])
def test_what_is_not_there_is_not_found(client: TestClient, path: str, row_id: str) -> None:
    found = client.get(f"{path}/{row_id}")
    assert found.status_code == 404
    assert found.json()["error"].endswith("not found")


def test_an_interaction_is_read_back_with_its_reward(client: TestClient) -> None:
    message = stored(client, user_id="ann")
    shown = client.get(f"/v1/interactions/{message}").json()
    assert (shown["prompt"], shown["kind"], shown["user_id"], shown["plan"]) == (ANSWER["prompt"], "chat", "ann", None)
    assert 0 <= shown["reward_score"] <= 1


# Messages


def test_a_batch_on_messages_answers_for_each(client: TestClient, store: Store) -> None:
    message, owned = stored(client), stored(client, user_id="ann")
    items = [
        {"message_id": message, "feedback_type": "thumbs_up"},
        {"message_id": str(uuid4()), "feedback_type": "copy"},
        {"message_id": owned, "feedback_type": "copy", "user_id": "bob"},
        {"message_id": message, "feedback_type": "love"},
        {"message_id": message, "feedback_type": "thumbs_down"},
    ]
    answer = client.post("/v1/chat/feedback/batch", json={"feedback": items}).json()
    assert (answer["stored"], answer["rejected"]) == (2, 3)
    assert [bool(result["error"]) for result in answer["results"]] == [False, True, True, True, False]
    assert answer["results"][1]["error"] == "Message not found"
    assert answer["results"][3]["error"] == "Invalid feedback_type: love"
    assert answer["results"][4]["reward_score"] == 0.0
    assert current(store).feedback_type == "thumbs_down"


def test_a_plan_is_no_message(client: TestClient) -> None:
    planned(client)
    answer = client.post("/v1/chat/feedback", json={"message_id": QUERY_ID, "feedback_type": "copy"})
    assert (answer.status_code, answer.json()["detail"]) == (404, "Message not found")


# Plans


def test_a_plan_is_an_interaction_under_its_query_id(client: TestClient, store: Store) -> None:
    planned(client, data_summary={"rows": 3})
    again = client.post("/v1/plans", json=PLAN)
    assert (again.status_code, again.json()["created"]) == (200, False)
    shown = client.get(f"/v1/interactions/{QUERY_ID}").json()
    assert (shown["kind"], shown["intent"], shown["intent_confidence"], shown["response_ms"]) == (
        "plan",
        "query",
        0.9,
        1200,
    )
    assert shown["plan"]["widgets"] == PLAN["widgets"]
    assert shown["plan"]["parsed_intent"]["entities"] == {"device": "pump-2"}
    with store.read() as session:
        assert session.exec(select(Interaction)).one().raw == {"data_summary": {"rows": 3}}
        assert session.exec(select(Plan)).one().heading == "Pump 2"


@pytest.mark.parametrize(
    "change",
    [
        {"query_id": "abc"},
        {"query_id": None},
        {"transcript": ""},
        {"parsed_intent": {"type": "wish"}},
        {"parsed_intent": {"confidence": 2}},
        {"widgets": [{"size": "hero"}]},
        {"widgets": [{"scenario": "kpi"}] * 101},
        {"processing_ms": -1},
    ],
)
def test_a_bad_plan_answers_400_and_stores_nothing(client: TestClient, store: Store, change: dict[str, Any]) -> None:
    answer = client.post("/v1/plans", json=PLAN | change)
    assert answer.status_code == 400, answer.text
    assert set(rows(store).values()) == {0}


def test_a_query_in_a_conversation_says_how_it_follows_the_last(client: TestClient) -> None:
    planned(client, conversation_id="c")
    correction = PLAN | {"query_id": str(uuid4()), "conversation_id": "c", "transcript": "No, I meant pump-002"}
    assert client.post("/v1/plans", json=correction).json()["follow_up_type"] == "correction"
    assert client.post("/v1/plans", json=correction).json()["follow_up_type"] == "correction"


def test_feedback_on_a_plan_answers_ok_and_not_found(client: TestClient, store: Store) -> None:
    missing = say(client, rating="up")
    assert (missing.status_code, missing.json()) == (404, {"status": "not_found", "updated": False})
    planned(client)
    answer = say(client, rating="up", interactions=[{"widget_index": 0, "action": "expand", "duration_ms": 900}])
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "updated": True})
    assert (current(store).feedback_type, current(store).helpful) == ("thumbs_up", True)
    assert current(store).widget_interactions == [{"widget_index": 0, "action": "expand", "duration_ms": 900}]


def test_a_message_of_a_chat_is_no_plan(client: TestClient) -> None:
    assert client.post("/layer2/feedback/", json={"query_id": stored(client), "rating": "up"}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"query_id": "abc"},
        {"query_id": None, "rating": "up"},
        {"rating": "maybe"},
        {"rating": 1},
        {"correction": "x" * 501},
        {"interactions": [{"widget_index": 0, "action": "click"}] * 51},
        {"interactions": [{"action": "click"}]},
        {"interactions": [{"widget_index": -1, "action": "click"}]},
        {"evaluation_confidence": 1.1},
        {"per_widget_feedback": [{"widget_type": "kpi"}]},
        {"per_widget_feedback": [{"widget_index": 1, "appropriateness_score": 2}]},
        {"missing_widgets": "kpi"},
        {"unheard_of": 1},
    ],
)
def test_bad_feedback_on_a_plan_answers_400_and_stores_nothing(
    client: TestClient, store: Store, body: dict[str, Any]
) -> None:
    planned(client)
    before = rows(store)
    answer = say(client, **body)
    assert answer.status_code == 400
    assert answer.json()["error"].endswith("nothing was stored.")
    assert rows(store) == before


def test_a_correction_without_a_rating_stays_unrated(client: TestClient, store: Store) -> None:
    planned(client)
    assert say(client, correction="x" * 500).status_code == 200
    assert (current(store).feedback_type, current(store).helpful, len(current(store).correction or "")) == (
        None,
        None,
        500,
    )


def test_each_user_has_one_current_feedback_and_what_a_later_one_leaves_out_stays(
    client: TestClient, store: Store
) -> None:
    planned(client)
    clicked = [{"widget_index": 1, "action": "click"}]
    say(client, user="ann", correction="I meant pump 3", interactions=clicked)
    say(client, user="ann", rating="down", interactions=[])
    say(client, user="ann", rating="down")
    say(client, user="bob", rating="up")
    with store.read() as session:
        found = session.exec(select(Feedback).where(col(Feedback.is_current)).order_by(col(Feedback.user_id))).all()
    assert [(row.user_id, row.feedback_type, row.correction, row.widget_interactions) for row in found] == [
        ("ann", "thumbs_down", "I meant pump 3", clicked),
        ("bob", "thumbs_up", None, None),
    ]
    assert rows(store)["feedback"] == 3


def test_only_the_owner_of_a_plan_may_rate_it(client: TestClient, store: Store) -> None:
    planned(client, user_id="ann")
    assert say(client, user="bob", rating="up").status_code == 403
    assert say(client, rating="up").status_code == 200
    assert current(store).user_id == "ann"


def test_a_rich_evaluation_is_an_outside_judges_with_indices_from_0(client: TestClient, store: Store) -> None:
    planned(client)
    assert say(client, rating="up", **RICH).status_code == 200
    with store.read() as session:
        found = session.exec(select(Evaluation)).one()
    assert (found.judge, found.prompt_version, found.overall_rating, found.confidence) == (
        "external",
        "feedback",
        "up",
        0.92,
    )
    assert [part["widget_index"] for part in found.parts] == [0, 1]
    assert (found.missing, found.suggested_improvements, found.score) == (["alerts"], ["Show the limit."], 0.7)


def test_a_later_plain_rating_takes_nothing_from_a_rich_evaluation(client: TestClient, store: Store) -> None:
    planned(client)
    say(client, rating="up", **RICH)
    say(client, rating="down")
    say(client, rating="down", evaluation_reasoning="On second thoughts, no.")
    with store.read() as session:
        found = session.exec(select(Evaluation).order_by(col(Evaluation.repeat_index))).all()
    assert [(row.overall_rating, row.confidence, len(row.parts)) for row in found] == [
        ("up", 0.92, 2),
        ("down", 0.92, 2),
    ]


def test_a_rich_evaluation_that_makes_no_verdict_is_kept_unscored(client: TestClient, store: Store) -> None:
    planned(client)
    say(client, rating="up", evaluation_confidence=0.9, per_widget_feedback=[{"widget_index": 1}, {"widget_index": 2}])
    with store.read() as session:
        found = session.exec(select(Evaluation)).one()
    assert (found.overall_rating, found.confidence, found.score) == (None, 0.9, None)
    assert "appropriateness_score" in (found.unscored_reason or "")
    assert [(part["widget_index"], part["name"], part["score"]) for part in found.parts] == [
        (0, "trend", None),
        (1, "kpi", None),
    ]


def test_the_key_for_feedback_on_plans_is_asked_for_once_it_is_set(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(client)
    with_settings(monkeypatch, feedback_key="k1")
    assert say(client, rating="up").status_code == 403
    wrong = client.post("/layer2/feedback/", json={"query_id": QUERY_ID}, headers={"X-Feedback-Key": "k2"})
    assert wrong.status_code == 403
    right = client.post("/layer2/feedback", json={"query_id": QUERY_ID}, headers={"X-Feedback-Key": "k1"})
    assert right.status_code == 200


# Executions


EXECUTION = {"execution_id": "run-1", "agent_id": "support", "feedback_type": "thumbs_down"}


def test_a_correction_of_an_execution_makes_exactly_one_pending_example(client: TestClient, store: Store) -> None:
    body = EXECUTION | {
        "rating": 2,
        "issue_categories": ["incomplete", "incorrect", "incorrect"],
        "correction_text": "Ask ann@example.org.",
        "agent_output": "Ask nobody.",
        "agent_input": "Whom do I ask?",
    }
    first, again = client.post("/learning/feedback", json=body), client.post("/learning/feedback", json=body)
    assert (first.status_code, again.status_code) == (201, 200)
    with store.read() as session:
        example = session.exec(select(LearningExample)).one()
        said = session.exec(select(AgentFeedback)).one()
    assert (example.example_type, example.source_type, example.review_status) == (
        "correction",
        "user_feedback",
        "pending",
    )
    assert (example.input_text, example.original_output, example.expected_output) == (
        "Whom do I ask?",
        "Ask nobody.",
        "Ask [email].",
    )
    assert example.source_agent_feedback_id == said.id
    assert again.json()["learning_example_id"] == first.json()["learning_example_id"] == str(example.id)
    assert (said.rating, said.issue_categories, said.pii) == (2, ["incorrect", "incomplete"], {"email": 1})


def test_the_referenced_interaction_gives_what_was_asked_and_answered(client: TestClient, store: Store) -> None:
    message = stored(client)
    body = EXECUTION | {"interaction_id": message, "correction_text": "Open Settings."}
    assert client.post("/learning/feedback", json=body).status_code == 201
    with store.read() as session:
        example = session.exec(select(LearningExample)).one()
    assert (example.input_text, example.original_output) == (ANSWER["prompt"], ANSWER["response"].strip())
    assert str(example.source_interaction_id) == message


@pytest.mark.parametrize(("kind", "rating"), [("thumbs_up", 5), ("thumbs_down", 1), ("report_issue", None)])
def test_a_thumb_brings_its_rating_and_no_example(
    client: TestClient, store: Store, kind: str, rating: int | None
) -> None:
    answer = client.post("/learning/feedback", json=EXECUTION | {"feedback_type": kind}).json()
    assert (answer["rating"], answer["learning_example_id"]) == (rating, None)
    assert rows(store)["learning_examples"] == 0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"feedback_type": "love"}, 422),
        ({"rating": 0}, 422),
        ({"accuracy_rating": 6}, 422),
        ({"issue_categories": ["ugly"]}, 422),
        ({"execution_id": " "}, 422),
        ({"agent_id": None}, 422),
        ({"interaction_id": "12"}, 422),
        ({"interaction_id": str(uuid4())}, 404),
        ({"unheard_of": 1}, 422),
    ],
)
def test_bad_feedback_on_an_execution_stores_nothing(
    client: TestClient, store: Store, change: dict[str, Any], code: int
) -> None:
    answer = client.post("/learning/feedback", json=EXECUTION | change)
    assert answer.status_code == code
    assert answer.json()["error"]
    assert set(rows(store).values()) == {0}


def test_statistics_of_executions_count_the_days_asked_for(client: TestClient) -> None:
    empty = client.get("/learning/feedback/stats").json()
    assert (empty["total_feedback"], empty["avg_rating"], empty["days"]) == (0, None, 30)
    for number, (kind, rating, at) in enumerate(
        [
            ("thumbs_up", 5, None),
            ("thumbs_down", 1, None),
            ("correction", 3, None),
            ("thumbs_up", 5, "2020-01-01T00:00:00Z"),
        ]
    ):
        body = EXECUTION | {"execution_id": f"run-{number}", "feedback_type": kind, "rating": rating, "created_at": at}
        assert client.post("/learning/feedback", json=body).status_code == 201
    found = client.get("/learning/feedback/stats", params={"agent_id": "support", "days": 30}).json()
    assert found == {
        "agent_id": "support",
        "days": 30,
        "total_feedback": 3,
        "avg_rating": 3.0,
        "thumbs_up": 1,
        "thumbs_down": 1,
        "corrections": 1,
    }
    assert client.get("/learning/feedback/stats", params={"agent_id": "other"}).json()["total_feedback"] == 0
    assert client.get("/learning/feedback/stats", params={"days": 0}).status_code == 422
