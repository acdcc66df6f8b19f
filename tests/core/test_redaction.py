"""Personal data never gets past the door, other numbers do, and nothing is looked up for it."""

from __future__ import annotations

import csv
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.feedback import redaction
from core.feedback.redaction import redact

KINDS = ("email", "phone", "card")

PERSONAL = [
    ("mail me at jane.doe@example.org", "mail me at [email]"),
    ("Jane <jane@example.org>;bob@example.co.uk", "Jane <[email]>;[email]"),
    ("mailto:jane+tag@example.com?subject=hi", "mailto:[email]?subject=hi"),
    ("name@xn--80ak6aa92e.com", "[email]"),
    ("call +64 21 123 4567", "call [phone]"),
    ("+1 (555) 555-5555.", "[phone]."),
    ("00 44 20 7946 0958", "[phone]"),
    ("my mobile is 07700 900123, thanks", "my mobile is [phone], thanks"),
    ("(415) 555-2671 or 415.555.2671", "[phone] or [phone]"),
    ("call me at 555-0100 tonight", "call me at [phone] tonight"),
    ("01.23.45.67.89", "[phone]"),
    ("on 31/12/2020 I rang 020 7946 0958", "on 31/12/2020 I rang [phone]"),
    ("98765 43210", "[phone]"),
    ("tel:+442079460958", "tel:[phone]"),
    ("4111 1111 1111 1111", "[card]"),
    ("5500-0055-5555-5559, exp 12/27", "[card], exp 12/27"),
    ("378282246310005", "[card]"),
    ("a@b@example.com", "a@[email]"),
]

NOT_PERSONAL = [
    "order 12345678",
    "order number 4155552671",
    "Order #4000123456",
    "invoice no. 20210512",
    "ticket 9876543210",
    "in 2021 and 2022, 2021-2022, 2021 2022 2023 2024",
    "version 1.2.3.4567",
    "1.2.3.4567-beta",
    "released 2021-05-06 10.0.0.1",
    "10.0.0.1",
    "ip 192.168.100.200:8080",
    "2023-10-05T14:30:00.123456Z",
    "12/05/2021 14:30",
    "1620000000 and 1620000000000",
    "550e8400-e29b-41d4-a716-446655440000",
    "4111-1111-1111-1112 fails the check digit",
    "ISBN 978-3-16-148410-0",
    "0.12345678 3.14159265358979 1,234,567.89",
    "image-2021-08-18-08-59-14-022.png",
    "Lambda$1753/2105635903",
    "maxLength: 2147483647",
    "user@localhost, @handle, a @ b",
    "https://www.google.com/maps/place/Avenue/@37.3362725,-121",
    "a text of 1000000 words",
    "room 101, bed 12, 14 days, 2000 pounds",
]

FRAGMENTS = st.sampled_from(
    [
        *("jane@example.org", "@", "a@b", "@example.com", "[email]", "[phone]", "[card]", "[", "]", "(", ")"),
        *("+64 21 123 4567", "415-555-2671", "4155552671", "020 7946 0958", "555-0100", "+", "00", "0"),
        *("4111 1111 1111 1111", "4111111111111111", "5500005555555559", "1111", "x123", "ext 5"),
        *("call ", "phone: ", "order ", "id ", "2021-05-06", "10.0.0.1", "1.2.3", "-", ".", "/"),
        *(" ", "  ", "\n", ",", "é", "٠٧٧", "\u202e", "\x00", "\ud800"),
    ]
)


@pytest.mark.parametrize(("text", "expected"), PERSONAL)
def test_personal_data_is_replaced_by_its_kind(text: str, expected: str) -> None:
    redacted = redact(text)
    assert redacted.text == expected
    assert redacted.counts == {kind: expected.count(f"[{kind}]") for kind in KINDS if f"[{kind}]" in expected}


@pytest.mark.parametrize("text", NOT_PERSONAL)
def test_other_numbers_and_signs_stay(text: str) -> None:
    assert redact(text) == redaction.Redacted(text)


def test_what_stands_before_the_text_tells_a_telephone_number() -> None:
    assert redact("5551234").text == "5551234"
    assert redact("5551234", label="phone_number").text == "[phone]"
    assert redact("4155552671", label="order_id").text == "4155552671"


def test_of_two_that_overlap_the_longer_is_replaced() -> None:
    assert redact("write to 4155552671@example.org").text == "write to [email]"
    assert redact("4111 1111 1111 1111").counts == {"card": 1}


@given(st.lists(FRAGMENTS | st.text(max_size=5), max_size=14).map("".join))
@settings(max_examples=150, deadline=None)
@example("[phone] 4155552671")
@example("call 415-555-2671 5550100")
def test_redacting_twice_changes_nothing_more_and_never_raises(text: str) -> None:
    once = redact(text)
    twice = redact(once.text)
    assert twice.text == once.text
    assert not twice.counts
    assert all(f"[{kind}]" in once.text for kind in once.counts)


@given(st.text(st.characters(exclude_categories=()), max_size=300))
@settings(max_examples=100, deadline=None)
def test_text_without_digits_or_at_comes_back_as_it_is(text: str) -> None:
    text = "".join(character for character in text if not character.isdigit() and character != "@")
    assert redact(text).text == text


@pytest.mark.parametrize(
    "text", ["1" * 20_000, "@" * 20_000, "a@" * 10_000, "!" * 19_980 + "@example.com", "1." * 10_000, "(" * 20_000]
)
def test_hostile_texts_take_no_time(text: str) -> None:
    started = time.process_time()
    redact(text)
    assert time.process_time() - started < 5


def test_texts_without_signs_of_personal_data_do_not_even_load_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def loaded() -> None:
        raise AssertionError("the library was loaded")

    monkeypatch.setattr(redaction, "_recognisers", loaded)
    assert redact("The export is slow: 12 s for 3000 rows.").text == "The export is slow: 12 s for 3000 rows."


@pytest.mark.parametrize(
    "address", ["t.nguyen@coldflow.example", "ops@plant.local", "a@b.internal", "x@xn--bcher-kva.example"]
)
def test_addresses_of_a_company_s_own_network_are_personal_data_too(address: str) -> None:
    assert redact(f"Write to {address}, please.").text == "Write to [email], please."


def test_t08_no_name_is_resolved_and_no_socket_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("the network was asked")

    for name in ("socket", "create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refused)
    redaction._recognisers.cache_clear()  # as in a new process
    assert redact("jane@example.org, 020 7946 0958, 4111 1111 1111 1111").counts == {"email": 1, "phone": 1, "card": 1}


def test_in_a_new_process_nothing_heavy_is_imported_and_nothing_written(tmp_path: Path) -> None:
    code = (
        "import socket, sys\n"
        "def refused(*a, **k): raise AssertionError('the network was asked')\n"
        "socket.socket.connect = refused; socket.getaddrinfo = refused; socket.gethostbyname = refused\n"
        "from core.feedback.redaction import redact\n"
        "assert 'phonenumbers' not in sys.modules\n"
        "assert redact('jane@example.org or +64 21 123 4567').text == '[email] or [phone]'\n"
        "heavy = {'torch', 'transformers', 'spacy', 'streamlit', 'presidio_analyzer'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    places = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", code], check=True, env=places, cwd=Path(__file__).parents[2], timeout=60)
    assert list(tmp_path.rglob("*")) == []


def test_another_layout_of_the_library_is_imported_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def load(_package: str, *, light: bool) -> tuple[str, str, str]:
        asked.append(light)
        if light:
            raise ImportError("moved")
        return ("email", "phone", "card")

    monkeypatch.setattr(redaction, "_from", load)
    assert redaction._classes() == ("email", "phone", "card")
    assert asked == [True, False]
    assert "presidio_analyzer" not in sys.modules


def test_the_comments_of_a_whole_survey_are_redacted_in_a_second_or_two(shared: Path) -> None:
    file = shared / "data" / "nhs_feedback" / "v6framework_230831.csv"
    comments = [row["FFT answer"] for row in csv.DictReader(file.read_text().splitlines(keepends=True))]
    started = time.process_time()
    found = sum(bool(redact(comment).counts) for comment in comments)
    assert time.process_time() - started < 3
    assert len(comments) == 7908
    assert found == 0  # the publisher has anonymised it, so whatever is found is a false alarm
