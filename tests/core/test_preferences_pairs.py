"""The identity of a pair, its sides, and its states."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import AlreadyDecided, InvalidTransition, NotFound
from core.feedback.fields import prompt_key
from core.preferences.pairs import advance, claim, content_key, context, sides
from core.store import Store
from core.tables import PairStatus, Side
from tests.core.preference_rows import pair

texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(texts, texts, texts)
def test_content_key_is_the_same_whichever_answer_comes_first(prompt: str, one: str, other: str) -> None:
    assert content_key(prompt, one, other) == content_key(prompt, other, one)


@given(texts, texts, texts, texts)
def test_content_key_differs_when_an_answer_differs(prompt: str, one: str, other: str, third: str) -> None:
    same = sorted((one, other)) == sorted((one, third))
    assert (content_key(prompt, one, other) == content_key(prompt, one, third)) is same


def test_content_key_reads_whole_texts_not_prefixes() -> None:
    long = "word " * 3_000
    assert content_key("p", long + "a", "x") != content_key("p", long + "b", "x")
    assert content_key(long + "a", "x", "y") != content_key(long + "b", "x", "y")


def test_content_key_keeps_the_parts_apart() -> None:
    assert content_key("p", "ab", "c") != content_key("p", "a", "bc")
    assert content_key("p a", "b", "c") != content_key("p", "a b", "c")


def test_content_key_takes_a_prompt_typed_differently_for_the_same_prompt() -> None:
    assert content_key("How do  I log in?", "a", "b") == content_key("how do i log in?", "a", "b")
    assert prompt_key("How do  I log in?") == prompt_key("how do i log in?")  # as the interactions see it


def test_the_turns_before_the_prompt_belong_to_the_content() -> None:
    turns = [
        {"role": "user", "content": "My printer is broken."},
        {"role": "assistant", "content": "Shall I order a new one?"},
        {"role": "user", "content": "Yes"},
    ]
    assert content_key("Yes", "a", "b", messages=turns) != content_key("Yes", "a", "b")
    assert content_key("Yes", "a", "b", messages=turns[-1:]) == content_key("Yes", "a", "b")
    assert context("Yes", turns) != context("Yes", turns[2:])


@given(texts, texts, texts)
def test_sides_hold_both_answers_whichever_comes_first(prompt: str, one: str, other: str) -> None:
    key = content_key(prompt, one, other)
    assert sides(key, one, other) == sides(key, other, one)
    assert sorted(sides(key, one, other)) == sorted((one, other))


def test_the_chosen_answer_stands_on_a_about_half_the_time() -> None:
    # The chosen one always sorts first here, so only the parity of the key can balance the sides.
    keys = [(content_key(f"prompt {n}", "a good one", "bad"), "a good one", "bad") for n in range(400)]
    on_a = sum(sides(*key).side_of("a good one") is Side.A for key in keys)
    assert 150 < on_a < 250


def test_advance_follows_the_table_and_counts_versions(store: Store) -> None:
    with store.write() as session:
        row = pair(session, "p", "good", "bad")
        row.leased_by = "ada"
        advance(row, PairStatus.EXCLUDED)
        assert (row.status, row.version, row.leased_by) == (PairStatus.EXCLUDED, 1, None)
        with pytest.raises(InvalidTransition, match="is excluded, so it cannot become no_preference"):
            advance(row, PairStatus.NO_PREFERENCE)
        assert (row.status, row.version) == (PairStatus.EXCLUDED, 1)


def test_claim_gives_the_row_only_to_who_saw_its_present_version(store: Store) -> None:
    with store.write() as session:
        row = pair(session, "p", "good", "bad")
        assert claim(session, row.id, seen_version=0).id == row.id
        advance(row, PairStatus.EXCLUDED)
        session.flush()
        with pytest.raises(AlreadyDecided) as refused:
            claim(session, row.id, seen_version=0)
        assert refused.value.by is None
        with pytest.raises(NotFound):
            claim(session, uuid4(), seen_version=0)
