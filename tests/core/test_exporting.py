"""Exports: every list in every format, typed, of one moment, safe in a spreadsheet, and importable again."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import anyio
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, SQLModel, select

from core.api import create_api, process
from core.errors import InputRejected, NotFound
from core.exporting import LISTS, Format, choose, count, file_name, format_named, stream
from core.exporting.columns import Column, Kind
from core.exporting.formats import json_text, write_csv
from core.feedback import kinds
from core.feedback.formats import read_table
from core.feedback.records import Facts
from core.preferences import table
from core.preferences.pairs import content_key
from core.settings import Settings
from core.store import Store
from core.tables import (
    DatasetStatus,
    PairStatus,
    PreferencePair,
    RunMetric,
    TrainingDataset,
    TrainingRun,
    TrainingType,
)
from core.untrusted import csv_cell
from tests.core.preference_rows import MORNING, answer, correction, pair

TALK = [
    {"role": "user", "content": "How do I mute an alarm?"},
    {"role": "assistant", "content": "Which one?"},
    {"role": "user", "content": "All of them."},
]


def exported(store: Store, name: str, form: Format = Format.JSONL, **filters: Any) -> bytes:
    return b"".join(stream(store, choose(name, filters), form))


def lines(store: Store, name: str, **filters: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in exported(store, name, **filters).decode().splitlines()]


def cells(store: Store, name: str, **filters: Any) -> list[dict[str, str]]:
    text = exported(store, name, Format.CSV, **filters).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def arrow(store: Store, name: str, **filters: Any) -> pa.Table:
    return pq.read_table(io.BytesIO(exported(store, name, Format.PARQUET, **filters)))


def preferred(session: Session, prompt: str = "q", *, agent_id: str = "support") -> PreferencePair:
    return pair(session, prompt, "good", "bad", status=PairStatus.ACCEPTED, agent_id=agent_id)


def conversational(session: Session) -> PreferencePair:
    row = preferred(session, "User: How do I mute an alarm?")
    row.messages = TALK
    row.content_key = content_key(row.prompt, row.answer_a, row.answer_b, messages=TALK)
    return row


def run(session: Session) -> TrainingRun:
    dataset = TrainingDataset(name="d", agent_ids=["support"], status=DatasetStatus.READY)
    session.add(dataset)
    session.flush()
    row = TrainingRun(agent_id="support", dataset_id=dataset.id, training_type=TrainingType.DPO)
    session.add(row)
    session.flush()
    return row


# -- every list ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LISTS)
def test_a_list_without_rows_still_has_its_columns(store: Store, name: str) -> None:
    names = [column.name for column in LISTS[name].columns]
    assert exported(store, name) == b""
    assert exported(store, name, Format.CSV).decode() == ",".join(names) + "\r\n"
    assert arrow(store, name).schema.names == names


@pytest.mark.parametrize("name", LISTS)
def test_every_row_names_the_rows_it_came_from(name: str) -> None:
    own = SQLModel.metadata.tables[str(LISTS[name].order[0].table.name)]  # type: ignore[attr-defined]
    lineage = {column.name for column in own.columns if column.foreign_keys} - {"worker_id"}
    assert lineage <= {column.name for column in LISTS[name].columns}


def test_no_column_stands_twice_in_a_list() -> None:
    for chosen in LISTS.values():
        names = [column.name for column in chosen.columns]
        assert len(names) == len(set(names)), chosen.name


# -- values -------------------------------------------------------------------------------------------------------


def test_json_lines_keep_types_and_zones(store: Store) -> None:
    with store.write() as session:
        row = answer(session, "q", "a", reward=0.25)
        row.context_sources = ["kb", 1]
    line = lines(store, "interactions")[0]
    assert line["id"] == str(row.id)
    assert line["kind"] == "chat"
    assert line["context_sources"] == ["kb", 1]
    assert datetime.fromisoformat(line["created_at"]) == MORNING
    assert line["created_at"].endswith("+00:00")
    assert line["plan_heading"] is None
    assert lines(store, "rewards")[0]["value"] == 0.25


def test_csv_reads_back_with_the_csv_module(store: Store) -> None:
    with store.write() as session:
        row = answer(session, 'two\nlines, "quoted"', "a", reward=0.25)
    cell = cells(store, "interactions")[0]
    assert cell["prompt"] == 'two\nlines, "quoted"'
    assert (cell["id"], cell["response_ms"], cell["pii"]) == (str(row.id), "", "{}")
    reward = cells(store, "rewards")[0]
    assert (float(reward["value"]), reward["interaction_id"]) == (0.25, str(row.id))
    said = cells(store, "feedback")[0]
    assert (said["is_current"], said["helpful"]) == ("true", "")


def test_parquet_reads_back_typed(store: Store) -> None:
    with store.write() as session:
        row = answer(session, "q", "a", reward=0.25)
    table = arrow(store, "rewards")
    assert table.schema.field("value").type == pa.float64()
    assert table.schema.field("created_at").type == pa.timestamp("us", tz="UTC")
    assert table.to_pylist()[0]["interaction_id"] == str(row.id)
    assert arrow(store, "feedback").to_pylist()[0]["is_current"] is True


def test_a_number_that_is_none_is_unknown_in_json(store: Store) -> None:
    with store.write() as session:
        session.add(RunMetric(run_id=run(session).id, step=1, loss=math.nan, chosen_logp=-12.5))
    line = lines(store, "run_metrics")[0]
    assert (line["loss"], line["chosen_logp"]) == (None, -12.5)


def test_a_negative_number_is_a_number_in_csv(store: Store) -> None:
    with store.write() as session:
        session.add(RunMetric(run_id=run(session).id, step=1, chosen_logp=-12.5))
    assert cells(store, "run_metrics")[0]["chosen_logp"] == "-12.5"


def test_half_a_surrogate_pair_is_escaped() -> None:
    assert json.loads(json_text({"raw": "\ud800"}).encode().decode()) == {"raw": "\ud800"}


@given(st.lists(st.text(max_size=12) | st.sampled_from(["=1", " +1", "\t@x", "＝1", "-", "\n=1"]), min_size=1))
def test_t05_csv_formula_no_cell_of_text_begins_one(texts: list[str]) -> None:
    columns = [Column("said", Kind.TEXT, ()), Column("prompt", Kind.TURNS, ()), Column("tags", Kind.JSON, ())]
    rows = [(text, [{"role": "user", "content": text}], text) for text in texts]
    with_values = [Column(one.name, one.kind, (None,)) for one in columns]  # type: ignore[arg-type]
    written = b"".join(write_csv(with_values, [rows])).decode()
    for row in csv.DictReader(io.StringIO(written, newline="")):
        for cell in row.values():
            assert csv_cell(cell) == cell


def test_more_rows_than_a_batch_all_arrive_in_order(store: Store) -> None:
    with store.write() as session:
        of = run(session).id
        session.add_all(RunMetric(run_id=of, step=step) for step in range(1_201))
    assert [line["step"] for line in lines(store, "run_metrics", run_id=of)] == list(range(1_201))
    assert arrow(store, "run_metrics").column("step").to_pylist() == list(range(1_201))


# -- pairs --------------------------------------------------------------------------------------------------------


def test_pairs_come_in_the_shape_of_trainers(store: Store) -> None:
    with store.write() as session:
        row = preferred(session)
    line = lines(store, "pairs")[0]
    assert line["prompt"] == [{"role": "user", "content": "q"}]
    assert line["chosen"] == [{"role": "assistant", "content": "good"}]
    assert line["rejected"] == [{"role": "assistant", "content": "bad"}]
    assert {line["answer_a"], line["answer_b"]} == {"good", "bad"}
    assert (line["id"], line["status"]) == (str(row.id), "accepted")


def test_pairs_nobody_has_decided_have_no_chosen_side(store: Store) -> None:
    with store.write() as session:
        pair(session, "q", "one", "other")
    assert (lines(store, "pairs")[0]["chosen"], cells(store, "pairs")[0]["rejected"]) == (None, "")


def test_pairs_in_parquet_are_lists_of_messages(store: Store) -> None:
    with store.write() as session:
        conversational(session)
    row = arrow(store, "pairs").to_pylist()[0]
    assert row["prompt"] == TALK
    assert row["chosen"] == [{"role": "assistant", "content": "good"}]


def test_a_lone_question_is_plain_in_csv_and_a_conversation_json(store: Store) -> None:
    with store.write() as session:
        preferred(session, "How?")
        conversational(session)
    plain, talk = (cell["prompt"] for cell in cells(store, "pairs"))
    assert (plain, json.loads(talk)) == ("How?", TALK)


@pytest.mark.parametrize("form", Format)
def test_exported_pairs_are_imported_again_without_loss(store: Store, form: Format) -> None:
    with store.write() as session:
        rows = [preferred(session, 'Ünïcode\n"quoted"'), preferred(session, '[{"x": 1}]'), conversational(session)]
    file = read_table(exported(store, "pairs", form), f"pairs.{form}")
    mapping = kinds.suggest(file, f"pairs.{form}")
    assert mapping is not None
    for row, line in zip(rows, file.rows, strict=True):
        (again,) = kinds.READERS[mapping.kind](line, Facts("again", mapping, MORNING)).pairs
        assert (again.winner, again.first, again.second) == ("first", row.chosen, row.rejected)
        assert content_key(again.prompt, again.first, again.second, messages=again.messages) == row.content_key
        assert again.messages == row.messages


# -- filters ------------------------------------------------------------------------------------------------------


def test_an_agent_gets_its_own_rows_alone(store: Store) -> None:
    with store.write() as session:
        answer(session, "q", "a", reward=1.0)
        answer(session, "q", "a", reward=1.0, agent_id="a, b")
    for name in ("interactions", "feedback", "rewards"):
        assert [line["agent_id"] for line in lines(store, name, agent_id="a, b")] == ["a, b"]


def test_since_is_in_and_until_is_out(store: Store) -> None:
    with store.write() as session:
        for minute in (0, 1, 2):
            answer(session, f"q{minute}", "a", at=minute)
    found = lines(store, "interactions", since="2026-11-21T09:01:00Z", until="2026-11-21T10:02:00 01:00")
    assert [line["prompt"] for line in found] == ["q1"]
    assert len(lines(store, "interactions", since="2026-11-21", until=MORNING)) == 0


@pytest.mark.parametrize("value", ["yesterday", "2026-13-01", "2026-03-01T12:00:00", "", " "])
def test_a_time_that_is_none_is_refused(store: Store, value: str) -> None:
    if value == "":
        assert choose("pairs", {"since": value}).conditions == ()
        return
    with pytest.raises(InputRejected, match="since has to be a date like 2026-03-01"):
        choose("pairs", {"since": value})


def test_several_states_at_once(store: Store) -> None:
    with store.write() as session:
        preferred(session, "one")
        pair(session, "two", "a", "b")
        pair(session, "three", "a", "b", status=PairStatus.EXCLUDED)
    for states in ("accepted, excluded", [PairStatus.ACCEPTED, PairStatus.EXCLUDED]):
        assert {line["status"] for line in lines(store, "pairs", status=states)} == {"accepted", "excluded"}
    with pytest.raises(InputRejected, match="status has to be one of needs_label, accepted"):
        choose("pairs", {"status": "good"})


def test_the_search_finds_what_the_page_finds(store: Store) -> None:
    with store.write() as session:
        preferred(session, "100 % sure")
        preferred(session, "1000 times")
    with store.read() as session:
        assert count(session, choose("pairs", {"search": "100 %"})) == table.matching(session, search="100 %") == 1


def test_a_learning_example_is_found_by_its_agent(store: Store) -> None:
    with store.write() as session:
        example = correction(session, answer(session, "q", "a"), "better")
    line = lines(store, "examples", agent_id="support", status="pending")[0]
    assert (line["id"], line["source_interaction_id"]) == (str(example.id), str(example.source_interaction_id))


def test_what_there_is_not_is_answered_with_what_there_is() -> None:
    with pytest.raises(NotFound, match=r"There is no list “pears”\. These can be exported: .*pairs"):
        choose("pears")
    with pytest.raises(InputRejected, match="pairs cannot be filtered by “agnet”; it can by agent_id, since"):
        choose("pairs", {"agnet": "support"})
    with pytest.raises(InputRejected, match="csv, jsonl, parquet"):
        format_named("xlsx")


def test_a_dataset_is_found_by_its_agent(store: Store) -> None:
    with store.write() as session:
        run(session)
    assert [len(lines(store, "datasets", agent_id=agent)) for agent in ("support", "other")] == [1, 0]


# -- one moment, and an early end ---------------------------------------------------------------------------------


def test_rows_that_come_while_it_is_read_are_not_in_the_file(store: Store) -> None:
    with store.write() as session:
        of = run(session).id
        session.add_all(RunMetric(run_id=of, step=step) for step in range(1_200))
    with closing(stream(store, choose("run_metrics"), Format.JSONL)) as chunks:
        first = next(chunks)
        with store.write() as session:
            session.add(RunMetric(run_id=of, step=5_000))
        rest = b"".join(chunks)
    assert len((first + rest).splitlines()) == 1_200


@pytest.mark.parametrize("form", Format)
def test_closing_early_gives_the_connection_back(store: Store, form: Format) -> None:
    with store.write() as session:
        of = run(session).id
        session.add_all(RunMetric(run_id=of, step=step) for step in range(1_200))
    chunks = stream(store, choose("run_metrics"), form)
    next(chunks)
    chunks.close()
    assert store.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    with store.write() as session:  # and nothing is locked
        assert len(session.exec(select(RunMetric)).all()) == 1_200


# -- over HTTP ----------------------------------------------------------------------------------------------------


@pytest.fixture
def client(store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(process, "_current", process.Process(settings, store))
    with TestClient(create_api(), base_url="http://localhost:8501", raise_server_exceptions=False) as client:
        yield client


def test_a_list_is_downloaded_as_a_file(client: TestClient, store: Store) -> None:
    with store.write() as session:
        preferred(session, "mine")
        preferred(session, "theirs", agent_id="other")
    answered = client.get("/v1/export/pairs", params={"format": "csv", "agent_id": "support"})
    assert answered.status_code == 200
    assert answered.headers["content-type"].startswith("text/csv")
    assert answered.headers["content-disposition"].startswith('attachment; filename="hone-pairs-')
    assert [row["prompt"] for row in csv.DictReader(io.StringIO(answered.text))] == ["mine"]
    assert store.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        ("pears", 404, "These can be exported: interactions, feedback"),
        ("pairs?format=xlsx", 400, "format has to be one of csv, jsonl, parquet"),
        ("pairs?agent=support", 400, "it can by agent_id, since, until"),
        ("pairs?since=yesterday", 400, "a date like 2026-03-01"),
    ],
)
def test_a_wrong_request_is_told_what_there_is(client: TestClient, path: str, code: int, said: str) -> None:
    answered = client.get(f"/v1/export/{path}")
    assert answered.status_code == code
    assert said in answered.json()["error"]


def test_a_caller_that_goes_away_ends_the_reading(client: TestClient, store: Store) -> None:
    with store.write() as session:
        of = run(session).id
        session.add_all(RunMetric(run_id=of, step=step) for step in range(3_000))
    pieces: list[bytes] = []

    async def call() -> None:
        gone = anyio.Event()
        asked: list[bool] = []

        async def receive() -> dict[str, Any]:
            if asked:
                await gone.wait()
                return {"type": "http.disconnect"}
            asked.append(True)
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            pieces.append(message.get("body", b""))
            if len(pieces) == 3:
                gone.set()
                await anyio.sleep_forever()  # a caller that reads no more

        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "method": "GET",
            "path": "/v1/export/run_metrics",
            "query_string": b"",
            "headers": [(b"host", b"localhost")],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8501),
            "scheme": "http",
            "http_version": "1.1",
        }
        await client.app(scope, receive, send)

    anyio.run(call)
    assert len(pieces) == 3
    assert store.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_file_is_named_after_its_list_and_moment() -> None:
    assert file_name("run_metrics", Format.CSV).startswith(f"hone-run-metrics-{datetime.now(UTC):%Y%m%d}")
