"""Faults: two act at once, one goes away, a button is pressed twice. One decision, one run, one job, one row."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel, col, select

from core.errors import AlreadyDecided
from core.feedback import intake
from core.jobs import queue, training
from core.preferences import labelling
from core.preferences.labelling import Shown
from core.settings import Settings
from core.store import Store
from core.tables import Feedback, Job, LabelChoice, PairLabel, PreferencePair, TrainingRun, new_id, now
from tests.core.preference_rows import answer, pair
from tests.training_runs import SMALL

LEASE_S = 300.0
ROUNDS = 50


def leased(store: Store, annotator: str) -> Shown | None:
    with store.write() as session:
        return labelling.next_pair(session, annotator=annotator, lease_s=LEASE_S)


def decide(store: Store, seen: Shown, annotator: str, choice: LabelChoice) -> UUID:
    with store.write() as session:
        return labelling.apply_label(
            session,
            seen.pair_id,
            seen_version=seen.version,
            choice=choice,
            left_side=seen.left_side,
            annotator=annotator,
            shown_ms=900,
            min_dwell_ms=300,
        ).label_id


def at_once(*acts: Callable[[], object]) -> None:
    """Do all of them in threads that begin together."""
    ready = threading.Barrier(len(acts))

    def begin(act: Callable[[], object]) -> None:
        ready.wait(30)
        act()

    threads = [threading.Thread(target=begin, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def rows(store: Store, table: type[SQLModel]) -> int:
    with store.read() as session:
        return session.exec(select(sa.func.count()).select_from(table)).one()


def test_two_annotators_on_the_same_pair_make_exactly_one_decision(store: Store) -> None:
    """Fault: two annotators, same pair."""
    with store.write() as session:
        for number in range(ROUNDS):
            pair(session, f"question {number}", f"good {number}", f"bad {number}")
    refused: list[str | None] = []
    for _ in range(ROUNDS):
        seen = leased(store, "ada")
        assert seen is not None

        def act(name: str, choice: LabelChoice, seen: Shown = seen) -> None:
            try:
                decide(store, seen, name, choice)
            except AlreadyDecided as error:
                refused.append(error.by)

        at_once(lambda: act("ada", LabelChoice.A), lambda: act("bob", LabelChoice.B))
    with store.read() as session:
        labels = session.exec(select(PairLabel)).all()
    assert len({label.pair_id for label in labels}) == len(labels) == ROUNDS
    # Whoever came second was told who had decided.
    assert sorted(refused, key=str) == sorted(label.annotator for label in labels)


def test_a_pair_whose_lease_holder_vanished_comes_back_to_others(store: Store) -> None:
    """Fault: lease holder vanishes."""
    with store.write() as session:
        pair(session, "question", "good", "bad")
    held = leased(store, "ada")
    assert held is not None
    while_held = leased(store, "bob")
    with store.write() as session:
        session.get_one(PreferencePair, held.pair_id).leased_until = now() - timedelta(seconds=1)
    after = leased(store, "bob")
    assert (while_held, after and after.pair_id) == (None, held.pair_id)


def test_a_late_answer_of_the_vanished_holder_does_not_undo_the_decision(store: Store) -> None:
    """Fault: lease holder vanishes."""
    with store.write() as session:
        pair(session, "question", "good", "bad")
    held = leased(store, "ada")
    assert held is not None
    with store.write() as session:
        session.get_one(PreferencePair, held.pair_id).leased_until = now() - timedelta(seconds=1)
    taken = leased(store, "bob")
    assert taken is not None
    decide(store, taken, "bob", LabelChoice.B)
    with pytest.raises(AlreadyDecided) as refused:
        decide(store, held, "ada", LabelChoice.A)
    assert refused.value.by == "bob"
    with store.read() as session:
        assert [label.annotator for label in session.exec(select(PairLabel))] == ["bob"]


def test_a_double_click_on_a_label_stores_one(store: Store) -> None:
    """Fault: double click / submit twice."""
    with store.write() as session:
        pair(session, "question", "good", "bad")
    seen = leased(store, "ada")
    assert seen is not None
    given: list[UUID] = []
    at_once(*[lambda: given.append(decide(store, seen, "ada", LabelChoice.A))] * 2)
    assert (len(set(given)), len(given), rows(store, PairLabel)) == (1, 2, 1)


def test_a_double_click_on_start_training_asks_for_one_run(store: Store, settings: Settings, dataset_id: UUID) -> None:
    """Fault: double click / submit twice."""
    drawn = new_id()

    def press() -> None:
        with store.write() as session:
            training.request_run(
                session,
                dataset_id,
                spec=SMALL,
                agent_id="support",
                requested_by="ada",
                min_pairs=50,
                home=settings.home,
                run_id=drawn,
            )

    at_once(*[press] * 4)
    assert (rows(store, TrainingRun), rows(store, Job)) == (1, 1)


def test_a_double_click_on_a_job_asks_once(store: Store) -> None:
    """Fault: double click / submit twice."""

    def press() -> None:
        with store.write() as session:
            queue.enqueue(session, "triage", requested_by="ada")

    at_once(*[press] * 4)
    assert rows(store, Job) == 1


def test_feedback_sent_twice_is_stored_once(store: Store) -> None:
    """Fault: double click / submit twice."""
    with store.write() as session:
        row_id = answer(session, "Where are my invoices?", "Open billing.").id

    def send() -> None:
        with store.write() as session:
            intake.store_message_feedback(session, row_id, feedback_type="thumbs_up", user_id="visitor")

    at_once(*[send] * 4)
    with store.read() as session:
        assert len(session.exec(select(Feedback).where(col(Feedback.is_current))).all()) == 1
