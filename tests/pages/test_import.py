"""Import as a person does it: look at the file, say which column is which, import, read the report."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import col, select
from streamlit.testing.v1 import AppTest

from core.store import Store
from core.tables import Feedback, Import, PreferencePair
from pages.admin import import_report
from tests.pages.conftest import OpenPage

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
    assert len(examples) == 4
    assert any("chosen" in example for example in examples)


def test_a_survey_is_shown_before_anything_is_stored(open_page: OpenPage, store: Store) -> None:
    page = upload(open_page("import"), "survey.csv", SURVEY)
    assert not page.exception
    assert "2 comments would be accepted" in words_of(page)
    assert "1 would be rejected" in words_of(page)
    assert list(page.dataframe[1].value["Comment"])[:2] == ["Waited two hours", HOSTILE]
    assert comments(store) == {}
    assert count(store, Import) == 0


def test_importing_stores_the_rows_and_reports_what_was_rejected(open_page: OpenPage, store: Store) -> None:
    page = upload(open_page("import"), "survey.csv", SURVEY)
    press(page, "Import rows")
    assert not page.exception
    assert comments(store) == {"Waited two hours": 2, HOSTILE: 5}
    assert "2 comments accepted, 1 rejected" in [s.value for s in page.subheader]
    assert page.dataframe[0].value.to_dict("records") == [{"Line": 4, "Reason": "no comment"}]
    assert "Go to triage" in [b.label for b in page.button]


def test_the_same_file_again_adds_nothing_and_cannot_be_pressed(open_page: OpenPage, store: Store) -> None:
    press(upload(open_page("import"), "survey.csv", SURVEY), "Import rows")
    page = upload(open_page("import"), "survey.csv", SURVEY)
    assert "2 are here already" in words_of(page)
    assert next(b for b in page.button if b.label == "Import rows").disabled
    assert len(comments(store)) == 2


def test_a_scale_whose_best_is_one_is_turned_round(open_page: OpenPage, store: Store) -> None:
    page = upload(open_page("import"), "survey.csv", SURVEY)
    best = next(control for control in page.segmented_control if control.label == "Best rating")
    best.set_value(1).run()
    press(page, "Import rows")
    assert comments(store) == {HOSTILE: 1, "Waited two hours": 4}


def test_a_column_can_be_chosen_by_hand(open_page: OpenPage, store: Store) -> None:
    page = upload(
        open_page("import"), "odd.csv", "colour,what they said,n\nred,It is slow today,4\nblue,All is well now,5\n"
    )
    next(box for box in page.selectbox if box.label == "Comment").set_value("colour").run()
    press(page, "Import rows")
    assert set(comments(store)) == {"red", "blue"}


def test_pairs_become_pairs_of_the_named_agent(open_page: OpenPage, store: Store) -> None:
    page = upload(open_page("import"), "pairs.jsonl", PAIRS)
    assert not page.exception
    next(box for box in page.text_input if box.label == "Agent").set_value("helper").run()
    press(page, "Import rows")
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
    rows = list(csv.reader(io.StringIO(import_report._csv([(1, "=HYPERLINK(1)"), (2, "plain")]))))
    assert rows == [["line", "reason"], ["1", "'=HYPERLINK(1)"], ["2", "plain"]]


def test_a_real_survey_is_understood_without_a_hand(open_page: OpenPage, store: Store, shared: Path) -> None:
    content = (shared / "data" / "nhs_feedback" / "phase1_text_data.csv").read_bytes()
    page = upload(open_page("import"), "phase1_text_data.csv", content)
    assert not page.exception
    assert "would be accepted" in words_of(page)
    assert not next(b for b in page.button if b.label == "Import rows").disabled
