"""Labelling: who is shown what, and that one answer decides a pair exactly once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlmodel import select

from core.errors import AlreadyDecided, InputRejected, NotFound
from core.preferences import labelling
from core.preferences.labelling import Labelled, Shown, left_side
from core.preferences.table import exclude, restore
from core.store import Store
from core.tables import DatasetPair, LabelChoice, PairLabel, PairStatus, PreferencePair, Side, TrainingDataset
from tests.core.preference_rows import accepted, pair


def waiting(store: Store, count: int) -> list[UUID]:
    """Pairs that wait for a label, oldest first."""
    with store.write() as session:
        rows = [pair(session, f"question {n}", f"good {n}", f"bad {n}") for n in range(count)]
        return sorted(row.id for row in rows)


def shown(store: Store, annotator: str = "ada", *, lease_s: float = 300, **more: object) -> Shown | None:
    with store.write() as session:
        return labelling.next_pair(session, annotator=annotator, lease_s=lease_s, **more)  # type: ignore[arg-type]


def label(store: Store, seen: Shown, choice: LabelChoice, annotator: str = "ada", *, shown_ms: int = 900) -> Labelled:
    with store.write() as session:
        return labelling.apply_label(
            session,
            seen.pair_id,
            seen_version=seen.version,
            choice=choice,
            left_side=seen.left_side,
            annotator=annotator,
            shown_ms=shown_ms,
            min_dwell_ms=300,
        )


def undo(store: Store, annotator: str = "ada") -> UUID | None:
    with store.write() as session:
        undone = labelling.undo_last(session, annotator=annotator)
    return undone.pair_id if undone else None


def stored(store: Store, pair_id: UUID) -> PreferencePair:
    with store.read() as session:
        return session.get_one(PreferencePair, pair_id)


def labels(store: Store) -> list[PairLabel]:
    with store.read() as session:
        return list(session.exec(select(PairLabel)))


def test_an_empty_store_shows_nothing(store: Store) -> None:
    assert shown(store) is None


def test_the_oldest_pair_is_shown_with_its_conversation(store: Store) -> None:
    oldest, _ = waiting(store, 2)
    seen = shown(store)
    assert seen is not None and seen.pair_id == oldest
    row = stored(store, oldest)
    assert {seen.left, seen.right} == {row.answer_a, row.answer_b}
    assert seen.left == (row.answer_a if seen.left_side is Side.A else row.answer_b)
    assert seen.messages == [{"role": "user", "content": row.prompt}]
    assert (row.leased_by, row.leased_until) == ("ada", seen.due)


def test_two_people_are_shown_different_pairs(store: Store) -> None:
    waiting(store, 2)
    seen = [shown(store, who) for who in ("ada", "bo", "cy")]
    assert [found is not None for found in seen] == [True, True, False]
    assert len({found.pair_id for found in seen if found}) == 2


def test_a_reload_shows_the_pair_one_holds_already(store: Store) -> None:
    waiting(store, 2)
    assert shown(store) is not None
    first, again = shown(store), shown(store)
    assert first is not None and again is not None
    assert (again.pair_id, again.version, again.left_side) == (first.pair_id, first.version, first.left_side)


def test_a_pair_whose_holder_vanished_comes_back_when_the_lease_ends(store: Store) -> None:
    waiting(store, 1)
    gone = shown(store, "ada", lease_s=-1)
    found = shown(store, "bo")
    assert gone is not None and found is not None and found.pair_id == gone.pair_id
    assert shown(store, "cy") is None


def test_nobody_is_shown_a_pair_twice_until_they_ask(store: Store) -> None:
    waiting(store, 3)
    choices = [LabelChoice.SKIP, LabelChoice.TIE, LabelChoice.SKIP]
    for choice in choices:
        label(store, seen, choice) if (seen := shown(store)) else pytest.fail("nothing was shown")
    assert shown(store) is None
    assert shown(store, "bo") is not None  # a skip decides for nobody else
    with store.write() as session:
        assert labelling.bring_back_skipped(session, annotator="ada") == 2
    assert shown(store) is not None
    assert len(labels(store)) == 3  # the skips stay as history


def test_pairs_the_page_names_are_passed_over(store: Store) -> None:
    first, second = waiting(store, 2)
    seen = shown(store, skip_ids=[first])
    assert seen is not None and seen.pair_id == second
    assert shown(store, "bo", skip_ids=[first, second]) is None


def test_one_agents_pairs_can_be_labelled_alone(store: Store) -> None:
    with store.write() as session:
        pair(session, "q", "good", "bad", agent_id="support")
        wanted = pair(session, "q", "good", "bad", agent_id="sales").id
    seen = shown(store, agent_id="sales")
    assert seen is not None and seen.pair_id == wanted


def test_the_left_answer_is_random_over_pairs_and_fixed_for_each(store: Store) -> None:
    ids = [uuid4() for _ in range(400)]
    on_left = [left_side(pair_id, "ada") for pair_id in ids]
    assert 150 < on_left.count(Side.A) < 250
    assert on_left == [left_side(pair_id, "ada") for pair_id in ids]
    assert on_left != [left_side(pair_id, "bo") for pair_id in ids]


@pytest.mark.parametrize("left", [Side.A, Side.B])
def test_a_key_means_the_answer_that_stood_on_its_side(left: Side) -> None:
    texts = {Side.A: "answer a", Side.B: "answer b"}
    right = Side.B if left is Side.A else Side.A
    seen = Shown(uuid4(), 0, "q", [], texts[left], texts[right], left, due=None)  # type: ignore[arg-type]
    assert texts[Side(seen.choice(left=True).value)] == seen.left
    assert texts[Side(seen.choice(left=False).value)] == seen.right


@pytest.mark.parametrize(
    ("choice", "status", "preferred"),
    [
        (LabelChoice.A, PairStatus.ACCEPTED, Side.A),
        (LabelChoice.B, PairStatus.ACCEPTED, Side.B),
        (LabelChoice.TIE, PairStatus.NO_PREFERENCE, None),
        (LabelChoice.BOTH_BAD, PairStatus.NO_PREFERENCE, None),
        (LabelChoice.SKIP, PairStatus.NEEDS_LABEL, None),
    ],
)
def test_a_label_moves_the_pair(store: Store, choice: LabelChoice, status: PairStatus, preferred: Side | None) -> None:
    waiting(store, 1)
    seen = shown(store)
    assert seen is not None
    result = label(store, seen, choice, shown_ms=1_234)
    row = stored(store, seen.pair_id)
    assert (row.status, row.preferred, row.leased_by) == (status, preferred, None)
    assert (result.status, result.version) == (status, 0 if choice is LabelChoice.SKIP else 1)
    (kept,) = labels(store)
    assert (kept.choice, kept.left_side, kept.shown_ms, kept.annotator) == (choice, seen.left_side, 1_234, "ada")


@pytest.mark.parametrize("shown_ms", [299, 0, -5])
def test_an_answer_too_soon_after_showing_is_refused_and_not_stored(store: Store, shown_ms: int) -> None:
    waiting(store, 1)
    seen = shown(store)
    assert seen is not None
    with pytest.raises(InputRejected, match="too soon"):
        label(store, seen, LabelChoice.A, shown_ms=shown_ms)
    assert labels(store) == []
    assert stored(store, seen.pair_id).status is PairStatus.NEEDS_LABEL
    assert label(store, seen, LabelChoice.A, shown_ms=300).status is PairStatus.ACCEPTED


def test_the_second_of_two_people_is_told_who_decided(store: Store) -> None:
    waiting(store, 1)
    late = shown(store, "bo", lease_s=-1)
    early = shown(store, "ada")
    assert late is not None and early is not None
    label(store, early, LabelChoice.A, "ada")
    with pytest.raises(AlreadyDecided, match="decided by ada") as refused:
        label(store, late, LabelChoice.B, "bo")
    assert refused.value.by == "ada"
    assert [kept.annotator for kept in labels(store)] == ["ada"]
    with pytest.raises(AlreadyDecided):
        label(store, late, LabelChoice.SKIP, "bo")


def test_a_double_click_is_one_label(store: Store) -> None:
    waiting(store, 1)
    seen = shown(store)
    assert seen is not None
    assert label(store, seen, LabelChoice.A) == label(store, seen, LabelChoice.A)
    assert len(labels(store)) == 1
    with pytest.raises(AlreadyDecided):
        label(store, seen, LabelChoice.B)  # another key is no double click


def test_a_label_for_an_unknown_pair_is_refused(store: Store) -> None:
    ghost = Shown(uuid4(), 0, "q", [], "a", "b", Side.A, due=None)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        label(store, ghost, LabelChoice.A)


def test_two_annotators_racing_make_exactly_one_decision(store: Store) -> None:
    waiting(store, 20)
    people = {"ada": LabelChoice.A, "bo": LabelChoice.B}
    barrier = Barrier(len(people))

    def race(annotator: str, seen: Shown) -> str:
        barrier.wait(timeout=30)
        try:
            label(store, seen, people[annotator], annotator)
        except AlreadyDecided as refused:
            return f"after {refused.by}"
        return "decided"

    with ThreadPoolExecutor(len(people)) as pool:
        for _ in range(20):
            first = shown(store, "ada", lease_s=-1)
            second = shown(store, "bo", lease_s=-1)
            assert first is not None and second is not None and first.pair_id == second.pair_id
            outcomes = dict(zip(people, pool.map(race, people, (first, second)), strict=True))
            winner = next(who for who, outcome in outcomes.items() if outcome == "decided")
            (loser,) = people.keys() - {winner}
            assert outcomes[loser] == f"after {winner}"
            assert stored(store, first.pair_id).preferred == Side(people[winner].value)
    assert len(labels(store)) == 20


def test_undo_brings_the_pair_back_first_and_keeps_the_label_as_history(store: Store) -> None:
    waiting(store, 3)
    seen = shown(store)
    assert seen is not None
    label(store, seen, LabelChoice.A)
    assert undo(store) == seen.pair_id
    row = stored(store, seen.pair_id)
    assert (row.status, row.preferred, row.version) == (PairStatus.NEEDS_LABEL, None, 2)
    (kept,) = labels(store)
    assert not kept.is_current
    again = shown(store)
    assert again is not None and (again.pair_id, again.version) == (seen.pair_id, 2)
    label(store, again, LabelChoice.B)
    assert [kept.is_current for kept in sorted(labels(store), key=lambda kept: kept.created_at)] == [False, True]


def test_undo_goes_back_one_label_at_a_time_skips_included(store: Store) -> None:
    waiting(store, 3)
    done = []
    for choice in (LabelChoice.TIE, LabelChoice.A, LabelChoice.SKIP):
        seen = shown(store)
        assert seen is not None
        label(store, seen, choice)
        done.append(seen.pair_id)
    assert [undo(store), undo(store), undo(store), undo(store)] == [*reversed(done), None]
    assert undo(store, "bo") is None


def test_a_label_in_a_frozen_dataset_is_not_undone(store: Store) -> None:
    waiting(store, 1)
    seen = shown(store)
    assert seen is not None
    label(store, seen, LabelChoice.A)
    with store.write() as session:
        dataset = TrainingDataset(name="frozen")
        session.add(dataset)
        session.flush()
        copy = {"position": 0, "prompt_group": "g", "messages": [], "chosen": "x", "rejected": "y"}
        session.add(DatasetPair(dataset_id=dataset.id, pair_id=seen.pair_id, **copy))
    with store.write() as session, pytest.raises(InputRejected, match="part of a frozen dataset"):
        labelling.undo_last(session, annotator="ada")  # and the transaction goes on, and commits
    assert stored(store, seen.pair_id).status is PairStatus.ACCEPTED
    assert labels(store)[0].is_current


def test_a_label_on_a_pair_taken_out_since_is_not_undone(store: Store) -> None:
    waiting(store, 1)
    seen = shown(store)
    assert seen is not None
    label(store, seen, LabelChoice.A)
    with store.write() as session:
        exclude(session, seen.pair_id, seen_version=1)
    with pytest.raises(InputRejected, match="Restore the pair first"):
        undo(store)


def test_undo_leaves_what_somebody_else_decided_since(store: Store) -> None:
    waiting(store, 1)
    seen = shown(store)
    assert seen is not None
    label(store, seen, LabelChoice.TIE, "ada")
    with store.write() as session:  # taken out and put back, the pair waits again
        exclude(session, seen.pair_id, seen_version=1)
    with store.write() as session:
        restore(session, seen.pair_id, seen_version=2)
    later = shown(store, "bo")
    assert later is not None
    label(store, later, LabelChoice.B, "bo")
    assert undo(store, "ada") == seen.pair_id
    assert stored(store, seen.pair_id).preferred is Side.B


def test_the_same_person_cannot_have_two_current_labels_on_a_pair(store: Store) -> None:
    (pair_id,) = waiting(store, 1)
    facts = {"pair_id": pair_id, "annotator": "ada", "choice": LabelChoice.SKIP, "left_side": Side.A, "shown_ms": 500}
    with pytest.raises(sa.exc.IntegrityError), store.write() as session:
        session.add(PairLabel(**facts))
        session.add(PairLabel(**facts))


def test_a_skipped_pair_can_be_labelled_after_all(store: Store) -> None:
    waiting(store, 1)
    seen = shown(store)
    assert seen is not None
    label(store, seen, LabelChoice.SKIP)
    assert label(store, seen, LabelChoice.A).status is PairStatus.ACCEPTED
    assert {kept.choice: kept.is_current for kept in labels(store)} == {LabelChoice.SKIP: False, LabelChoice.A: True}


def test_progress_counts_what_waits_for_me_and_my_pace(store: Store) -> None:
    waiting(store, 5)
    with store.write() as session:
        accepted(session, 2)
    for choice in (LabelChoice.A, LabelChoice.TIE, LabelChoice.SKIP):
        seen = shown(store)
        assert seen is not None
        label(store, seen, choice)
    other = shown(store, "bo")
    assert other is not None
    label(store, other, LabelChoice.B, "bo")
    with store.read() as session:
        mine = labelling.progress(session, annotator="ada")
        new = labelling.progress(session, annotator="cy")
    # "bo" was shown the oldest that waits, the pair which "ada" skipped.
    assert (mine.waiting, mine.labelled_by_me, mine.labelled, mine.skipped_by_me) == (2, 2, 3, 1)
    assert mine.per_hour is not None and mine.per_hour > 0
    assert (new.waiting, new.labelled_by_me, new.per_hour) == (2, 0, None)
