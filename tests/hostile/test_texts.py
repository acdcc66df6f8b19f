"""Every hostile text through every door it can come in by and every way it goes out again.

Accepted and clean, or refused with one sentence and nothing stored; shown letter by letter; no formula in a file.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session, select

from core import untrusted
from core.errors import InputRejected
from core.exporting import Format, choose, stream
from core.feedback import fields, intake
from core.feedback.redaction import redact
from core.store import Store
from core.tables import Feedback, Interaction
from pages.shared.literal import chip, escape_html, escape_label, one_line
from tests.api_client import ANSWER, rows
from tests.hostile.corpus import NAMES, TEXTS, WORDS

every_text = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
every_word = pytest.mark.parametrize("text", WORDS.values(), ids=WORDS)
every_name = pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
JSON = {"Content-Type": "application/json"}
TRIGGERS = "=+-@＝＋－＠﹦﹢﹣"


def cleaned(text: str, *, limit: int = untrusted.MAX_TEXT) -> str | None:
    """What is stored of it, or None when it is refused."""
    try:
        return untrusted.clean(text, limit=limit)
    except InputRejected as error:
        assert_sentence(str(error))
        return None


def assert_sentence(said: str) -> None:
    """Short, for a person, with nothing of the inside."""
    assert said.endswith(".")
    assert len(said) < 700
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]|Traceback|Error\(|pydantic|sqlalchemy", said)


def assert_storable(text: str) -> None:
    text.encode()
    assert not {unicodedata.category(each) for each in text if each not in "\t\n"} & {"Cc", "Cs"}
    assert unicodedata.is_normalized("NFC", text)
    assert text == text.strip()
    assert len(text) <= untrusted.MAX_TEXT


# The door itself


@every_text
def test_a_text_is_cleaned_or_refused_in_a_sentence(text: str) -> None:
    kept = cleaned(text)
    if kept is None:
        assert len(unicodedata.normalize("NFC", text)) > untrusted.MAX_TEXT
    else:
        assert_storable(kept)
        assert untrusted.clean(kept) == kept


@every_text
def test_a_text_is_shown_with_what_hides_in_it_by_its_code(text: str) -> None:
    shown = untrusted.visible(cleaned(text, limit=200_000) or "")
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\u2060\ufeff\U000e0000-\U000e007f]", shown)
    assert len(shown) <= 12 * len(text)


@every_text
def test_t05_csv_formula_no_cell_begins_as_one(text: str) -> None:
    cell = untrusted.csv_cell(text)
    assert cell.removeprefix("'") in (text, text[1:])
    assert not cell.startswith(tuple(TRIGGERS + "\t\r\n\x00"))
    begins = "".join(each for each in cell if each.isprintable() and not each.isspace())[:1]
    assert begins not in set(TRIGGERS)


@every_text
def test_a_field_takes_the_text_or_names_itself(text: str) -> None:
    try:
        taken = fields.text(text, "comment")
    except InputRejected as error:
        assert error.field == "comment"
        assert str(error).startswith("comment: ")
        assert_sentence(str(error))
    else:
        assert taken == redact(untrusted.clean(text), label="comment")


@every_text
def test_t03_a_label_holds_nothing_that_markdown_reads(text: str) -> None:
    for shown in (escape_label(text), escape_label(text, limit=5_000)):
        assert "\n" not in shown
        plain = re.sub(r"\\[!-/:-@\[-`{-~]", "", shown)  # what is escaped is shown
        assert not set(plain) & set("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
        assert not re.search(r":\w|www\.|@\w|(^|\s)(<->|->|<-|--|>=|<=|~=)(\s|$)", read(shown))
    assert read(escape_label(text)).replace("\u2060", "") == one_line(text).replace("\u2060", "")
    assert set(re.sub(r"\\.", "", chip(text))) & set("<>*_`$:#&") == set()


def read(escaped: str) -> str:
    """What markdown makes of it: a backslash before punctuation goes."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", escaped)


@every_text
def test_t03_a_tooltip_holds_no_markup_and_no_template(text: str) -> None:
    shown = escape_html(text)
    assert not set(shown) & set("<>\"'{}\n")
    assert re.sub(r"&(?:lt|gt|amp|quot|#x27|#123|#125);", "", shown).count("&") == 0


@every_text
def test_a_cell_is_one_line_of_bounded_length(text: str) -> None:
    assert len(one_line(text)) <= 160
    assert not re.search(r"[\n\r\t\u2028\u2029]", one_line(text))


@every_name
def test_t01_a_name_leads_nowhere_as_a_text_either(name: str) -> None:
    kept = cleaned(name)
    assert kept is not None
    assert_storable(kept)


# Into the store and back, and out as a file


@every_text
def test_a_text_comes_back_from_the_store_as_it_was_taken(session: Session, text: str) -> None:
    expected = cleaned(text)
    if expected is None:
        return
    said = redact(expected, label="comment").text
    stored = intake.store_site_form(session, form_type="bug", comment=text, page={text[:300]: [text]}).row
    session.refresh(stored)
    assert (stored.comment or "") == said
    if not expected:
        return
    row = intake.store_interaction(session, agent_id="a", prompt=text, response=text, raw={"x": text}).row
    session.refresh(row)
    assert row.prompt == redact(expected, label="prompt").text
    assert row.response == redact(expected, label="response").text


@every_word
def test_t12_a_text_finds_itself_and_harms_nothing(session: Session, text: str) -> None:
    name = cleaned(text[:100], limit=100)
    if not name:
        return
    intake.store_interaction(session, agent_id=name, prompt="p", response="r", external_id=name, source=name)
    assert session.exec(select(Interaction).where(Interaction.agent_id == name)).one().external_id == name
    again = intake.store_interaction(session, agent_id=name, prompt="p", response="r", external_id=name, source=name)
    assert not again.created


@pytest.fixture(scope="module")
def exported(shared_store: Store) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """All texts as comments, in one file of each format."""
    with shared_store.write() as session:
        for text in TEXTS.values():
            if cleaned(text):
                intake.store_site_form(session, form_type="bug", comment=text, agent_id="export")
    files = {
        form: b"".join(stream(shared_store, choose("feedback", {"agent_id": "export"}), form)).decode()
        for form in (Format.JSONL, Format.CSV)
    }
    table = csv.DictReader(io.StringIO(files[Format.CSV], newline=""))
    return [json.loads(line) for line in files[Format.JSONL].split("\n") if line], list(table)


def test_every_text_stands_in_an_exported_file_as_it_was_stored(
    shared_store: Store, exported: tuple[list[dict[str, Any]], list[dict[str, str]]]
) -> None:
    with shared_store.read() as session:
        stored = session.exec(select(Feedback.comment).where(Feedback.agent_id == "export")).all()
    lines, table = exported
    assert sorted(line["comment"] for line in lines) == sorted(map(str, stored))
    assert sorted(row["comment"] for row in table) == sorted(untrusted.csv_cell(comment) for comment in stored)


def test_t05_csv_formula_none_stands_in_an_exported_file(
    exported: tuple[list[dict[str, Any]], list[dict[str, str]]],
) -> None:
    cells = [cell for row in exported[1] for cell in row.values()]
    assert [cell for cell in cells if cell.lstrip().startswith(tuple(TRIGGERS))] == []


# Over HTTP


def sent(routes: TestClient, store: Store, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """The answer when it was taken; None when it was refused in a sentence and nothing was stored."""
    before = rows(store)
    answer = routes.post(path, content=json.dumps(body), headers=JSON)
    assert answer.status_code in (200, 201, 400, 404, 413, 422), answer.text
    if answer.status_code < 300:
        return dict(answer.json())
    assert rows(store) == before
    said = answer.json()["error"]
    if not said.startswith("Invalid feedback_type: "):  # words of rules section 12, which end with what was sent
        assert_sentence(said)
    return None


def read_back(text: str) -> str:
    """What JSON makes of a text: two halves of a pair are one character."""
    return str(json.loads(json.dumps(text)))


@every_text
def test_hostile_texts_are_taken_clean_or_refused(routes: TestClient, shared_store: Store, text: str) -> None:
    body = ANSWER | {"prompt": text, "response": text, "context_sources": [text], "conversation_id": text[:200]}
    taken = sent(routes, shared_store, "/v1/interactions", body)
    if taken is not None:
        back = routes.get(f"/v1/interactions/{taken['id']}").json()
        assert back["prompt"] == redact(untrusted.clean(read_back(text)), label="prompt").text
    form = {"type": "bug", "comment": text, "page": {text[:300]: text}, "user_id": text[:200]}
    sent(routes, shared_store, "/v1/feedback", form)


@every_word
def test_every_name_in_a_body_may_be_hostile(routes: TestClient, shared_store: Store, text: str) -> None:
    sent(routes, shared_store, "/v1/interactions", ANSWER | {"agent_id": text, "source": text, "external_id": text})
    sent(routes, shared_store, "/v1/feedback", {"type": text})
    sent(routes, shared_store, "/v1/feedback", {"type": "bug", text: text})
    sent(routes, shared_store, "/v1/chat/feedback", {"message_id": text, "feedback_type": text})
    correction = {"execution_id": "e", "agent_id": "a", "feedback_type": "correction", "correction_text": text}
    sent(routes, shared_store, "/learning/feedback", correction)


@every_word
def test_t12_every_word_in_an_address_may_be_hostile(routes: TestClient, text: str) -> None:
    word = text[:2_000].encode(errors="replace").decode()
    assert routes.get("/v1/statistics", params={"agent_id": word}).status_code in (200, 400)
    for name in ("agent_id", "since", "status", "search", word):
        answer = routes.get("/v1/export/triage", params={"format": "csv"} | {name: word})
        assert answer.status_code in (200, 400), (name, answer.text)


@every_name
def test_t01_no_name_in_an_address_reaches_a_file(routes: TestClient, name: str) -> None:
    from urllib.parse import quote

    for path in ("/v1/export/", "/v1/interactions/", "/v1/feedback/"):
        answer = routes.get(path + quote(name.encode(errors="replace"), safe=""))
        assert answer.status_code in (307, 400, 404, 405), answer.text


def test_a_list_of_nothing_is_an_empty_file(routes: TestClient) -> None:
    answer = routes.get("/v1/export/feedback", params={"agent_id": "nobody"})
    assert (answer.status_code, answer.text) == (200, "")


OVER_THE_EDGE = ("9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59")


@pytest.mark.parametrize("moment", [*OVER_THE_EDGE, "99999-01-01T00:00:00Z", "0000-00-00T00:00:00Z", "1e400"])
def test_a_moment_outside_the_calendar_is_refused(routes: TestClient, shared_store: Store, moment: str) -> None:
    assert sent(routes, shared_store, "/v1/feedback", {"type": "bug", "created_at": moment}) is None
    assert sent(routes, shared_store, "/v1/interactions", ANSWER | {"created_at": moment}) is None
