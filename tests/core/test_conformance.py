"""The conformance runner passes the shared cases, and can fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.store import Store
from tests import conformance


def case(area: str, given: dict[str, Any], expected: Any) -> dict[str, Any]:
    return {"id": f"{area} {given}", "area": area, "input": given, "expected": expected, "status": "must"}


def enum(column: str, bad: str, **expected: Any) -> dict[str, Any]:
    return case("schema.enum", {"column": column, "bad_value": bad}, expected)


def in_range(column: str, values: list[float], accepted: list[bool]) -> dict[str, Any]:
    return case("schema.range", {"column": column, "values": values}, {"accepted": accepted})


PHASES = ["queued", "awaiting_approval", "starting", "training", "pausing", "paused", "evaluating"]  # in any order
STATISTICS = case(
    "store.statistics",
    {"rewards": [-1, 0.5, None]},
    {"total_interactions": 3, "avg_reward": -0.25, "min_reward": -1, "max_reward": 0.5},
)
EXTRA = [
    enum("training_runs.phase", "done", allowed=PHASES, bad_value_rejected=True),
    enum("learning_examples.preferred_output", "a", allowed=["A", "B"], bad_value_rejected=True),
    in_range("learning_experiments.control_percentage", [-1, 0, 100, 101], [False, True, True, False]),
    in_range("expert_annotations.clarity", [-0.1, 0, 1, 1.1], [False, True, True, False]),
    case("schema.default", {}, {"training_datasets.total_examples": 0, "learning_experiments.winner": None}),
    STATISTICS,
    case("reward.explanation", {"reward": 0.9}, {"not": {"starts_with": "Good"}}),
]
WRONG = [
    case("schema", {}, {"tables": ["learning_examples"]}),
    enum("training_runs.status", "running", bad_value_rejected=True),
    enum("embedding_training_pairs.label", "x", allowed=["positive", "negative"]),
    in_range("agent_feedback.rating", [0], [True]),
    in_range("no_table.rating", [0], [False]),
    case("schema.default", {}, {"training_runs.no_column": None}),
    case("store.statistics", {"rewards": []}, {"enabled": False}),
    case("reward.explicit", {"feedback_type": "thumbs_up"}, 0.99),
    case("reward.explicit", {}, None),
    case("reward.implicit", {"response_metadata": {}}, True),
]


def test_every_shared_case_of_the_areas_here_passes(store: Store, shared: Path) -> None:
    cases = json.loads((shared / "spec" / "cases.json").read_text(encoding="utf-8"))["cases"]
    results = conformance.run(store, cases)
    assert [result for found in results.values() for result in found if not result.passed] == []
    assert sum(map(len, results.values())) >= 46


def test_cases_of_other_columns_and_inputs_pass_too(store: Store) -> None:
    results = conformance.run(store, EXTRA)
    assert [(r.case["id"], r.got) for found in results.values() for r in found if not r.passed] == []


def test_wrong_expectations_fail_one_by_one_and_leave_nothing_behind(store: Store) -> None:
    results = conformance.run(store, WRONG)
    assert [result for found in results.values() for result in found if result.passed] == []
    assert conformance.run(store, [STATISTICS])["store.statistics"][0].passed


@pytest.mark.parametrize(
    ("expected", "got", "outcome"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1}, {"b": 2}, False),
        ({"a": None}, {}, False),
        ({"a": {"b": [1, 2]}}, {"a": {"b": (1, 2)}}, True),
        ([1, 2], [2, 1], False),
        ([1], [1, 1], False),
        ({"allowed": ["x", "y"]}, {"allowed": ["y", "x"]}, True),
        ({"allowed": ["x", "y"]}, {"allowed": ["x", "z"]}, False),
        (0.1, 0.1 + 5e-7, True),
        (0.1, 0.1 + 5e-6, False),
        (True, 1, False),
        (0, False, False),
        (None, None, True),
        ({"not": None}, 1, True),
        ({"not": 1}, 1, False),
        ({"starts_with": "Po"}, "Poor: so", True),
        ({"starts_with": "Po"}, None, False),
    ],
)
def test_expectations_match_as_the_rules_say(expected: Any, got: Any, outcome: bool) -> None:
    assert conformance.matches(expected, got) is outcome


def test_the_report_names_failures_and_areas_to_come_and_must_decides_the_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = {"id": "w", "area": "reward.explicit", "input": {"feedback_type": "copy"}, "expected": 0.1}
    later = {"id": "l", "area": "tier1.scorer", "input": {}, "expected": 1, "status": "must"}
    path = tmp_path / "cases.json"
    for status, code in (("must", 1), ("should", 0)):
        path.write_text(json.dumps({"cases": [wrong | {"status": status}, later]}))
        assert conformance.main([str(path)]) == code
        assert capsys.readouterr().out.splitlines() == [
            "reward.explicit: 0/1",
            f"  w ({status}): got 0.9, expected 0.1",
            "tier1.scorer: not yet",
        ]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cases.json"
    path.write_text("{not json")
    assert [conformance.main([str(path)]), conformance.main([])] == [2, 2]
    assert "cannot be read" in capsys.readouterr().err
