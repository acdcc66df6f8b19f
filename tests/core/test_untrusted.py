"""The one door for foreign text, names and paths keeps what it promises."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import InputRejected, PathRejected
from core.untrusted import MAX_TEXT, clean, csv_cell, inside, optional, visible

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=200)  # lone surrogates too

NAMES_THAT_LEAD_OUT = [
    *("", ".", "..", "../a", "a/..", "a/../b", "..\\a", "a\\b", "\\\\host\\share", "/etc/passwd", "a/b", "./a", "~"),
    *("C:", "C:\\a", "c:a", "file:a", "file:///etc/passwd", "http://x/a", "a:stream"),
    *("..%2fa", "..%252fa", "..%25252fa", "%2e%2e", "%2e%2e%2fa", "a%00b"),
    *("a\x00b", "a\nb", "a\rb", "a\tb", "\x7f", "a\u202eb", "a\u200bb", "．．", "a／b"),
    *("con", "CON", "con.txt", "PRN", "aux", "nul", "NUL.json", "com1", "COM9.txt", "lpt1", "LPT9"),
    *(".hidden", "-rf", "_a", "a.", "a b", " a", "a ", "a#b", "a?b", "a*b", "a|b", "<a>"),
    *('a"b', "a'b", "a;b", "a$b", "a&b", "é", "a" * 121, "a" * 300),
]


@given(ANY_TEXT)
@example("e\x00\u0301")  # the accent reaches its letter only when the control character is gone
@example("\ud800\x00\x85\r\r\n\u2028\ufeff")
def test_cleaned_text_can_be_stored_shown_and_cleaned_again(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    kinds = {unicodedata.category(character) for character in cleaned if character not in "\t\n"}
    assert not kinds & {"Cc", "Cs"}
    assert cleaned == cleaned.strip()
    assert clean(cleaned) == cleaned


@given(ANY_TEXT)
def test_optional_text_is_clean_or_none(text: str) -> None:
    assert optional(text) == (clean(text) or None)


def test_markup_stays_what_was_written() -> None:
    text = "<script>alert(1)</script> **bold** :red[x] $x$ ![](http://example.org/a.png)"
    assert clean(text) == text


def test_text_over_the_limit_is_refused_and_at_the_limit_taken() -> None:
    assert len(clean("a" * 1000, limit=1000)) == 1000
    with pytest.raises(InputRejected, match="1,001 characters; at most 1,000"):
        clean("a" * 1001, limit=1000)
    with pytest.raises(InputRejected, match=f"at most {MAX_TEXT:,}"):
        clean("a" * 5_000_000)


def test_a_flood_of_marks_is_cut_before_it_is_sorted() -> None:
    """Sorting 80,000 marks takes the square of their number: 14 seconds for one text."""
    assert clean("a" + "\u0301\u0323" * 39_000) == "\u1ea1" + "\u0323" * 14 + "\u0301" * 15
    assert len(clean("a" + "\u0f73" * 15_000)) == 31  # each stands for two marks and says of itself it is none
    assert clean("e\u0301" * 5_000) == "é" * 5_000


@pytest.mark.parametrize("value", [None, 3, b"bytes", ["text"], {"a": 1}])
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(InputRejected, match="Expected text"):
        clean(value)


def test_characters_that_hide_or_reorder_text_are_shown_by_their_code() -> None:
    assert visible("pay\u202e001\u200b") == "pay⟦U+202E⟧001⟦U+200B⟧"
    assert visible("família 👩‍👩‍👧 ❤️‍🔥 1️⃣ می‌خواهم") == "família 👩‍👩‍👧 ❤️‍🔥 1️⃣ می‌خواهم"
    assert visible("pass\u200dword\u3164\ufe00\ufe01") == "pass⟦U+200D⟧word⟦U+3164⟧\ufe00⟦U+FE01⟧"
    assert visible("a" + "\u0301" * 30) == "a" + "\u0301" * 8 + "⟦+22 marks⟧"


@given(
    ANY_TEXT,
    st.sampled_from(["", " ", "\u00a0", "  ", "\n", "\t", "\u2003\ufeff", "\x0b\x00"]),
    st.sampled_from("=+-@＝＋－＠"),
)
def test_t05_csv_formula_is_never_the_beginning_of_a_cell(text: str, space: str, trigger: str) -> None:
    cell = csv_cell(space + trigger + text)
    assert cell == "'" + space + trigger + text


@given(ANY_TEXT)
def test_t05_csv_cell_keeps_the_text_behind_at_most_one_quote(text: str) -> None:
    cell = csv_cell(text)
    assert cell in (text, "'" + text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\x00"))


@pytest.mark.parametrize("name", NAMES_THAT_LEAD_OUT)
def test_t01_names_that_lead_out_of_a_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PathRejected):
        inside(tmp_path, name)


@pytest.mark.parametrize("name", ["a", "adapter-1", "run_2.json", "A.b-c_d", "a" * 120, "console", "0199aa"])
def test_t01_plain_names_stay_inside(tmp_path: Path, name: str) -> None:
    assert inside(tmp_path, name) == tmp_path.resolve() / name


def test_t01_links_are_refused_wherever_they_lead(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "out").symlink_to(tmp_path)
    (tmp_path / "root" / "gone").symlink_to(tmp_path / "nowhere")
    for name in ("out", "gone"):
        with pytest.raises(PathRejected):
            inside(tmp_path / "root", name)
