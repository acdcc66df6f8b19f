"""The product's spine: from any row back to what people said, and forward to what was made of it, in one statement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, strategies
from hypothesis import settings as hypothesis_settings
from sqlmodel import Session

from core.api import create_api, process
from core.datasets.freeze import freeze
from core.errors import NotFound
from core.lineage import Change, Direction, Kind, back, fixed, forward, tally, taught_by
from core.lineage.links import ANSWERED, LINKS, ORDER, TABLES
from core.lineage.walk import LISTED, _statement
from core.preferences.labelling import apply_label
from core.preferences.mining import mine
from core.settings import Settings
from core.store import Store
from core.tables import (
    AgentFeedback,
    AgentFeedbackType,
    DatasetExample,
    ExampleType,
    LabelChoice,
    LearningExample,
    LearningExperiment,
    MessageFeedbackType,
    PairOrigin,
    RunStatus,
    Side,
    SourceType,
    now,
)
from core.work import Alone
from tests.core import preference_rows as rows
from tests.lineage_rows import AGENT, Loop, whole


@pytest.fixture
def loop(session: Session) -> Loop:
    return Loop(session)


EVERYTHING = {
    "import": ["import"],
    "interaction": ["good", "bad"],
    "feedback": ["complaint", "praise"],
    "agent_feedback": ["execution"],
    "triage": ["reading"],
    "evaluation": ["verdict"],
    "reward": ["reward"],
    "learning_example": ["example"],
    "annotation": ["annotation"],
    "pair": ["pair"],
    "label": ["label"],
    "pair_evaluation": ["pair verdict"],
    "dataset": ["dataset"],
    "run": ["run"],
    "adapter": ["adapter"],
}


# Back and forward


def test_back_from_an_experiment_lies_everything(loop: Loop) -> None:
    whole(loop)
    assert loop.named(back(loop.session, Kind.EXPERIMENT, loop.ids["experiment"])) == EVERYTHING


def test_a_complaint_leads_to_the_adapters_and_experiments_it_taught(loop: Loop) -> None:
    whole(loop)
    assert loop.named(forward(loop.session, Kind.FEEDBACK, loop.ids["complaint"])) == {
        "triage": ["reading"],
        "pair": ["pair"],
        "label": ["label"],
        "pair_evaluation": ["pair verdict"],
        "dataset": ["dataset"],
        "run": ["run"],
        "adapter": ["adapter"],
        "experiment": ["experiment"],
    }


@pytest.mark.parametrize("kind", ["triage", "evaluation", "reward", "annotation", "label", "pair_evaluation"])
def test_what_was_said_of_a_row_leads_to_what_was_made_of_it(loop: Loop, kind: str) -> None:
    [name] = EVERYTHING[kind]
    whole(loop)
    found = forward(loop.session, Kind(kind), loop.ids[name])
    assert found.of(Kind.ADAPTER).ids == (loop.ids["adapter"],)
    assert found.of(Kind(kind)).count == 0


@pytest.mark.parametrize(
    ("kind", "name", "lies_behind"),
    [
        (Kind.TRIAGE, "reading", {"interaction": ["bad"], "feedback": ["complaint"]}),
        (Kind.EVALUATION, "verdict", {"interaction": ["bad"]}),
        (Kind.REWARD, "reward", {"import": ["import"], "interaction": ["good"]}),
    ],
)
def test_a_reading_rests_on_what_it_reads_and_on_no_other_reading(
    loop: Loop, kind: Kind, name: str, lies_behind: dict[str, list[str]]
) -> None:
    whole(loop)
    assert loop.named(back(loop.session, kind, loop.ids[name])) == lies_behind


def test_a_pair_comes_before_its_labels(loop: Loop) -> None:
    whole(loop)
    assert back(loop.session, Kind.PAIR, loop.ids["pair"]).of(Kind.LABEL).count == 0
    assert back(loop.session, Kind.LABEL, loop.ids["label"]).of(Kind.PAIR).ids == (loop.ids["pair"],)
    assert forward(loop.session, Kind.PAIR, loop.ids["pair"]).of(Kind.LABEL).ids == (loop.ids["label"],)


def test_an_example_dataset_knows_its_examples_and_what_experts_said(loop: Loop) -> None:
    whole(loop)
    dataset = loop.dataset("examples")
    loop.session.add(DatasetExample(dataset_id=dataset, example_id=loop.ids["example"]))
    loop.session.flush()
    found = loop.named(back(loop.session, Kind.DATASET, dataset))
    assert (found["learning_example"], found["annotation"]) == (["example"], ["annotation"])
    assert forward(loop.session, Kind.ANNOTATION, loop.ids["annotation"]).of(Kind.DATASET).count == 2


def test_an_import_leads_to_all_that_came_with_it(loop: Loop) -> None:
    file = loop.imported()
    pair = loop.pair("pair", import_id=file)
    loop.label("label", loop.pair("other"), import_id=file)
    loop.dataset("dataset", pair)
    assert loop.named(forward(loop.session, Kind.IMPORT, file)) == {
        "pair": ["pair"],
        "label": ["label"],
        "dataset": ["dataset"],
    }


def test_an_experiment_knows_both_arms(loop: Loop) -> None:
    one, other = (loop.adapter(f"v{n}", loop.run(f"r{n}", loop.dataset(f"d{n}")), n) for n in (1, 2))
    test = loop.add("test", LearningExperiment(agent_id=AGENT, control_adapter_id=one, treatment_adapter_id=other))
    assert set(back(loop.session, Kind.EXPERIMENT, test).of(Kind.ADAPTER).ids) == {one, other}
    assert forward(loop.session, Kind.ADAPTER, one).of(Kind.EXPERIMENT).ids == (test,)


# What leads nowhere


def test_the_answers_of_an_adapter_are_the_next_round_and_end_the_walk(loop: Loop) -> None:
    whole(loop)
    given = loop.answer("given", adapter_id=loop.ids["adapter"])
    loop.said("later", given)
    assert loop.named(forward(loop.session, Kind.ADAPTER, loop.ids["adapter"])) == {
        "interaction": ["given"],
        "experiment": ["experiment"],
    }
    assert loop.named(back(loop.session, Kind.INTERACTION, given)) == {"adapter": ["adapter"]}
    assert "interaction" not in loop.named(forward(loop.session, Kind.FEEDBACK, loop.ids["complaint"]))
    assert "adapter" not in loop.named(back(loop.session, Kind.FEEDBACK, loop.ids["later"]))


def test_feedback_somebody_took_back_taught_nothing(loop: Loop) -> None:
    good, bad = loop.answer("good"), loop.answer("bad")
    changed = loop.said("changed", bad, is_current=False)
    loop.dataset("dataset", loop.pair("pair", good, bad))
    assert loop.named(forward(loop.session, Kind.FEEDBACK, changed)) == {}


@pytest.mark.parametrize("more", [{"is_current": False}, {"choice": LabelChoice.SKIP}])
def test_a_label_that_decides_nothing_taught_nothing(loop: Loop, more: dict[str, Any]) -> None:
    pair = loop.pair("pair")
    label = loop.label("label", pair, **more)
    dataset = loop.dataset("dataset", pair)
    assert loop.named(forward(loop.session, Kind.LABEL, label)) == {}
    assert back(loop.session, Kind.DATASET, dataset).of(Kind.LABEL).count == 0
    assert loop.named(back(loop.session, Kind.LABEL, label)) == {"pair": ["pair"]}


def test_a_label_given_after_the_freeze_taught_that_dataset_nothing(loop: Loop) -> None:
    pair = loop.pair("pair")
    dataset = loop.dataset("dataset", pair)
    late = loop.label("late", pair, created_at=now() + timedelta(minutes=1))
    assert back(loop.session, Kind.DATASET, dataset).of(Kind.LABEL).count == 0
    assert loop.named(forward(loop.session, Kind.LABEL, late)) == {}


def test_the_pair_of_another_dataset_is_not_found(loop: Loop) -> None:
    mine, other = loop.pair("mine"), loop.pair("other")
    dataset = loop.dataset("dataset", mine)
    loop.dataset("another", other)
    assert back(loop.session, Kind.DATASET, dataset).of(Kind.PAIR).ids == (mine,)


# The statement


def test_counts_are_whole_and_ids_are_the_first_hundred(loop: Loop) -> None:
    pairs = [loop.pair(f"p{at}") for at in range(LISTED + 5)]
    found = back(loop.session, Kind.DATASET, loop.dataset("dataset", *pairs)).of(Kind.PAIR)
    assert (found.count, found.ids) == (LISTED + 5, tuple(sorted(pairs)[:LISTED]))


@pytest.mark.parametrize("kind", list(Kind))
def test_a_row_that_is_not_there_is_said_to_be_missing(session: Session, kind: Kind) -> None:
    for walk in (back, forward):
        with pytest.raises(NotFound):
            walk(session, kind, UUID(int=1))


def test_a_walk_is_one_statement(loop: Loop, shared_store: Store) -> None:
    whole(loop)
    with counted(shared_store) as statements:
        back(loop.session, Kind.EXPERIMENT, loop.ids["experiment"])
    assert len(statements) == 1


@contextmanager
def counted(store: Store) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    sa.event.listen(store.engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(store.engine, "before_cursor_execute", note)


@pytest.mark.sqlite  # the plan of PostgreSQL follows the size of its tables
@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("kind", list(Kind))
def test_no_walk_reads_a_whole_table(session: Session, kind: Kind, direction: Direction) -> None:
    compiled = _statement(kind, direction).compile(session.get_bind())
    values = [compiled.params[name] or UUID(int=1).hex for name in compiled.positiontup or ()]
    plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", tuple(values)).all()
    tables = {table.name for table in TABLES.values()} | {"dataset_pairs", "dataset_examples"}
    steps = [str(row[3]) for row in plan]
    assert not [step for step in steps if step.startswith("SCAN ") and step.split()[1] in tables]
    assert not [step for step in steps if "AUTOMATIC" in step and not step.startswith("SEARCH the_")]


def test_every_link_leads_onward_so_that_one_pass_is_enough() -> None:
    place = {node: at for at, node in enumerate(ORDER)}
    assert [link for link in LINKS if place[link.earlier] >= place[link.later]] == []
    assert place[ANSWERED.earlier] > place[ANSWERED.later]
    assert set(Kind) <= set(ORDER)


def test_every_column_that_keeps_the_id_of_such_a_row_is_a_link() -> None:
    """A new column that says where a row came from must be entered, or the lineage has a hole."""
    named = {table.name: kind for kind, table in TABLES.items()}
    kept = {(link.up.table.name, link.up.key) for link in (*LINKS, ANSWERED) if link.up is not None}
    kept |= {(link.down.table.name, link.down.key) for link in LINKS if link.down is not None}
    held = {
        (table.name, key.parent.name)
        for table in [
            *TABLES.values(),
            *(TABLES[Kind.PAIR].metadata.tables[f"dataset_{x}"] for x in ("pairs", "examples")),
        ]
        for key in table.foreign_keys
        if key.column.table.name in named
    }
    assert held - kept == set()


# What a run fixed, and who taught it


@pytest.fixture
def measured(loop: Loop) -> UUID:
    """A run with a pair fixed (complained about), one fixed without words, one broken, one still wrong, one unknown."""
    good, bad = loop.answer("good"), loop.answer("bad")
    loop.said("wordless", bad, "regenerate")
    loop.said("complaint", bad, "rating_2", comment="Wrong button")
    loop.said("praise", bad, "thumbs_up", comment="Nice")
    pairs = [loop.pair("fixed", good, bad), *(loop.pair(name) for name in ("silent", "broken", "wrong", "unknown"))]
    run = loop.run("run", loop.dataset("dataset", *pairs))
    margins = [(-1.0, 2.0), (0.0, 0.5), (1.0, 0.0), (-2.0, -1.0), (-1.0, None)]
    for pair, (before, after) in zip(pairs, margins, strict=True):
        loop.scored(run, pair, before, after)
    return run


def test_wrong_before_and_right_after_is_fixed(loop: Loop, measured: UUID) -> None:
    effect = fixed(loop.session, measured)
    assert [row.pair_id for row in effect.rows] == [loop.ids["fixed"], loop.ids["silent"]]
    assert (effect.rows[0].margin_before, effect.rows[0].margin_after) == (-1.0, 2.0)


def test_right_before_and_wrong_after_is_broken(loop: Loop, measured: UUID) -> None:
    effect = fixed(loop.session, measured, change=Change.BROKEN)
    assert [row.pair_id for row in effect.rows] == [loop.ids["broken"]]


def test_the_counts_leave_out_what_was_not_measured_twice(loop: Loop, measured: UUID) -> None:
    found = tally(loop.session, measured)
    assert (found.n, found.wrong, found.fixed, found.broken) == (4, 3, 2, 1)
    assert (found.complaints, found.complaints_fixed, found.complaints_broken) == (1, 1, 0)


def test_the_complaint_is_the_fault_somebody_found_in_words(loop: Loop, measured: UUID) -> None:
    first, silent = fixed(loop.session, measured).rows
    assert (first.feedback_id, first.comment) == (loop.ids["complaint"], "Wrong button")
    assert first.said is MessageFeedbackType.RATING_2
    assert (first.interaction_id, first.prompt, first.rejected) == (loop.ids["bad"], "q fixed", "bad fixed")
    assert (silent.feedback_id, silent.comment) == (None, None)


def test_a_correction_of_an_execution_is_a_complaint(loop: Loop) -> None:
    said = {"feedback_type": AgentFeedbackType.CORRECTION, "execution_id": "e", "correction_text": "Say it so"}
    execution = loop.add("execution", AgentFeedback(agent_id=AGENT, **said))
    source = {"source_type": SourceType.USER_FEEDBACK, "source_agent_feedback_id": execution}
    example = loop.add(
        "example", LearningExample(agent_id=AGENT, example_type=ExampleType.CORRECTION, expected_output="x", **source)
    )
    pair = loop.pair("pair", learning_example_id=example)
    run = loop.run("run", loop.dataset("dataset", pair))
    loop.scored(run, pair, -1.0, 1.0)
    assert [row.comment for row in fixed(loop.session, run).rows] == ["Say it so"]


def test_changes_come_in_pages_and_an_adapter_stands_for_its_run(loop: Loop, measured: UUID) -> None:
    adapter = loop.adapter("adapter", measured)
    pages = [fixed(loop.session, adapter, limit=1, offset=at) for at in range(3)]
    assert [[row.pair_id for row in page.rows] for page in pages] == [[loop.ids["fixed"]], [loop.ids["silent"]], []]
    assert {page.tally.fixed for page in pages} == {2}


def test_a_run_without_scores_has_fixed_nothing(loop: Loop) -> None:
    run = loop.run("run", loop.dataset("dataset"))
    effect = fixed(loop.session, run)
    assert (effect.tally.n, effect.tally.fixed, effect.rows) == (0, 0, ())


def test_labels_are_counted_by_whoever_gave_them(loop: Loop) -> None:
    one, other = loop.pair("one"), loop.pair("other", origin=PairOrigin.UNRATED)
    loop.label("a", one, "bo")
    loop.label("b", other, "bo")
    loop.label("c", other, "cy")
    loop.label("d", other, "di", is_current=False)
    adapter = loop.adapter("adapter", loop.run("run", loop.dataset("dataset", one, other)))
    found = taught_by(loop.session, adapter)
    assert (found.labels, found.people, found.by_annotator) == (3, 2, {"bo": 2, "cy": 1})
    assert {origin: n for origin, n in found.by_origin.items() if n} == {PairOrigin.RATING: 1, PairOrigin.UNRATED: 1}
    assert found.pairs == 2


@pytest.mark.parametrize("ask", [fixed, tally, taught_by])
def test_asking_for_what_is_not_there_is_answered_plainly(session: Session, ask: Any) -> None:
    with pytest.raises(NotFound):
        ask(session, UUID(int=1))


# Over HTTP


@pytest.fixture
def client(store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(process, "_current", process.Process(settings, store))
    with TestClient(create_api(), base_url="http://localhost:8501", raise_server_exceptions=False) as client:
        yield client


def test_the_route_answers_counts_and_ids_in_both_directions(client: TestClient, store: Store) -> None:
    with store.write() as session:
        loop = whole(Loop(session))
    behind = client.get(f"/v1/lineage/adapter/{loop.ids['adapter']}").json()
    assert behind["found"]["feedback"] == {"count": 2, "ids": [str(loop.ids["complaint"]), str(loop.ids["praise"])]}
    ahead = client.get(f"/v1/lineage/feedback/{loop.ids['complaint']}", params={"direction": "forward"}).json()
    assert ahead["found"]["experiment"] == {"count": 1, "ids": [str(loop.ids["experiment"])]}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"adapter/{UUID(int=1)}", 404),
        ("adapter/no-id", 404),
        (f"asset/{UUID(int=1)}", 400),
        (f"adapter/{UUID(int=1)}?direction=up", 400),
    ],
)
def test_the_route_refuses_what_it_does_not_know(client: TestClient, path: str, code: int) -> None:
    answer = client.get(f"/v1/lineage/{path}")
    assert (answer.status_code, list(answer.json())) == (code, ["error"])


@given(kind=strategies.text(max_size=20), row=strategies.text(max_size=40), direction=strategies.text(max_size=10))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_no_address_makes_the_route_fail(client: TestClient, kind: str, row: str, direction: str) -> None:
    path = f"/v1/lineage/{quote(kind, safe='')}/{quote(row, safe='')}"
    assert client.get(path, params={"direction": direction}).status_code < 500


def test_what_was_mined_frozen_and_trained_is_linked_by_itself(store: Store) -> None:
    with store.write() as session:
        good, bad = rows.answer(session, "q", "good", reward=0.9), rows.answer(session, "q", "bad", reward=0.1)
        wrong = rows.answer(session, "r", "wrong")
        example = rows.correction(session, wrong, "right")
    mine(store, Alone())
    with store.write() as session:
        labelled = rows.pair(session, "to label", "good", "bad")
        how = {"annotator": "bo", "shown_ms": 900, "min_dwell_ms": 300}
        apply_label(session, labelled.id, seen_version=0, choice=LabelChoice.A, left_side=Side.A, **how)
        dataset = freeze(session, agent_id=AGENT, frozen_by="ada")
        run_id = rows.run(session, dataset.id, RunStatus.COMPLETED).id
    with store.read() as session:
        found = back(session, Kind.RUN, run_id)
    assert set(found.of(Kind.INTERACTION).ids) == {good.id, bad.id, wrong.id}
    assert found.of(Kind.LEARNING_EXAMPLE).ids == (example.id,)
    assert [found.of(kind).count for kind in (Kind.FEEDBACK, Kind.PAIR, Kind.LABEL, Kind.IMPORT)] == [3, 3, 1, 0]
