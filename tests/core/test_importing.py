"""Files come in whole or not at all, with a reason for every row that does not, and the same file adds nothing."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlmodel import select

from core.errors import HoneError, ImportRejected
from core.feedback import staging
from core.feedback.formats import read_table
from core.feedback.importing import ImportPlan, Mapping, Reject, plan, preview
from core.preferences.imported import STEPS
from core.settings import Settings
from core.store import Store
from core.tables import Feedback, PreferencePair, now
from tests.core.import_rows import comments, counts, empty, pairs, reasons, rows, run

PAIR = {"prompt": "How do I export?", "chosen": "Press Export.", "rejected": "No idea."}
SURVEY = "id,comment,rating,date\n1,Slow export,2,2026-01-31\n2,Lovely,5,2026-02-01\n3,,1,2026-02-02\n"


@pytest.fixture
def store(shared_store: Store) -> Iterator[Store]:
    """The same store for every test, emptied behind each."""
    yield shared_store
    empty(shared_store)


def pairs_of(store: Store, *rows: object) -> tuple[list[PreferencePair], list[str]]:
    """The pairs that some rows become, and the reasons of those that become none."""
    empty(store)
    row = run(store, "\n".join(json.dumps(one) for one in rows), "pairs.jsonl")
    return pairs(store), list(reasons(store, row).values())


def planned(store: Store, content: str, filename: str = "a.csv") -> ImportPlan:
    return plan(store, content.encode(), filename, agent_id="support", pairs=STEPS, settings=Settings(_env_file=None))


# -- pairs: the shapes files have ---------------------------------------------------------------------------------


def test_pairs_of_three_texts_are_taken_from_every_format(store: Store) -> None:
    csv_file = "prompt,chosen,rejected,score\n" + ",".join(PAIR.values()) + ",1\n"
    for content, filename in (
        (json.dumps(PAIR), "a.jsonl"),
        (json.dumps([PAIR]), "a.json"),
        (json.dumps({"data": [PAIR]}), "a.json"),
        (json.dumps(PAIR, indent=2), "a.json"),
        (csv_file, "a.csv"),
        (csv_file.replace(",", "\t"), "a.tsv"),
        (gzip.compress(json.dumps(PAIR).encode()), "a.jsonl.gz"),
        (gzip.compress(json.dumps([PAIR]).encode()), "a.json.gz"),
    ):
        empty(store)
        assert counts(run(store, content, filename)) == (1, 0, 0), filename
        (pair,) = pairs(store)
        assert {"prompt": pair.prompt, "chosen": pair.chosen, "rejected": pair.rejected} == PAIR
        assert pair.messages is None


def test_conversations_are_taken_with_the_prompt_beside_or_inside_both_sides(store: Store) -> None:
    question = [{"role": "user", "content": "Hi"}]
    good, bad = [{"role": "assistant", "content": "Hello."}], [{"role": "assistant", "content": "What?"}]
    beside = {"prompt": question, "chosen": good, "rejected": bad}
    inside = {"chosen": question + good, "rejected": question + bad}
    both = {"prompt": "Hi", "chosen": question + good, "rejected": question + bad}
    texts = {"messages": question, "chosen": "Hello.", "rejected": "What?"}
    parts = {"prompt": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}], "chosen": good, "rejected": bad}
    for row in (beside, inside, both, texts, parts):
        (pair,), refused = pairs_of(store, row)
        assert (pair.prompt, pair.messages, pair.chosen, pair.rejected) == ("Hi", None, "Hello.", "What?")
        assert refused == []


def test_a_conversation_of_several_turns_keeps_its_messages(store: Store) -> None:
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Export?"},
    ]
    (pair,), _ = pairs_of(store, {"prompt": turns, "chosen": "Press Export.", "rejected": "No."})
    assert pair.messages == turns
    assert pair.prompt == "System: Be brief.\n\nUser: Hi\n\nAssistant: Hello.\n\nUser: Export?"


def test_transcripts_are_cut_at_the_last_answer(store: Store) -> None:
    before = "\n\nHuman: Hi\n\nAssistant: Hello.\n\nHuman: Export?\n\nAssistant:"
    (pair,), _ = pairs_of(store, {"chosen": before + " Press Export.", "rejected": before + " No."})
    assert [message["role"] for message in pair.messages or []] == ["user", "assistant", "user"]
    assert (pair.chosen, pair.rejected) == ("Press Export.", "No.")
    (pair,), _ = pairs_of(store, {"prompt": before, "chosen": " Press Export.", "rejected": " No."})
    assert len(pair.messages or []) == 3


def test_turns_of_one_speaker_in_a_row_become_one_so_that_they_alternate(store: Store) -> None:
    before = "\n\nHuman: Hi\n\nHuman: Export?\n\nAssistant: Well.\n\nAssistant:"
    (pair,), _ = pairs_of(store, {"chosen": before + " Press Export.", "rejected": before + " No."})
    assert (pair.prompt, pair.messages) == ("Hi\n\nExport?", None)
    assert (pair.chosen, pair.rejected) == ("Well.\n\nPress Export.", "Well.\n\nNo.")


def test_a_csv_cell_with_a_json_conversation_is_one(store: Store) -> None:
    cell = json.dumps([{"role": "user", "content": "Hi"}]).replace('"', '""')
    run(store, f'prompt,chosen,rejected\n"{cell}",Hello.,What?\n')
    assert pairs(store)[0].prompt == "Hi"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (PAIR | {"chosen": None}, "has no chosen answer"),
        ({"prompt": "p", "chosen": "c"}, "has no rejected answer"),
        (PAIR | {"chosen": " "}, "the last answer of chosen is empty"),
        (PAIR | {"chosen": "No idea. "}, "chosen and rejected are the same"),
        (PAIR | {"prompt": ""}, "has no prompt, and the answers are no transcripts"),
        (PAIR | {"prompt": "\x00"}, "has no prompt: the conversation holds no user's turn"),
        (PAIR | {"prompt": 7}, "the prompt is neither text nor a list"),
        (PAIR | {"chosen": 7}, "chosen is neither text nor a list"),
        (PAIR | {"chosen": {"a": 1}}, "chosen is neither text nor a list"),
        (PAIR | {"chosen": []}, "one answer is a text and the other a list"),
        (PAIR | {"chosen": [], "rejected": []}, "the last answer of chosen is empty"),
        (PAIR | {"chosen": ["a"], "rejected": ["b"]}, "has a message of role 'None'"),
        (PAIR | {"prompt": [{"role": "tool", "content": "x"}]}, "has a message of role 'tool'"),
        (PAIR | {"prompt": [{"role": "user", "content": {"image": 1}}]}, "has a message that is not text"),
        (PAIR | {"prompt": [{"role": "assistant", "content": "Hi"}]}, "has no prompt"),
        (PAIR | {"prompt": "a" * 20_001}, "the prompt: The text has 20,001 characters"),
        (PAIR | {"rejected": "a" * 20_001}, "rejected: The text has 20,001 characters"),
        ({"chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": "\n\nHuman: c\n\nAssistant: d"}, "transcripts differ"),
        (
            {
                "chosen": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
                "rejected": [{"role": "user", "content": "c"}, {"role": "assistant", "content": "d"}],
            },
            "the two conversations differ before the last answer",
        ),
        ({"chosen": "call 415-555-2671", "rejected": "call 415-555-2672", "prompt": "p"}, "are the same"),
        ({"chosen": float("nan"), "rejected": "b", "prompt": "p"}, "has no chosen answer"),
    ],
)
def test_a_row_that_is_no_pair_is_rejected_with_its_line_and_reason(store: Store, row: object, reason: str) -> None:
    content = json.dumps(PAIR) + "\n\n" + json.dumps(row)
    result = run(store, content, "pairs.jsonl")
    assert counts(result) == (1, 0, 1)
    assert reason in reasons(store, result)[3]


# -- surveys ------------------------------------------------------------------------------------------------------


def test_a_survey_is_recognised_and_its_rows_stored(store: Store) -> None:
    row = run(store, SURVEY, "survey.csv")
    assert counts(row) == (2, 0, 1)
    assert reasons(store, row) == {4: "no comment"}
    assert row.mapping == {
        "kind": "survey",
        "comment": "comment",
        "rating": "rating",
        "best_rating": 5,
        "row_id": "id",
        "date": "date",
    }
    lovely, slow = comments(store)
    assert (lovely.comment, lovely.rating, lovely.form_type, lovely.source) == ("Lovely", 5, "general", "import")
    assert lovely.created_at.replace(tzinfo=UTC) == datetime(2026, 2, 1, tzinfo=UTC)
    assert slow.import_id == row.id
    assert slow.raw == {"id": "1", "comment": "Slow export", "rating": "2", "date": "2026-01-31"}


def test_the_same_file_twice_adds_nothing_under_any_name_or_mapping(store: Store) -> None:
    assert counts(run(store, SURVEY, "a.csv")) == (2, 0, 1)
    assert counts(run(store, SURVEY, "b.csv")) == (0, 2, 1)
    unrated = Mapping("survey", comment="comment", row_id="id")
    assert counts(run(store, SURVEY, "c.csv", mapping=unrated)) == (0, 2, 1)
    assert len(comments(store)) == 2


def test_another_agent_may_have_the_same_file(store: Store) -> None:
    run(store, SURVEY)
    assert counts(run(store, SURVEY, agent_id="other")) == (2, 0, 1)


def test_equal_comments_are_told_apart_by_an_id_and_counted_once_without(store: Store) -> None:
    with_ids = "id,comment,rating\n1,Good work,5\n2,Good work,5\n"
    assert counts(run(store, with_ids)) == (2, 0, 0)
    without = "comment,rating,service\nGood work,5,A\nGood work,5,A\nGood work,5,B\n"
    assert counts(run(store, without)) == (2, 1, 0)


def test_ids_that_only_count_rows_do_not_make_another_file_a_duplicate(store: Store) -> None:
    run(store, "id,comment\n1,Slow export\n2,Fast import\n")
    assert counts(run(store, "id,comment\n1,Broken link\n2,Fast import\n")) == (1, 1, 0)


def test_a_scale_that_begins_with_the_best_is_turned_round(store: Store) -> None:
    content = "comment,rating (1 = best)\nLovely thing,1\nBad thing,5\nOdd thing,9\nNo stars,\n"
    mapping = Mapping("survey", comment="comment", rating="rating (1 = best)", best_rating=1)
    row = run(store, content, mapping=mapping)
    assert {feedback.comment: feedback.rating for feedback in comments(store)} == {
        "Lovely thing": 5,
        "Bad thing": 1,
        "Odd thing": None,
        "No stars": None,
    }
    assert "1 rows have a rating outside 1 to 5 (9) and are stored unrated." in row.notes


@pytest.mark.parametrize(
    ("cell", "stars"),
    [("4", 4), (" 4.0 ", 4), ("4 stars", 4), ("4/5", 4), ("4.5", None), ("0", None), ("6", None), ("good", None)],
)
def test_ratings_are_read_only_when_they_are_one_to_five(store: Store, cell: str, stars: int | None) -> None:
    mapping = Mapping("survey", comment="comment", rating="rating")
    run(store, f"comment,rating\nSlow export,{cell}\n", mapping=mapping)
    assert [feedback.rating for feedback in comments(store)] == [stars]


@pytest.mark.parametrize(
    ("header", "values", "column"),
    [
        ("criticality", ["-4", "3", "1"], None),
        ("Comment sentiment", ["1", "3", "5"], None),
        ("score", ["10", "7", "3"], None),
        ("NPS score", ["1", "2", "3"], None),
        ("starRating", ["1", "2", "3"], "starRating"),
        ("Overall satisfaction", ["5", "", "3"], "Overall satisfaction"),
    ],
)
def test_only_what_is_called_a_rating_and_is_one_to_five_is_suggested(
    header: str, values: list[str], column: str | None
) -> None:
    content = f"comment,{header}\n" + "".join(f"Export is slow {value},{value}\n" for value in values)
    assert preview(content.encode(), "a.csv").suggested.rating == column


def test_dates_tell_by_themselves_or_by_the_column_which_part_is_the_day(store: Store) -> None:
    content = "comment,date\nOne thing,05/06/2022\nTwo things,31/05/2022\nThree things,5/31/2022\nFour things,soon\n"
    row = run(store, content, mapping=Mapping("survey", comment="comment", date="date"))
    days = {feedback.comment: feedback.created_at.date().isoformat() for feedback in comments(store)}
    assert (days["One thing"], days["Two things"], days["Three things"]) == ("2022-06-05", "2022-05-31", "2022-05-31")
    assert "1 dates can only be read the other way round, and are." in row.notes
    assert "1 rows have no readable date and get the time of the import." in row.notes


def test_columns_that_could_be_anything_are_left_to_a_person(store: Store) -> None:
    content = (
        b"first,second\nsome long words here now,other long words here now\nmore of these long words,and again more\n"
    )
    look = preview(content, "a.csv")
    assert look.suggested == Mapping("survey")
    assert look.notes[-1].startswith("No column looks like comments")
    assert [row["first"] for row in look.rows] == ["some long words here now", "more of these long words"]
    with pytest.raises(ImportRejected, match="say which column is which"):
        run(store, content)
    assert counts(run(store, content, mapping=Mapping("survey", comment="second"))) == (2, 0, 0)


def test_a_mapping_that_does_not_fit_the_file_is_refused(store: Store) -> None:
    with pytest.raises(ImportRejected, match='no column "text"; it has id, comment, rating, date'):
        run(store, SURVEY, mapping=Mapping("survey", comment="text"))
    with pytest.raises(ImportRejected, match="Say which is the column of comments"):
        run(store, SURVEY, mapping=Mapping("survey", rating="rating"))
    with pytest.raises(ImportRejected, match="Say which is the columns of chosen and rejected"):
        run(store, SURVEY, mapping=Mapping("pairs", chosen="comment"))


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ("Anything else ...", "1 other column is kept with each row, unread: Anything else."),
        ("a,b,c,d,e,f", "6 other columns are kept with each row, unread: a, b, c, d, e …"),
    ],
)
def test_the_columns_that_are_not_read_are_named_in_a_sentence(store: Store, columns: str, sentence: str) -> None:
    cells = ",".join("x" for _ in columns.split(","))
    row = run(store, f"comment,{columns}\nfine,{cells}\n", mapping=Mapping("survey", comment="comment"))
    assert sentence in row.notes


def test_personal_data_is_in_no_column_of_an_imported_row(store: Store) -> None:
    content = 'comment,phone,who\n"mail jane@example.org, or 020 7946 0958",4155552671,jane@example.org\n'
    row = run(store, content, mapping=Mapping("survey", comment="comment"))
    (feedback,) = comments(store)
    assert feedback.comment == "mail [email], or [phone]"
    assert feedback.pii == {"email": 1, "phone": 1}
    assert feedback.raw == {"comment": "mail [email], or [phone]", "phone": "[phone]", "who": "[email]"}
    assert row.notes[-1] == "Personal data was replaced before storing: 1 e-mail address, 1 phone number."
    assert "jane" not in json.dumps(preview(content.encode(), "a.csv").readings)


def test_t05_csv_formulas_and_markup_are_stored_as_written(store: Store) -> None:
    run(store, 'comment\n"=HYPERLINK(""http://example.org"")"\n<script>alert(1)</script> is here\n')
    said = [feedback.comment for feedback in comments(store)]
    assert said == ["<script>alert(1)</script> is here", '=HYPERLINK("http://example.org")']


def test_t08_addresses_in_a_file_are_never_asked(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("the network was asked")

    for name in ("socket", "create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refused)
    pair = PAIR | {"image_url": "http://169.254.169.254/latest", "prompt": "see http://[::1]/ and file:///etc/passwd"}
    assert pairs_of(store, pair)[1] == []
    run(store, "comment,url\nmail jane@example.org at http://localhost,http://169.254.169.254/\n")


# -- what an import promises --------------------------------------------------------------------------------------


def test_a_plan_says_what_the_import_will_do_and_stores_nothing(store: Store) -> None:
    look = planned(store, SURVEY)
    assert (look.kind, look.accepted, look.duplicates, look.counts) == ("survey", 2, 0, {"feedback": 2})
    assert look.rejected == [Reject(4, "no comment")]
    with store.read() as session:
        assert rows(session, "feedback", "imports", "import_rejects", "staged_feedback") == {}
    run(store, SURVEY)
    assert planned(store, SURVEY).duplicates == 2


def test_a_plan_of_pairs_counts_with_the_real_thing(store: Store) -> None:
    turned = PAIR | {"chosen": PAIR["rejected"], "rejected": PAIR["chosen"]}
    content = "\n".join(json.dumps(row) for row in (PAIR, PAIR, PAIR, turned))
    look = planned(store, content, "a.jsonl")
    assert (look.kind, look.accepted, look.duplicates) == ("pairs", 1, 2)
    assert look.rejected == [Reject(4, "contradicts an earlier preference")]
    assert counts(run(store, content, "a.jsonl")) == (1, 2, 1)


def test_reading_goes_on_outside_any_transaction(store: Store) -> None:
    def another_writer(_done: int, _total: int) -> None:
        with store.write() as session:  # would wait for the lock, and time out, if the import held it
            session.execute(sa.text("SELECT 1"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staging, "BATCH_ROWS", 1)
        plan_progress: list[int] = []
        look = plan(
            store,
            SURVEY.encode(),
            "a.csv",
            agent_id="support",
            pairs=STEPS,
            settings=Settings(_env_file=None),
            on_progress=lambda done, total: (plan_progress.append(done), another_writer(done, total))[0],
        )
    assert (look.accepted, plan_progress) == (2, [0, 1, 2, 3])


def test_progress_goes_from_nothing_to_everything(store: Store) -> None:
    seen: list[tuple[int, int]] = []
    content = "comment\n" + "".join(f"Comment number {number} here\n" for number in range(1_100))
    run(store, content, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 1_100), (500, 1_100), (1_000, 1_100), (1_100, 1_100)]


def test_every_reason_is_kept(store: Store) -> None:
    row = run(store, "id,comment\n1,Fine\n" + "2,\n" * 1200)
    assert counts(row) == (1, 0, 1200)
    assert len(reasons(store, row)) == 1200


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\files\\a.csv", "a.csv"),
        ("a\x00\n.csv", "a\n.csv"),
        ("\ud800.csv", "\ufffd.csv"),
        ("/", "unnamed"),
        ("a" * 400 + ".csv", "a" * 200),
    ],
)
def test_the_name_of_the_file_is_kept_without_its_path(store: Store, given: str, kept: str) -> None:
    assert run(store, SURVEY, given).filename == kept


def test_a_preview_shows_rows_as_they_stand_and_as_they_would_be_stored() -> None:
    look = preview(SURVEY.encode(), "a.csv", rows=3)
    assert (look.format, look.columns, look.total) == ("csv", ["id", "comment", "rating", "date"], 3)
    assert look.rows[0] == {"id": "1", "comment": "Slow export", "rating": "2", "date": "2026-01-31"}
    assert look.readings[0]["rating"] == 2
    assert look.readings[2] == {"line": 4, "reason": "no comment"}
    assert 'Comments are read from "comment".' in look.notes


# -- damaged files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "filename", "sentence"),
    [
        (b"", "a.csv", "The file is empty"),
        (b"\xef\xbb\xbf \n\n", "a.jsonl", "The file is empty"),
        (b"comment,rating\n", "a.csv", "The file has no rows"),
        (b"[]", "a.json", "The file has no rows"),
        (b"PK\x03\x04rest", "survey.csv", "a zip file or an Excel workbook; save the sheet as CSV"),
        (b"PAR1rest", "a.csv", "The Parquet file is damaged"),
        (b"%PDF-1.7", "a.csv", "a PDF"),
        (b"\x00\x01\x02\x03" * 100, "a.csv", "is not text"),
        ("comment\nfine".encode("utf-16-le"), "a.csv", "is not text"),
        (b"\x1f\x8bnonsense", "a.jsonl.gz", "damaged or cut off"),
        (gzip.compress(b'{"a": 1}' * 1000)[:-20], "a.jsonl.gz", "damaged or cut off"),
        (b"comment\nfine\n", "a.CSV.gz", "named .gz, but is not packed with gzip"),
        (gzip.compress(gzip.compress(b"{}")), "a.jsonl.gz", "packed twice"),
        (b'[{"a": 1}, {"a":', "a.json", "no readable JSON: it is not valid JSON"),
        (b"[" * 100_000, "a.json", "is nested too deeply"),
        (b'{"a":' * 100_000, "a.json", "is nested too deeply"),
        (b"[" + b"9" * 5000 + b"]", "a.json", "a number too large to read"),
        (b"a" * (2 * 1024 * 1024), "a.csv", "more than 1 MB"),
        (gzip.compress(b"a" * (2 * 1024 * 1024)), "a.csv.gz", "unpacks to more than 1 MB"),
        (b"comment\n" + b"a\n" * 2001, "a.csv", "more than 2,000 rows"),
        (b"{}\n" * 2001, "a.jsonl", "more than 2,000 rows"),
        (b"[" + b"{}," * 2001 + b"{}]", "a.json", "more than 2,000 rows"),
        (b'"' + b"a" * 200_000, "a.csv", "The line of column names has a cell of more than 131,072 characters"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(content: bytes, filename: str, sentence: str) -> None:
    with pytest.raises(ImportRejected, match=sentence) as caught:
        read_table(content, filename, max_mb=1, max_rows=2_000)
    assert str(caught.value).endswith("othing was stored.")


@pytest.mark.parametrize(
    ("content", "filename", "rejects"),
    [
        ('{"comment": "a b"}\n{"comment": \n[1]\n"x"\n{"comment": "c"}', "a.jsonl", {2: "not valid", 3: "no object"}),
        ('{"comment": "a b"}\n' + "[" * 100_000, "a.jsonl", {2: "nested too deeply"}),
        ('{"comment": "a b"}\n{"n": ' + "9" * 5000 + "}", "a.jsonl", {2: "a number too large"}),
        ("not json\n", "a.jsonl", {1: "not valid JSON"}),
        ("comment,rating\na b,1\nc, d,2\ne f,3\n", "a.csv", {3: "has 3 cells where the header has 2"}),
        ('comment,rating\na b,1\n"torn,2\nc d,3\n', "a.csv", {3: "a quotation mark that is never closed"}),
        ('comment,rating\na b,1\n"torn,2\n' + "c d,3\n" * 30_000, "a.csv", {3: "a quotation mark may not be closed"}),
    ],
)
def test_a_line_that_cannot_be_read_costs_only_itself(content: str, filename: str, rejects: dict[int, str]) -> None:
    table = read_table(content.encode(), filename)
    found = {reject.line: reject.reason for reject in table.rejects}
    for line, reason in rejects.items():
        assert reason in found[line]
    lines = sum(bool(line.strip()) for line in content.split("\n")) - (table.format == "csv")
    assert len(table.rows) + len(table.rejects) == lines


@pytest.mark.parametrize(
    ("content", "texts", "note"),
    [
        ("comment\nüber 😀\n".encode(), ["über 😀"], None),
        ("comment\nüber 😀\n".encode("utf-8-sig"), ["über 😀"], None),
        ("comment\nüber 😀\n".encode("utf-16"), ["über 😀"], None),
        (b"\xfe\xff" + "comment\nüber 😀\n".encode("utf-16-be"), ["über 😀"], None),
        ("comment\nüber 20 €\nplain\n".encode("cp1252"), ["über 20 €", "plain"], "1 line is not UTF-8"),
        ("comment\nüber\n".encode() + "für\n".encode("cp1252"), ["über", "für"], "1 line is not UTF-8"),
        (b"comment\r\none\r\ntwo\r\n", ["one", "two"], None),
        (b"comment\rone\rtwo\r", ["one", "two"], None),
        (b'comment\n"one\ntwo"\n', ["one\ntwo"], None),
        (b'comment\n5" pipe\n', ['5" pipe'], None),
        (b"comment\none, and two\n", ["one, and two"], None),
        (b"comment;rating\none, and two;3\n", ["one, and two"], None),
        (b"comment\tcomment\none\ttwo\n", ["one"], 'called "comment (2)"'),
        (b",comment,\n1,one,x\n", ["one"], None),
        (b"comment,rating\none\n", ["one"], None),
        (b"comment\nno\x00ught\n", ["no\x00ught"], None),
    ],
)
def test_files_are_read_in_the_encoding_and_shape_they_have(content: bytes, texts: list[str], note: str | None) -> None:
    table = read_table(content, "a.csv")
    assert [row.cells["comment"] for row in table.rows] == texts
    assert not table.rejects
    assert (note in " ".join(table.notes)) if note else (table.notes == [])


def test_t13_a_gzip_that_unpacks_to_a_gigabyte_is_refused_within_a_second(store: Store) -> None:
    bomb = gzip.compress(b"0" * 10_000_000) * 100
    started = time.process_time()
    with pytest.raises(ImportRejected, match="unpacks to more than 20 MB"):
        run(store, bomb, "bomb.jsonl.gz")
    assert time.process_time() - started < 1


def test_t13_a_million_lines_are_refused_before_they_are_all_read(store: Store) -> None:
    started = time.process_time()
    with pytest.raises(ImportRejected, match="more than 200,000 rows"):
        run(store, b"comment\n" + b"a\n" * 1_000_000)
    assert time.process_time() - started < 5


@examples(max_examples=120, deadline=None)
@given(
    st.sampled_from([b"", b"{", b"[", b'{"chosen": ', b"comment,rating\n", b"\xff\xfe", b"\xef\xbb\xbf", b"\x1f\x8b"]),
    st.binary(max_size=200) | st.text(max_size=100).map(str.encode),
    st.sampled_from(["a.csv", "a.jsonl", "a.json", "a.json.gz", "a", "\ud800"]),
)
@example(b"", b'{"chosen": "\\ud800", "rejected": "\\u0000", "prompt": "\\ud800x"}', "a.jsonl")
@example(b"", b'{"\\ud800": 1, "comment": "\\ud800 lone"}', "a.jsonl")
@example(b"", b'{"comment": NaN, "rating": Infinity}\n{"comment": {"a": [1]}}', "a.jsonl")
@example(b"", b'"unclosed', "a.csv")
def test_any_bytes_are_previewed_or_refused_in_a_sentence(start: bytes, rest: bytes, filename: str) -> None:
    try:
        look = preview(start + rest, filename)
    except HoneError as error:
        assert str(error).endswith(".")
    else:
        json.dumps([look.rows, look.columns, look.notes], ensure_ascii=False).encode()


CELL = st.text(st.characters(exclude_categories=()), max_size=30) | st.floats() | st.integers() | st.none()


@examples(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["comment", "rating", "id", "date", "x"]), CELL | st.lists(CELL, max_size=2)))
@example({"comment": "\ud800 lone", "rating": True, "id": 10**400, "date": "9999-12-31T23:59:59-23:00"})
@example({"comment": "fine", "rating": "٤", "date": "31/31/0000"})
def test_any_row_becomes_a_comment_or_a_reason(cells: dict[str, Any]) -> None:
    first = {"comment": "first", "rating": 1, "id": 1, "date": "2026-01-01", "x": ""}
    table = read_table(json.dumps([first, cells]).encode(), "a.json")
    mapping = Mapping("survey", comment="comment", rating="rating", row_id="id", date="date")
    facts = staging.facts_of(table, mapping, agent_id="support", at=now())
    found = [one for _, one in staging.readings(table, facts)]
    assert len(found) == 2
    for one in found:
        if isinstance(one, Reject):
            assert one.reason
        else:
            ((_, values),) = one.rows
            assert values["rating"] in (None, 1, 2, 3, 4, 5)
            json.dumps([values["comment"], values["raw"]], ensure_ascii=False, allow_nan=False).encode()


# -- real files ---------------------------------------------------------------------------------------------------


def test_the_friends_and_family_survey_is_understood_whole_and_only_once(store: Store, shared: Path) -> None:
    content = (shared / "data" / "nhs_feedback" / "v6framework_230831.csv").read_bytes()
    row = run(store, content, "v6framework_230831.csv")
    assert counts(row) == (7400, 0, 508)
    assert set(reasons(store, row).values()) == {"no comment"}
    assert row.mapping["comment"] == "FFT answer"
    assert (row.mapping["rating"], row.mapping["best_rating"]) == ("FFT categorical answer", 1)
    assert (row.mapping["row_id"], row.mapping["date"]) == ("Comment ID", "Date")
    assert "440 rows have a rating outside 1 to 5 (6, 7) and are stored unrated." in row.notes
    assert '1,189 comments are the same: "Did not answer".' in row.notes
    with store.read() as session:
        ratings = Counter(session.exec(select(Feedback.rating)))
        first = session.exec(select(Feedback.raw).where(Feedback.comment == "Did not answer").limit(1)).one()
    assert ratings == {5: 4782, 4: 1225, 3: 351, 2: 276, 1: 415, None: 351}
    assert first["Trust"] in ("NEAS", "NHFT")
    assert counts(run(store, content, "again.csv")) == (0, 7400, 508)
    assert len(comments(store)) == 7400


def test_the_first_phase_survey_has_no_rating_and_criticality_is_none(store: Store, shared: Path) -> None:
    content = (shared / "data" / "nhs_feedback" / "phase1_text_data.csv").read_bytes()
    row = run(store, content, "phase1.csv")
    assert counts(row) == (10334, 0, 0)
    assert row.mapping == {"kind": "survey", "comment": "feedback", "best_rating": 5, "row_id": "row_index"}
    assert "No column is a rating from 1 to 5, so the rows are stored unrated." in row.notes
    with store.read() as session:
        assert set(session.exec(select(Feedback.rating))) == {None}
    assert counts(run(store, content, "again.csv")) == (0, 10334, 0)


def test_the_preference_transcripts_give_the_pairs_the_notes_count(store: Store, shared: Path) -> None:
    content = (shared / "data" / "hh_rlhf_harmless" / "harmless-base-test.jsonl.gz").read_bytes()
    row = run(store, content, "harmless-base-test.jsonl.gz")
    assert row.format == "jsonl.gz"
    assert counts(row) == (2303, 0, 9)
    refused = reasons(store, row)
    told = Counter(refused.values())
    assert sum(count for reason, count in told.items() if "empty" in reason) == 4
    assert told["the two transcripts differ before the last answer"] == 5
    assert list(refused) == [87, 517, 926, 1104, 1255, 1689, 1951, 1953, 2037]
    for pair in pairs(store):
        roles = [message["role"] for message in pair.messages or [{"role": "user"}]]
        assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
        assert pair.chosen != pair.rejected
    assert counts(run(store, content, "again.jsonl.gz")) == (0, 2303, 9)
