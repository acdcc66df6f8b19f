"""One run's page: what moves while it trains, what it says when it stopped, what may be done then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.jobs import queue
from core.store import Store
from core.tables import (
    JobCommand,
    JobStatus,
    RunEvaluation,
    RunOutcome,
    RunPhase,
    RunSample,
    RunStatus,
    TrainingRun,
    new_id,
    now,
)
from core.training import records
from core.training.presets import PRESETS
from pages.train import run_words
from pages.train.before_after import Change
from tests.pages.conftest import OpenPage
from tests.pages.training_rows import (
    HOSTILE,
    Bell,
    all_runs,
    bell,
    dataset,
    log,
    press,
    run,
    words_of,
)

__all__ = ["bell"]  # a fixture


def test_a_training_run_shows_progress_time_left_and_its_curves(open_page: OpenPage, store: Store) -> None:
    live = run(
        store,
        RunStatus.RUNNING,
        phase=RunPhase.TRAINING,
        current_step=40,
        total_steps=100,
        progress_percentage=40.0,
    )
    log(store, live.id, 40)
    page = open_page("runs", run=str(live.id))
    assert not page.exception
    assert "Step 40 of 100 · 1 min 0 s left" in words_of(page)
    assert "Trains on the chosen and rejected answers" in words_of(page)
    assert "Chosen against rejected reward" in words_of(page)


def test_a_run_without_a_sign_of_life_for_a_day_can_be_marked_as_failed(open_page: OpenPage, store: Store) -> None:
    live = run(store, RunStatus.RUNNING)
    page = open_page("runs", run=str(live.id))
    assert "Mark as failed" not in [button.label for button in page.button]
    with store.write() as session:
        session.get_one(TrainingRun, live.id).heartbeat_at = now() - timedelta(hours=25)
    press(page.run(), "Mark as failed")
    with store.read() as session:
        job = queue.of_subject(session, live.id)
        assert session.get_one(TrainingRun, live.id).outcome is RunOutcome.CRASHED
        assert job is not None and job.status is JobStatus.FAILED


def test_building_the_demo_model_is_shown_as_what_it_is(open_page: OpenPage, store: Store) -> None:
    live = run(store, RunStatus.RUNNING, phase=RunPhase.STARTING)
    with store.write() as session:
        records.record_building(session, live.id, percentage=40.0)
    page = open_page("runs", run=str(live.id))
    assert not page.exception
    assert "Building the demo model, 40 %" in words_of(page)
    assert "Step" not in words_of(page)
    with store.write() as session:
        records.record_phase(session, live.id, RunPhase.TRAINING)
        records.record_progress(session, live.id, step=1, total=100)
    page.run()
    assert "Building" not in words_of(page)
    assert "Step 1 of 100" in words_of(page)


def test_only_new_steps_are_asked_for(open_page: OpenPage, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    live = run(store, RunStatus.RUNNING, phase=RunPhase.TRAINING, current_step=5, total_steps=100)
    log(store, live.id, 5)
    asked: list[int] = []
    curve = records.curve

    def counting(session: Any, run_id: UUID, *, after_step: int = -1, points: int = 1000) -> Any:
        asked.append(after_step)
        return curve(session, run_id, after_step=after_step, points=points)

    monkeypatch.setattr(records, "curve", counting)
    page = open_page("runs", run=str(live.id))
    page.run()
    assert asked == [-1, 5]


def test_a_chosen_reward_that_falls_below_zero_is_a_warning(open_page: OpenPage, store: Store) -> None:
    done = run(store, RunStatus.COMPLETED, outcome=RunOutcome.OK)
    log(store, done.id, 30, chosen=-0.05)
    page = open_page("runs", run=str(done.id))
    assert any("becoming less likely" in w.value for w in page.warning)


def test_cancel_asks_once_and_the_run_hears_it(open_page: OpenPage, store: Store) -> None:
    live = run(store, RunStatus.RUNNING, phase=RunPhase.TRAINING, current_step=3, total_steps=100)
    page = open_page("runs", run=str(live.id))
    page.button(key=f"cancel_{live.id}").click().run()
    with store.read() as session:
        job = queue.of_subject(session, live.id)
    assert job is not None and job.command is JobCommand.CANCEL


def test_a_training_run_can_be_paused(open_page: OpenPage, store: Store) -> None:
    live = run(store, RunStatus.RUNNING, phase=RunPhase.TRAINING, current_step=3, total_steps=100)
    page = open_page("runs", run=str(live.id))
    page.button(key=f"pause_{live.id}").click().run()
    with store.read() as session:
        job = queue.of_subject(session, live.id)
    assert job is not None and job.command is JobCommand.PAUSE
    assert any("Pausing" in badge.value for badge in page.markdown)


def test_an_interrupted_run_says_why_and_goes_on_where_it_was(open_page: OpenPage, store: Store, bell: Bell) -> None:
    was = run(store, RunStatus.INTERRUPTED, error="The app was stopped at step 40 of 100. Resume it.")
    page = open_page("runs", run=str(was.id))
    assert any("at step 40 of 100" in w.value for w in page.warning)
    press(page, "Resume training")
    assert not page.exception
    [row] = all_runs(store)
    with store.read() as session:
        job = queue.of_subject(session, was.id)
    assert job is not None
    assert (row.status, job.status, bell.rung) == (RunStatus.PENDING, JobStatus.QUEUED, 1)


def test_a_failed_run_starts_again_with_the_same_settings(open_page: OpenPage, store: Store, bell: Bell) -> None:
    was = run(store, RunStatus.FAILED, outcome=RunOutcome.CRASHED, error="The loss was no number.")
    page = open_page("runs", run=str(was.id))
    press(page, "Start again with the same settings")
    assert not page.exception
    _, again = all_runs(store)
    assert (again.status, again.dataset_id) == (RunStatus.PENDING, was.dataset_id)
    assert again.hyperparameters == PRESETS["demo"].hyperparameters()
    assert again.config["seed"] == was.config["seed"]
    assert bell.rung == 1


def test_a_failed_run_shows_its_sentence_and_keeps_the_detail_in_a_fold(open_page: OpenPage, store: Store) -> None:
    was = run(
        store,
        RunStatus.FAILED,
        outcome=RunOutcome.CRASHED,
        error=f"Stopped: {HOSTILE}",
        error_detail=f"Traceback {HOSTILE}",
    )
    page = open_page("runs", run=str(was.id))
    assert page.error
    assert HOSTILE not in [e.value for e in page.error]
    assert [c.value for c in page.code] == [f"Traceback {HOSTILE}"]


def test_sampled_answers_stand_side_by_side_and_literally(open_page: OpenPage, store: Store) -> None:
    done = run(store, RunStatus.COMPLETED, outcome=RunOutcome.OK)
    with store.write() as session:
        answers = {"before": "tell tell", "after": HOSTILE, "chosen": "c", "rejected": "r"}
        records.record_samples(session, done.id, [RunSample(run_id=done.id, position=0, prompt="p", **answers)])
    page = open_page("runs", run=str(done.id))
    assert {"tell tell", HOSTILE} <= {t.value for t in page.text}
    assert HOSTILE not in words_of(page)


def test_settings_are_compared_with_another_run(open_page: OpenPage, store: Store) -> None:
    on = dataset(store)
    one, other = run(store, RunStatus.COMPLETED, on=on), run(store, RunStatus.COMPLETED, on=on)
    with store.write() as session:
        session.get_one(TrainingRun, other.id).config = PRESETS["demo"].changed(seed=7).model_dump(mode="json")
    page = open_page("runs", run=str(one.id))
    page.selectbox(key="compare").set_value(str(other.id)).run()
    assert page.dataframe[0].value.to_dict("records") == [{"Setting": "seed", "This run": "42", "The other run": "7"}]


@pytest.mark.parametrize("address", ["00000000-0000-7000-8000-000000000000", "nope"])
def test_a_run_that_is_not_there_is_said_to_be_missing(open_page: OpenPage, address: str) -> None:
    page = open_page("runs", run=address)
    assert not page.exception
    assert "no such run" in words_of(page)


def test_little_data_is_called_not_enough() -> None:
    def of(correct: int, n: int) -> RunEvaluation:
        share = correct / n
        return RunEvaluation(
            run_id=new_id(), n=n, correct=correct, accuracy=share, low=share - 0.1, high=share + 0.1, mean_margin=0
        )

    assert Change(of(5, 10), of(9, 10)).finding == "Only 10 held-out pairs: not enough to tell."
    assert Change(of(50, 100), of(55, 100)).finding == "The two intervals overlap: not enough to tell."
    assert (Change(of(80, 100), of(50, 100)).finding or "").startswith("Worse")
    assert Change(None, None).finding is None


@given(st.integers(2, 60), st.integers(0, 100), st.floats(0.01, 100))
def test_time_left_is_the_pace_times_the_steps_to_go(logged: int, to_go: int, pace: float) -> None:
    points = [{"step": float(at), "elapsed_s": at * pace} for at in range(1, logged + 1)]
    left = run_words.seconds_left(points, step=logged, total=logged + to_go)
    assert left == pytest.approx(to_go * pace)


def test_time_left_is_unknown_before_two_timed_steps() -> None:
    assert run_words.seconds_left([{"step": 1.0, "elapsed_s": 0.2}], step=1, total=10) is None
    assert run_words.seconds_left([], step=0, total=None) is None
