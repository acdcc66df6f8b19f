"""The life of a run: asked for once, trained once, ended once, and never lost."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from core.errors import CannotStart, InvalidTransition, NotFound
from core.store import Store
from core.tables import (
    DatasetStatus,
    Moment,
    PreferencePair,
    RunCheckpoint,
    RunEvaluation,
    RunOutcome,
    RunPairScore,
    RunPhase,
    RunStatus,
    TrainingDataset,
    TrainingRun,
    new_id,
    now,
)
from core.training import records, reporting, runs
from core.training.spec import TrainSpec
from tests.frozen_pairs import freeze_sixty


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


def begin(store: Store, dataset_id: UUID) -> TrainingRun:
    """A run that trains."""
    run_id = ask(store, dataset_id).id
    with store.write() as session:
        return runs.begin(session, run_id)


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


def test_the_database_holds_the_one_slot(store: Store, dataset_id: UUID) -> None:
    begin(store, dataset_id)
    second = ask(store, dataset_id)
    with pytest.raises(sa.exc.IntegrityError), store.write() as session:
        runs.begin(session, second.id)


def test_a_completed_run_never_changes_again(store: Store, dataset_id: UUID) -> None:
    run = begin(store, dataset_id)
    with store.write() as session:
        runs.advance(session, runs.get(session, run.id), RunStatus.COMPLETED, outcome=RunOutcome.OK)
    with pytest.raises(InvalidTransition), store.write() as session:
        runs.advance(session, runs.get(session, run.id), RunStatus.FAILED)


def test_a_stale_view_of_a_run_cannot_advance_it(store: Store, dataset_id: UUID) -> None:
    stale = begin(store, dataset_id)
    with store.write() as session:
        runs.advance(session, runs.get(session, stale.id), RunStatus.CANCELLED)
    with pytest.raises(InvalidTransition), store.write() as session:
        runs.advance(session, stale, RunStatus.COMPLETED)


def test_a_cancelled_run_stays_so(store: Store, dataset_id: UUID) -> None:
    run = ask(store, dataset_id)
    for _ in range(2):
        with store.write() as session:
            current = runs.get(session, run.id)
            runs.cancel(session, current)
            assert current.status is RunStatus.CANCELLED


def test_an_interrupted_run_says_where_it_stopped_and_from_where_it_can_go_on(store: Store, dataset_id: UUID) -> None:
    run = begin(store, dataset_id)
    with store.write() as session:
        records.record_progress(session, run.id, step=17, total=128)
        records.record_checkpoint(session, run.id, 10, path="checkpoints/x", files={"a": {"bytes": 1, "sha256": "0"}})
    with store.write() as session:
        runs.interrupt(session, runs.get(session, run.id), why="The process that trained it stopped.")
    with store.read() as session:
        current = runs.get(session, run.id)
    assert (current.status, current.current_step) == (RunStatus.INTERRUPTED, 17)
    assert current.error == "The process that trained it stopped at step 17 of 128. Resume it to go on from step 10."


def test_a_resumed_run_waits_again_and_keeps_its_first_start(store: Store, dataset_id: UUID) -> None:
    run = begin(store, dataset_id)
    with store.write() as session:
        current = runs.get(session, run.id)
        runs.interrupt(session, current, why="pause")
        runs.resume(session, current, by="ada")
    with store.write() as session:
        again = runs.begin(session, run.id)
        assert (again.status, again.started_at, again.error) == (RunStatus.RUNNING, run.started_at, None)


def test_a_paused_run_leaves_the_slot_to_others(store: Store, dataset_id: UUID) -> None:
    run = begin(store, dataset_id)
    with store.write() as session:
        current = runs.get(session, run.id)
        runs.interrupt(session, current, why="pause")
        assert (current.status, current.phase) == (RunStatus.INTERRUPTED, RunPhase.PAUSED)
    assert begin(store, dataset_id).status is RunStatus.RUNNING


def test_an_interrupted_run_can_be_given_up(store: Store, dataset_id: UUID) -> None:
    run = begin(store, dataset_id)
    with store.write() as session:
        runs.interrupt(session, runs.get(session, run.id), why="It was stopped")
    with store.write() as session:
        assert runs.mark_failed(session, run.id, by="ada").status is RunStatus.FAILED


def test_only_the_two_newest_checkpoints_are_remembered(store: Store, dataset_id: UUID) -> None:
    run = begin(store, dataset_id)
    with store.write() as session:
        for step in (10, 20, 30, 25):  # back to 25: another attempt
            records.record_checkpoint(session, run.id, step, path="p", files={})
    with store.read() as session:
        kept = session.exec(select(RunCheckpoint.step).where(RunCheckpoint.run_id == run.id)).all()
    assert sorted(kept) == [20, 25]


def test_held_out_pairs_keep_their_margin_before_and_after(store: Store) -> None:
    with store.write() as session:
        dataset_id = freeze_sixty(session)
        pair_id = session.exec(select(PreferencePair.id)).first()
    assert pair_id is not None
    run = ask(store, dataset_id)
    with store.write() as session:
        records.record_scores(session, run.id, split="test", moment=Moment.BEFORE, margins={pair_id: -1.5})
        records.record_scores(session, run.id, split="test", moment=Moment.AFTER, margins={pair_id: 2.5})
    with store.read() as session:
        score = session.exec(select(RunPairScore)).one()
    assert (score.before, score.after) == (-1.5, 2.5)


def test_a_run_silent_for_a_day_is_stuck(store: Store, dataset_id: UUID) -> None:
    run = begin(store, dataset_id)
    assert not runs.is_stuck(run)
    run.heartbeat_at = now() - timedelta(hours=25)
    assert runs.is_stuck(run)
    run.status = RunStatus.INTERRUPTED
    assert not runs.is_stuck(run)


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


class Hands:
    """A job nobody else wants."""

    asked: str | None = None

    def saved(self, session: Session, done: int, total: int | None, *, unit: str, note: str) -> None:
        """Nothing stands behind it."""


def test_building_the_demo_model_is_stored_once_a_second_and_gone_with_the_first_step(
    store: Store, dataset_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, seconds = begin(store, dataset_id).id, 100.0
    monkeypatch.setattr(reporting.time, "monotonic", lambda: seconds)
    sink = reporting.StoreSink(store, run_id, held=Hands(), home=Path("."))
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
        runs.cancel(session, runs.get(session, run.id))
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
