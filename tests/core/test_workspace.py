"""The sample workspace fills every step, once."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel, select

from core import workspace
from core.settings import Settings
from core.store import Store
from core.tables import (
    Evaluation,
    Feedback,
    FeedbackKind,
    Interaction,
    LearningExample,
    PairStatus,
    Plan,
    PreferencePair,
    Reward,
    TriageQueue,
    TriageResult,
)


@pytest.fixture(scope="module")
def loaded(shared_store: Store) -> tuple[Store, workspace.Loaded]:
    return shared_store, workspace.load_sample(shared_store, Settings(user="ada", _env_file=None))


def count(store: Store, table: type[SQLModel], *where: sa.ColumnElement[bool]) -> int:
    with store.read() as session:
        return int(session.exec(select(sa.func.count()).select_from(table).where(*where)).one())


def test_every_step_has_something_to_show(loaded: tuple[Store, workspace.Loaded]) -> None:
    store, _ = loaded
    for table in (Interaction, Feedback, Plan, Reward, TriageResult, Evaluation, LearningExample, PreferencePair):
        assert count(store, table) > 0, table.__name__


def test_what_it_says_it_added_is_there(loaded: tuple[Store, workspace.Loaded]) -> None:
    store, added = loaded
    assert count(store, Interaction) == added.interactions + added.plans
    assert count(store, Feedback, Feedback.kind != FeedbackKind.PLAN) == added.feedback + added.site_forms


def test_there_are_enough_pairs_to_train_and_some_to_label(loaded: tuple[Store, workspace.Loaded]) -> None:
    store, _ = loaded
    assert count(store, PreferencePair, PreferencePair.status == PairStatus.ACCEPTED) >= 340
    assert count(store, PreferencePair, PreferencePair.status == PairStatus.NEEDS_LABEL) >= 20


def test_hostile_and_commercial_feedback_reaches_its_queue(loaded: tuple[Store, workspace.Loaded]) -> None:
    store, _ = loaded
    for queue in TriageQueue:
        assert count(store, TriageResult, TriageResult.queue == queue) > 0, queue


def test_personal_data_of_the_sample_is_not_stored(loaded: tuple[Store, workspace.Loaded]) -> None:
    store, _ = loaded
    with store.read() as session:
        redacted = [row for row in session.exec(select(Feedback)).all() if row.pii]
    assert {kind for row in redacted for kind in row.pii} == {"email", "phone", "card"}
    assert not any(
        "@" in (row.comment or "").replace("@ ", "") and "[email]" not in (row.comment or "") for row in redacted
    )


def test_loading_it_again_adds_nothing(loaded: tuple[Store, workspace.Loaded]) -> None:
    store, _ = loaded
    before = {table: count(store, table) for table in (Interaction, Feedback, Reward, PreferencePair, Evaluation)}
    assert workspace.add_sample_rows(store) == workspace.Loaded()
    again = workspace.bring_up(store)
    assert (again.triaged, again.evaluated, again.mined.added) == (0, 0, 0)
    assert {table: count(store, table) for table in before} == before
