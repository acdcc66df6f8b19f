"""What holds for any input at all: random texts, names, bytes, verdicts and mappings, mostly near the edges."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import ImportRejected, InputRejected, PathRejected
from core.feedback.formats import Table, read_table
from core.feedback.importing import preview
from core.feedback.payload import payload
from core.feedback.records import FIELDS, KINDS, Mapping, mapping_from
from core.judging.verdict import read_verdict
from core.tables import Rating
from core.untrusted import clean, csv_cell, inside, visible
from pages.shared.literal import escape_html, escape_label, one_line
from tests.hostile.bounds import FEW, MANY
from tests.hostile.corpus import FILES, NAMES, TEXTS
from tests.hostile.markup import INJECTIONS

SHORT = [text for text in TEXTS.values() if len(text) < 2_000]
WICKED = st.text(st.characters(exclude_categories=()), max_size=80)  # lone surrogates too
MARKS = st.text(
    st.sampled_from("aé\u0301\u0323\u0344\u0f71\u0f73\u0f81\u034f\u200d\ufe0f\u1112\u1161\u11ab "), max_size=200
)
TEXT = WICKED | MARKS | st.lists(st.sampled_from(SHORT) | WICKED, max_size=3).map("".join)


# Texts


@MANY
@given(TEXT, st.sampled_from([10, 100, 20_000]))
@example("\u0344" * 20 + "\u0301" * 40, 100)
@example("a" + "\u0301" * 31 + "\u0323", 100)
@example(" \u0301" + "\u0f73" * 40, 100)
def test_cleaning_is_done_once_and_for_all(text: str, limit: int) -> None:
    try:
        cleaned = clean(text, limit=limit)
    except InputRejected:
        assert len(unicodedata.normalize("NFC", text)) > limit
        return
    assert len(cleaned) <= limit
    assert clean(cleaned, limit=limit) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert cleaned.encode().decode() == cleaned == cleaned.strip()
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", cleaned)


@MANY
@given(TEXT)
def test_letters_are_never_lost_by_cleaning(text: str) -> None:
    """Only controls, surrogates, floods of marks and space at the ends may go."""

    def letters(of: str) -> str:
        return "".join(c for c in unicodedata.normalize("NFC", of) if unicodedata.category(c)[0] in "LNPS")

    without = re.sub(r"[\ud800-\udfff]", "\ufffd", text)
    if len(re.findall(r"[\u0300-\u036f\u0f71-\u0f84]", without)) < 30:
        assert letters(clean(text)) == letters(re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "", without))


@MANY
@given(TEXT)
def test_what_hides_is_shown_and_nothing_is_shown_twice(text: str) -> None:
    shown = visible(clean(text))
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\u2060\ufeff\u00ad\U000e0000-\U000e0fff]", shown)
    assert visible(shown) == shown


@MANY
@given(
    TEXT, st.text(st.sampled_from(" \t\n\r\x00\u00a0\u2003\u200b\ufeff\u2060"), max_size=3), st.sampled_from("=+-@＝＠")
)
def test_t05_csv_formula_none_is_hidden_behind_what_a_spreadsheet_skips(text: str, before: str, trigger: str) -> None:
    cell = csv_cell(before + trigger + text)
    assert cell == "'" + before + trigger + text


@MANY
@given(TEXT)
def test_t03_a_label_has_no_bare_punctuation(text: str) -> None:
    assert re.fullmatch(r"(\\[!-/:-@\[-`{-~]|[^!-/:-@\[-`{-~\n])*", escape_label(text))
    assert not set(escape_html(text)) & set("<>\"'{}\n")
    assert len(one_line(text, limit=50)) <= 50


# Names


@MANY
@given(st.sampled_from([*NAMES.values()]) | WICKED | st.text("aA.-_/\\~:%2eE5fcCoOnN", max_size=12))
def test_t01_a_name_lies_in_its_folder_or_is_refused(name: str) -> None:
    root = Path("/nowhere/at/all")
    try:
        path = inside(root, name)
    except PathRejected as error:
        assert str(error).endswith(".")
        assert name not in str(error) or len(name) < 3
    else:
        assert path == root / name
        assert path.parent == root
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,120}", name)


@pytest.mark.parametrize("target", ["..", "../beside", "/etc", "gone", "inside-too", "."])
def test_t01_a_link_is_refused_wherever_it_leads(tmp_path: Path, target: str) -> None:
    root = tmp_path / "root"
    (root / "inside-too").mkdir(parents=True)
    (tmp_path / "beside").mkdir()
    (root / "link").symlink_to(target)
    with pytest.raises(PathRejected):
        inside(root, "link")


def test_t01_a_folder_that_is_itself_a_link_is_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "alias").symlink_to("real")
    assert inside(tmp_path / "alias", "a") == tmp_path.resolve() / "real" / "a"


# Files

FILE_NAMES = st.sampled_from(
    ["a.csv", "a.tsv", "a.jsonl", "a.json", "a.parquet", "a.csv.gz", "", ".", "\x00", *NAMES.values()]
)
SMALL = [file for file in FILES.values() if file.says is None or "more than" not in file.says]


def assert_read(content: bytes, filename: str) -> None:
    try:
        table = read_table(content, filename, max_rows=1_000)
    except ImportRejected as error:
        assert str(error).endswith(".")
        return
    assert isinstance(table, Table)
    for name in table.columns:
        assert clean(name, limit=600) == name


@MANY
@given(st.binary(max_size=300) | WICKED.map(lambda text: text.encode(errors="replace")), FILE_NAMES)
@example(b"\x1f\x8b\x08\x00", "a.gz")
@example(b"PAR1\xff\xff\xff\xffPAR1", "a.parquet")
def test_any_bytes_are_read_or_refused(content: bytes, filename: str) -> None:
    assert_read(content, filename)


@FEW
@given(st.sampled_from(SMALL), st.data())
def test_any_damage_to_a_file_leaves_it_readable_or_refused(file: Any, data: st.DataObject) -> None:
    content = bytearray(file.build()[:20_000])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(0, len(content) - 1)))
        content[at : at + data.draw(st.integers(0, 6))] = data.draw(st.binary(max_size=6))
    assert_read(bytes(content), file.filename)


CELL = WICKED | st.sampled_from(SHORT) | st.none() | st.booleans() | st.integers() | st.floats()
COLUMN = st.sampled_from(["comment", "rating", "id", "date", "prompt", "chosen", "rejected", "messages", "x"]) | WICKED
ANY_JSON = st.recursive(CELL, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(COLUMN, inner, max_size=3))


@FEW
@given(st.lists(st.dictionaries(COLUMN, ANY_JSON, max_size=6), max_size=5), st.data())
def test_any_rows_are_previewed_under_any_mapping(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    content = "\n".join(json.dumps(row) for row in rows).encode()
    try:
        shown = preview(content, "a.jsonl")
        columns = st.sampled_from([None, *shown.columns])
        given_mapping = {
            name: data.draw(columns) for name in ("comment", "rating", "date", "prompt", "chosen", "rejected")
        }
        preview(content, "a.jsonl", mapping=Mapping(data.draw(st.sampled_from(KINDS)), **given_mapping))
    except ImportRejected as error:
        assert str(error).endswith(".")


@MANY
@given(st.dictionaries(st.sampled_from(FIELDS) | WICKED, ANY_JSON | st.sampled_from(KINDS), max_size=6))
def test_a_mapping_is_read_or_refused_and_comes_back_the_same(told: dict[str, Any]) -> None:
    try:
        mapping = mapping_from(told)
    except InputRejected as error:
        assert str(error).endswith("stored.")
    else:
        assert mapping_from(mapping.as_dict()) == mapping


def texts(value: Any) -> list[str]:
    """Every text in it, keys too."""
    if isinstance(value, dict):
        return [*value, *(text for inner in value.values() for text in texts(inner))]
    if isinstance(value, list):
        return [text for inner in value for text in texts(inner)]
    return [value] if isinstance(value, str) else []


@MANY
@given(ANY_JSON)
@example("\\u0000")
def test_any_payload_can_be_stored(value: Any) -> None:
    kept = payload(value)
    json.dumps(kept, allow_nan=False).encode()
    assert "\x00" not in "".join(texts(kept))


# Verdicts

SCORE = st.floats() | st.integers() | st.booleans() | WICKED | st.none() | st.floats(0, 1)
RICH = st.fixed_dictionaries(
    {"overall_rating": st.sampled_from(["GOOD", "poor", "up", "A", "", "GOOD\u202e"]) | ANY_JSON, "confidence": SCORE},
    optional={
        "reasoning": ANY_JSON | st.sampled_from(SHORT),
        "widget_feedback": st.lists(
            st.fixed_dictionaries(
                {"widget_index": st.integers() | SCORE, "widget_type": CELL, "appropriateness_score": SCORE}
            )
        ),
        "parts": st.lists(st.fixed_dictionaries({"name": st.just("tone") | CELL, "score": SCORE, "why": CELL}))
        | ANY_JSON,
        "missing_widgets": st.lists(CELL) | ANY_JSON,
    },
)


@MANY
@given(RICH | ANY_JSON)
@example({"overall_rating": "GOOD", "confidence": 1, "parts": [{"name": "a", "score": 1e-320}]})
@example({"overall_rating": "GOOD", "confidence": float("nan")})
def test_t06_a_verdict_is_inside_its_rubric_or_unscored(said: Any) -> None:
    verdict = read_verdict(said)
    assert (verdict.overall_rating is None) == (verdict.unscored_reason is not None)
    for score in (verdict.score, verdict.confidence, *(part.score for part in verdict.parts)):
        assert score is None or 0 <= score <= 1
    if verdict.overall_rating is None:
        assert verdict.score is None
        assert len(verdict.unscored_reason or "") <= 200
    else:
        assert verdict.overall_rating in tuple(Rating)
        assert clean(verdict.reasoning) == verdict.reasoning


@pytest.mark.parametrize("text", INJECTIONS.values(), ids=INJECTIONS)
def test_t06_no_text_is_a_verdict(text: str) -> None:
    assert read_verdict(text).overall_rating is None
    assert read_verdict({"overall_rating": text, "confidence": 1.0}).overall_rating is None
    kept = read_verdict({"overall_rating": "POOR", "confidence": 0.5, "reasoning": text[:1_000]})
    assert kept.overall_rating is Rating.DOWN
