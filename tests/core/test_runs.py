"""The life of a run: asked for once, claimed once, ended once, and never lost."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import UUID

import pytest

from core.errors import CannotStart, InvalidTransition, NotFound
from core.store import Store
from core.tables import (
    DatasetStatus,
    Moment,
    RunCommand,
    RunEvaluation,
    RunOutcome,
    RunPhase,
    RunStatus,
    TrainingDataset,
    TrainingRun,
    new_id,
    now,
)
from core.training import records, reporting, runs
from core.training.spec import TrainSpec


@pytest.fixture
def dataset_id(store: Store) -> UUID:
    dataset = TrainingDataset(name="d", agent_ids=["support"], total_examples=60, status=DatasetStatus.READY)
    with store.write() as session:
        session.add(dataset)
    return dataset.id


def ask(store: Store, dataset_id: UUID, *, run_id: UUID | None = None, min_pairs: int = 50) -> TrainingRun:
    with store.write() as session:
        return runs.request(
            session,
            dataset_id,
            spec=TrainSpec(base="demo"),
            agent_id="support",
            requested_by="ada",
            min_pairs=min_pairs,
            run_id=run_id,
        )


def claim(store: Store, owner: str = "here:1:1.0") -> TrainingRun | None:
    with store.write() as session:
        return runs.claim(session, owner=owner)


def test_pressing_start_twice_asks_for_one_run(store: Store, dataset_id: UUID) -> None:
    run_id = new_id()
    assert ask(store, dataset_id, run_id=run_id).id == ask(store, dataset_id, run_id=run_id).id
    with store.read() as session:
        assert len(runs.queue(session)) == 1


def test_a_run_with_too_few_pairs_is_refused_by_name(store: Store, dataset_id: UUID) -> None:
    with pytest.raises(CannotStart) as refused:
        ask(store, dataset_id, min_pairs=61)
    assert refused.value.reason == "not_enough_pairs"


def test_a_run_needs_a_dataset_that_exists(store: Store) -> None:
    with pytest.raises(NotFound):
        ask(store, new_id())


def test_runs_wait_their_turn_in_one_slot(store: Store, dataset_id: UUID) -> None:
    first, second = ask(store, dataset_id), ask(store, dataset_id)
    claimed = claim(store)
    assert claimed is not None and claimed.id == first.id
    assert claim(store) is None  # the slot is taken
    with store.write() as session:
        runs.advance(session, runs.get(session, first.id), RunStatus.COMPLETED, outcome=RunOutcome.OK)
    following = claim(store)
    assert following is not None and following.id == second.id


def test_of_many_claimers_one_gets_the_run(store: Store, dataset_id: UUID) -> None:
    ask(store, dataset_id)
    barrier = threading.Barrier(6)
    won: list[bool] = []

    def try_it() -> None:
        barrier.wait()
        won.append(claim(store) is not None)

    threads = [threading.Thread(target=try_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 5 + [True]


def test_a_completed_run_never_changes_again(store: Store, dataset_id: UUID) -> None:
    ask(store, dataset_id)
    run = claim(store)
    assert run is not None
    with store.write() as session:
        runs.advance(session, runs.get(session, run.id), RunStatus.COMPLETED, outcome=RunOutcome.OK)
    with pytest.raises(InvalidTransition), store.write() as session:
        runs.advance(session, runs.get(session, run.id), RunStatus.FAILED)


def test_a_stale_view_of_a_run_cannot_advance_it(store: Store, dataset_id: UUID) -> None:
    ask(store, dataset_id)
    stale = claim(store)
    assert stale is not None
    with store.write() as session:
        runs.advance(session, runs.get(session, stale.id), RunStatus.CANCELLED)
    with pytest.raises(InvalidTransition), store.write() as session:
        runs.advance(session, stale, RunStatus.COMPLETED)


def test_cancelling_a_waiting_run_ends_it_at_once(store: Store, dataset_id: UUID) -> None:
    run = ask(store, dataset_id)
    with store.write() as session:
        assert runs.request_cancel(session, run.id, by="ada").status is RunStatus.CANCELLED


def test_cancelling_a_training_run_tells_the_trainer(store: Store, dataset_id: UUID) -> None:
    ask(store, dataset_id)
    run = claim(store)
    assert run is not None
    with store.write() as session:
        runs.request_cancel(session, run.id, by="ada")
    with store.read() as session:
        current = runs.get(session, run.id)
        assert (current.status, current.command) == (RunStatus.RUNNING, RunCommand.CANCEL)


def test_cancelling_an_ended_run_changes_nothing(store: Store, dataset_id: UUID) -> None:
    run = ask(store, dataset_id)
    for _ in range(2):
        with store.write() as session:
            assert runs.request_cancel(session, run.id, by="ada").status is RunStatus.CANCELLED


def test_kill_during_training_leaves_the_run_interrupted_with_its_last_step(store: Store, dataset_id: UUID) -> None:
    ask(store, dataset_id)
    # This host, a process id that cannot be alive with that start time.
    gone = runs.this_process().rsplit(":", 1)[0] + ":1.00"
    run = claim(store, owner=gone)
    assert run is not None
    with store.write() as session:
        records.record_progress(session, run.id, step=17, total=128)
    with store.write() as session:
        assert runs.recover(session) == [run.id]
    with store.read() as session:
        current = runs.get(session, run.id)
    assert (current.status, current.current_step) == (RunStatus.INTERRUPTED, 17)
    assert current.error is not None and "step 17 of 128" in current.error


def test_a_run_whose_process_lives_is_left_alone(store: Store, dataset_id: UUID) -> None:
    ask(store, dataset_id)
    claim(store, owner=runs.this_process())
    with store.write() as session:
        assert runs.recover(session) == []


@pytest.mark.parametrize(("silent_for_s", "recovered"), [(5, False), (31, True)])
def test_an_owner_on_another_machine_is_judged_by_its_heartbeat(
    store: Store, dataset_id: UUID, silent_for_s: int, recovered: bool
) -> None:
    ask(store, dataset_id)
    run = claim(store, owner="elsewhere:1:1.0")
    assert run is not None
    with store.write() as session:
        runs.get(session, run.id).heartbeat_at = now() - timedelta(seconds=silent_for_s)
    with store.write() as session:
        assert (runs.recover(session) == [run.id]) is recovered


def test_an_interrupted_run_can_be_given_up(store: Store, dataset_id: UUID) -> None:
    ask(store, dataset_id)
    claim(store, owner="elsewhere:1:1.0")
    with store.write() as session:
        run = runs.running(session)
        assert run is not None
        runs.interrupt(session, run, why="It was stopped")
    with store.write() as session:
        assert runs.mark_failed(session, run.id, by="ada").status is RunStatus.FAILED


def test_a_run_silent_for_a_day_is_listed_as_stuck(store: Store, dataset_id: UUID) -> None:
    ask(store, dataset_id)
    run = claim(store)
    assert run is not None
    with store.write() as session:
        assert list(runs.stuck(session)) == []
        runs.get(session, run.id).heartbeat_at = now() - timedelta(hours=25)
    with store.read() as session:
        assert [row.id for row in runs.stuck(session)] == [run.id]


def test_logging_a_step_again_replaces_it(store: Store, dataset_id: UUID) -> None:
    run = ask(store, dataset_id)
    with store.write() as session:
        records.record_metrics(session, run.id, [{"step": 1, "loss": 0.7}, {"step": 2, "loss": 0.6}])
        records.record_metrics(session, run.id, [{"step": 2, "loss": 0.5}])
    with store.read() as session:
        assert [(row.step, row.loss) for row in records.curve(session, run.id)] == [(1, 0.7), (2, 0.5)]
        assert [row.step for row in records.curve(session, run.id, after_step=1)] == [2]


def test_a_long_curve_is_thinned_and_keeps_its_end(store: Store, dataset_id: UUID) -> None:
    run = ask(store, dataset_id)
    with store.write() as session:
        records.record_metrics(session, run.id, [{"step": step, "loss": 1 / step} for step in range(1, 1001)])
    with store.read() as session:
        steps = [row.step for row in records.curve(session, run.id, points=50)]
    assert len(steps) <= 52
    assert steps[-1] == 1000


def test_sparklines_take_every_kth_step_of_each_run_and_its_last(store: Store, dataset_id: UUID) -> None:
    long, short, silent = (ask(store, dataset_id).id for _ in range(3))
    with store.write() as session:
        for run_id, logged in ((long, range(10, 1011, 10)), (short, range(1, 4))):  # 101 logged steps, and 3
            records.record_metrics(session, run_id, [{"step": step, "reward_margin": step / 10} for step in logged])
        records.record_metrics(session, short, [{"step": 4, "loss": 0.5}])  # no margin: not on the line
    with store.read() as session:
        lines = records.sparkline(session, [long, short, silent], points=40)
    assert lines[short] == [0.1, 0.2, 0.3]
    assert lines[long] == [float(at) for at in (*range(1, 101, 3), 101)]
    assert silent not in lines


def test_held_out_measurements_are_found_for_every_run_asked_for(store: Store, dataset_id: UUID) -> None:
    both, first, none = (ask(store, dataset_id).id for _ in range(3))
    measured = [(both, Moment.BEFORE, "held_out", 50), (both, Moment.AFTER, "held_out", 90)]
    measured += [(first, Moment.BEFORE, "held_out", 40), (first, Moment.AFTER, "train", 99)]
    with store.write() as session:
        for run_id, moment, split, correct in measured:
            row = RunEvaluation(
                run_id=run_id,
                moment=moment,
                split=split,
                n=100,
                correct=correct,
                accuracy=correct / 100,
                low=0.0,
                high=1.0,
                mean_margin=0.0,
            )
            records.record_evaluation(session, row)
    with store.read() as session:
        found = records.held_out(session, [both, first, none])
    assert {run_id: tuple(one and one.correct for one in pair) for run_id, pair in found.items()} == {
        both: (50, 90),
        first: (40, None),
        none: (None, None),
    }


def test_building_the_demo_model_is_stored_once_a_second_and_gone_with_the_first_step(
    store: Store, dataset_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, seconds = ask(store, dataset_id).id, 100.0
    claim(store)
    monkeypatch.setattr(reporting.time, "monotonic", lambda: seconds)
    sink = reporting.StoreSink(store, run_id)
    seen = []
    for done in range(1, 41):  # a quarter of a second each
        seconds += 0.25
        sink.building(done, 40)
        with store.read() as session:
            seen.append(runs.get(session, run_id).progress_percentage)
    assert seen[:9] == [2.5] * 4 + [12.5] * 4 + [22.5]
    assert seen[-1] == 0.0
    sink.progress(1, 50)
    sink.phase("training")
    with store.read() as session:
        current = runs.get(session, run_id)
    assert (current.progress_percentage, current.current_step, current.total_steps) == (2.0, 1, 50)


def test_progress_of_an_ended_run_is_not_touched_by_a_late_report(store: Store, dataset_id: UUID) -> None:
    run = ask(store, dataset_id)
    with store.write() as session:
        runs.request_cancel(session, run.id, by="ada")
        records.record_progress(session, run.id, step=5, total=10)
        records.record_phase(session, run.id, RunPhase.TRAINING)
    with store.read() as session:
        current = runs.get(session, run.id)
    assert (current.current_step, current.phase) == (0, None)


def test_two_runs_show_only_the_settings_in_which_they_differ() -> None:
    assert list(runs.differences({"beta": 0.1, "seed": 1}, {"beta": 0.3, "seed": 1, "r": 8})) == [
        ("beta", 0.1, 0.3),
        ("r", None, 8),
    ]
