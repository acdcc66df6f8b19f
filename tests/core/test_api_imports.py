"""Files over HTTP: sent once, followed, published, cancelled, and refused in a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session

from core.api import process
from core.feedback import uploads
from core.jobs import table
from core.jobs.worker import do_here
from core.settings import Settings
from core.store import Store
from tests.api_client import client, with_settings
from tests.core.import_rows import rows

__all__ = ["client"]

SURVEY = "id,comment\n1,Slow export\n2,=HYPERLINK(1)\n3,\n"
FILE = {"file": ("survey.csv", SURVEY.encode(), "text/csv")}


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Jobs are done when a test says so."""
    monkeypatch.setattr(process.Process, "start_worker", lambda _self: None)
    yield


def finish(store: Store, settings: Settings) -> None:
    with store.read() as session:
        waiting = [job.id for job in table.under_way(session)]
    for job_id in waiting:
        do_here(store, settings, job_id)


def stands(client: TestClient, import_id: str) -> dict[str, Any]:
    answer = client.get(f"/v1/imports/{import_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def stored(session: Session) -> int:
    return rows(session).get("feedback", 0)


def test_a_file_is_taken_at_once_and_imported_by_a_job(client: TestClient, store: Store, settings: Settings) -> None:
    answer = client.post("/v1/imports", files=FILE, data={"agent_id": "support"})
    assert answer.status_code == 202, answer.text
    own = answer.json()["import_id"]
    waiting = stands(client, own)
    assert (waiting["status"], waiting["progress"]["status"]) == ("reading", "queued")
    finish(store, settings)
    done = stands(client, own)
    assert (done["status"], done["accepted"], done["rejected"], done["agent_id"]) == ("published", 2, 1, "support")
    assert client.get("/v1/imports").json()["imports"][0]["id"] == own
    with store.read() as session:
        assert stored(session) == 2


@pytest.mark.parametrize(
    "body",
    [
        {"filename": "survey.csv", "content": SURVEY},
        {"rows": [{"id": 1, "comment": "Slow export"}, {"id": 2, "comment": "Lovely thing"}, {"id": 3, "comment": ""}]},
        {"content": SURVEY, "filename": "a.csv", "mapping": {"kind": "survey", "comment": "comment"}},
    ],
)
def test_rows_and_texts_come_as_json_too(
    client: TestClient, store: Store, settings: Settings, body: dict[str, Any]
) -> None:
    answer = client.post("/v1/imports", json=body)
    assert answer.status_code == 202, answer.text
    finish(store, settings)
    assert stands(client, answer.json()["import_id"])["accepted"] == 2


def test_a_dry_run_is_published_by_one_more_request(client: TestClient, store: Store, settings: Settings) -> None:
    own = client.post("/v1/imports", files=FILE, data={"dry_run": "true"}).json()["import_id"]
    finish(store, settings)
    checked = stands(client, own)
    assert (checked["status"], checked["accepted"]) == ("checked", 2)
    with store.read() as session:
        assert stored(session) == 0
    assert client.post(f"/v1/imports/{own}/publish").status_code == 202
    finish(store, settings)
    assert stands(client, own)["status"] == "published"


def test_an_import_can_be_cancelled_until_it_is_published(client: TestClient, store: Store, settings: Settings) -> None:
    own = client.post("/v1/imports", files=FILE).json()["import_id"]
    assert client.post(f"/v1/imports/{own}/cancel").json()["status"] == "cancelled"
    assert client.post(f"/v1/imports/{own}/publish").status_code == 409
    done = client.post("/v1/imports", files=FILE).json()["import_id"]
    finish(store, settings)
    assert client.post(f"/v1/imports/{done}/cancel").status_code == 409


def test_the_same_request_with_its_key_is_one_import(client: TestClient, settings: Settings) -> None:
    sent = [client.post("/v1/imports", files=FILE, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert sent[0].json() == sent[1].json()
    assert len(list((settings.home / uploads.FOLDER).iterdir())) == 1
    other = client.post(
        "/v1/imports", files={"file": ("survey.csv", b"x", "text/csv")}, headers={"Idempotency-Key": "k"}
    )
    assert other.status_code == 422
    assert len(list((settings.home / uploads.FOLDER).iterdir())) == 1


def test_t05_every_refused_row_comes_as_a_csv_without_formulas(
    client: TestClient, store: Store, settings: Settings
) -> None:
    content = json.dumps({"comment": "a b"}) + "\n=1+1\n" + "[1]\n"
    own = client.post("/v1/imports", json={"filename": "a.jsonl", "content": content}).json()["import_id"]
    finish(store, settings)
    answer = client.get(f"/v1/imports/{own}/rejects.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    lines = answer.text.splitlines()
    assert lines[0] == "line,reason"
    assert lines[1].startswith("2,is not valid JSON")
    assert lines[2] == "3,is no object with named fields"


def test_a_preview_shows_the_first_rows_and_stores_nothing(client: TestClient, settings: Settings) -> None:
    look = client.post("/v1/imports/preview", files=FILE).json()
    assert look["suggested"]["comment"] == "comment"
    assert [row.get("comment") or row.get("reason") for row in look["readings"]] == [
        "Slow export",
        "=HYPERLINK(1)",
        "no comment",
    ]
    assert not (settings.home / uploads.FOLDER).exists()


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"json": {"filename": "a.csv"}}, "Send either `content`"),
        ({"json": {"content": "a", "rows": []}}, "Send either `content`"),
        ({"json": {"content": "a", "agent_id": ""}}, "at least 1 character"),
        ({"json": {"content": "a", "mapping": {"kind": "poem"}}}, "Say what the rows are"),
        ({"json": {"content": "a", "surprise": 1}}, "Surprise"),
        ({"json": [1]}, "Send a JSON object"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, "no valid JSON"),
        ({"content": b"a", "headers": {"content-type": "text/csv"}}, "Send multipart/form-data"),
        ({"files": {"other": ("a.csv", b"a", "text/csv")}}, "form's field `file`"),
        ({"files": FILE, "data": {"mapping": "["}}, "mapping is no JSON object"),
        ({"files": FILE, "data": {"dry_run": "perhaps"}}, "boolean"),
    ],
)
def test_a_bad_body_is_refused_and_leaves_no_file(
    client: TestClient, settings: Settings, sent: dict[str, Any], sentence: str
) -> None:
    for route in ("/v1/imports", "/v1/imports/preview"):
        answer = client.post(route, **sent)
        assert answer.status_code == 400, answer.text
        assert sentence in answer.json()["error"]
    folder = settings.home / uploads.FOLDER
    assert not folder.exists() or list(folder.iterdir()) == []


def test_a_file_larger_than_the_setting_is_refused(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with_settings(monkeypatch, max_import_mb=1)
    answer = client.post("/v1/imports", files={"file": ("a.csv", b"a" * 1_500_000, "text/csv")})
    assert (answer.status_code, "more than 1 MB" in answer.json()["error"]) == (400, True)
    answer = client.post("/v1/imports", files={"file": ("a.csv", b"a" * 3_000_000, "text/csv")})
    assert answer.status_code == 413


def test_t14_a_page_of_another_site_cannot_send_a_file(client: TestClient) -> None:
    answer = client.post("/v1/imports", files=FILE, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403
    assert client.post("/v1/imports", files=FILE, headers={"Origin": "http://localhost:8501"}).status_code == 202


@pytest.mark.parametrize("own", ["x", "00000000-0000-0000-0000-000000000000"])
def test_an_import_that_is_not_there_is_404(client: TestClient, own: str) -> None:
    assert client.get(f"/v1/imports/{own}").status_code == 404
    assert client.get(f"/v1/imports/{own}/rejects.csv").status_code == 404
    assert client.post(f"/v1/imports/{own}/publish").status_code == 404
    assert client.post(f"/v1/imports/{own}/cancel").status_code == 404
