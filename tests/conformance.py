"""Runs a file of conformance cases through the real code: ``python -m tests.conformance FILE``.

The file is {"cases": [{id, area, input, expected, tolerance?, status}]}. Prints ``area: passed/total`` for every area
and each failing case with what was got and what was expected. Exit status 0 when every ``must`` case of the areas
below passes, 1 when one fails, 2 when the file cannot be read. Areas without an adapter are named "not yet".
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import HoneError
from core.rewards import chat, distribution
from core.settings import Settings
from core.store import Store
from core.tables import Interaction, Reward, RewardScale, new_id
from core.tables.feedback import InteractionKind
from tests import conformance_feedback as feedback
from tests import conformance_schema as schema

TOLERANCE = 1e-6
MISSING = "(missing)"

Adapter = Callable[[Store, Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Result:
    case: Mapping[str, Any]
    got: Any
    passed: bool


class _Rollback(Exception):
    pass


def statistics(store: Store, given: Mapping[str, Any]) -> dict[str, Any]:
    """Interactions with these rewards (null: never rated) in an otherwise empty store, and what is said of them."""
    rewards = given["rewards"]
    plan = any(value is not None and not 0 <= value <= 1 for value in rewards)
    scale, kind = (RewardScale.PLAN, InteractionKind.PLAN) if plan else (RewardScale.CHAT, InteractionKind.CHAT)
    found: dict[str, Any] = {}
    try:
        with store.write() as session:
            for value in rewards:
                interaction = Interaction(
                    agent_id="conformance", kind=kind, prompt="q", response="a", prompt_key="k", source=str(new_id())
                )
                session.add(interaction)
                session.flush()
                if value is not None:
                    session.add(
                        Reward(
                            interaction_id=interaction.id,
                            agent_id=interaction.agent_id,
                            scale=scale,
                            explicit=value,
                            value=value,
                        )
                    )
            session.flush()
            found = vars(distribution.statistics(session, scale=scale))
            raise _Rollback
    except _Rollback:
        return found


ADAPTERS: dict[str, Adapter] = {
    "schema": lambda store, given: {"tables": schema.tables(store)},
    "schema.enum": schema.enum,
    "schema.range": schema.in_range,
    "schema.default": lambda store, given: schema.defaults(store),
    "store.statistics": statistics,
    "reward.explicit": lambda store, given: chat.explicit_reward(given["feedback_type"], given.get("signals")),
    "reward.implicit": lambda store, given: chat.implicit_reward(
        given.get("response_metadata") or {}, given.get("conversation_context")
    ),
    "api.feedback": feedback.feedback_route,
    "feedback": feedback.execution_feedback,
    "feedback.stats": feedback.statistics,
    "feedback.ui": lambda store, given: feedback.execution_click(given),
    "ui.feedback": lambda store, given: feedback.message_click(given),
    "signals.follow_up": lambda store, given: feedback.follow_up(given),
    "reward.explanation": lambda store, given: chat.explain(given["reward"]),
}


def matches(expected: Any, got: Any, tolerance: float = TOLERANCE, *, as_set: bool = False) -> bool:
    """Objects as subsets, ``allowed`` as a set, other lists in order, numbers within the tolerance, two operators."""
    if isinstance(expected, Mapping):
        if set(expected) == {"starts_with"}:
            return isinstance(got, str) and got.startswith(expected["starts_with"])
        if set(expected) == {"not"}:
            return got is not MISSING and not matches(expected["not"], got, tolerance)
        return isinstance(got, Mapping) and all(
            matches(value, got.get(key, MISSING), tolerance, as_set=key == "allowed") for key, value in expected.items()
        )
    if isinstance(expected, list):
        if not isinstance(got, list | tuple) or len(expected) != len(got):
            return False
        if as_set:
            return all(any(matches(one, other, tolerance) for other in got) for one in expected)
        return all(matches(one, other, tolerance) for one, other in zip(expected, got, strict=True))
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    if isinstance(expected, int | float):
        return isinstance(got, int | float) and math.isclose(expected, got, rel_tol=0, abs_tol=tolerance)
    return bool(expected == got) and got is not MISSING


def run_case(store: Store, case: Mapping[str, Any]) -> Result:
    """One case through its adapter. An error is a result like any other, and never matches."""
    try:
        got = ADAPTERS[case["area"]](store, case["input"])
    except (HoneError, KeyError, TypeError, ValueError, AttributeError, schema.Refused) as error:
        return Result(case, f"{type(error).__name__}: {error}", passed=False)
    return Result(case, got, matches(case["expected"], got, case.get("tolerance", TOLERANCE)))


def run(store: Store, cases: Iterable[Mapping[str, Any]]) -> dict[str, list[Result]]:
    """Results by area; the areas without an adapter keep an empty list."""
    results: dict[str, list[Result]] = {}
    for case in cases:
        found = results.setdefault(case["area"], [])
        if case["area"] in ADAPTERS:
            found.append(run_case(store, case))
    return dict(sorted(results.items()))


def report(results: Mapping[str, list[Result]]) -> list[str]:
    lines = []
    for area, found in results.items():
        if not found:
            lines.append(f"{area}: not yet")
            continue
        lines.append(f"{area}: {sum(result.passed for result in found)}/{len(found)}")
        lines += [_failure(result) for result in found if not result.passed]
    return lines


def must_fail(results: Mapping[str, list[Result]]) -> bool:
    """Whether a case that must pass does not."""
    return any(
        not result.passed and result.case.get("status", "must") == "must"
        for found in results.values()
        for result in found
    )


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("Usage: python -m tests.conformance FILE", file=sys.stderr)
        return 2
    try:
        cases = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))["cases"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"The cases cannot be read from {arguments[0]}: {error}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Settings(home=Path(folder), db="", _env_file=None))
        try:
            results = run(store, cases)
        finally:
            store.close()
    print("\n".join(report(results)))
    return 1 if must_fail(results) else 0


def _failure(result: Result) -> str:
    expected = result.case["expected"]
    got = result.got
    if isinstance(got, Mapping) and isinstance(expected, Mapping):
        got = {key: value for key, value in got.items() if key in expected} or got
    status = result.case.get("status", "must")
    return f"  {result.case['id']} ({status}): got {got!r}, expected {expected!r}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
