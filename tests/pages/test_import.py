"""Import as a person does it: look at the file, say which column is which, import, read the report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import col, select
from streamlit.testing.v1 import AppTest

from core.feedback import rejects, uploads
from core.jobs import imports
from core.settings import Settings
from core.store import Store
from core.tables import Feedback, Import, PreferencePair, new_id
from pages.admin import import_form
from tests.pages.conftest import OpenPage

Finish = Callable[[], None]

HOSTILE = "<script>alert(1)</script> **bold** :red[x]"
SURVEY = f'id,comment,rating,date\n1,Waited two hours,2,2026-03-01\n2,"{HOSTILE}",5,2026-03-02\n3,,4,2026-03-03\n'
PAIRS = "\n".join(
    json.dumps({"prompt": f"question {at}", "chosen": f"good {at}", "rejected": "bad"}) for at in range(3)
)


def upload(page: AppTest, name: str, content: str | bytes) -> AppTest:
    data = content.encode() if isinstance(content, str) else content
    return page.file_uploader[0].set_value((name, data, "text/plain")).run()


def press(page: AppTest, words: str) -> AppTest:
    return next(button for button in page.button if button.label == words).click().run()


def imported(page: AppTest, finish_jobs: Finish) -> AppTest:
    """Press the button, let the worker do the job, and look again as the polling fragment would."""
    press(page, "Import rows")
    assert not page.exception
    finish_jobs()
    return page.run()


def words_of(page: AppTest) -> str:
    elements = [*page.markdown, *page.caption, *page.title, *page.subheader, *page.error, *page.warning]
    return "\n".join(str(element.value) for element in elements)


def comments(store: Store) -> dict[str, int | None]:
    with store.read() as session:
        return dict(session.exec(select(Feedback.comment, Feedback.rating).order_by(col(Feedback.rating))).all())


def count(store: Store, table: type[Import] | type[PreferencePair]) -> int:
    with store.read() as session:
        return session.exec(select(sa.func.count()).select_from(table)).one()


def test_an_empty_page_says_which_files_are_understood(open_page: OpenPage) -> None:
    page = open_page("import")
    assert not page.exception
    examples = [c.value for c in page.code]
    assert len(examples) == 6
    assert any("chosen" in example for example in examples)


def test_a_survey_is_shown_before_anything_is_stored(open_page: OpenPage, store: Store) -> None:
    page = upload(open_page("import"), "survey.csv", SURVEY)
    assert not page.exception
    assert "2 comments would be accepted" in words_of(page)
    assert "1 would be rejected" in words_of(page)
    assert list(page.dataframe[1].value["Comment"])[:2] == ["Waited two hours", HOSTILE]
    assert comments(store) == {}
    assert count(store, Import) == 0


def test_importing_stores_the_rows_and_reports_what_was_rejected(
    open_page: OpenPage, store: Store, finish_jobs: Finish
) -> None:
    page = upload(open_page("import"), "survey.csv", SURVEY)
    page = imported(page, finish_jobs)
    assert comments(store) == {"Waited two hours": 2, HOSTILE: 5}
    assert "2 comments accepted, 1 rejected" in [s.value for s in page.subheader]
    assert page.dataframe[0].value.to_dict("records") == [{"Line": 4, "Reason": "no comment"}]
    assert "Go to triage" in [b.label for b in page.button]


def test_an_import_under_way_survives_a_reload_and_can_be_cancelled(open_page: OpenPage, store: Store) -> None:
    page = press(upload(open_page("import"), "survey.csv", SURVEY), "Import rows")
    assert "It waits for its turn." in words_of(page)
    (own,) = (
        [page.query_params["import"]] if isinstance(page.query_params["import"], str) else page.query_params["import"]
    )
    again = open_page("import", **{"import": own})
    assert "It waits for its turn." in words_of(again)
    press(again, "Cancel import")
    assert "This import was cancelled; nothing of it was stored." in words_of(again)
    assert comments(store) == {}


def test_all_rows_of_a_large_file_are_checked_by_a_job_before_they_are_imported(
    open_page: OpenPage, store: Store, finish_jobs: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_form, "AT_ONCE", 2)
    page = upload(open_page("import"), "survey.csv", SURVEY)
    assert "comments would be accepted" not in words_of(page)
    press(page, "Check all rows")
    finish_jobs()
    page.run()
    assert "2 comments would be accepted, 1 would be rejected" in [s.value for s in page.subheader]
    assert comments(store) == {}
    page = imported(page, finish_jobs)
    assert len(comments(store)) == 2


def test_a_mapping_used_before_is_suggested_and_said_so(open_page: OpenPage, store: Store, finish_jobs: Finish) -> None:
    odd = "colour,what they said,n\nred,It is slow today,4\n"
    page = upload(open_page("import"), "odd.csv", odd)
    next(box for box in page.selectbox if box.label == "Comment").set_value("colour").run()
    imported(page, finish_jobs)
    page = upload(open_page("import"), "next.csv", odd.replace("red", "blue"))
    assert next(box for box in page.selectbox if box.label == "Comment").value == "colour"
    assert "These columns were imported before" in words_of(page)


def test_a_failed_import_says_why_and_can_be_tried_again(
    open_page: OpenPage, store: Store, settings: Settings, finish_jobs: Finish
) -> None:
    own = new_id()
    upload_of = uploads.keep(settings, own, [b"%PDF-1.7"])
    with store.write() as session:
        imports.request_import(
            session, settings, filename="a.pdf", upload=upload_of, import_id=own, agent_id="a", requested_by="ada"
        )
    finish_jobs()
    page = open_page("import", **{"import": str(own)})
    assert any("The file is a PDF" in error.value for error in page.error)
    assert "Try again" in [button.label for button in page.button]


@pytest.mark.parametrize("address", ["00000000-0000-7000-8000-000000000000", "nope"])
def test_an_address_of_an_import_that_is_not_there_is_one_sentence(open_page: OpenPage, address: str) -> None:
    page = open_page("import", **{"import": address})
    assert not page.exception
    assert "There is no such import" in words_of(page)


def test_the_same_file_again_adds_nothing_and_cannot_be_pressed(
    open_page: OpenPage, store: Store, finish_jobs: Finish
) -> None:
    imported(upload(open_page("import"), "survey.csv", SURVEY), finish_jobs)
    page = upload(open_page("import"), "survey.csv", SURVEY)
    assert "2 are here already" in words_of(page)
    assert next(b for b in page.button if b.label == "Import rows").disabled
    assert len(comments(store)) == 2


def test_a_scale_whose_best_is_one_is_turned_round(open_page: OpenPage, store: Store, finish_jobs: Finish) -> None:
    page = upload(open_page("import"), "survey.csv", SURVEY)
    best = next(control for control in page.segmented_control if control.label == "Best rating")
    best.set_value(1).run()
    page = imported(page, finish_jobs)
    assert comments(store) == {HOSTILE: 1, "Waited two hours": 4}


def test_a_column_can_be_chosen_by_hand(open_page: OpenPage, store: Store, finish_jobs: Finish) -> None:
    page = upload(
        open_page("import"), "odd.csv", "colour,what they said,n\nred,It is slow today,4\nblue,All is well now,5\n"
    )
    next(box for box in page.selectbox if box.label == "Comment").set_value("colour").run()
    page = imported(page, finish_jobs)
    assert set(comments(store)) == {"red", "blue"}


def test_pairs_become_pairs_of_the_named_agent(open_page: OpenPage, store: Store, finish_jobs: Finish) -> None:
    page = upload(open_page("import"), "pairs.jsonl", PAIRS)
    assert not page.exception
    next(box for box in page.text_input if box.label == "Agent").set_value("helper").run()
    page = imported(page, finish_jobs)
    with store.read() as session:
        assert set(session.exec(select(PreferencePair.agent_id)).all()) == {"helper"}
    assert count(store, PreferencePair) == 3
    assert "See the pairs" in [b.label for b in page.button]


def test_a_file_that_cannot_be_read_is_one_sentence(open_page: OpenPage, store: Store) -> None:
    page = upload(open_page("import"), "picture.csv", bytes(range(256)) * 20)
    assert not page.exception
    assert any("not text" in e.value for e in page.error)
    page = upload(open_page("import"), "empty.csv", b"")
    assert any("empty" in e.value for e in page.error)
    assert count(store, Import) == 0


def test_hostile_names_and_columns_are_literal(open_page: OpenPage) -> None:
    page = upload(open_page("import"), f"{HOSTILE}.csv".replace("/", ""), f'"comment {HOSTILE}",rating\nIt is slow,4\n')
    assert not page.exception
    assert HOSTILE not in words_of(page)


def test_t05_csv_formula_in_the_rejects_is_no_formula() -> None:
    assert rejects.listed_csv([(1, "=HYPERLINK(1)")]).decode().splitlines() == ["line,reason", "1,'=HYPERLINK(1)"]


def test_a_real_survey_is_understood_without_a_hand(open_page: OpenPage, store: Store, shared: Path) -> None:
    content = (shared / "data" / "nhs_feedback" / "phase1_text_data.csv").read_bytes()
    page = upload(open_page("import"), "phase1_text_data.csv", content)
    assert not page.exception
    assert "10,334 rows take a while." in words_of(page)
    assert not next(b for b in page.button if b.label == "Import rows").disabled
