"""Which answers are compared, without a store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from core.preferences.candidates import Answer, by_rating, by_regeneration, distinct, propose, unrated
from core.preferences.ledger import Skip
from core.tables import PairOrigin

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
CLICK = UUID(int=999)


def given_at(n: int, reward: float | None = None, **more: object) -> Answer:
    """The answer number ``n``, given ``n`` minutes after noon, a text of its own."""
    return Answer(**{"id": UUID(int=n), "text": n, "at": NOON + timedelta(minutes=n), "reward": reward, **more})  # type: ignore[arg-type]


def numbers(proposals: list) -> list[tuple[int, int]]:  # type: ignore[type-arg]
    return [(proposal.first.int, proposal.second.int) for proposal in proposals]


def test_the_higher_rated_answer_is_chosen() -> None:
    (proposal,) = by_rating([given_at(1, 0.2), given_at(2, 0.9)])
    assert (proposal.first.int, proposal.second.int, proposal.margin) == (2, 1, 0.7)
    assert proposal.origin is PairOrigin.RATING


def test_a_margin_is_compared_after_rounding() -> None:
    assert 0.7 - 0.4 < 0.3  # in binary
    assert numbers(by_rating([given_at(1, 0.4), given_at(2, 0.7)])) == [(2, 1)]
    assert by_rating([given_at(1, 0.7), given_at(2, 0.99)]) == []


def test_answers_without_explicit_reward_make_no_rating_pair() -> None:
    assert by_rating([given_at(1, None), given_at(2, 1.0)]) == []


def test_a_prompt_gives_its_ten_largest_margins() -> None:
    rewards = [n / 29 for n in range(30)]
    answers = [given_at(n, reward) for n, reward in enumerate(rewards)]
    margins = [proposal.margin for proposal in by_rating(answers)]
    every = sorted((round(high - low, 9) for high in rewards for low in rewards if high > low), reverse=True)
    assert margins == every[:10]


def test_an_answer_given_twice_counts_once_with_its_mean_reward() -> None:
    twice = [given_at(1, None, text=7), given_at(2, 1.0, text=7), given_at(3, 0.5, text=7), given_at(4, 0.5)]
    once = distinct(twice)
    assert [(answer.id.int, answer.reward) for answer in once] == [(2, 0.75), (4, 0.5)]
    assert by_rating(once) == []  # 0.25 apart; the first giving alone would have been 0.5 apart


def test_the_answer_that_stayed_is_preferred_to_the_regenerated_one() -> None:
    first, again, stayed = given_at(1, regenerated=CLICK), given_at(2, regenerated=CLICK), given_at(3)
    proposals = by_regeneration([first, again, stayed])
    assert numbers(proposals) == [(3, 1), (3, 2)]
    assert {proposal.feedback_id for proposal in proposals} == {CLICK}


def test_a_regenerated_answer_with_no_answer_after_it_gives_no_pair() -> None:
    assert by_regeneration([given_at(1), given_at(2, regenerated=CLICK)]) == []


def test_an_answer_in_another_conversation_is_no_regeneration() -> None:
    assert by_regeneration([given_at(1, regenerated=CLICK, conversation="a"), given_at(2, conversation="b")]) == []


def test_ratings_that_say_the_opposite_are_believed() -> None:
    (proposal,) = by_regeneration([given_at(1, 0.2, regenerated=CLICK), given_at(2, 0.0)])
    assert proposal.refused is Skip.LATER_RATED_LOWER


def test_pairs_that_ratings_decide_are_not_unrated() -> None:
    answers = [given_at(1, 1.0), given_at(2, 0.0), given_at(3), given_at(4)]
    found = numbers(unrated(answers))
    assert (1, 2) not in found and (2, 1) not in found
    assert found[0] == (3, 4)  # nobody has rated either


def test_ratings_that_hardly_differ_decide_nothing() -> None:
    assert numbers(unrated([given_at(1, 0.8), given_at(2, 0.9)])) == [(1, 2)]


@given(st.lists(st.tuples(st.none() | st.floats(0, 1), st.integers(0, 4), st.booleans()), max_size=40))
def test_no_proposal_pairs_an_answer_with_its_own_text_by_rating(rows: list[tuple[float | None, int, bool]]) -> None:
    answers = [
        given_at(n, reward, text=text, regenerated=CLICK if again else None)
        for n, (reward, text, again) in enumerate(rows)
    ]
    text_of = {answer.id: answer.text for answer in answers}
    proposals = propose(answers)
    compared = [proposal for proposal in proposals if proposal.origin is not PairOrigin.REGENERATION]
    assert all(text_of[proposal.first] != text_of[proposal.second] for proposal in compared)
    assert sum(proposal.origin is PairOrigin.RATING for proposal in proposals) <= 10
    assert all(proposal.margin is None or proposal.margin >= 0.3 for proposal in compared)
