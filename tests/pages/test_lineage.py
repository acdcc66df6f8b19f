"""The loop drawn on each item's page, and what a run fixed: linked, counted, literal."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from core.lineage import Direction, Found, Kind, Lineage
from core.settings import Settings
from core.store import Store
from core.tables import DatasetPair, RunPairScore
from pages.shared import lineage
from pages.train import effect
from tests.lineage_rows import Loop, whole
from tests.pages.conftest import OpenPage
from tests.pages.training_rows import HOSTILE, adapter, bell, words_of

__all__ = ["bell"]  # a fixture


def seen(kind: Kind, behind: dict[Kind, int], ahead: dict[Kind, int]) -> list[lineage.Step]:
    """The boxes of an item from which walks found these counts."""

    def walk(direction: Direction, counts: dict[Kind, int]) -> Lineage:
        found = {each: Found(n, tuple(UUID(int=at) for at in range(1, n + 1))) for each, n in counts.items()}
        return Lineage(kind, UUID(int=99), direction, found)

    return lineage.steps(walk(Direction.BACK, behind), walk(Direction.FORWARD, ahead))


def said(steps: list[lineage.Step]) -> list[str]:
    return [" / ".join([*(line.words for line in step.lines), *([step.small] if step.small else [])]) for step in steps]


def test_only_kinds_with_rows_stand_in_the_row_in_the_loops_order() -> None:
    behind = {Kind.INTERACTION: 200, Kind.EVALUATION: 180, Kind.FEEDBACK: 1, Kind.PAIR: 60, Kind.LABEL: 12}
    steps = seen(Kind.RUN, behind | {Kind.DATASET: 1}, {Kind.ADAPTER: 1})
    assert said(steps) == [
        "200 answers / 180 verdicts",
        "1 feedback",
        "60 pairs / 12 labels",
        "1 dataset",
        "This run",
        "1 adapter",
    ]
    assert [step.here for step in steps].index(True) == 4


def test_the_only_row_of_a_kind_is_what_its_box_opens() -> None:
    [line] = seen(Kind.RUN, {Kind.DATASET: 1}, {})[0].lines
    assert (line.page, line.query) == ("datasets", {"dataset": str(UUID(int=1))})


def test_of_a_few_runs_each_has_its_link_and_of_many_the_list() -> None:
    few, many = (seen(Kind.DATASET, {}, {Kind.RUN: n})[1].lines for n in (3, 4))
    assert [(line.words, line.query) for line in few] == [(f"Run {at}", {"run": str(UUID(int=at))}) for at in (1, 2, 3)]
    assert [(line.words, line.page, line.query) for line in many] == [("4 runs", "runs", {})]


def test_feedback_opens_at_its_reading() -> None:
    [line] = seen(Kind.PAIR, {Kind.FEEDBACK: 1, Kind.TRIAGE: 1}, {})[0].lines
    assert (line.page, line.query) == ("triage", {"item": str(UUID(int=1))})


def test_the_next_round_of_the_loop_stands_apart() -> None:
    steps = seen(Kind.ADAPTER, {Kind.INTERACTION: 5, Kind.RUN: 1}, {Kind.INTERACTION: 7})
    assert said(steps) == ["5 answers", "1 run", "This adapter", "7 answers it gave"]
    steps = seen(Kind.INTERACTION, {Kind.IMPORT: 1, Kind.ADAPTER: 1}, {Kind.ADAPTER: 5})
    assert said(steps) == ["Its adapter", "1 imported file", "This answer", "5 adapters"]


@pytest.fixture
def loop(store: Store) -> Loop:
    """One whole loop; its run fixed the pair, whose complaint and texts are hostile."""
    with store.write() as session:
        loop = whole(Loop(session), complaint=HOSTILE)
        copy = {"messages": [{"role": "user", "content": HOSTILE}]}
        for row in session.exec(select(DatasetPair)):
            row.sqlmodel_update(copy)
        scores = {"split": "test", "before": -1.25, "after": 2.5}
        session.add(RunPairScore(run_id=loop.ids["run"], pair_id=loop.ids["pair"], **scores))
    return loop


PAGES = [
    ("adapters", {"adapter": "adapter"}, "This adapter"),
    ("runs", {"run": "run"}, "This run"),
    ("datasets", {"dataset": "dataset"}, "This dataset"),
    ("pairs", {"pair": "pair"}, "This pair"),
    ("triage", {"item": "reading"}, "This feedback"),
    ("evaluations", {"evaluation": "verdict"}, "This answer"),
]


@pytest.mark.parametrize(("name", "query", "here"), PAGES)
def test_each_items_page_draws_the_loop_around_it(
    open_page: OpenPage, loop: Loop, name: str, query: dict[str, str], here: str
) -> None:
    page = opened(open_page, loop, name, query)
    assert not page.exception
    assert here in words_of(page)


def opened(open_page: OpenPage, loop: Loop, name: str, query: dict[str, str]) -> AppTest:
    address = {key: str(loop.ids[row]) for key, row in query.items()}
    more = {"tab": "curate"} if name == "pairs" else {}
    page = open_page(name, **address, **more)
    if name in ("triage", "evaluations"):  # closed until somebody wants it
        assert "This" not in words_of(page)
        page.session_state["lineage"] = True
        page = page.run()
    return page


@pytest.mark.parametrize("name", ["runs", "adapters"])
def test_what_a_run_fixed_is_counted_and_shown_literally(open_page: OpenPage, loop: Loop, name: str) -> None:
    one = name.removesuffix("s")
    page = open_page(name, **{one: str(loop.ids[one])})
    assert "1 of 1 complaint fixed, 0 broken" in words_of(page)
    assert "Answers, margin −1.25 → +2.50 nats" in [fold.label for fold in page.expander]
    assert [text.value for text in page.text].count(HOSTILE) == 2  # the complaint, the prompt
    assert HOSTILE not in words_of(page)


def test_a_run_that_was_not_measured_pair_by_pair_says_nothing_of_it(
    open_page: OpenPage, store: Store, settings: Settings
) -> None:
    page = open_page("adapters", adapter=str(adapter(store, settings).id))
    assert not page.exception
    assert "broken" not in words_of(page)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((94, 40, 31, 2, 30, 24, 1), "**24 of 30 complaints fixed, 1 broken**"),
        ((94, 40, 31, 2, 0, 0, 0), "**31 of 40 wrong pairs fixed, 2 broken**"),
    ],
)
def test_the_headline_counts_complaints_where_there_are_any(counts: tuple[Any, ...], words: str) -> None:
    found = effect.Tally(*counts)
    assert effect.headline(found) == words
    assert effect.sentence(found).startswith("Of 94 held-out pairs, 40 were wrong before training: 31 of these")
