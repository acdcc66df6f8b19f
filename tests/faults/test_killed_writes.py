"""Faults: a process is killed in the middle of a write. All of it is stored or nothing; again is harmless."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import SQLModel, select

from core.datasets import freeze
from core.settings import Settings
from core.store import Store
from core.tables import DatasetPair, Interaction, PairLabel, PairStatus, PreferencePair, TrainingDataset
from tests.core.preference_rows import accepted, pair
from tests.faults.conftest import Start, healthy

AGENT = "support"
PAIRS = 40


def rows(store: Store, table: type[SQLModel]) -> int:
    with store.read() as session:
        return session.exec(select(sa.func.count()).select_from(table)).one()


def test_kill_9_during_freeze_leaves_no_dataset_and_the_next_freeze_takes_all(store: Store, start: Start) -> None:
    """Fault: kill -9 during freeze/import."""
    with store.write() as session:
        accepted(session, PAIRS)
    freezing = start("freeze", AGENT, "UPDATE training_datasets:1")  # every row is in; the dataset is not closed yet
    freezing.says("halted")
    freezing.kill()
    assert (rows(store, TrainingDataset), rows(store, DatasetPair), healthy(store)) == (0, 0, True)
    frozen = freeze.freeze_now(store, agent_id=AGENT, frozen_by="ada")
    assert (frozen.total_examples, rows(store, DatasetPair)) == (PAIRS, PAIRS)


def test_kill_9_while_holding_the_write_lock_frees_it(store: Store, start: Start) -> None:
    """Fault: kill -9 during freeze/import."""
    holding = start("hold")
    holding.says("held")
    holding.kill()
    with store.write() as session:
        accepted(session, 1)
    assert rows(store, PreferencePair) == 1


def test_kill_9_while_labelling_keeps_every_decision_that_was_acknowledged(store: Store, start: Start) -> None:
    """Fault: kill -9 of the app while people decide."""
    with store.write() as session:
        for number in range(PAIRS):
            pair(session, f"question {number}", f"good {number}", f"bad {number}")
    labelling = start("label", "ada")
    labelling.says("ready")
    acknowledged = labelling.acknowledged(PAIRS // 4)
    labelling.kill()
    acknowledged |= labelling.acknowledged()
    with store.read() as session:
        kept = set(session.exec(select(PairLabel.id)))
        decided = session.exec(select(PreferencePair).where(PreferencePair.status == PairStatus.ACCEPTED)).all()
    assert acknowledged and acknowledged <= kept
    assert (len(decided), healthy(store)) == (len(kept), True)


def test_kill_9_during_intake_keeps_what_was_acknowledged_and_sending_again_adds_the_rest(
    store: Store, settings: Settings, start: Start
) -> None:
    """Fault: kill -9 of the app while feedback comes in."""
    sending = start("interactions", "shop", "30")
    sending.says("ready")
    [first] = sending.acknowledged(1)
    sending.kill()
    with store.read() as session:
        assert session.get(Interaction, first) is not None
    again = start("interactions", "shop", "30")
    again.says("done")
    assert str(first) in again.lines
    assert rows(store, Interaction) == 30
