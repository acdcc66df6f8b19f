"""The HTTP routes: what they promise to an agent that calls them, and what they refuse."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlmodel import col, select

from core.api import create_api
from core.api.docs import page
from core.api.guards import MAX_BODY, LocalOnly, is_local
from core.store import Store
from core.tables import Feedback, Interaction, LearningExample
from tests.api_client import ANSWER, stored, with_settings

REPOSITORY = Path(__file__).parents[2]
EVERYWHERE = "0.0.0.0"  # noqa: S104


def with_token(monkeypatch: pytest.MonkeyPatch) -> None:
    with_settings(monkeypatch, api_token="s3cret")


# Interactions


def test_an_interaction_is_stored_once_and_rewarded(client: TestClient, store: Store) -> None:
    first = client.post("/v1/interactions", json=ANSWER | {"external_id": "m1"})
    again = client.post("/v1/interactions", json=ANSWER | {"external_id": "m1"})
    assert (first.status_code, first.json()["created"]) == (201, True)
    assert (again.status_code, again.json()["created"]) == (200, False)
    assert first.json()["id"] == again.json()["id"]
    assert 0 <= first.json()["reward_score"] <= 1
    with store.read() as session:
        assert len(session.exec(select(Interaction)).all()) == 1


def test_what_users_wrote_is_redacted_before_it_is_stored(client: TestClient, store: Store) -> None:
    stored(client, prompt="Write to ann@example.org about my invoice")
    with store.read() as session:
        row = session.exec(select(Interaction)).one()
    assert "ann@example.org" not in row.prompt
    assert row.pii["email"] == 1


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"agent_id": ""}, "agent_id"),
        ({"prompt": None}, "prompt"),
        ({"intent_confidence": 1.5}, "intent_confidence"),
        ({"unheard_of": 1}, "unheard_of"),
        ({"response": "x" * 20_001}, "response"),
        ({"created_at": "2026-01-01T00:00:00"}, "time zone"),
    ],
)
def test_a_bad_body_answers_400_with_a_sentence_and_stores_nothing(
    client: TestClient, store: Store, change: dict[str, Any], word: str
) -> None:
    answer = client.post("/v1/interactions", json=ANSWER | change)
    assert answer.status_code == 400
    assert word in answer.json()["error"]
    assert "nothing was stored" in answer.json()["error"]
    with store.read() as session:
        assert session.exec(select(Interaction)).all() == []


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b'"text"', b"\xff\xfe", b"null"])
def test_what_is_no_json_object_answers_400(client: TestClient, body: bytes) -> None:
    answer = client.post("/v1/interactions", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "error" in answer.json()


def test_a_body_that_a_web_page_can_send_unasked_is_refused(client: TestClient, store: Store) -> None:
    answer = client.post("/v1/interactions", content=json.dumps(ANSWER), headers={"Content-Type": "text/plain"})
    assert answer.status_code == 400
    with store.read() as session:
        assert session.exec(select(Interaction)).all() == []


def test_a_batch_stores_its_good_items_and_names_the_bad(client: TestClient, store: Store) -> None:
    items = [
        ANSWER | {"external_id": "a"},
        {"agent_id": "support"},
        ANSWER | {"external_id": "a"},
        ANSWER | {"prompt": "   "},
        ANSWER | {"external_id": "b"},
    ]
    answer = client.post("/v1/interactions/batch", json={"interactions": items}).json()
    assert (answer["created"], answer["duplicates"], answer["rejected"]) == (2, 1, 2)
    assert [result["index"] for result in answer["results"]] == [0, 1, 2, 3, 4]
    assert "prompt" in answer["results"][1]["error"]
    assert answer["results"][2]["id"] == answer["results"][0]["id"]
    with store.read() as session:
        assert len(session.exec(select(Interaction)).all()) == 2


@pytest.mark.parametrize("count", [0, 501])
def test_a_batch_is_between_1_and_500(client: TestClient, count: int) -> None:
    assert client.post("/v1/interactions/batch", json={"interactions": [ANSWER] * count}).status_code == 400


def test_a_body_above_one_mebibyte_answers_413(client: TestClient) -> None:
    body = json.dumps(ANSWER | {"response": "x" * MAX_BODY})
    headers = {"Content-Type": "application/json"}
    assert client.post("/v1/interactions", content=body, headers=headers).status_code == 413
    chunks = (body[i : i + 65_536].encode() for i in range(0, len(body), 65_536))  # no length announced
    assert client.post("/v1/interactions", content=chunks, headers=headers).status_code == 413


# Message feedback


def test_feedback_answers_with_the_reward(client: TestClient, store: Store) -> None:
    message = stored(client)
    body = {"message_id": message, "feedback_type": "thumbs_down", "comment": "too slow"}
    answer = client.post("/v1/chat/feedback", json=body)
    assert answer.status_code == 200
    assert set(answer.json()) == {"feedback_id", "message_id", "feedback_type", "reward_score", "created_at"}
    assert answer.json()["message_id"] == message
    assert answer.json()["reward_score"] == 0.0
    up = client.post("/v1/chat/feedback", json={"message_id": message, "feedback_type": "thumbs_up"})
    assert up.json()["reward_score"] == 1.0
    with store.read() as session:
        current = session.exec(select(Feedback).where(col(Feedback.is_current))).all()
    assert [row.feedback_type for row in current] == ["thumbs_up"]


def test_the_sentences_of_the_chat_route(client: TestClient) -> None:
    message = stored(client, user_id="ann")
    missing = client.post("/v1/chat/feedback", json={"message_id": str(uuid4()), "feedback_type": "copy"})
    assert (missing.status_code, missing.json()["error"]) == (404, "Message not found")
    no_id = client.post("/v1/chat/feedback", json={"message_id": "12", "feedback_type": "copy"})
    assert (no_id.status_code, no_id.json()["error"]) == (404, "Message not found")
    wrong = client.post("/v1/chat/feedback", json={"message_id": message, "feedback_type": "love"})
    assert (wrong.status_code, wrong.json()["error"]) == (400, "Invalid feedback_type: love")
    other = client.post("/v1/chat/feedback", json={"message_id": message, "feedback_type": "copy", "user_id": "bob"})
    assert other.status_code == 403
    assert "another user's conversation" in other.json()["error"]


def test_identity_is_taken_from_the_body_or_the_header(client: TestClient) -> None:
    message = stored(client, user_id="ann")
    body = {"message_id": message, "feedback_type": "copy"}
    assert client.post("/v1/chat/feedback", json=body).status_code == 403
    assert client.post("/v1/chat/feedback", json=body | {"user_id": "ann"}).status_code == 200
    assert client.post("/v1/chat/feedback", json=body, headers={"X-User-Id": "ann"}).status_code == 200


@pytest.mark.parametrize(
    "said",
    [
        {"feedback_type": "rating_4", "rating": 2},
        {"feedback_type": "rating_4", "rating": 6},
        {"feedback_type": "thumbs_up", "comment": "x" * 1001},
        {"feedback_type": "thumbs_up", "helpful": "perhaps"},
        {"feedback_type": None},
    ],
)
def test_bad_feedback_answers_400_and_stores_nothing(client: TestClient, store: Store, said: dict[str, Any]) -> None:
    message = stored(client)
    assert client.post("/v1/chat/feedback", json={"message_id": message} | said).status_code == 400
    with store.read() as session:
        assert session.exec(select(Feedback)).all() == []


def test_a_correction_makes_one_learning_example(client: TestClient, store: Store) -> None:
    message = stored(client)
    body = {"message_id": message, "feedback_type": "thumbs_down", "correction": "Open Settings, then Billing."}
    for _ in range(2):
        assert client.post("/v1/chat/feedback", json=body).status_code == 200
    with store.read() as session:
        assert len(session.exec(select(LearningExample)).all()) == 1


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.dictionaries(st.text(), c)))
def test_no_body_makes_the_chat_route_fail(client: TestClient, body: Any) -> None:
    assert client.post("/v1/chat/feedback", json=body).status_code in (400, 404)


# Statistics, health, description


def test_statistics_count_and_average(client: TestClient) -> None:
    empty = client.get("/v1/statistics").json()
    assert (empty["total_interactions"], empty["avg_reward"]) == (0, 0.0)
    for kind in ("thumbs_up", "thumbs_down"):
        client.post("/v1/chat/feedback", json={"message_id": stored(client), "feedback_type": kind})
    stored(client, agent_id="other")
    found = client.get("/v1/statistics", params={"agent_id": "support"}).json()
    assert found["enabled"] is True
    assert (found["total_interactions"], found["rated"]) == (2, 2)
    assert (found["avg_reward"], found["min_reward"], found["max_reward"]) == (0.5, 0.0, 1.0)


def test_an_unknown_route_answers_json(client: TestClient) -> None:
    found = client.get("/v1/nothing")
    assert found.status_code == 404
    assert found.json() == {"error": "There is no such route; /api/docs lists them all."}


def test_the_description_asks_nobody_else_for_anything(client: TestClient) -> None:
    shown = client.get("/docs")
    assert shown.status_code == 200
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    for outside in ("http://", "https://", "//cdn", "<script", "url("):
        assert outside not in shown.text
    document = client.get("/openapi.json").json()
    assert len(document["paths"]) >= 12
    for path in document["paths"]:
        assert f"/api{path}" in shown.text


def test_the_description_escapes_what_it_shows() -> None:
    document = {"info": {"title": "<b>", "description": "<i>"}, "paths": {"/<s>": {"get": {"responses": {}}}}}
    assert not {"<b>", "<i>", "<s>"} & set(page(document).replace("><", "> <").split())


# Who may call


def test_a_token_is_asked_for_once_it_is_set(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with_token(monkeypatch)
    assert client.get("/v1/statistics").status_code == 401
    for wrong in ("Bearer", "Bearer wrong", "s3cret", "Bearer s3cret2", "Basic s3cret"):
        answer = client.get("/v1/statistics", headers={"Authorization": wrong})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    right = {"Authorization": "Bearer s3cret", "Host": "hone.example.org"}
    assert client.get("/v1/statistics", headers=right).status_code == 200


def test_without_a_token_a_rebound_host_name_is_refused(client: TestClient) -> None:
    assert client.get("/v1/statistics", headers={"Host": "evil.example.org"}).status_code == 403


def test_t10_a_server_others_can_reach_opens_its_routes_only_with_a_token(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded = TestClient(create_api(guarded=True), base_url="http://localhost")
    assert guarded.get("/v1/statistics").status_code == 401
    with_token(monkeypatch)
    assert guarded.get("/v1/statistics", headers={"Authorization": "Bearer s3cret"}).status_code == 200


@pytest.mark.parametrize("address", ["", EVERYWHERE, "::", "192.168.1.4", "hone.example.org", "localhost.evil.org"])
def test_t10_these_addresses_are_not_this_machine_alone(address: str) -> None:
    assert not is_local(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost", "127.8.9.1"])
def test_these_addresses_are_this_machine_alone(address: str) -> None:
    assert is_local(address)


@pytest.mark.parametrize(
    ("server", "code"), [(("127.0.0.1", 80), 200), (("10.0.0.5", 80), 403), (("/s.sock", None), 200)]
)
def test_t10_a_connection_over_another_interface_is_refused(server: tuple[str, int | None], code: int) -> None:
    sent: list[Any] = []

    async def inner(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {"type": "http", "server": server, "headers": [], "method": "GET", "path": "/"}
    asyncio.run(LocalOnly(inner)(scope, receive, send))
    assert sent[0]["status"] == code


# The real start


def start(home: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=REPOSITORY,
        env=os.environ | {"HONE_HOME": str(home)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("streamlit", "run", "app.py", "--server.port", "0", "--server.address", EVERYWHERE),
        ("uvicorn", "app:app", "--port", "0", "--host", EVERYWHERE),
    ],
    ids=["streamlit", "uvicorn"],
)
def test_t10_a_non_local_bind_without_a_login_does_not_start(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    server = start(tmp_path, *arguments)
    try:
        output, _ = server.communicate(timeout=60)
    finally:
        server.kill()
    assert server.returncode not in (0, None)
    assert "does not start on 0.0.0.0" in output
    assert "HONE_PROXY_USER_HEADER" in output
    assert "Traceback" not in output


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, subprocess.Popen[str]]]:
    """The app as a user starts it: (address, home, process)."""
    home, port = tmp_path_factory.mktemp("home"), free_port()
    running = start(home, "streamlit", "run", "app.py", "--server.port", str(port))
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz", running)
        yield f"http://127.0.0.1:{port}", home, running
    finally:
        running.kill()
        running.communicate()


Server = tuple[str, Path, subprocess.Popen[str]]


def test_pages_routes_and_health_come_from_one_process(server: Server) -> None:
    address, _, _ = server
    assert httpx.get(f"{address}/healthz").json() == {"status": "ok", "database": "ok"}
    assert "<title>" in httpx.get(address).text
    assert httpx.get(f"{address}/api/docs").status_code == 200
    before = httpx.get(f"{address}/api/v1/statistics").json()["total_interactions"]
    assert httpx.post(f"{address}/api/v1/interactions", json=ANSWER, timeout=60).status_code == 201
    assert httpx.get(f"{address}/api/v1/statistics").json()["total_interactions"] == before + 1


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Origin": "http://evil.example"}, False),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, False),
    ],
    ids=["own", "foreign origin", "rebound host"],
)
def test_t14_a_foreign_page_cannot_open_the_websocket(server: Server, headers: dict[str, str], allowed: bool) -> None:
    address, _, _ = server
    handshake = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Origin": address,
    }
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=20)
    connection.request("GET", "/_stcore/stream", headers=handshake | headers)
    assert (connection.getresponse().status == 101) is allowed
    connection.close()


def test_the_server_stops_when_it_is_asked_to(server: Server) -> None:
    _, home, running = server
    running.send_signal(signal.SIGINT)
    running.wait(timeout=30)
    assert (home / "hone.db").is_file()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(address: str, server: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert server.poll() is None, server.stdout and server.stdout.read()
        try:
            if httpx.get(address, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError("the server did not come up")
