"""What holds for every route: once only, how often, how much, errors as sentences, and no body that makes one fail."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from sqlmodel import col, select
from starlette.applications import Starlette
from starlette.routing import Route

from core.api import create_api, metrics
from core.api.guards import MAX_BODY, body_limit
from core.api.once import KEPT
from core.api.rate import Buckets
from core.feedback.intake import store_interaction
from core.store import Store
from core.tables import Feedback, IdempotencyKey, Job, JobStatus, now
from tests.api_client import ANSWER, LOCAL, PLAN, QUERY_ID, rows, stored, with_settings

REPOSITORY = Path(__file__).parents[2]
MESSAGE_ID = "0198c2f0-7a55-7000-8000-000000000000"
ITEM = {"execution_id": "run-1", "agent_id": "support", "feedback_type": "correction", "correction_text": "So."}
# A body each route takes, by its path.
GOOD: dict[str, Any] = {
    "/v1/interactions": ANSWER,
    "/v1/interactions/batch": {"interactions": [ANSWER]},
    "/v1/feedback": {"type": "bug", "page": {"url": "/"}},
    "/v1/feedback/batch": {"feedback": [{"type": "bug"}]},
    "/v1/chat/feedback": {"message_id": MESSAGE_ID, "feedback_type": "rating_4", "comment": "slow"},
    "/v1/chat/feedback/batch": {"feedback": [{"message_id": MESSAGE_ID, "feedback_type": "copy"}]},
    "/v1/plans": PLAN,
    "/layer2/feedback/": {"query_id": QUERY_ID, "rating": "up", "per_widget_feedback": [{"widget_index": 1}]},
    "/learning/feedback": ITEM,
}
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=30)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=10,
)
JSON = {"Content-Type": "application/json"}


# Once only


@pytest.mark.parametrize("path", [path for path in GOOD if "chat" not in path and "layer2" not in path])
def test_the_same_request_with_the_same_key_acts_once(client: TestClient, store: Store, path: str) -> None:
    key = {"Idempotency-Key": "k-1"}
    first, again = (client.post(path, json=GOOD[path], headers=key) for _ in range(2))
    assert first.status_code in (200, 201)
    assert "idempotent-replayed" not in first.headers
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert rows(store)["idempotency_keys"] == 1


def test_feedback_in_between_does_not_make_a_repeated_request_act_again(client: TestClient, store: Store) -> None:
    message = stored(client)
    up = {"message_id": message, "feedback_type": "thumbs_up"}
    first = client.post("/v1/chat/feedback", json=up, headers={"Idempotency-Key": "a"})
    client.post("/v1/chat/feedback", json=up | {"feedback_type": "thumbs_down"}, headers={"Idempotency-Key": "b"})
    assert client.post("/v1/chat/feedback", json=up, headers={"Idempotency-Key": "a"}).json() == first.json()
    with store.read() as session:
        current = session.exec(select(Feedback).where(col(Feedback.is_current))).one()
    assert current.feedback_type == "thumbs_down"


@pytest.mark.parametrize(
    "other",
    [
        {"path": "/v1/feedback", "json": {"type": "general"}},
        {"path": "/v1/interactions", "json": {"type": "bug"}},
        {"path": "/v1/feedback?a=1", "json": {"type": "bug"}},
        {"path": "/v1/feedback", "json": {"type": "bug"}, "headers": {"X-User-Id": "ann"}},
    ],
)
def test_a_key_that_came_with_another_request_is_refused(
    client: TestClient, store: Store, other: dict[str, Any]
) -> None:
    key = {"Idempotency-Key": "k"}
    client.post("/v1/feedback", json={"type": "bug"}, headers=key)
    body = ANSWER if other["path"] == "/v1/interactions" else other["json"]
    answer = client.post(other["path"], json=body, headers=key | other.get("headers", {}))
    assert answer.status_code == 422
    assert "another request" in answer.json()["error"]
    assert rows(store)["feedback"] == 1


def test_a_refused_request_keeps_no_answer(client: TestClient, store: Store) -> None:
    key = {"Idempotency-Key": "k"}
    assert client.post("/layer2/feedback/", json={"query_id": QUERY_ID}, headers=key).status_code == 404
    client.post("/v1/plans", json=PLAN)
    assert client.post("/layer2/feedback/", json={"query_id": QUERY_ID}, headers=key).status_code == 200


def test_a_key_is_kept_for_a_day(client: TestClient, store: Store) -> None:
    key = {"Idempotency-Key": "k"}
    client.post("/v1/feedback", json={"type": "bug"}, headers=key)
    client.post("/v1/feedback", json={"type": "bug"}, headers={"Idempotency-Key": "old"})
    with store.write() as session:
        session.execute(sa.update(IdempotencyKey).values(created_at=now() - KEPT - timedelta(seconds=1)))
    answer = client.post("/v1/feedback", json={"type": "general"}, headers=key)
    assert (answer.status_code, answer.headers.get("idempotent-replayed")) == (201, None)
    with store.read() as session:
        assert [row.key for row in session.exec(select(IdempotencyKey))] == ["k"]


@pytest.mark.parametrize("key", ["", "a b", "x" * 201, "ä"])
def test_a_key_that_is_no_plain_word_is_refused(client: TestClient, store: Store, key: str) -> None:
    headers = {"Idempotency-Key": key.encode("latin-1")}
    assert client.post("/v1/feedback", json={"type": "bug"}, headers=headers).status_code == 400
    assert client.post("/learning/feedback", json=ITEM, headers=headers).status_code == 422
    assert set(rows(store).values()) == {0}


def test_of_many_at_once_with_one_key_only_one_acts(client: TestClient, store: Store) -> None:
    barrier = threading.Barrier(6)

    def send(_: int) -> Any:
        barrier.wait()
        return client.post("/v1/feedback", json={"type": "bug"}, headers={"Idempotency-Key": "k"})

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(send, range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["feedback_id"] for answer in answers}) == 1
    assert rows(store)["feedback"] == 1


TWO_PROCESSES = """
import sys
from fastapi.testclient import TestClient
from core.api import create_api
client = TestClient(create_api(), base_url="http://localhost")
message, me = sys.argv[1:]
for number in range(20):
    kind = ("thumbs_up", "thumbs_down")[number % 2]
    body = {"message_id": message, "feedback_type": kind, "comment": f"{me} {number}"}
    mine = client.post("/v1/chat/feedback", json=body)
    both = client.post("/v1/feedback", json={"type": "bug"}, headers={"Idempotency-Key": f"form-{number}"})
    assert (mine.status_code, both.status_code) == (200, 201), (mine.text, both.text)
"""


def test_two_processes_lose_nothing_and_double_nothing(client: TestClient, store: Store, settings: Any) -> None:
    message = stored(client)
    database = store.url.render_as_string(hide_password=False)
    running = [
        subprocess.Popen(
            [sys.executable, "-c", TWO_PROCESSES, message, me],
            cwd=REPOSITORY,
            env={"HONE_HOME": str(settings.home), "HONE_DB": database, "PATH": "", "HONE_WORKER": "false"},
            stderr=subprocess.PIPE,
            text=True,
        )
        for me in ("a", "b")
    ]
    for process in running:
        assert process.wait(timeout=120) == 0, process.stderr and process.stderr.read()
        if process.stderr:
            process.stderr.close()
    with store.read() as session:
        kinds = [(row.kind, row.is_current) for row in session.exec(select(Feedback))]
    assert kinds.count(("site_form", True)) == 20
    assert kinds.count(("chat_message", True)) == 1
    assert kinds.count(("chat_message", False)) == 39


# How often


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_gives_a_minutes_worth_at_once_and_fills_evenly() -> None:
    clock = Clock()
    buckets = Buckets(60, clock=clock)
    assert [buckets.take("a") for _ in range(60)] == [0] * 60
    assert buckets.take("a") == pytest.approx(1)
    assert buckets.take("b") == 0
    clock.now += 0.5
    assert buckets.take("a") == pytest.approx(0.5)
    clock.now += 0.5
    assert buckets.take("a") == 0
    clock.now += 3600
    assert sum(buckets.take("a") == 0 for _ in range(100)) == 60


def test_many_clients_cost_no_memory() -> None:
    buckets = Buckets(1, clock=Clock(), most=100)
    for number in range(1000):
        buckets.take(str(number))
    assert len(buckets) == 100
    assert buckets.take("999") > 0


def test_too_many_requests_answer_429_with_the_seconds_to_wait(
    client: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_settings(monkeypatch, rate_per_minute=2)
    codes = [client.post("/v1/feedback", json={"type": "bug"}).status_code for _ in range(3)]
    last = client.get("/v1/statistics")
    assert (codes, last.status_code) == ([201, 201, 429], 429)
    assert 1 <= int(last.headers["retry-after"]) <= 30
    assert "2 requests a minute" in last.json()["error"]
    assert rows(store)["feedback"] == 2


def test_a_limit_of_0_is_none(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with_settings(monkeypatch, rate_per_minute=0)
    assert {client.get("/v1/statistics").status_code for _ in range(30)} == {200}


def test_feedback_on_plans_is_taken_20_times_a_minute(client: TestClient) -> None:
    client.app.state.plan_buckets = Buckets(20, clock=Clock())  # type: ignore[attr-defined]
    client.post("/v1/plans", json=PLAN)
    codes = [client.post("/layer2/feedback/", json={"query_id": QUERY_ID}).status_code for _ in range(21)]
    assert codes == [200] * 20 + [429]
    assert client.get("/v1/statistics").status_code == 200


# How much


def test_uploads_have_a_limit_of_their_own(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with_settings(monkeypatch, max_import_mb=3)
    limits = [body_limit(path) for path in ("/v1/imports", "/v1/imports/x", "/v1/importsx", "/v1/feedback")]
    assert limits == [4 * MAX_BODY, 4 * MAX_BODY, MAX_BODY, MAX_BODY]


def test_a_body_of_many_pieces_is_counted_as_it_comes(client: TestClient, store: Store) -> None:
    came = 0

    def pieces() -> Any:
        nonlocal came
        while came < 20 * MAX_BODY:
            came += 65_536
            yield b" " * 65_536

    answer = client.post("/v1/feedback", content=pieces(), headers=JSON)
    assert answer.status_code == 413
    assert answer.json()["error"] == "The body is larger than 1 MiB; nothing was stored. Send it in smaller parts."


def test_the_token_is_asked_for_before_the_body_is_read(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with_settings(monkeypatch, api_token="s3cret")
    for path in ("/v1/imports", "/v1/feedback", "/learning/feedback", "/nothing"):
        assert client.post(path, content=b"{", headers=JSON).status_code == 401


# Errors


def test_every_error_is_a_sentence_as_json(client: TestClient) -> None:
    found = [
        client.get("/nothing"),
        client.put("/v1/feedback", json={}),
        client.post("/v1/feedback", content=b"x", headers={"Content-Type": "text/plain"}),
        client.post("/v1/feedback", content=b"[" * 100_000, headers=JSON),
        client.post("/v1/feedback", content=b"1" * 10_000, headers=JSON),
        client.post("/learning/feedback", content=b"[" * 100_000, headers=JSON),
        client.post("/v1/feedback", json={"type": "bug", "page": nested(300)}),
        client.post("/v1/interactions/batch", json={"interactions": [ANSWER | {"context_sources": [nested(300)]}]}),
    ]
    assert [answer.status_code for answer in found] == [404, 405, 400, 400, 400, 422, 400, 200]
    for answer in found[:-1]:
        assert list(answer.json()) == ["error"]
        assert answer.json()["error"].endswith(".")
    assert "nested too deeply" in found[6].json()["error"]
    assert "nested too deeply" in found[7].json()["results"][0]["error"]


def nested(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels):
        value = {"a": value}
    return value


def test_a_name_from_the_body_is_shown_harmlessly(client: TestClient) -> None:
    hidden = client.post("/v1/feedback", content=rb'{"type": "bug", "a\u202e\u0000": 1}', headers=JSON)
    assert hidden.status_code == 400
    assert "U+202E" in hidden.json()["error"]
    broken = client.post("/v1/feedback", content=rb'{"type": "bug", "\ud800": 1}', headers=JSON)
    assert broken.json() == {"error": "The name of a field is no valid text; nothing was stored."}


def test_a_failure_of_ours_tells_nothing_of_the_inside(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.api.feedback.intake.add_site_form", lambda *_, **__: 1 / 0)
    answer = client.post("/v1/feedback", json={"type": "bug"})
    assert answer.status_code == 500
    assert "ZeroDivisionError" not in answer.text
    assert answer.json()["error"].startswith("Something went wrong on our side; nothing was stored.")


# No body makes a route fail


@pytest.fixture
def unlimited(client: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    with_settings(monkeypatch, rate_per_minute=0)
    client.app.state.plan_buckets = Buckets(10**9)  # type: ignore[attr-defined]
    client.post("/v1/plans", json=PLAN)
    with store.write() as session:
        store_interaction(session, interaction_id=UUID(MESSAGE_ID), agent_id="a", prompt="p", response="r")
    return client


def test_every_route_that_takes_json_is_tried_below(client: TestClient) -> None:
    taken = [
        path
        for path, verbs in client.get("/openapi.json").json()["paths"].items()
        if "application/json" in verbs.get("post", {}).get("requestBody", {}).get("content", {})
    ]
    assert set(GOOD) <= set(taken)


def attempt(client: TestClient, store: Store, path: str, body: Any) -> None:
    before = rows(store)
    answer = client.post(path, content=json.dumps(body), headers=JSON)
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert rows(store) == before
        assert answer.json().get("error") or answer.json() == {"status": "not_found", "updated": False}


@pytest.mark.parametrize("path", GOOD)
@examples(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=ANY_JSON)
def test_no_json_makes_a_route_fail(unlimited: TestClient, store: Store, path: str, body: Any) -> None:
    attempt(unlimited, store, path, body)


@pytest.mark.parametrize("path", GOOD)
@examples(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_change_of_a_good_body_makes_a_route_fail(
    unlimited: TestClient, store: Store, path: str, data: st.DataObject
) -> None:
    body = json.loads(json.dumps(GOOD[path]))
    fields = unlimited.get("/openapi.json").json()["paths"][path]["post"]["requestBody"]["content"]
    model = fields["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
    names = list(unlimited.get("/openapi.json").json()["components"]["schemas"][model]["properties"])
    target = next(iter(body.values()))[0] if path.endswith("/batch") else body
    if target is not body:
        names = list(target)
    target[data.draw(st.sampled_from(names))] = data.draw(ANY_JSON)
    attempt(unlimited, store, path, body)


@pytest.mark.parametrize("path", ["/v1/statistics", "/learning/feedback/stats"])
@examples(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(agent=ANY_TEXT)
@example(agent="\x00")
def test_no_agent_in_an_address_makes_a_route_fail(unlimited: TestClient, path: str, agent: str) -> None:
    name = agent.encode(errors="replace").decode()
    assert unlimited.get(path, params={"agent_id": name}).status_code in (200, 400, 422)


# Metrics


def measured(client: TestClient) -> dict[tuple[str, ...], float]:
    text = client.get("/metrics").text
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def watched(*, guarded: bool = False) -> TestClient:
    return TestClient(Starlette(routes=[Route("/metrics", metrics(guarded=guarded))]), base_url=LOCAL)


def test_the_metrics_say_what_is_in_the_store(client: TestClient, store: Store) -> None:
    for number, rating in enumerate((2, 5)):
        client.post("/learning/feedback", json=ITEM | {"execution_id": f"run-{number}", "rating": rating})
    client.post("/v1/feedback", json={"type": "bug"})
    with store.write() as session:
        session.add(Job(kind="triage", resource="cpu", status=JobStatus.QUEUED, position=1))
    found = measured(watched())
    assert found[("learning_examples_total", "user_feedback")] == 2
    assert found[("learning_examples_total", "synthetic")] == 0
    assert found[("annotation_queue_depth",)] == 2
    assert found[("training_runs_total", "running")] == 0
    assert found[("experiments_active_count",)] == 0
    assert math.isclose(found[("feedback_rating_avg", "support")], 3.5)
    assert found[("jobs_total", "triage", "queued")] == 1
    assert (found[("feedback_total", "site_form")], found[("feedback_total", "execution")]) == (1, 2)


def test_the_metrics_name_a_bounded_number_of_agents(client: TestClient, store: Store) -> None:
    with store.write() as session:
        session.add_all(
            Feedback(kind="site_form", agent_id=f"agent {number}", rating=3, source="test") for number in range(150)
        )
    assert sum(key[0] == "feedback_rating_avg" for key in measured(watched())) == 100


def test_the_metrics_ask_for_what_the_routes_ask_for(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert watched().get("/metrics").status_code == 200
    assert watched(guarded=True).get("/metrics").status_code == 401
    assert watched().get("/metrics", headers={"Host": "evil.example"}).status_code == 403
    with_settings(monkeypatch, api_token="s3cret")
    assert watched().get("/metrics").status_code == 401
    assert watched(guarded=True).get("/metrics", headers={"Authorization": "Bearer s3cret"}).status_code == 200


def test_a_token_and_an_address_are_counted_apart(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with_settings(monkeypatch, api_token="s3cret", rate_per_minute=1)
    assert client.get("/v1/statistics").status_code == 401
    assert client.get("/v1/statistics", headers={"Authorization": f"Bearer {uuid4()}"}).status_code == 429
    assert client.get("/v1/statistics", headers={"Authorization": "Bearer s3cret"}).status_code == 200


def test_each_application_counts_for_itself(client: TestClient) -> None:
    assert create_api().state.plan_buckets is not create_api().state.plan_buckets
