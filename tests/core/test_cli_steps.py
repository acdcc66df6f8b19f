"""The loop from the command line: triage, judge, mine, freeze, evaluate; a line each, or one JSON object."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from core.cli import app
from core.settings import Settings
from core.store import Store
from core.tables import Feedback, FeedbackKind, FormType, PairStatus
from tests.core.preference_rows import answer, pair


@pytest.fixture
def db(store: Store, settings: Settings) -> str:
    return settings.database_url


def said(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout


def facts(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said(*arguments, "--json"))
    return found


def refused(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    return " ".join(result.stderr.split())


def comment(store: Store, agent_id: str = "site") -> None:
    form = {"kind": FeedbackKind.SITE_FORM, "form_type": FormType.BUG, "source": "test"}
    with store.write() as session:
        session.add(Feedback(agent_id=agent_id, comment="The page is broken.", rating=1, **form))


def test_triage_reads_what_is_new_once(db: str, store: Store) -> None:
    comment(store)
    assert facts("triage", "--db", db)["triage"] == {"readings": 1, "waiting": 1}
    assert facts("triage", "--db", db)["triage"] == {"readings": 0, "waiting": 1}


def test_triage_reads_one_agent_alone(db: str, store: Store) -> None:
    comment(store)
    comment(store, agent_id="shop")
    assert "1 readings by rules" in said("triage", "--db", db, "--agent", "shop")


def test_judge_judges_what_is_new_once(db: str, store: Store) -> None:
    with store.write() as session:
        answer(session, "How do I mute an alarm?", "Open it and press Mute.")
    assert facts("judge", "--db", db)["evaluation"]["verdicts"] == 1
    assert "0 rule-based verdicts; of all 1" in said("judge", "--db", db)


def test_mine_says_what_it_made_and_left_out(db: str, store: Store) -> None:
    with store.write() as session:
        answer(session, "How do I mute an alarm?", "Open it and press Mute.", reward=0.9)
        answer(session, "How do I mute an alarm?", "No idea.", reward=0.1, at=1)
    assert facts("mine", "--db", db)["pairs"]["by_origin"]["rating"] == 1
    again = said("mine", "--db", db)
    assert "0 new pairs" in again
    assert "already a pair" in again


def test_freeze_takes_the_only_agent_with_pairs(db: str, store: Store) -> None:
    with store.write() as session:
        for number in range(10):
            pair(session, f"question {number}", "good", "bad", status=PairStatus.ACCEPTED)
    frozen = facts("freeze", "--db", db, "--name", "first", "--seed", "7")["dataset"]
    assert (frozen["agent_id"], frozen["train"] + frozen["validation"] + frozen["test"]) == ("support", 10)
    assert len(frozen["sha256"]) == 64


def test_freeze_asks_which_of_several_agents(db: str, store: Store) -> None:
    with store.write() as session:
        for agent in ("shop", "support"):
            pair(session, "question", "good", "bad", status=PairStatus.ACCEPTED, agent_id=agent)
    assert "Several agents have pairs: shop, support. Name one with --agent." in refused("freeze", "--db", db)
    assert "dataset" in facts("freeze", "--db", db, "--agent", "shop")


def test_freeze_without_pairs_says_what_to_do(db: str) -> None:
    assert refused("freeze", "--db", db) == "No agent has pairs yet. Import or mine some first. Nothing was frozen."


def test_evaluate_without_a_dataset_says_what_to_do(db: str) -> None:
    assert "There is no frozen dataset yet." in refused("evaluate", "--db", db)


def test_evaluate_takes_an_adapter_or_a_base(db: str) -> None:
    assert "not both" in refused("evaluate", "--db", db, "--adapter", "x", "--base", "demo")
    assert "UUID" in refused("evaluate", "--db", db, "--adapter", "x")


@pytest.mark.training
def test_evaluate_says_accuracy_interval_and_number(db: str, store: Store, model_folders: dict[str, Path]) -> None:
    with store.write() as session:
        for number in range(40):
            pair(session, f"question {number}", "a good answer", "no", status=PairStatus.ACCEPTED)
    frozen = facts("freeze", "--db", db)["dataset"]
    found = facts("evaluate", "--db", db, "--base", str(model_folders["qwen3"]), "--split", "train")["held-out"]
    assert found["n"] + found["left_out"] == frozen["train"]
    assert found["accuracy"] == found["correct"] / found["n"]
    assert found["low"] <= found["accuracy"] <= found["high"]


def test_an_error_in_json_is_an_object_with_the_sentence(db: str) -> None:
    result = CliRunner().invoke(app, ["freeze", "--db", db, "--json"])
    assert (result.exit_code, json.loads(result.stdout)["error"][:8]) == (1, "No agent")
