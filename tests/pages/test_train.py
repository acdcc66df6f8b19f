"""Runs as a person starts them: the list, the form, and what stands in the way."""

from __future__ import annotations

from core.store import Store
from core.tables import (
    RunOutcome,
    RunStatus,
    new_id,
)
from core.training import runs
from core.training.presets import PRESETS
from tests.pages.conftest import OpenPage
from tests.pages.training_rows import (
    HOSTILE,
    Bell,
    all_runs,
    bell,
    dataset,
    log,
    measured,
    press,
    run,
    words_of,
)

__all__ = ["bell"]  # a fixture


def test_without_a_dataset_the_page_says_what_is_missing(open_page: OpenPage) -> None:
    page = open_page("runs")
    assert not page.exception
    assert "Freeze a dataset" in [b.label for b in page.button]


def test_with_a_dataset_and_no_run_the_next_step_is_a_new_run(open_page: OpenPage, store: Store) -> None:
    dataset(store)
    page = open_page("runs")
    assert "Nothing has been trained yet" in [s.value for s in page.subheader]
    assert "New run" in [b.label for b in page.button]


def test_the_list_shows_state_dataset_and_what_changed(open_page: OpenPage, store: Store) -> None:
    done = run(store, RunStatus.COMPLETED, on=dataset(store, name=HOSTILE), outcome=RunOutcome.OK)
    measured(store, done.id, 50, 90)
    log(store, done.id, 5)
    page = open_page("runs")
    assert not page.exception
    assert "50 % → 90 %" in words_of(page)
    assert "n = 100" in words_of(page)
    assert "Completed" in words_of(page)
    assert not [b for b in page.button if HOSTILE in b.label]  # it is escaped where labels are interpreted


def test_the_address_chooses_the_state(open_page: OpenPage, store: Store) -> None:
    run(store, RunStatus.CANCELLED)
    page = open_page("runs", state="Completed")
    assert "No run is in this state." in words_of(page)


def test_start_training_queues_one_run_with_what_the_form_says(open_page: OpenPage, store: Store, bell: Bell) -> None:
    on = dataset(store)
    page = open_page("runs", new=str(on.id))
    assert "36 pairs to train on, 12 to validate, 12 to test" in words_of(page)
    page.number_input(key="spec_demo_num_epochs").set_value(2).run()
    assert "About 10 steps: 2 passes of 5" in words_of(page)
    press(page, "Start training")
    assert not page.exception
    [started] = all_runs(store)
    assert (started.status, started.dataset_id, started.agent_id) == (RunStatus.PENDING, on.id, "support")
    assert (started.config["num_epochs"], started.config["dataset_id"]) == (2, str(on.id))
    assert bell.rung == 1
    assert page.query_params["run"] == str(started.id)
    assert "Training run" in [t.value for t in page.title]


def test_asking_twice_with_one_drawn_button_starts_one_run(store: Store) -> None:
    on, drawn = dataset(store), new_id()
    for _ in range(2):
        with store.write() as session:
            runs.request(
                session,
                on.id,
                spec=PRESETS["demo"],
                agent_id="support",
                requested_by="ada",
                min_pairs=50,
                run_id=drawn,
            )
    assert [one.id for one in all_runs(store)] == [drawn]


def test_too_few_pairs_are_said_before_one_presses(open_page: OpenPage, store: Store) -> None:
    on = dataset(store, 20)
    page = open_page("runs", new=str(on.id))
    assert "This dataset has 20 pairs; a run needs at least 50" in words_of(page)
    assert next(b for b in page.button if b.label == "Start training").disabled


def test_a_value_out_of_bounds_is_one_sentence_that_names_the_field(open_page: OpenPage, store: Store) -> None:
    on = dataset(store)
    page = open_page("runs", new=str(on.id))
    page.number_input(key="spec_demo_beta").set_value(-1.0).run()
    assert not page.exception
    assert "Beta: Input should be greater than 0" in words_of(page)
    assert next(b for b in page.button if b.label == "Start training").disabled


def test_a_missing_model_folder_is_said_and_nothing_is_loaded(open_page: OpenPage, store: Store) -> None:
    page = open_page("runs", new=str(dataset(store).id))
    page.get_by_key("new_base_kind").set_value("folder").run()
    page.text_input(key="new_base_path").set_value("/nowhere/model").run()
    assert not page.exception
    assert "There is no model folder" in words_of(page)
