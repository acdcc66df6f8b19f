"""What a query says of the answer before it: the five types in their order, on whole words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.feedback.follow_up import FollowUpType, Said, classify, corrected_value

PUMP = {"entities": {"d": "pump-2"}, "domains": ["industrial"]}


def kind(current: str, *, before: str = "show pump 2 temperature", was: Any = None, now: Any = None) -> str:
    return classify(Said(before, was or {}), Said(current, now or {})).value


@pytest.mark.parametrize(
    "text",
    [
        "No, I meant pump 3",
        "nope",
        "Wrong pump",
        "actually the chiller",
        "Sorry, pump 3",
        "show what i meant",
        "Show pump 3 instead of pump 2",
        "hm, that's wrong",
        "I think that is wrong",
        "not that one",
    ],
)
def test_a_correction_is_told_by_how_it_begins_or_what_it_says(text: str) -> None:
    assert kind(text) == "correction"


@pytest.mark.parametrize(
    "text", ["what is wrong with pump 3", "is it not running", "notify the staff", "nominal load", "knowing that"]
)
def test_a_bare_not_and_wrong_in_a_question_correct_nothing(text: str) -> None:
    assert kind(text) == "new_topic"


@pytest.mark.parametrize(
    "text", ["again", "Repeat that please", "pardon?", "huh", "what?", "What ?", "show pump 2 temperature!"]
)
def test_a_repeat_is_a_word_for_it_or_nearly_the_same_words(text: str) -> None:
    assert kind(text) == "repeat"


@pytest.mark.parametrize("text", ["against the wind", "what is the load", "show pump 3 pressure"])
def test_what_only_looks_like_a_repeat_is_none(text: str) -> None:
    assert kind(text) == "new_topic"


def test_four_words_of_five_in_common_are_a_repeat() -> None:
    assert kind("a b c d", before="a b c d e") == "repeat"
    assert kind("a b c", before="a b c d") == "new_topic"


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        (PUMP, PUMP, "refinement"),
        (PUMP, PUMP | {"domains": ["people"]}, "new_topic"),
        (PUMP, {"entities": {"d": "shift"}, "domains": ["people"]}, "satisfied"),
        (PUMP, {"entities": {"d": "chiller"}, "domains": ["industrial"]}, "new_topic"),
        (PUMP, {"entities": {}, "domains": ["people"]}, "new_topic"),
        ({"entities": ["a", "b"], "domains": ["x"]}, {"entities": ["a"], "domains": ["x"]}, "new_topic"),
        (
            {"entities": {"d": ["Pump-2", "kW"]}, "domains": "x"},
            {"entities": ["pump-2", "KW"], "domains": "x"},
            "refinement",
        ),
        ({}, {}, "new_topic"),
    ],
)
def test_entities_and_domains_tell_the_rest(was: Any, now: Any, expected: str) -> None:
    assert kind("list staff on shift", was=was, now=now) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("No, I meant pump-002", "pump-002"),
        ("sorry, I mean the chiller.", "the chiller"),
        ("Wrong: pump 3", "pump 3"),
        ("that's wrong, show pump 3", "show pump 3"),
        ("nope", None),
        ("show pump 2", None),
    ],
)
def test_the_corrected_value_is_what_follows_the_phrase(text: str, value: str | None) -> None:
    assert corrected_value(text) == value


@given(st.text(max_size=60), st.text(max_size=60), st.dictionaries(st.text(), st.integers() | st.text()))
def test_every_query_gets_a_type(before: str, current: str, entities: dict[str, Any]) -> None:
    assert classify(Said(before), Said(current, {"entities": entities, "domains": 3})) in FollowUpType
    corrected_value(current)
