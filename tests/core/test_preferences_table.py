"""The table of pairs: filters, search, counts, taking out and putting back."""

from __future__ import annotations

from uuid import uuid4

import pytest

from core.errors import AlreadyDecided, InputRejected, InvalidTransition, NotFound
from core.preferences import table
from core.preferences.labelling import apply_label
from core.store import Store
from core.tables import LabelChoice, PairOrigin, PairStatus, Side
from tests.core.preference_rows import accepted, answer, pair


def prompts(store: Store, **filters: object) -> list[str]:
    with store.read() as session:
        rows = table.listing(session, **filters)  # type: ignore[arg-type]
        assert table.matching(session, **filters) == len(rows)  # type: ignore[arg-type]
        return sorted(row.prompt for row in rows)


def test_filters_narrow_the_list(store: Store) -> None:
    with store.write() as session:
        pair(session, "one", "good", "bad")
        pair(session, "two", "good", "bad", status=PairStatus.ACCEPTED, origin=PairOrigin.IMPORT)
        pair(session, "three", "good", "bad", agent_id="sales")
    assert prompts(store) == ["one", "three", "two"]
    assert prompts(store, agent_id="sales") == ["three"]
    assert prompts(store, status=PairStatus.ACCEPTED) == ["two"]
    assert prompts(store, origin=PairOrigin.UNRATED, agent_id="support") == ["one"]
    with store.read() as session:
        assert table.agents(session) == ["sales", "support"]


def test_the_list_is_paged_newest_first_without_gaps(store: Store) -> None:
    with store.write() as session:
        accepted(session, 5)
    with store.read() as session:
        whole = [row.id for row in table.listing(session)]
        pages = [row.id for start in (0, 2, 4) for row in table.listing(session, limit=2, offset=start)]
    assert pages == whole == sorted(whole, reverse=True)


def test_lists_carry_the_beginning_of_long_texts(store: Store) -> None:
    with store.write() as session:
        pair(session, "p" * 1_000, "a" * 1_000, "b" * 1_000)
    with store.read() as session:
        (row,) = table.listing(session)
    assert (len(row.prompt), len(row.answer_a), len(row.answer_b)) == (200, 200, 200)


def test_t12_search_takes_the_text_literally(store: Store) -> None:
    asked = ["'; DROP TABLE x", "a_b", "at 100 of", "at 100% of", "axb", "back\\slash"]
    with store.write() as session:
        for prompt in asked:
            pair(session, prompt, "The answer", "other")
    found = {
        "100%": ["at 100% of"],  # a percent sign is a percent sign
        "a_b": ["a_b"],
        "DROP": ["'; DROP TABLE x"],
        "'; drop": ["'; DROP TABLE x"],
        "\\": ["back\\slash"],
        "the answer": asked,
        "  ": asked,
        "x" * 9_999: [],
        "\ud800": [],
    }
    assert {search: prompts(store, search=search) for search in found} == found


def test_t12_a_search_too_long_for_the_database_is_refused(store: Store) -> None:
    with store.read() as session, pytest.raises(InputRejected):
        table.listing(session, search="x" * 20_000)


def test_counts_name_every_status_and_origin(store: Store) -> None:
    with store.write() as session:
        accepted(session, 2)
        pair(session, "q", "good", "bad", agent_id="sales", origin=PairOrigin.IMPORT)
    with store.read() as session:
        every, one = table.counts(session), table.counts(session, agent_id="sales")
    assert every.total == 3 and set(every.by_status) == set(PairStatus) and set(every.by_origin) == set(PairOrigin)
    assert every.by_status[PairStatus.ACCEPTED] == 2
    assert (one.total, one.by_origin[PairOrigin.IMPORT], one.by_status[PairStatus.ACCEPTED]) == (1, 1, 0)


def test_a_pair_taken_out_and_put_back_is_what_it_was(store: Store) -> None:
    with store.write() as session:
        known, unknown = accepted(session, 1)[0], pair(session, "q", "good", "bad")
    for row, was in ((known, PairStatus.ACCEPTED), (unknown, PairStatus.NEEDS_LABEL)):
        with store.write() as session:
            assert table.exclude(session, row.id, seen_version=0).status is PairStatus.EXCLUDED
        with store.write() as session, pytest.raises(AlreadyDecided):
            table.restore(session, row.id, seen_version=0)
        with store.write() as session:
            back = table.restore(session, row.id, seen_version=1)
            assert (back.status, back.version) == (was, 2)
    with store.write() as session, pytest.raises(InvalidTransition):
        table.restore(session, known.id, seen_version=2)
    with store.write() as session, pytest.raises(NotFound):
        table.exclude(session, uuid4(), seen_version=0)


def test_the_detail_of_a_pair_shows_who_labelled_it(store: Store) -> None:
    with store.write() as session:
        row = pair(session, "q", "good", "bad")
        for who, choice in (("ada", LabelChoice.SKIP), ("bo", LabelChoice.A)):
            said = {"choice": choice, "left_side": Side.A, "annotator": who, "shown_ms": 900, "min_dwell_ms": 300}
            apply_label(session, row.id, seen_version=0, **said)  # type: ignore[arg-type]
    with store.read() as session:
        shown = table.detail(session, row.id)
        (listed,) = table.listing(session)
        with pytest.raises(NotFound):
            table.detail(session, uuid4())
    assert [label.annotator for label in shown.labels] == ["bo", "ada"]
    assert (shown.messages, shown.dataset_ids) == ([{"role": "user", "content": "q"}], [])
    assert listed.labels == 1  # a skip is no label


def test_the_funnel_leads_from_answers_to_frozen_pairs(store: Store) -> None:
    with store.write() as session:
        for prompt, n in (("q", 2), ("r", 1)):
            for at in range(n):
                answer(session, prompt, f"answer {at}")
        pair(session, "q", "answer 0", "answer 1")
        accepted(session, 2)
    with store.read() as session:
        stages = {stage.name: stage.count for stage in table.funnel(session, agent_id="support")}
    expected = {"answers": 3, "prompts": 1, "pairs": 3, "waiting": 1, "accepted": 2, "excluded": 0, "frozen": 0}
    assert expected.items() <= stages.items()
