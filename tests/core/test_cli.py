"""The command line: one clear line per step, one JSON object when asked, errors without tracebacks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.cli import app
from core.settings import Settings
from core.store import Store

PAIRS = (
    '{"prompt": "How do I mute an alarm?", "chosen": "Open it and press Mute.", "rejected": "No idea."}\n'
    '{"prompt": "How do I add a user?", "chosen": "Open Access and press Add.", "rejected": "Ask somebody."}\n'
    '{"prompt": "Broken", "chosen": "same", "rejected": "same"}\n'
)


@pytest.fixture
def db(settings: Settings) -> str:
    Store.open(settings).close()
    return settings.database_url


@pytest.fixture
def pairs_file(tmp_path: Path) -> Path:
    file = tmp_path / "pairs.jsonl"
    file.write_text(PAIRS)
    return file


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout


def test_an_import_says_what_became_of_the_rows_and_why(db: str, pairs_file: Path) -> None:
    code, said = run("import", str(pairs_file), "--db", db)
    assert code == 0
    assert "2 accepted, 1 rejected, 0 already there" in said
    assert "line 3" in said


def test_the_same_file_again_adds_nothing(db: str, pairs_file: Path) -> None:
    run("import", str(pairs_file), "--db", db)
    _, said = run("import", str(pairs_file), "--db", db, "--json")
    facts = json.loads(said)["import"]
    assert (facts["accepted"], facts["duplicates"]) == (0, 2)


def test_a_dry_run_stores_nothing(db: str, pairs_file: Path) -> None:
    _, said = run("import", str(pairs_file), "--db", db, "--dry-run")
    assert "2 would be accepted" in said
    _, counted = run("import", str(pairs_file), "--db", db, "--json")
    assert json.loads(counted)["import"]["accepted"] == 2


def test_a_file_that_cannot_be_read_is_one_sentence_and_exit_code_one(db: str, tmp_path: Path) -> None:
    broken = tmp_path / "nothing.csv"
    broken.write_bytes(b"")
    result = CliRunner().invoke(app, ["import", str(broken), "--db", db])
    assert result.exit_code == 1
    assert result.stderr.strip().endswith(".")
    assert "Traceback" not in result.stderr


def test_training_without_a_dataset_says_what_to_do(db: str) -> None:
    result = CliRunner().invoke(app, ["train", "--db", db])
    assert result.exit_code == 1
    assert "Freeze one" in result.stderr.replace("\n", " ")


def test_a_dataset_id_that_is_none_is_refused(db: str) -> None:
    result = CliRunner().invoke(app, ["train", "--db", db, "--dataset", "seven"])
    assert result.exit_code == 1
    assert "UUID" in result.stderr
    assert "hone export datasets" in result.stderr


def test_status_counts_what_is_there(db: str, pairs_file: Path) -> None:
    run("import", str(pairs_file), "--db", db)
    code, said = run("status", "--db", db, "--json")
    assert code == 0
    assert json.loads(said)["pairs"]["total"] == 2
