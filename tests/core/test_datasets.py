"""Frozen datasets: which pairs they take, how these split, and that nothing changes afterwards."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from time import process_time
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from core.datasets import freeze as freezing
from core.datasets.freeze import (
    advance,
    freeze,
    freeze_now,
    prepare,
    recipe_preview,
    store_frozen,
    usable,
    usable_count,
    verify,
)
from core.datasets.split import split_rows
from core.datasets.table import detail, diff, examples, listing, matching
from core.errors import DatasetChanged, InputRejected, InvalidTransition, NotFound
from core.preferences.labelling import apply_label
from core.preferences.mining import mine
from core.preferences.table import exclude
from core.store import Store
from core.tables import (
    DatasetKind,
    DatasetStatus,
    LabelChoice,
    PairOrigin,
    PairStatus,
    PreferencePair,
    RunOutcome,
    RunStatus,
    Side,
    Split,
    TrainingDataset,
    TrainingRun,
)
from core.work import Alone
from tests.core.preference_rows import AGENT, accepted, answer, correction, imported, pair, run


def frozen(store: Store, **recipe: object) -> TrainingDataset:
    with store.write() as session:
        return freeze(session, agent_id=AGENT, frozen_by="ada", **recipe)  # type: ignore[arg-type]


def usable_now(store: Store) -> int:
    with store.read() as session:
        return usable_count(session, agent_id=AGENT)


def stored_splits(store: Store, dataset: TrainingDataset) -> list[tuple[str, str]]:
    query = "SELECT prompt_group, split FROM dataset_pairs WHERE dataset_id = :id ORDER BY position"
    with store.read() as session:
        return [(group, split) for group, split in session.execute(sa.text(query), {"id": dataset.id.hex})]


# -- the split ----------------------------------------------------------------------------------------------------

groups = st.lists(st.tuples(st.sampled_from("abcdefghij"), st.sampled_from("123456789")), max_size=60)


@given(groups, st.integers(0, 3))
def test_no_group_and_no_prompt_is_in_two_splits_and_all_rows_are_placed(
    rows: list[tuple[str, str]], seed: int
) -> None:
    splits = split_rows(rows, seed=seed)
    assert len(splits) == len(rows)
    for part in (0, 1):
        seen = {(row[part], split) for row, split in zip(rows, splits, strict=True)}
        assert len(seen) == len({row[part] for row in rows})


@given(st.lists(st.integers(1, 30), min_size=3, max_size=30), st.integers(0, 3))
def test_every_split_has_rows_where_there_are_three_groups(sizes: list[int], seed: int) -> None:
    rows = [(f"group {n}", f"prompt {n}") for n, size in enumerate(sizes) for _ in range(size)]
    assert set(split_rows(rows, seed=seed)) == set(Split)


@given(st.permutations([(f"group {n % 12}", f"prompt {n}") for n in range(40)]))
def test_the_order_of_the_rows_does_not_matter(rows: list[tuple[str, str]]) -> None:
    ordered = sorted(rows)
    expected = dict(zip(ordered, split_rows(ordered, seed=42), strict=True))
    assert dict(zip(rows, split_rows(rows, seed=42), strict=True)) == expected


def test_different_prompts_split_to_the_row() -> None:
    rows = [(f"group {n}", f"prompt {n}") for n in range(340)]
    assert Counter(split_rows(rows, seed=42)) == {Split.TRAIN: 272, Split.VALIDATION: 34, Split.TEST: 34}
    assert Counter(split_rows(rows, seed=42, shares=(0.9, 0.1, 0))) == {Split.TRAIN: 306, Split.VALIDATION: 34}
    assert split_rows(rows, seed=42) != split_rows(rows, seed=43)


def test_fewer_than_three_groups_all_train() -> None:
    assert set(split_rows([("a", "1"), ("b", "2")], seed=42)) == {Split.TRAIN}


@pytest.mark.parametrize("shares", [(0.8, 0.1, 0.2), (0.0, 0.5, 0.5), (1.1, -0.1, 0.0)])
def test_shares_that_are_none_are_refused(shares: tuple[float, float, float]) -> None:
    with pytest.raises(InputRejected, match="must add up to 1"):
        split_rows([("a", "1")], seed=42, shares=shares)


# -- freezing -----------------------------------------------------------------------------------------------------


def test_a_frozen_dataset_is_ready_and_says_what_it_is(store: Store) -> None:
    with store.write() as session:
        accepted(session, 20)
        accepted(session, 3, agent_id="sales")
    dataset = frozen(store)
    assert dataset.name == f"Agent_support_Dataset_{datetime.now(UTC):%Y%m%d}"
    assert (dataset.version, dataset.status, dataset.kind) == ("1.0", DatasetStatus.READY, DatasetKind.PAIRS)
    assert (dataset.agent_ids, dataset.total_examples, dataset.frozen_by) == (["support"], 20, "ada")
    assert dataset.recipe["by_split"] == {"train": 16, "validation": 2, "test": 2}
    assert (dataset.recipe["seed"], dataset.recipe["shares"]) == (42, [0.8, 0.1, 0.1])
    assert frozen(store).version == "1.1"  # the second of that name
    assert frozen(store, name="  My set ").name == "My set"


def test_rows_are_what_training_reads(store: Store) -> None:
    turns = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "Why?"},
    ]
    imported(store, (turns, "because", "no idea"))
    with store.write() as session:
        single = pair(session, "How?", "like this", "not at all", status=PairStatus.ACCEPTED)
    dataset = frozen(store)
    with store.read() as session:
        by_split = freezing.rows(session, dataset.id)
    assert set(by_split) == set(Split)
    found = {(row.chosen, row.rejected): row for row in by_split[Split.TRAIN]}
    assert found["because", "no idea"].messages == turns
    assert found["like this", "not at all"].messages == [{"role": "user", "content": "How?"}]
    assert found["like this", "not at all"].pair_id == str(single.id)


def test_pairs_of_one_group_or_one_prompt_stay_in_one_split(store: Store) -> None:
    with store.write() as session:
        for n in range(30):
            pair(session, f"q {n}", "good", "bad", status=PairStatus.ACCEPTED, group=f"family {n % 6}")
            pair(session, f"q {n}", "good", "worse", status=PairStatus.ACCEPTED)  # another group, the same prompt
    rows = stored_splits(store, frozen(store))
    families = {(group, split) for group, split in rows if group.startswith("family")}
    assert len(families) == 6
    assert {split for _, split in rows} == {"train", "validation", "test"}


def test_the_same_pairs_and_seed_give_the_same_content_hash(store: Store) -> None:
    with store.write() as session:
        accepted(session, 30)
    one, two, other = frozen(store), frozen(store), frozen(store, seed=7)
    assert one.content_hash == two.content_hash
    assert stored_splits(store, one) == stored_splits(store, two)
    assert other.content_hash != one.content_hash


def test_nothing_to_freeze_is_refused_and_leaves_no_dataset(store: Store) -> None:
    with store.write() as session:
        pair(session, "q", "good", "bad")
        pair(session, "r", "good", "bad", status=PairStatus.EXCLUDED)
        pair(session, "s", "Same words", "same  words", status=PairStatus.ACCEPTED)
        pair(session, "t", "good", " ", status=PairStatus.ACCEPTED)
    with pytest.raises(InputRejected, match="nothing was frozen"):
        frozen(store)
    with store.read() as session:
        assert (usable_now(store), matching(session)) == (0, 0)


def test_a_run_holds_its_pairs_until_it_puts_them_back(store: Store) -> None:
    with store.write() as session:
        accepted(session, 5)
    dataset = frozen(store)
    assert usable_now(store) == 5  # a dataset without a run holds nothing
    with store.write() as session:
        pair(session, "new", "good", "bad", status=PairStatus.ACCEPTED)
        started = run(session, dataset.id, RunStatus.PENDING)
    usable_in = {}
    for status, outcome in [
        (RunStatus.PENDING, None),
        (RunStatus.RUNNING, None),
        (RunStatus.INTERRUPTED, None),
        (RunStatus.COMPLETED, RunOutcome.OK),
        (RunStatus.FAILED, RunOutcome.CRASHED),
        (RunStatus.FAILED, RunOutcome.EVAL_GATE_FAILED),
        (RunStatus.FAILED, RunOutcome.SKIPPED_TOO_FEW),
        (RunStatus.CANCELLED, None),
    ]:
        with store.write() as session:
            now_at = session.get_one(TrainingRun, started.id)
            now_at.status, now_at.outcome = status, outcome
        usable_in[status, outcome] = usable_now(store)
    assert list(usable_in.values()) == [1, 1, 1, 1, 6, 6, 6, 6]


def test_a_run_of_another_agent_holds_nothing_of_this_one(store: Store) -> None:
    with store.write() as session:
        accepted(session, 5)
    dataset = frozen(store)
    with store.write() as session:
        run(session, dataset.id, RunStatus.RUNNING).agent_id = "sales"
    assert usable_now(store) == 5


def test_usable_is_a_query_of_pair_ids(store: Store) -> None:
    with store.write() as session:
        ids = {row.id for row in accepted(session, 2)}
    with store.read() as session:
        assert set(session.scalars(usable(session, agent_id=AGENT))) == ids


def test_the_preview_promises_what_the_freeze_keeps(store: Store) -> None:
    with store.write() as session:
        accepted(session, 25)
        pair(session, "q", "good", "good ", status=PairStatus.ACCEPTED)
    with store.read() as session:
        preview = recipe_preview(session, agent_id=AGENT, seed=7)
    dataset = frozen(store, seed=7)
    assert (preview.total, preview.groups, preview.notes) == (dataset.total_examples, 25, [])
    assert {split.value: n for split, n in preview.by_split.items()} == dataset.recipe["by_split"]
    assert preview.by_origin[PairOrigin.UNRATED] == 25
    assert {check.name: check.count for check in preview.checks}["equal_sides"] == 1


def test_the_preview_of_two_prompts_says_that_nothing_is_held_out(store: Store) -> None:
    with store.write() as session:
        accepted(session, 2)
    with store.read() as session:
        (note,) = recipe_preview(session, agent_id=AGENT).notes
    assert "nothing is held out" in note


def test_what_people_verified_is_a_percentage(store: Store) -> None:
    with store.write() as session:
        wrong = answer(session, "q", "wrong")
        correction(session, wrong, "right")
    mine(store, Alone())
    with store.write() as session:
        accepted(session, 2)
        labelled = pair(session, "to label", "good", "bad")
        facts = {"left_side": Side.A, "annotator": "ada", "shown_ms": 900, "min_dwell_ms": 300}
        apply_label(session, labelled.id, seen_version=0, choice=LabelChoice.A, **facts)  # type: ignore[arg-type]
    dataset = frozen(store)
    assert (dataset.total_examples, dataset.correction_examples) == (4, 1)
    assert dataset.human_verified_percentage == 50.0


# -- what was frozen stays ----------------------------------------------------------------------------------------


def test_what_happens_to_the_pairs_later_leaves_the_dataset_alone(store: Store) -> None:
    with store.write() as session:
        first = accepted(session, 4)[0]
    dataset = frozen(store)
    with store.read() as session:
        before = freezing.rows(session, dataset.id)
    with store.write() as session:
        exclude(session, first.id, seen_version=0)
        session.execute(sa.text("UPDATE preference_pairs SET answer_a = answer_a || ' changed'"))
    with store.read() as session:
        assert freezing.rows(session, dataset.id) == before
        assert verify(session, dataset.id).content_hash == dataset.content_hash


def test_a_dataset_changed_behind_our_back_is_found(store: Store) -> None:
    with store.write() as session:
        accepted(session, 5)
    for change in (
        "UPDATE dataset_pairs SET chosen = chosen || '.' WHERE position = 2 AND dataset_id = :id",
        "UPDATE dataset_pairs SET chosen = rejected, rejected = chosen WHERE position = 0 AND dataset_id = :id",
        "UPDATE dataset_pairs SET split = 'train' WHERE dataset_id = :id",
        "DELETE FROM dataset_pairs WHERE position = 4 AND dataset_id = :id",
        "UPDATE dataset_pairs SET messages = '[]' WHERE position = 1 AND dataset_id = :id",
    ):
        dataset = frozen(store)
        with store.read() as session:
            verify(session, dataset.id)
        with store.write() as session:
            session.execute(sa.text(change), {"id": dataset.id.hex})
        with store.read() as session, pytest.raises(DatasetChanged, match="no longer what was frozen"):
            verify(session, dataset.id)


def test_states_follow_the_table(store: Store) -> None:
    with store.write() as session:
        accepted(session, 1)
    with store.write() as session:
        dataset = freeze(session, agent_id=AGENT, frozen_by="ada")
        assert advance(dataset, DatasetStatus.IN_USE).status is DatasetStatus.IN_USE
        with pytest.raises(InvalidTransition, match="This dataset is in_use"):
            advance(dataset, DatasetStatus.DRAFT)


def test_an_unknown_dataset_is_not_found(store: Store) -> None:
    with store.read() as session:
        for ask in (verify, freezing.rows, detail, diff):
            with pytest.raises(NotFound, match="Dataset not found"):
                ask(session, uuid4())  # type: ignore[operator]


# -- frozen in transactions of its own ----------------------------------------------------------------------------


def test_freezing_in_two_transactions_makes_the_same_dataset(store: Store) -> None:
    with store.write() as session:
        accepted(session, 12)
    apart = freeze_now(store, agent_id=AGENT, frozen_by="ada", name="apart")
    assert (apart.name, apart.status, apart.content_hash) == ("apart", DatasetStatus.READY, frozen(store).content_hash)
    with store.read() as session:
        assert verify(session, apart.id).recipe == apart.recipe


def test_a_pair_that_was_taken_out_while_the_dataset_was_prepared_is_not_in_it(store: Store) -> None:
    with store.write() as session:
        gone = accepted(session, 6)[0]
    with store.read() as session:
        prepared = prepare(session, agent_id=AGENT)
    with store.write() as session:
        exclude(session, gone.id, seen_version=0)
    with store.write() as session:
        dataset = store_frozen(session, prepared, frozen_by="ada")
        assert gone.id not in [row.pair_id for row in examples(session, dataset.id)]
        assert verify(session, dataset.id).total_examples == 5


def test_a_pair_that_was_accepted_while_the_dataset_was_prepared_waits_for_the_next(store: Store) -> None:
    with store.write() as session:
        accepted(session, 6)
    with store.read() as session:
        prepared = prepare(session, agent_id=AGENT)
    with store.write() as session:
        pair(session, "late", "good", "bad", status=PairStatus.ACCEPTED)
    with store.write() as session:
        assert store_frozen(session, prepared, frozen_by="ada").total_examples == 6


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1), min_size=3))
@settings(deadline=None, max_examples=40)
def test_whatever_the_texts_hold_the_copies_are_what_was_hashed(shared_store: Store, texts: list[str]) -> None:
    with shared_store.read() as session:
        for prompt, good, bad in zip(texts, texts[1:], texts[2:], strict=False):
            if good != bad:
                key = {"prompt": prompt, "answer_a": good, "answer_b": bad, "content_key": uuid4().hex}
                facts = {"agent_id": AGENT, "prompt_group": "g", "origin": PairOrigin.IMPORT, "preferred": Side.A}
                session.add(PreferencePair(**key, **facts, status=PairStatus.ACCEPTED))
        session.flush()
        if usable_count(session, agent_id=AGENT):
            verify(session, freeze(session, agent_id=AGENT, frozen_by="ada").id)


# -- looking at it ------------------------------------------------------------------------------------------------


def test_the_list_is_of_one_agent_newest_first(store: Store) -> None:
    with store.write() as session:
        accepted(session, 3)
        accepted(session, 3, agent_id="sales")
        freeze(session, agent_id="sales", frozen_by="bo")
    one, two = frozen(store, name="one"), frozen(store, name="two")
    with store.write() as session:
        run(session, one.id, RunStatus.PENDING)
    with store.read() as session:
        assert [(row.name, row.runs) for row in listing(session, agent_id=AGENT)] == [("two", 0), ("one", 1)]
        assert [row.id for row in listing(session, limit=1)] == [two.id]
        assert (matching(session), matching(session, agent_id="sales"), len(listing(session))) == (3, 1, 3)


def test_the_difference_to_the_last_dataset_is_counted(store: Store) -> None:
    with store.write() as session:
        first = accepted(session, 4)
    one = frozen(store)
    with store.write() as session:
        exclude(session, first[0].id, seen_version=0)
        for n in range(2):
            pair(session, f"new {n}", "good", "bad", status=PairStatus.ACCEPTED)
    two = frozen(store)
    with store.read() as session:
        assert diff(session, one.id) is None
        change = diff(session, two.id)
    assert change is not None
    assert (change.previous_id, change.added, change.removed, change.kept) == (one.id, 2, 1, 3)


def test_the_detail_counts_and_its_rows_page(store: Store) -> None:
    with store.write() as session:
        accepted(session, 20)
    dataset = frozen(store)
    with store.read() as session:
        shown = detail(session, dataset.id)
        pages = [row.position for start in (0, 8, 16) for row in examples(session, dataset.id, limit=8, offset=start)]
        held_out = examples(session, dataset.id, split=Split.TEST)
    assert shown.by_split == {Split.TRAIN: 16, Split.VALIDATION: 2, Split.TEST: 2}
    assert shown.by_origin[PairOrigin.UNRATED] == 20
    assert pages == list(range(20))
    assert len(held_out) == 2 and {row.split for row in held_out} == {Split.TEST}


def test_five_thousand_pairs_freeze_in_under_three_seconds(store: Store) -> None:
    texts = "word " * 60
    with store.write() as session:
        for n in range(5_000):
            pair(session, f"q {n}", f"good {n} {texts}", f"bad {n} {texts}", status=PairStatus.ACCEPTED)
    start = process_time()
    dataset = frozen(store)
    assert process_time() - start < 3
    assert dataset.recipe["by_split"] == {"train": 4_000, "validation": 500, "test": 500}
