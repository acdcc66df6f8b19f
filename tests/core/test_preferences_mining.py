"""From feedback and files to pairs, in the store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from threading import Barrier, Thread
from time import process_time
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, SQLModel, select

from core.preferences.ledger import Skip
from core.preferences.mining import Mined, mine
from core.preferences.sources import drafts, find
from core.settings import Settings
from core.store import Store
from core.tables import (
    Feedback,
    InteractionKind,
    MessageFeedbackType,
    PairOrigin,
    PairStatus,
    PreferencePair,
    ReviewStatus,
    RewardScale,
    SourceType,
    new_id,
    now,
)
from core.work import Alone, Stopped
from tests.core.preference_rows import AGENT, answer, correction, imported, pair


def mined(store: Store) -> Mined:
    return mine(store, Alone())


def only_pair(store: Store) -> PreferencePair:
    with store.read() as session:
        return session.exec(select(PreferencePair)).one()


def count(store: Store) -> int:
    with store.read() as session:
        return len(session.exec(select(PreferencePair)).all())


def test_two_rated_answers_make_an_accepted_pair_with_its_lineage(store: Store) -> None:
    with store.write() as session:
        bad = answer(session, "How do I log in?", "No idea.", reward=0.2)
        good = answer(session, "how do I  log in?", "Press the button.", reward=0.9, group="login")
    result = mined(store)
    assert (result.by_origin["rating"], result.candidates, result.skipped) == (1, 1, {})
    found = only_pair(store)
    assert (found.status, found.origin, found.margin) == (PairStatus.ACCEPTED, PairOrigin.RATING, 0.7)
    assert (found.chosen, found.rejected) == ("Press the button.", "No idea.")
    assert (found.prompt, found.prompt_group) == ("how do I  log in?", "login")
    stands_on = {found.answer_a: found.interaction_a_id, found.answer_b: found.interaction_b_id}
    assert stands_on == {"Press the button.": good.id, "No idea.": bad.id}
    with store.read() as session:
        assert session.get_one(Feedback, found.feedback_id).interaction_id == good.id


def test_mining_again_adds_nothing(store: Store) -> None:
    with store.write() as session:
        for n, reward in enumerate((0.1, 0.5, 0.9, None, None)):
            answer(session, "q", f"answer {n}", reward=reward, at=n)
        correction(session, answer(session, "other", "wrong"), "right")
    first, before = mined(store), count(store)
    assert first.by_origin == {"rating": 3, "correction": 1, "regeneration": 0, "unrated": 3}
    again = mined(store)
    assert (again.added, again.promoted, count(store)) == (0, 0, before)
    assert again.skipped[Skip.KNOWN] == 7


def test_only_explicit_rewards_decide(store: Store) -> None:
    with store.write() as session:
        answer(session, "q", "one", reward=1.0)
        other = answer(session, "q", "two")
        session.execute(
            sa.insert(SQLModel.metadata.tables["rewards"]).values(
                id=new_id(), interaction_id=other.id, agent_id=AGENT, scale=RewardScale.CHAT, implicit=0.1, value=0.1,
                parts={}, created_at=now(), updated_at=now(),
            )
        )  # fmt: skip
    assert mined(store).by_origin == {"rating": 0, "correction": 0, "regeneration": 0, "unrated": 1}
    assert only_pair(store).status is PairStatus.NEEDS_LABEL
    assert only_pair(store).preferred is None


def test_answers_to_another_prompt_or_of_another_agent_do_not_meet(store: Store) -> None:
    with store.write() as session:
        answer(session, "q", "one", reward=1.0)
        answer(session, "r", "two", reward=0.0)
        answer(session, "q", "three", reward=0.0, agent_id="sales")
    assert mined(store).candidates == 0


def test_plans_are_not_compared_as_chat_answers(store: Store) -> None:
    with store.write() as session:
        for n in range(2):
            answer(session, "q", f"plan {n}", reward=float(n)).kind = InteractionKind.PLAN
    assert mined(store).candidates == 0


def test_equal_answers_make_no_pair(store: Store) -> None:
    with store.write() as session:
        answer(session, "q", "Same words.", reward=1.0)
        answer(session, "q", "same  words.", reward=0.0)
    assert mined(store).skipped == {Skip.SAME: 1}
    assert count(store) == 0


def test_a_prompt_gets_at_most_ten_rating_pairs_and_three_unrated_over_all_rounds(store: Store) -> None:
    for start in (0, 10):
        with store.write() as session:
            for n in range(start, start + 10):
                answer(session, "q", f"rated {n}", reward=float(n % 2), at=n)
                answer(session, "q", f"open {n}", at=n)
        mined(store)
    with store.read() as session:
        origins = [row.origin for row in session.exec(select(PreferencePair))]
    assert (origins.count(PairOrigin.RATING), origins.count(PairOrigin.UNRATED)) == (10, 3)


def test_a_regeneration_prefers_the_answer_that_stayed(store: Store) -> None:
    with store.write() as session:
        early = answer(session, "q", "first try", regenerated=True, at=1, conversation="c")
        late = answer(session, "q", "second try", at=2, conversation="c")
    assert mined(store).by_origin == {"rating": 0, "correction": 0, "regeneration": 1, "unrated": 0}
    found = only_pair(store)
    assert (found.status, found.chosen) == (PairStatus.ACCEPTED, "second try")
    assert {found.interaction_a_id, found.interaction_b_id} == {early.id, late.id}
    assert found.feedback_id is not None


def test_feedback_that_was_taken_back_regenerates_nothing(store: Store) -> None:
    with store.write() as session:
        answer(session, "q", "first try", regenerated=True, at=1)
        answer(session, "q", "second try", at=2)
        session.execute(sa.text("UPDATE feedback SET is_current = false"))
    assert mined(store).by_origin["regeneration"] == 0


def test_a_correction_is_preferred_to_what_it_corrects(store: Store) -> None:
    with store.write() as session:
        wrong = answer(session, "q", "wrong", group="family")
        example = correction(session, wrong, "right")
    mined(store)
    found = only_pair(store)
    assert (found.status, found.origin, found.chosen) == (PairStatus.ACCEPTED, PairOrigin.CORRECTION, "right")
    assert (found.learning_example_id, found.feedback_id) == (example.id, example.source_feedback_id)
    assert {found.interaction_a_id, found.interaction_b_id} == {wrong.id, None}
    assert found.prompt_group == "family"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"review_status": ReviewStatus.REJECTED}, Skip.REVIEWED_AWAY),
        ({"expected_output": "wrong"}, Skip.SAME),
        ({"expected_output": " "}, Skip.EMPTY),
        ({"input_text": None, "source_interaction_id": None}, Skip.NO_PROMPT),
    ],
)
def test_an_unusable_correction_is_left_out_with_its_reason(store: Store, change: dict, reason: Skip) -> None:  # type: ignore[type-arg]
    with store.write() as session:
        correction(session, answer(session, "q", "wrong"), "right", **change)
    result = mined(store)
    assert (result.skipped, result.added) == ({reason: 1}, 0)


def test_a_correction_takes_prompt_and_answer_of_its_interaction_where_it_has_none(store: Store) -> None:
    with store.write() as session:
        correction(session, answer(session, "q", "wrong"), "right", input_text=None, original_output=None)
    mined(store)
    assert (only_pair(store).prompt, only_pair(store).rejected) == ("q", "wrong")


def test_a_correction_no_person_wrote_waits_for_a_label(store: Store) -> None:
    with store.write() as session:
        correction(session, answer(session, "q", "wrong"), "right", source_type=SourceType.AUTOMATED)
    mined(store)
    assert (only_pair(store).status, only_pair(store).preferred) == (PairStatus.NEEDS_LABEL, None)


def test_a_rating_that_comes_later_decides_a_waiting_pair(store: Store) -> None:
    with store.write() as session:
        answer(session, "q", "one")
        answer(session, "q", "two")
    mined(store)
    waiting = only_pair(store)
    with store.write() as session:
        # The same answers once more, rated this time.
        answer(session, "Q", "one", reward=0.1)
        answer(session, "Q", "two", reward=0.9)
    result = mined(store)
    decided = only_pair(store)
    assert (result.promoted, result.added) == (1, 0)
    assert (decided.id, decided.status, decided.chosen) == (waiting.id, PairStatus.ACCEPTED, "two")
    assert (decided.version, decided.origin, decided.margin) == (1, PairOrigin.RATING, 0.8)


def test_a_later_contradiction_is_left_out(store: Store) -> None:
    with store.write() as session:
        answer(session, "q", "one", reward=0.9)
        answer(session, "q", "two", reward=0.1)
    mined(store)
    with store.write() as session:
        session.execute(sa.text("UPDATE rewards SET explicit = 1 - explicit, value = 1 - value"))
    assert mined(store).skipped == {Skip.CONTRADICTS: 1}
    assert only_pair(store).chosen == "one"


@pytest.mark.parametrize(
    ("status", "reason"), [(PairStatus.NO_PREFERENCE, Skip.NO_PREFERENCE), (PairStatus.EXCLUDED, Skip.EXCLUDED)]
)
def test_what_a_person_decided_is_not_mined_over(store: Store, status: PairStatus, reason: Skip) -> None:
    with store.write() as session:
        answer(session, "q", "one", reward=0.9)
        answer(session, "q", "two", reward=0.1)
        pair(session, "q", "one", "two", status=status)
    assert mined(store).skipped == {reason: 1}
    assert only_pair(store).status is status


def test_mining_one_agent_leaves_the_others_alone(store: Store) -> None:
    with store.write() as session:
        for agent_id in ("support", "sales"):
            answer(session, "q", "one", reward=0.9, agent_id=agent_id)
            answer(session, "q", "two", reward=0.1, agent_id=agent_id)
    assert mine(store, Alone(), agent_id="sales").added == 1
    assert only_pair(store).agent_id == "sales"


def test_a_regeneration_that_ratings_confirm_is_one_pair(store: Store) -> None:
    with store.write() as session:
        early = answer(session, "q", "first", regenerated=True, reward=0.2, at=1)
        answer(session, "q", "second", reward=0.9, at=2)
    result = mined(store)
    assert (result.by_origin["regeneration"], result.by_origin["rating"], result.skipped) == (1, 0, {Skip.KNOWN: 1})
    found = only_pair(store)
    assert found.margin == 0.7
    with store.read() as session:  # the click that asked for another answer decided
        assert session.get_one(Feedback, found.feedback_id).interaction_id == early.id


def test_ratings_decide_where_the_later_answer_was_rated_lower(store: Store) -> None:
    with store.write() as session:
        answer(session, "q", "first", regenerated=True, reward=0.7, at=1)
        answer(session, "q", "second", reward=0.1, at=2)
    result = mined(store)
    assert (result.by_origin["rating"], result.skipped) == (1, {Skip.LATER_RATED_LOWER: 1})
    assert only_pair(store).chosen == "first"


def test_imported_pairs_are_accepted_and_the_same_file_adds_nothing(store: Store) -> None:
    rows = [(f"question {n}", "good", "bad") for n in range(3)]
    assert imported(store, *rows) == (3, 0, [])
    assert imported(store, *rows) == (0, 3, [])
    with store.read() as session:
        stored = session.exec(select(PreferencePair)).all()
    assert {(row.chosen, row.status, row.origin, row.import_id is None) for row in stored} == {
        ("good", PairStatus.ACCEPTED, PairOrigin.IMPORT, False)
    }


def test_an_imported_preference_decides_a_mined_pair_that_waits(store: Store) -> None:
    with store.write() as session:
        answer(session, "q", "good", at=1)
        answer(session, "q", "bad", at=2)
    assert mined(store).by_origin["unrated"] == 1
    assert imported(store, ("q", "good", "bad")) == (1, 0, [])
    assert (only_pair(store).chosen, only_pair(store).version) == ("good", 1)
    assert mined(store).skipped == {Skip.KNOWN: 1}


# -- in short transactions ----------------------------------------------------------------------------------------


class StopAfter(Alone):
    """Somebody asks for a stop after ``batches`` of them; what was stored until then stays stored."""

    def __init__(self, batches: int) -> None:
        super().__init__()
        self.left = batches

    def check(self) -> None:
        if self.left == 0:
            raise Stopped("pause")
        self.left -= 1

    def saved(self, session: Session, done: int, total: int | None, **more: Any) -> None:
        self.cursor = more["cursor"]


class LostIn(Alone):
    """The work is taken away while its batch number ``batch`` is being stored."""

    def __init__(self, batch: int) -> None:
        super().__init__()
        self.left = batch

    def saved(self, session: Session, done: int, total: int | None, **more: Any) -> None:
        self.left -= 1
        if self.left == 0:
            raise Stopped("lost")


def asked_often(session: Session, *, agent_id: str = AGENT) -> None:
    """Three prompts whose answers allow more pairs than the limits, and one correction."""
    for prompt in range(3):
        for n in range(9):
            reward = (None, 0.0, 0.5, 1.0)[n % 4]
            answer(session, f"q {prompt}", f"answer {n}", reward=reward, at=n, agent_id=agent_id)
    correction(session, answer(session, "other", "wrong", agent_id=agent_id), "right")


def pairs_of(store: Store, agent_id: str = AGENT) -> set[tuple[Any, ...]]:
    with store.read() as session:
        rows = session.exec(select(PreferencePair).where(PreferencePair.agent_id == agent_id)).all()
    assert len({row.content_key for row in rows}) == len(rows)
    return {(row.content_key, row.chosen, row.origin, row.status, row.margin) for row in rows}


def test_small_batches_make_the_pairs_and_the_account_of_one_large_batch(store: Store) -> None:
    with store.write() as session:
        asked_often(session, agent_id="large")
        asked_often(session, agent_id="small")
    large, small = mine(store, Alone(), agent_id="large"), mine(store, Alone(), agent_id="small", batch=4)
    assert small == large
    assert pairs_of(store, "small") == pairs_of(store, "large")
    assert large.skipped[Skip.FULL] > 0


def test_every_batch_is_told_with_how_far_it_is(store: Store) -> None:
    with store.write() as session:
        asked_often(session)
    told: list[tuple[int, int]] = []
    result = mine(store, Alone(lambda done, total: told.append((done, total))), batch=10)
    every = result.candidates
    assert told == [(0, 0), *((min(done, every), every) for done in range(10, every + 10, 10))]


def test_a_stop_between_batches_loses_nothing_and_the_next_attempt_completes_the_account(store: Store) -> None:
    with store.write() as session:
        for agent_id in (AGENT, "whole"):
            asked_often(session, agent_id=agent_id)
    stopped = StopAfter(batches=3)
    with pytest.raises(Stopped):
        mine(store, stopped, agent_id=AGENT, batch=5)
    assert 0 < count(store) <= 15
    again = Alone()
    again.cursor = stopped.cursor
    assert mine(store, again, agent_id=AGENT, batch=5) == mine(store, Alone(), agent_id="whole")
    assert pairs_of(store) == pairs_of(store, "whole")


def test_work_that_was_taken_away_stores_nothing_of_its_batch(store: Store) -> None:
    with store.write() as session:
        asked_often(session)
    with pytest.raises(Stopped):
        mine(store, LostIn(batch=2), batch=5)
    assert count(store) == 5


def test_mining_that_was_killed_between_two_batches_goes_on(store: Store, settings: Settings) -> None:
    with store.write() as session:
        for agent_id in (AGENT, "whole"):
            asked_often(session, agent_id=agent_id)
    # It says when its second batch is stored, and waits there for its end.
    code = (
        "import sys\n"
        "from core.preferences.mining import mine\n"
        "from core.store import Store\n"
        "from core.work import Alone\n"
        "class Halting(Alone):\n"
        "    batches = 0\n"
        "    def check(self):\n"
        "        self.batches += 1\n"
        "        if self.batches == 3:\n"
        "            print('stored', flush=True)\n"
        "            sys.stdin.read()\n"
        "mine(Store(sys.argv[1]), Halting(), agent_id=sys.argv[2], batch=5)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, settings.database_url, AGENT],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "stored\n"
    child.kill()
    child.wait()
    assert count(store) == 10
    assert mine(store, Alone(), agent_id=AGENT).skipped[Skip.KNOWN] == 10
    mine(store, Alone(), agent_id="whole")
    assert pairs_of(store) == pairs_of(store, "whole")


def test_two_miners_at_once_make_the_pairs_of_one(store: Store) -> None:
    with store.write() as session:
        for agent_id in (AGENT, "alone"):
            asked_often(session, agent_id=agent_id)
    together = Barrier(2)
    results: list[Mined] = []

    def one_of_two() -> None:
        together.wait(timeout=30)
        results.append(mine(store, Alone(), agent_id=AGENT, batch=2))

    miners = [Thread(target=one_of_two) for _ in range(2)]
    for miner in miners:
        miner.start()
    for miner in miners:
        miner.join(timeout=120)
    alone = mine(store, Alone(), agent_id="alone")
    assert pairs_of(store) == pairs_of(store, "alone")
    assert sum(result.added for result in results) == alone.added


def test_what_was_found_and_is_gone_when_its_turn_comes_is_passed_over(store: Store) -> None:
    with store.write() as session:
        answer(session, "q", "one")
        answer(session, "q", "two")
        correction(session, answer(session, "other", "wrong"), "right")
    with store.read() as session:
        found = find(session, None)
        assert len(drafts(session, found)) == 2
        for table in ("learning_examples", "feedback", "interactions"):
            session.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608
        assert drafts(session, found) == []


def test_five_hundred_prompts_are_mined_in_under_two_seconds(store: Store) -> None:
    tables = SQLModel.metadata.tables
    asked = [(new_id(), prompt, n) for prompt in range(500) for n in range(4)]
    shared = {"agent_id": AGENT, "created_at": now()}
    interactions = [
        {**shared, "id": row, "prompt": f"prompt {prompt}", "response": f"answer {n} " + "word " * 40,
         "prompt_key": f"key {prompt}", "context_sources": [], "suggested_actions": [], "pii": {}, "raw": {},
         "source": "test", "kind": InteractionKind.CHAT}
        for row, prompt, n in asked
    ]  # fmt: skip
    rewards = [
        {**shared, "id": new_id(), "interaction_id": row, "scale": RewardScale.CHAT, "explicit": n / 2, "value": n / 2,
         "parts": {}, "updated_at": now()}
        for row, _, n in asked if n < 3
    ]  # fmt: skip
    feedback = [
        {**shared, "id": new_id(), "kind": "chat_message", "interaction_id": row, "user_id": "u", "page": {}, "pii": {},
         "feedback_type": MessageFeedbackType.THUMBS_UP, "is_current": True, "source": "test", "raw": {}}
        for row, _, n in asked if n < 3
    ]  # fmt: skip
    with store.write() as session:
        for name, rows in (("interactions", interactions), ("rewards", rewards), ("feedback", feedback)):
            session.execute(sa.insert(tables[name]), rows)
    start = process_time()
    result = mined(store)
    assert process_time() - start < 2
    assert (result.by_origin["rating"], result.by_origin["unrated"]) == (1_500, 1_500)
