"""Pairs and datasets as a person works with them: label, curate, freeze."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlmodel import col, select
from streamlit.testing.v1 import AppTest

from core.api.process import Process
from core.datasets import freeze
from core.feedback import intake
from core.preferences import labelling, table
from core.settings import Settings
from core.store import Store
from core.tables import (
    DatasetPair,
    LabelChoice,
    PairLabel,
    PairOrigin,
    PairStatus,
    PreferencePair,
    Side,
    TrainingDataset,
)
from pages.curate import dataset_recipe, pair_words
from tests.pages.conftest import OpenPage

HOSTILE = "<script>alert(1)</script> **bold** :red[x] [l](http://evil.example)"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A key counts at once: a test reads faster than a person."""
    return settings.model_copy(update={"min_dwell_ms": 0})


def waiting(store: Store, n: int = 1, *, text: str = "answer") -> list[UUID]:
    """Pairs nobody has compared yet."""
    with store.write() as session:
        pairs = [
            PreferencePair(
                id=UUID(int=at + 1),  # in this order: ids made within one millisecond have none
                agent_id="support",
                prompt=f"question {at}",
                prompt_group=f"g{at}",
                answer_a=f"{text} one of {at}",
                answer_b=f"{text} two of {at}",
                origin=PairOrigin.UNRATED,
                content_key=hashlib.sha256(f"waiting {at}".encode()).hexdigest(),
            )
            for at in range(n)
        ]
        session.add_all(pairs)
    return [pair.id for pair in pairs]


def accepted(store: Store, n: int, *, text: str = "answer") -> list[UUID]:
    """Pairs people have decided for answer A."""
    ids = waiting(store, n, text=text)
    with store.write() as session:
        session.exec(
            sa.update(PreferencePair)
            .where(col(PreferencePair.id).in_(ids))
            .values(status=PairStatus.ACCEPTED, preferred=Side.A, reason="People rated it higher.", margin=0.8)
        )
    return ids


def labels(store: Store) -> list[PairLabel]:
    with store.read() as session:
        return list(session.exec(select(PairLabel).order_by(col(PairLabel.id))).all())


def pair(store: Store, pair_id: UUID) -> PreferencePair:
    with store.read() as session:
        return session.get_one(PreferencePair, pair_id)


def press(page: AppTest, words: str) -> AppTest:
    return next(button for button in page.button if button.label == words).click().run()


def words_of(page: AppTest) -> str:
    """Everything that is interpreted as markdown somewhere on the page."""
    elements = [*page.markdown, *page.caption, *page.title, *page.subheader, *page.error, *page.warning]
    return "\n".join(str(element.value) for element in elements)


# -- label --------------------------------------------------------------------------------------------------------


def test_an_empty_board_says_how_it_fills(open_page: OpenPage) -> None:
    page = open_page("pairs")
    assert not page.exception
    assert "Nothing to label yet" in [s.value for s in page.subheader]
    assert "Import pairs" in [b.label for b in page.button]
    assert "Mine pairs" not in [b.label for b in page.button]


def test_a_label_decides_the_pair_for_the_answer_on_that_side_and_shows_the_next(
    open_page: OpenPage, store: Store
) -> None:
    first, second = waiting(store, 2)
    page = open_page("pairs")
    left = labelling.left_side(first, "ada")
    press(page, "Left is better")
    assert not page.exception
    [label] = labels(store)
    assert (label.pair_id, label.choice.value, label.left_side) == (first, left.value, left)
    assert pair(store, first).preferred is left
    assert f"label_tie_{second}_{pair(store, second).version}" in [b.key for b in page.button]


def test_every_button_carries_the_pair_and_the_version_it_was_drawn_for(open_page: OpenPage, store: Store) -> None:
    [only] = waiting(store)
    page = open_page("pairs")
    keys = [str(b.key) for b in page.button if str(b.key).startswith("label_") and str(b.key) != "label_help"]
    assert len(keys) == 6
    assert all(key.endswith(f"{only}_{pair(store, only).version}") for key in keys)


def test_a_key_that_comes_too_soon_changes_nothing_and_says_so(
    open_page: OpenPage, store: Store, at_work: Process
) -> None:
    at_work.settings = at_work.settings.model_copy(update={"min_dwell_ms": 10_000})
    [only] = waiting(store)
    page = open_page("pairs")
    press(page, "Right is better")
    assert labels(store) == []
    assert pair(store, only).status is PairStatus.NEEDS_LABEL
    assert any("too soon" in c.value for c in page.caption)
    assert "Right is better" in [b.label for b in page.button]


def test_when_somebody_else_was_faster_their_answer_stays_and_the_next_pair_comes(
    open_page: OpenPage, store: Store
) -> None:
    first, _ = waiting(store, 2)
    page = open_page("pairs")
    with store.write() as session:
        labelling.apply_label(
            session,
            first,
            seen_version=pair(store, first).version,
            choice=LabelChoice.TIE,
            left_side=Side.A,
            annotator="grace",
            shown_ms=900,
            min_dwell_ms=0,
        )
    press(page, "Left is better")
    assert [(label.annotator, label.choice) for label in labels(store)] == [("grace", LabelChoice.TIE)]
    assert any("already decided by grace" in c.value for c in page.caption)
    assert "question 1" in [t.value for t in page.text]


def test_undo_brings_the_pair_back(open_page: OpenPage, store: Store) -> None:
    first, _ = waiting(store, 2)
    page = open_page("pairs")
    press(page, "Both bad")
    assert pair(store, first).status is PairStatus.NO_PREFERENCE
    press(page, "Undo")
    assert pair(store, first).status is PairStatus.NEEDS_LABEL
    assert "question 0" in [t.value for t in page.text]


@pytest.mark.parametrize(("key", "words"), [("Tie", "Your last label was taken back"), ("Skip", "you skipped is back")])
def test_undo_says_what_it_took_back(open_page: OpenPage, store: Store, key: str, words: str) -> None:
    waiting(store, 2)
    page = open_page("pairs")
    press(page, key)
    press(page, "Undo")
    assert any(words in c.value for c in page.caption)


def test_the_end_offers_the_next_step_and_the_skipped_pairs_again(open_page: OpenPage, store: Store) -> None:
    waiting(store, 2)
    page = open_page("pairs")
    press(page, "Skip")
    press(page, "Tie")
    assert "Nothing left to label" in [s.value for s in page.subheader]
    assert "Freeze a dataset" in [b.label for b in page.button]
    press(page, "Show the one pair I skipped")
    assert "question 0" in [t.value for t in page.text]


def test_answers_are_blind_and_literal(open_page: OpenPage, store: Store) -> None:
    waiting(store, text=HOSTILE)
    page = open_page("pairs")
    assert f"{HOSTILE} one of 0" in [t.value for t in page.text]
    assert HOSTILE not in words_of(page)
    assert "support" not in words_of(page)  # which agent or model answered is not shown


# -- curate -------------------------------------------------------------------------------------------------------


def test_an_empty_table_invites_to_import_and_with_answers_to_mine(open_page: OpenPage, store: Store) -> None:
    page = open_page("pairs", tab="curate")
    assert not page.exception
    assert "No pairs yet" in [s.value for s in page.subheader]
    assert "Import pairs" in {b.label for b in page.button}
    assert "Mine pairs" not in {b.label for b in page.button}
    with store.write() as session:
        intake.store_interaction(session, agent_id="support", prompt="Reset?", response="Press reset.")
    assert {"Mine pairs", "Import pairs"} <= {b.label for b in page.run().button}


def test_mining_stores_pairs_and_says_what_it_made_and_left_out(
    open_page: OpenPage, store: Store, finish_jobs: Callable[[], None]
) -> None:
    with store.write() as session:
        for response in ("Press reset.", "Call us.", "Call us."):
            intake.store_interaction(session, agent_id="support", prompt="Reset?", response=response)
    page = open_page("pairs", tab="curate")
    press(page, "Mine pairs")
    assert not page.exception
    finish_jobs()
    page.run()
    with store.read() as session:
        assert table.counts(session).total == 1
    assert any("1 new pair" in m.value for m in page.markdown)
    press(page, "Mine pairs")
    finish_jobs()
    page.run()
    assert any("0 new pairs" in m.value for m in page.markdown)


def test_the_table_filters_by_what_the_address_says(open_page: OpenPage, store: Store) -> None:
    accepted(store, 3)
    page = open_page("pairs", tab="curate", status="excluded")
    assert not page.exception
    assert "No pair fits these filters." in [c.value for c in page.caption]
    page = open_page("pairs", tab="curate", q="one of 2")
    assert list(page.dataframe[0].value["Prompt"]) == ["question 2"]


def test_a_pair_in_the_address_shows_both_sides_and_why(open_page: OpenPage, store: Store) -> None:
    [only] = accepted(store, 1, text=HOSTILE)
    page = open_page("pairs", tab="curate", pair=str(only))
    assert not page.exception
    assert any("Chosen" in m.value for m in page.markdown)
    assert any("Rejected" in m.value for m in page.markdown)
    assert f"{HOSTILE} two of 0" in [t.value for t in page.text]
    assert HOSTILE not in words_of(page)
    assert any("rated it higher" in c.value for c in page.caption)


def test_excluding_a_pair_takes_it_out_and_restoring_puts_it_back(open_page: OpenPage, store: Store) -> None:
    [only] = accepted(store, 1)
    page = open_page("pairs", tab="curate", pair=str(only))
    press(page, "Exclude pair")
    assert pair(store, only).status is PairStatus.EXCLUDED
    press(page, "Restore pair")
    assert pair(store, only).status is PairStatus.ACCEPTED


def test_a_pair_that_is_not_there_is_said_to_be_missing(open_page: OpenPage, store: Store) -> None:
    accepted(store, 1)
    for address in ("00000000-0000-7000-8000-000000000000", "no id"):
        page = open_page("pairs", tab="curate", pair=address)
        assert not page.exception


# -- datasets -----------------------------------------------------------------------------------------------------


def test_without_pairs_there_is_nothing_to_freeze_and_the_page_says_where_to_go(open_page: OpenPage) -> None:
    page = open_page("datasets")
    assert not page.exception
    assert "Nothing to freeze yet" in [s.value for s in page.subheader]
    assert "Go to pairs" in [b.label for b in page.button]


def test_the_recipe_shows_what_a_freeze_would_make(open_page: OpenPage, store: Store) -> None:
    accepted(store, 20)
    page = open_page("datasets")
    assert not page.exception
    assert {m.label: m.value for m in page.metric} == {"Pairs": "20", "Training": "16", "Validation": "2", "Test": "2"}
    assert any("20 of 50 pairs until training" in m.value for m in page.markdown)


def test_freezing_stores_a_dataset_and_opens_it(open_page: OpenPage, store: Store) -> None:
    accepted(store, 20)
    page = open_page("datasets")
    page.text_input(key="recipe_name").set_value(HOSTILE)
    press(page, "Freeze dataset")
    assert not page.exception
    with store.read() as session:
        [dataset] = session.exec(select(TrainingDataset)).all()
    assert (dataset.name, dataset.total_examples, dataset.frozen_by) == (HOSTILE, 20, "ada")
    assert page.query_params["dataset"] == str(dataset.id)
    assert dataset.content_hash in words_of(page)
    assert HOSTILE not in words_of(page)


def test_the_second_click_of_one_button_freezes_nothing(
    open_page: OpenPage, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted(store, 20)
    state: dict[str, Any] = {}
    monkeypatch.setattr(dataset_recipe.st, "session_state", state)
    monkeypatch.setattr(dataset_recipe.layout, "go", lambda *_, **__: None)
    open_page("datasets")
    token = state["freeze_drawn"] = UUID(int=1)
    dataset_recipe._freeze(token, "support", 42, (0.8, 0.1, 0.1))
    dataset_recipe._freeze(token, "support", 42, (0.8, 0.1, 0.1))
    with store.read() as session:
        assert len(session.exec(select(TrainingDataset)).all()) == 1


def frozen(store: Store, n: int = 20) -> TrainingDataset:
    accepted(store, n)
    with store.write() as session:
        return freeze.freeze(session, agent_id="support", frozen_by="ada")


def test_a_frozen_dataset_shows_its_rows_lineage_and_the_way_to_training(open_page: OpenPage, store: Store) -> None:
    dataset = frozen(store)
    page = open_page("datasets", dataset=str(dataset.id))
    assert not page.exception
    assert "Lineage" in [s.value for s in page.subheader]
    assert len(page.dataframe[0].value) == 20
    assert "Train on this" in [b.label for b in page.button]
    page = open_page("datasets", dataset=str(dataset.id), split="Test")
    assert set(page.dataframe[0].value["Split"]) == {"Test"}


def test_rows_that_were_changed_behind_its_back_are_noticed(open_page: OpenPage, store: Store) -> None:
    dataset = frozen(store)
    with store.write() as session:
        session.exec(sa.update(DatasetPair).where(col(DatasetPair.position) == 0).values(chosen="tampered"))
    page = open_page("datasets", dataset=str(dataset.id))
    assert any("no longer what was frozen" in e.value for e in page.error)


@pytest.mark.parametrize("address", ["00000000-0000-7000-8000-000000000000", "nope"])
def test_a_dataset_that_is_not_there_is_said_to_be_missing(open_page: OpenPage, address: str) -> None:
    page = open_page("datasets", dataset=address)
    assert not page.exception
    assert any("no such dataset" in c.value for c in page.caption)


def test_a_link_to_a_later_page_shows_that_page(open_page: OpenPage, store: Store) -> None:
    accepted(store, 60)
    page = open_page("pairs", tab="curate", page="2")
    assert list(page.dataframe[0].value["Prompt"]) == [f"question {at}" for at in range(9, -1, -1)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Tell me the reason", "Tell me the reason"),
        ("Tell me the reason why", "Tell me the reason …"),
        ("Tell me the reasoning behind", "Tell me the …"),
        ("x" * 40, "x" * 20 + " …"),  # one word: cut where it must be
    ],
)
def test_a_text_the_list_has_cut_ends_with_a_whole_word(text: str, shown: str) -> None:
    assert pair_words.beginning(text[:20], limit=20) == shown
