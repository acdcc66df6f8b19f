"""The Export button of the lists: counted when it is opened, filtered as the page is, a file like the other doors'."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from core.api.process import Process
from core.exporting import Format, choose
from core.judging import evaluations
from core.store import Store
from core.tables import Feedback, PairStatus
from core.triage import inbox
from pages.shared import export
from tests.core.preference_rows import answer, pair
from tests.pages.conftest import OpenPage


def two_pairs(store: Store) -> None:
    with store.write() as session:
        pair(session, "one", "good", "bad", status=PairStatus.ACCEPTED)
        pair(session, "two", "good", "bad")


def opened(page: AppTest, name: str) -> AppTest:
    page.session_state[f"export_{name}"] = True
    return page.run()


def test_it_says_how_many_rows_the_present_filters_leave(open_page: OpenPage, store: Store) -> None:
    two_pairs(store)
    page = opened(open_page("pairs", tab="curate", status="accepted"), "pairs")
    assert not page.exception
    assert any(caption.value.startswith("1 row that the filters leave") for caption in page.caption)


@pytest.mark.parametrize(
    ("name", "at"), [("pairs", "pairs"), ("datasets", "datasets"), ("runs", "runs"), ("adapters", "adapters")]
)
def test_a_closed_button_counts_nothing(open_page: OpenPage, store: Store, name: str, at: str) -> None:
    two_pairs(store)
    page = open_page(at)
    assert not page.exception
    assert not any("ids of what each came from" in caption.value for caption in page.caption)


def test_every_list_offers_three_files_of_what_it_shows(open_page: OpenPage, store: Store) -> None:
    with store.write() as session:
        answer(session, "How do I mute an alarm?", "Open it and press Mute.", reward=0.9)
        session.exec(select(Feedback)).one().comment = "It is broken."
        session.flush()
        inbox.triage_new(session)
        evaluations.evaluate_new(session)
        pair(session, "one", "good", "bad")
    for name, query in {"triage": {}, "evaluations": {}, "rewards": {}, "pairs": {"tab": "curate"}}.items():
        page = opened(open_page(name, **query), name)
        assert not page.exception, name
        assert any(caption.value.startswith("1 row") for caption in page.caption), name
        assert [button.label for button in page.download_button] == ["CSV", "JSON lines", "Parquet"], name


def test_the_file_is_the_list_and_leaves_nothing_behind(
    store: Store, at_work: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    two_pairs(store)
    with export.made(store, choose("pairs", {"status": "accepted"}), Format.JSONL) as file:
        lines = [json.loads(line) for line in file]
    assert [line["prompt"][0]["content"] for line in lines] == ["one"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("hone-export")] == []
