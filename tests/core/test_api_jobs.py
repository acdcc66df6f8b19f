"""Long work over HTTP: asked for once, looked at, stopped, let go on; and the freeze."""

from __future__ import annotations

from uuid import UUID

import pytest
from starlette.testclient import TestClient

from core.jobs import queue, table
from core.store import Store
from core.tables import JobStatus, new_id
from tests.frozen_pairs import freeze_sixty
from tests.training_runs import SMALL


def ask(client: TestClient, kind: str = "triage") -> str:
    answer = client.post("/v1/jobs", json={"kind": kind})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def test_a_step_is_asked_for_once_while_it_is_under_way(client: TestClient, store: Store) -> None:
    assert ask(client) == ask(client)
    with store.read() as session:
        assert table.count(session) == 1


def test_a_job_says_where_it_stands(client: TestClient) -> None:
    job = client.get(f"/v1/jobs/{ask(client)}").json()
    assert (job["kind"], job["status"], job["done"], job["unit"]) == ("triage", "queued", 0, "comments")


def test_jobs_are_listed_by_kind_and_state(client: TestClient) -> None:
    ask(client, "triage")
    wanted = ask(client, "mine")
    listed = client.get("/v1/jobs", params={"kind": "mine", "status": "queued"}).json()
    assert (listed["total"], [job["id"] for job in listed["jobs"]]) == (1, [wanted])


def test_a_job_is_cancelled_and_cannot_be_resumed(client: TestClient) -> None:
    path = f"/v1/jobs/{ask(client)}/commands"
    assert client.post(path, json={"command": "cancel"}).json()["status"] == "cancelled"
    refused = client.post(path, json={"command": "resume"})
    assert (refused.status_code, "error" in refused.json()) == (409, True)


def test_pausing_a_waiting_job_holds_it_until_it_is_resumed(client: TestClient, store: Store) -> None:
    job_id = ask(client)
    path = f"/v1/jobs/{job_id}/commands"
    assert client.post(path, json={"command": "pause"}).json()["status"] == "paused"
    assert client.post(path, json={"command": "resume"}).json()["status"] == "queued"
    with store.read() as session:
        assert queue.get(session, UUID(job_id)).status is JobStatus.QUEUED


@pytest.mark.parametrize(
    ("body", "code"), [({"kind": "train"}, 400), ({}, 400), ({"kind": "mine", "agent_id": 5}, 400)]
)
def test_what_is_no_step_is_refused_and_nothing_queued(
    client: TestClient, store: Store, body: dict[str, object], code: int
) -> None:
    assert client.post("/v1/jobs", json=body).status_code == code
    with store.read() as session:
        assert table.count(session) == 0


def test_an_unknown_job_is_not_found(client: TestClient) -> None:
    assert client.get(f"/v1/jobs/{new_id()}").status_code == 404
    assert client.post(f"/v1/jobs/{new_id()}/commands", json={"command": "cancel"}).status_code == 404


def test_cancelling_a_runs_job_cancels_the_run(client: TestClient, store: Store) -> None:
    from core.api import process
    from core.jobs import training
    from core.training import runs

    with store.write() as session:
        run = training.request_run(
            session,
            freeze_sixty(session),
            spec=SMALL.changed(base="demo"),
            agent_id="support",
            requested_by="ada",
            min_pairs=50,
            home=process.current().settings.home,
        )
        job = queue.of_subject(session, run.id)
    assert job is not None
    client.post(f"/v1/jobs/{job.id}/commands", json={"command": "cancel"})
    with store.read() as session:
        assert runs.get(session, run.id).status.value == "cancelled"


def test_freezing_over_http_gives_the_same_hash_again_for_the_same_pairs(client: TestClient, store: Store) -> None:
    with store.write() as session:
        freeze_sixty(session)
    body = {"agent_id": "support", "seed": 7}
    one, two = (client.post("/v1/datasets", json=body) for _ in range(2))
    assert (one.status_code, one.json()["total_examples"]) == (201, 60)
    assert one.json()["content_hash"] == two.json()["content_hash"]
    read = client.get(f"/v1/datasets/{one.json()['id']}").json()
    assert read == one.json()
    assert client.get("/v1/datasets", params={"agent_id": "support"}).json()["total"] == 3


def test_freezing_nothing_is_refused_in_one_sentence(client: TestClient) -> None:
    refused = client.post("/v1/datasets", json={"agent_id": "nobody"})
    assert (refused.status_code, list(refused.json())) == (400, ["error"])
