"""What the checks find in a set of pairs."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from core.preferences.checks import Check, alike, check_pairs, pairs, passes
from core.store import Store
from core.tables import PairOrigin, PairStatus, PreferencePair
from tests.core.import_rows import run
from tests.core.preference_rows import accepted
from tests.core.preference_rows import pair as any_pair


def pair(session: Session, prompt: str, good: str, bad: str, **more: object) -> PreferencePair:
    return any_pair(session, prompt, good, bad, status=PairStatus.ACCEPTED, **more)  # type: ignore[arg-type]


def checked(store: Store, agent_id: str | None = None) -> dict[str, Check]:
    with store.read() as session:
        return {check.name: check for check in check_pairs(session, agent_id=agent_id)}


def test_an_empty_store_passes_every_check(store: Store) -> None:
    found = checked(store)
    assert {check.count for check in found.values()} == {0}
    assert all(check.sentence.endswith(".") for check in found.values())


@pytest.mark.parametrize(
    ("good", "bad", "name"),
    [
        ("Press the button.", "press  the\nbutton.", "equal_sides"),
        ("Press the button.", " ", "empty_side"),
    ],
)
def test_equal_and_empty_sides_block(store: Store, good: str, bad: str, name: str) -> None:
    with store.write() as session:
        accepted(session, 2)
        wrong = pair(session, "q", good, bad)
    check = checked(store)[name]
    assert (check.count, check.example_ids, check.blocking) == (1, (wrong.id,), True)
    assert "no dataset takes them" in check.sentence
    with store.read() as session:
        assert wrong.id not in session.scalars(sa.select(pairs.c.id).where(passes())).all()
        assert len(session.scalars(sa.select(pairs.c.id).where(passes())).all()) == 2


def test_nearly_equal_sides_are_found(store: Store) -> None:
    words = ["You", "can", "reset", "the", "password", "on", "the", "account", "page", "under", "security"]
    with store.write() as session:
        pair(session, "q", " ".join(words), "Nobody knows how that is done here, so please ask somebody else about it.")
        near = pair(session, "r", " ".join(words), " ".join([*words[:-1], "safety"]))
    check = checked(store)["near_equal_sides"]
    assert (check.count, check.example_ids, check.blocking) == (1, (near.id,), False)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a b c d e f g h i j", "a b c d e f g h i k", True),
        ("a b c d e f g h i j", "j i h g f e d c b a", False),  # the same words in another order
        ("yes", "no", False),
        ("", "", False),
        ("word " * 500, "word " * 500 + "more", True),
    ],
)
def test_alike_looks_at_words_in_their_order(one: str, other: str, same: bool) -> None:
    assert alike(one, other) is same


def test_very_short_answers_are_found(store: Store) -> None:
    with store.write() as session:
        accepted(session, 1)
        short = pair(session, "q", "Press the button, then wait.", "No.")
    assert checked(store)["short_side"].example_ids == (short.id,)


def test_repeated_pairs_are_found(store: Store) -> None:
    with store.write() as session:
        pair(session, "q", "good words here", "bad words here", group="g")
        pair(session, "Q", "good words  here", "Bad words here", group="g")
        pair(session, "q", "good words here", "other words here", group="g")
    assert checked(store)["duplicates"].count == 1


def test_preferences_in_a_circle_contradict_each_other(store: Store) -> None:
    with store.write() as session:
        circle = [("rock", "scissors"), ("scissors", "paper"), ("paper", "rock")]
        ids = {pair(session, "q", f"{good} wins here", f"{bad} wins here").id for good, bad in circle}
        pair(session, "q", "rock wins here", "something else here")
        pair(session, "another", "scissors wins here", "rock wins here")
    check = checked(store)["contradictory"]
    assert (check.count, set(check.example_ids)) == (3, ids)


def test_an_answer_may_win_here_and_lose_there(store: Store) -> None:
    with store.write() as session:
        pair(session, "q", "the best words", "the middle words")
        pair(session, "q", "the middle words", "the worst words")
        pair(session, "q", "the best words", "the worst words")
    assert checked(store)["contradictory"].count == 0


@pytest.mark.parametrize(("longer", "told"), [(30, "Longer"), (2, "Shorter"), (16, "Neither")])
def test_the_length_bias_is_told_with_its_sign(store: Store, longer: int, told: str) -> None:
    with store.write() as session:
        for n in range(32):
            long, short = f"A much longer answer number {n}", f"Briefly {n}"
            pair(session, f"q {n}", *((long, short) if n < longer else (short, long)))
    check = checked(store)["length_bias"]
    assert check.sentence.startswith(told)
    assert f"{100 * longer / 32:.1f} % of pairs (n = 32)" in check.sentence
    assert check.count == longer


def test_real_pairs_show_their_reverse_length_bias(store: Store, shared: Path) -> None:
    content = gzip.decompress((shared / "data/hh_rlhf_harmless/harmless-base-test.jsonl.gz").read_bytes())
    run(store, content, "hh.jsonl", agent_id="imported")
    found = checked(store, "imported")
    # Refusals are short: of all 2,312 rows the chosen answer is the longer one in 44.2 %.
    assert found["length_bias"].sentence.startswith("Shorter answers are preferred")
    assert found["length_bias"].count / found["one_origin"].count == pytest.approx(0.442, abs=0.003)
    assert (found["equal_sides"].count, found["empty_side"].count, found["duplicates"].count) == (0, 0, 0)


def test_few_pairs_are_counted_without_a_percentage(store: Store) -> None:
    with store.write() as session:
        pair(session, "q", "A longer answer", "Short one")
    assert "1 of 1 pairs" in checked(store)["length_bias"].sentence


def test_a_prompt_in_two_groups_is_found(store: Store) -> None:
    with store.write() as session:
        pair(session, "q", "good words", "bad words", group="one")
        pair(session, "q", "good words", "other words", group="two")
        pair(session, "r", "good words", "other words", group="two")
    assert checked(store)["shared_prompts"].count == 2


def test_the_largest_origin_is_named(store: Store) -> None:
    with store.write() as session:
        for n in range(3):
            pair(session, f"q {n}", "good words", "bad words", origin=PairOrigin.IMPORT)
        pair(session, "other", "good words", "bad words", origin=PairOrigin.RATING)
    check = checked(store)["one_origin"]
    assert (check.count, check.sentence) == (3, "The largest origin is import, with 3 of 4 pairs.")


def test_only_accepted_pairs_of_the_agent_are_checked(store: Store) -> None:
    with store.write() as session:
        pair(session, "q", "No.", "good words", agent_id="sales")
        any_pair(session, "q", "No.", "good words")
    assert checked(store, "support")["short_side"].count == 0
    assert checked(store, "sales")["short_side"].count == 1
