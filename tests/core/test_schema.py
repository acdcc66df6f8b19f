"""The database itself keeps the rules of section 6, and opening it is safe whatever is found there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from sqlmodel import SQLModel, select

from core.errors import StoreBusy, StoreDamaged, StoreError, StoreFull, StoreTooNew
from core.settings import Settings
from core.store import Store
from core.store.migrations import alembic_config
from core.tables import Interaction, LearningExample, SourceType, new_id
from core.tables.learning import ExampleType
from tests import conformance_schema as schema
from tests.databases import Databases

ENUMS: dict[str, list[str]] = {
    "learning_examples.example_type": [
        "positive",
        "negative",
        "correction",
        "demonstration",
        "edge_case",
        "failure",
        "preference",
    ],
    "learning_examples.preferred_output": ["A", "B"],
    "learning_examples.source_type": ["user_feedback", "expert_review", "automated", "synthetic", "imported"],
    "learning_examples.review_status": ["pending", "in_review", "approved", "rejected", "needs_revision"],
    "agent_feedback.feedback_type": [
        "thumbs_up",
        "thumbs_down",
        "star_rating",
        "detailed_feedback",
        "correction",
        "report_issue",
    ],
    "expert_annotations.annotation_type": [
        "quality_assessment",
        "correction",
        "explanation",
        "categorization",
        "difficulty_rating",
    ],
    "training_datasets.status": ["draft", "collecting", "processing", "ready", "in_use", "archived"],
    "dataset_examples.split": ["train", "validation", "test"],
    "training_runs.training_type": ["prompt_optimization", "rag_tuning", "fine_tuning", "rlhf", "dpo"],
    "training_runs.status": ["pending", "running", "completed", "failed", "cancelled", "interrupted"],
    "training_runs.phase": [
        "awaiting_approval",
        "queued",
        "starting",
        "training",
        "pausing",
        "paused",
        "evaluating",
    ],
    "training_runs.outcome": ["ok", "skipped_too_few", "eval_gate_failed", "crashed"],
    "learning_experiments.status": ["draft", "running", "paused", "completed", "cancelled"],
    "learning_experiments.decision": ["adopt_treatment", "keep_control", "inconclusive", "rollback"],
    "embedding_training_pairs.label": ["positive", "negative", "hard_negative"],
}
ONE_TO_FIVE = [
    "learning_examples.preference_strength",
    "learning_examples.complexity",
    "agent_feedback.rating",
    "agent_feedback.accuracy_rating",
    "agent_feedback.helpfulness_rating",
    "agent_feedback.clarity_rating",
    "agent_feedback.completeness_rating",
]
ZERO_TO_ONE = [
    "learning_examples.quality_score",
    "learning_examples.confidence_score",
    "expert_annotations.technical_accuracy",
    "expert_annotations.professional_quality",
    "expert_annotations.completeness",
    "expert_annotations.clarity",
]
NOT_NULL = [
    "learning_examples.agent_id",
    "learning_examples.expected_output",
    "learning_examples.example_type",
    "learning_examples.source_type",
    "learning_examples.review_status",
    "learning_examples.is_active",
    "agent_feedback.execution_id",
    "agent_feedback.feedback_type",
    "expert_annotations.learning_example_id",
    "expert_annotations.expert_id",
    "training_datasets.name",
    "training_datasets.status",
    "dataset_examples.dataset_id",
    "dataset_examples.example_id",
    "dataset_examples.split",
    "training_runs.agent_id",
    "training_runs.dataset_id",
    "training_runs.status",
    "learning_experiments.control_percentage",
    "learning_experiments.status",
    "embedding_training_pairs.query",
    "embedding_training_pairs.document",
    "embedding_training_pairs.label",
]


def test_the_eight_tables_of_the_rules_exist(shared_store: Store) -> None:
    assert schema.tables(shared_store) == list(schema.EIGHT)


@pytest.mark.parametrize("column", ENUMS)
def test_the_database_takes_every_listed_value_and_no_other(shared_store: Store, column: str) -> None:
    found = schema.enum(shared_store, {"column": column, "bad_value": "bogus"})
    assert found == {"allowed": ENUMS[column], "bad_value_rejected": True}
    empty = schema.enum(shared_store, {"column": column, "bad_value": ""})
    assert empty["bad_value_rejected"]


@pytest.mark.parametrize("column", ONE_TO_FIVE)
def test_ratings_outside_one_to_five_are_refused_by_the_database(shared_store: Store, column: str) -> None:
    found = schema.in_range(shared_store, {"column": column, "values": [-1, 0, 1, 3, 5, 6, None]})
    assert found["accepted"] == [False, False, True, True, True, False, True]


@pytest.mark.parametrize("column", ZERO_TO_ONE)
def test_scores_outside_zero_to_one_are_refused_by_the_database(shared_store: Store, column: str) -> None:
    found = schema.in_range(shared_store, {"column": column, "values": [-0.01, 0, 0.5, 1, 1.01]})
    assert found["accepted"] == [False, True, True, True, False]


@pytest.mark.parametrize("column", NOT_NULL)
def test_what_a_row_cannot_do_without_is_not_null(shared_store: Store, column: str) -> None:
    table_name, column_name = column.split(".")
    table = SQLModel.metadata.tables[table_name]
    assert not schema.accepts(shared_store, table, table.c[column_name], None)


def test_the_shares_of_an_experiment_sum_to_a_hundred(shared_store: Store) -> None:
    table = SQLModel.metadata.tables["learning_experiments"]
    with shared_store.engine.connect() as connection:
        schema.insert(connection, table, control_percentage=30, treatment_percentage=70)
        with pytest.raises(schema.Refused):
            schema.insert(connection, table, control_percentage=60, treatment_percentage=60)
        connection.rollback()


def test_defaults_are_filled_in_by_the_database_itself(shared_store: Store) -> None:
    table = SQLModel.metadata.tables["training_runs"]
    with shared_store.engine.connect() as connection:
        key = schema.insert(connection, table)
        row = connection.execute(sa.select(table).where(table.c.id == key)).mappings().one()
        connection.rollback()
    assert (row["status"], row["progress_percentage"], row["requires_review"]) == ("pending", 0, True)


def test_an_example_is_in_a_dataset_once(shared_store: Store) -> None:
    table = SQLModel.metadata.tables["dataset_examples"]
    with shared_store.engine.connect() as connection:
        key = schema.insert(connection, table)
        first = connection.execute(sa.select(table).where(table.c.id == key)).mappings().one()
        schema.insert(connection, table, dataset_id=first["dataset_id"])
        with pytest.raises(schema.Refused):
            schema.insert(connection, table, dataset_id=first["dataset_id"], example_id=first["example_id"])
        connection.rollback()


@pytest.mark.parametrize(
    ("child", "reference"),
    [
        ("expert_annotations", "learning_example_id"),
        ("dataset_examples", "example_id"),
        ("dataset_examples", "dataset_id"),
    ],
)
def test_deleting_a_parent_deletes_what_hangs_on_it(shared_store: Store, child: str, reference: str) -> None:
    table = SQLModel.metadata.tables[child]
    parent = next(iter(table.c[reference].foreign_keys)).column.table
    with shared_store.engine.connect() as connection:
        gone, stays = schema.insert(connection, table), schema.insert(connection, table)
        above = connection.execute(sa.select(table.c[reference]).where(table.c.id == gone)).scalar_one()
        connection.execute(sa.delete(parent).where(parent.c.id == above))
        left = connection.execute(sa.select(table.c.id)).scalars().all()
        connection.rollback()
    assert left == [stays]


def test_a_row_cannot_refer_to_what_is_not_there(shared_store: Store) -> None:
    table = SQLModel.metadata.tables["expert_annotations"]
    assert not schema.accepts(shared_store, table, table.c.learning_example_id, new_id())


def test_the_migrations_and_the_tables_say_the_same(shared_store: Store) -> None:
    with shared_store.engine.connect() as connection:
        command.check(alembic_config(connection))  # raises when a difference is left


def test_opening_an_existing_database_changes_nothing(settings: Settings, store: Store) -> None:
    with store.write() as session:
        session.add(_example("kept"))
    before = _content(store)
    store.close()
    again = Store.open(settings)
    assert _content(again) == before
    with again.read() as session:
        assert session.exec(select(LearningExample.expected_output)).all() == ["kept"]
    again.close()


def test_a_database_of_a_later_version_is_refused_and_left_alone(settings: Settings, store: Store) -> None:
    with store.write() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    before = _content(store)
    store.close()
    with pytest.raises(StoreTooNew, match="later version"):
        Store.open(settings)
    untouched = Store(settings.database_url)
    assert _content(untouched) == before
    untouched.close()


def test_two_processes_may_open_a_fresh_store_at_once(tmp_path: Path, databases: Databases) -> None:
    code = (
        "from core.settings import Settings; from core.store import Store; "
        "store = Store.open(Settings(_env_file=None)); "
        "print(store.read().__enter__().connection().exec_driver_sql('select count(*) from rewards').scalar())"
    )
    repository = Path(__file__).parent.parent.parent
    url = databases.empty()
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=repository,
            env=os.environ | {"HONE_HOME": str(tmp_path / "home"), "HONE_DB": url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    results = [process.communicate(timeout=120) for process in both]
    databases.drop(url)
    assert [out.strip() for out, _ in results] == ["0", "0"], results
    assert [process.returncode for process in both] == [0, 0]


def test_four_threads_reading_and_writing_back_lose_nothing(store: Store) -> None:
    with store.write() as session:
        session.add(_example("counted"))
    errors: list[Exception] = []

    def count_up() -> None:
        for _ in range(25):
            try:
                with store.write() as session:
                    row = session.exec(select(LearningExample)).one()
                    row.times_used_in_training += 1
                    session.add(row)
            except Exception as error:
                errors.append(error)

    threads = [Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as session:
        total = session.exec(select(LearningExample.times_used_in_training)).one()
    assert (errors, total) == ([], 100)


@pytest.mark.sqlite  # its page limit stands for the disk; a server's disk is not ours to fill
def test_a_full_disk_refuses_the_write_and_reading_goes_on(store: Store) -> None:
    with store.write() as session:
        session.add(_example("before"))
    pages = _scalar(store, "PRAGMA page_count")

    def limit(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages + 2}")

    store.engine.dispose()
    sa.event.listen(store.engine, "connect", limit)
    with pytest.raises(StoreFull, match="nothing was stored"), store.write() as session:
        session.add(_example("small"))
        session.add(_example("x" * 200_000))
    with store.read() as session:
        assert session.exec(select(LearningExample.expected_output)).all() == ["before"]
    assert _scalar(store, "PRAGMA integrity_check") == "ok"


@pytest.mark.sqlite  # the database is a file
@pytest.mark.parametrize("content", [b"this is no database " * 500, b"\x00" * 4096])
def test_a_file_that_is_no_database_is_named_damaged_and_left_alone(settings: Settings, content: bytes) -> None:
    path = Path(settings.database_url.removeprefix("sqlite:///"))
    path.write_bytes(content)
    with pytest.raises(StoreDamaged, match="cannot be read"):
        Store.open(settings)
    assert path.read_bytes() == content


def test_a_server_that_cannot_be_reached_is_named_so_without_its_password() -> None:
    nobody = Store("postgresql://ada:s3cret@127.0.0.1:1/hone")
    with pytest.raises(StoreError, match="cannot be reached") as caught, nobody.read() as session:
        session.execute(sa.text("SELECT 1"))
    assert "s3cret" not in str(caught.value)


def test_a_second_writer_waits_its_time_and_is_told_that_nothing_was_stored(settings: Settings, store: Store) -> None:
    hurried = Store(settings.database_url, busy_timeout_s=0.1)
    with store.write(), pytest.raises(StoreBusy, match="nothing was stored"), hurried.write():
        pass
    with hurried.write() as session:
        session.add(_example("later"))
    hurried.close()
    assert _scalar(store, "SELECT count(*) FROM learning_examples") == 1


def test_t11_an_error_of_the_database_never_repeats_what_users_wrote(store: Store) -> None:
    secret = "my card number is 4111 1111 1111 1111"
    with pytest.raises(sa.exc.IntegrityError) as caught, store.write() as session:
        for _ in range(2):
            session.add(
                Interaction(
                    agent_id="a", prompt=secret, response=secret, prompt_key="k", source="s", external_id="same"
                )
            )
            session.flush()
    assert "4111" not in str(caught.value)
    assert "hide_parameters" in str(caught.value)


def test_writing_in_a_read_is_thrown_away(store: Store) -> None:
    with store.read() as session:
        session.add(_example("lost"))
        session.flush()
    assert _scalar(store, "SELECT count(*) FROM learning_examples") == 0


def _example(expected: str) -> LearningExample:
    return LearningExample(
        agent_id="a",
        example_type=ExampleType.CORRECTION,
        expected_output=expected,
        source_type=SourceType.USER_FEEDBACK,
    )


def _scalar(store: Store, statement: str) -> Any:
    with store.read() as session:
        return session.execute(sa.text(statement)).scalar_one()


def _content(store: Store) -> dict[str, list[str]]:
    """Every table with its columns, and the schema's version."""
    inspector = sa.inspect(store.engine)
    found = {
        table: [f"{column['name']} {column['type']}" for column in inspector.get_columns(table)]
        for table in inspector.get_table_names()
    }
    with store.read() as session:
        return found | {"version": list(session.scalars(sa.text("SELECT version_num FROM alembic_version")))}
