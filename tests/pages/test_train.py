"""Runs and adapters as a person works with them: start, watch, stop, approve, take back."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col, select
from streamlit.testing.v1 import AppTest

from core.adapters import registry
from core.api.process import Process
from core.settings import Settings
from core.store import Store
from core.tables import (
    Adapter,
    AdapterStatus,
    DatasetPair,
    DatasetStatus,
    Moment,
    PairOrigin,
    PairStatus,
    PreferencePair,
    RunCommand,
    RunEvaluation,
    RunOutcome,
    RunPhase,
    RunSample,
    RunStatus,
    Side,
    Split,
    TrainingDataset,
    TrainingRun,
    TrainingType,
    new_id,
    now,
)
from core.training import records, runs
from core.training.presets import PRESETS
from pages.train import run_words
from pages.train.before_after import Change
from tests.pages.conftest import OpenPage

HOSTILE = "<script>alert(1)</script> **bold** :red[x] [l](http://evil.example)"


class Bell:
    """An executor that only hears that it was woken."""

    def __init__(self) -> None:
        self.rung = 0

    def start(self) -> None: ...

    def wake(self) -> None:
        self.rung += 1

    def stop(self, *, timeout_s: float = 20.0) -> None: ...


@pytest.fixture(autouse=True)
def bell(at_work: Process) -> Bell:
    bell = Bell()
    at_work._executor = bell
    return bell


def dataset(store: Store, n: int = 60, *, name: str = "support, first week") -> TrainingDataset:
    with store.write() as session:
        frozen = TrainingDataset(
            name=name,
            agent_ids=["support"],
            total_examples=n,
            content_hash="a" * 64,
            frozen_by="ada",
            frozen_at=now(),
            status=DatasetStatus.READY,
        )
        session.add(frozen)
        session.flush()
        for at in range(n):
            pair = PreferencePair(
                agent_id="support",
                prompt=f"question {at}",
                prompt_group=f"g{at}",
                answer_a="yes",
                answer_b="no",
                preferred=Side.A,
                status=PairStatus.ACCEPTED,
                origin=PairOrigin.RATING,
                content_key=hashlib.sha256(f"{frozen.id} {at}".encode()).hexdigest(),
            )
            session.add(pair)
            session.flush()
            session.add(
                DatasetPair(
                    dataset_id=frozen.id,
                    pair_id=pair.id,
                    position=at,
                    split=(Split.TRAIN, Split.TRAIN, Split.TRAIN, Split.VALIDATION, Split.TEST)[at % 5],
                    prompt_group=pair.prompt_group,
                    messages=[{"role": "user", "content": pair.prompt}],
                    chosen="yes",
                    rejected="no",
                )
            )
    return frozen


def run(store: Store, status: RunStatus, *, on: TrainingDataset | None = None, **values: Any) -> TrainingRun:
    on = on or dataset(store)
    with store.write() as session:
        row = TrainingRun(
            agent_id="support",
            dataset_id=on.id,
            training_type=TrainingType.DPO,
            config=PRESETS["demo"].model_dump(mode="json"),
            base_model="demo",
            status=status,
            requested_by="ada",
            started_at=now() - timedelta(minutes=2),
            heartbeat_at=now(),
            owner=runs.this_process() if status is RunStatus.RUNNING else None,
            **values,
        )
        session.add(row)
    return row


def log(store: Store, run_id: UUID, steps: int, *, chosen: float = 0.01) -> None:
    """``steps`` logged steps of a second each; the chosen reward moves by ``chosen`` a step."""
    with store.write() as session:
        rows = [
            {"step": at, "loss": 0.7 - at / 1000, "chosen_reward": chosen * at, "rejected_reward": -at / 10}
            | {"reward_margin": at / 10, "reward_accuracy": 0.6, "elapsed_s": float(at), "tokens": 100 * at}
            for at in range(1, steps + 1)
        ]
        records.record_metrics(session, run_id, rows)


def measured(store: Store, run_id: UUID, before: int, after: int, *, n: int = 100) -> None:
    with store.write() as session:
        for moment, correct in ((Moment.BEFORE, before), (Moment.AFTER, after)):
            share = correct / n
            records.record_evaluation(
                session,
                RunEvaluation(
                    run_id=run_id,
                    moment=moment,
                    split="held_out",
                    n=n,
                    correct=correct,
                    accuracy=share,
                    low=max(0.0, share - 0.05),
                    high=min(1.0, share + 0.05),
                    mean_margin=0.5,
                ),
            )


def adapter(store: Store, settings: Settings) -> Adapter:
    """A candidate with one file on the disk."""
    made = run(store, RunStatus.COMPLETED, outcome=RunOutcome.OK, current_step=30, total_steps=30)
    measured(store, made.id, 50, 90)
    folder = settings.home / "adapters" / str(made.id)
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_bytes(b"{}")
    files = {"adapter_config.json": {"sha256": hashlib.sha256(b"{}").hexdigest(), "bytes": 2}}
    with store.write() as session:
        row = session.get_one(TrainingRun, made.id)
        row.artifact_path = f"adapters/{made.id}"
        return registry.register(session, row, files=files, parameters=1234)


def all_runs(store: Store) -> list[TrainingRun]:
    with store.read() as session:
        return list(session.exec(select(TrainingRun).order_by(col(TrainingRun.id))).all())


def status_of(store: Store, adapter_id: UUID) -> AdapterStatus:
    with store.read() as session:
        return registry.get(session, adapter_id).status


def press(page: AppTest, words: str) -> AppTest:
    return next(button for button in page.button if button.label == words).click().run()


def words_of(page: AppTest) -> str:
    elements = [*page.markdown, *page.caption, *page.title, *page.subheader, *page.error, *page.warning]
    return "\n".join(str(element.value) for element in elements).replace("\\", "")  # as a reader sees it


# -- the list -----------------------------------------------------------------------------------------------------


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


# -- a new run ----------------------------------------------------------------------------------------------------


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


# -- a run's page -------------------------------------------------------------------------------------------------


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
    [row] = all_runs(store)
    assert row.command is RunCommand.CANCEL
    assert "Stops after this step, as asked" in words_of(page)


def test_an_interrupted_run_says_why_and_starts_again_with_the_same_settings(
    open_page: OpenPage, store: Store, bell: Bell
) -> None:
    was = run(store, RunStatus.INTERRUPTED, error="The app was stopped at step 40 of 100. Start a new run.")
    page = open_page("runs", run=str(was.id))
    assert any("at step 40 of 100" in w.value for w in page.warning)
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


def test_a_run_that_is_not_there_is_said_to_be_missing(open_page: OpenPage) -> None:
    page = open_page("runs", run="00000000-0000-7000-8000-000000000000")
    assert not page.exception
    assert "no such run" in words_of(page)


# -- adapters -----------------------------------------------------------------------------------------------------


def test_without_an_adapter_the_page_says_what_makes_one(open_page: OpenPage) -> None:
    page = open_page("adapters")
    assert not page.exception
    assert "No adapter yet" in [s.value for s in page.subheader]


def test_a_card_says_what_it_was_taught_on_and_what_changed(
    open_page: OpenPage, store: Store, settings: Settings
) -> None:
    made = adapter(store, settings)
    page = open_page("adapters", adapter=str(made.id))
    assert not page.exception
    assert "50 % (40–60 %, n = 100) before and 90 % (83–94 %, n = 100) after" in words_of(page)
    assert "Better than the base model" in words_of(page)


def test_approving_deploys_and_rolling_back_takes_it_back(
    open_page: OpenPage, store: Store, settings: Settings
) -> None:
    made = adapter(store, settings)
    page = open_page("adapters")
    press(page, "Approve adapter")
    assert status_of(store, made.id) is AdapterStatus.DEPLOYED
    page.button(key=f"roll_back_{made.id}").click().run()
    assert not page.exception
    assert status_of(store, made.id) is AdapterStatus.RETIRED


def test_rejecting_is_final(open_page: OpenPage, store: Store, settings: Settings) -> None:
    made = adapter(store, settings)
    page = open_page("adapters")
    press(page, "Reject")
    assert status_of(store, made.id) is AdapterStatus.REJECTED
    assert "Approve adapter" not in [b.label for b in page.button]


def test_an_adapter_whose_files_were_changed_cannot_be_approved(
    open_page: OpenPage, store: Store, settings: Settings
) -> None:
    made = adapter(store, settings)
    (settings.home / made.path / "adapter_config.json").write_bytes(b"tampered")
    page = open_page("adapters")
    assert any("adapter" in w.value and "no longer what training wrote" in w.value for w in page.warning)
    assert next(b for b in page.button if b.label == "Approve adapter").disabled


# -- words --------------------------------------------------------------------------------------------------------


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
