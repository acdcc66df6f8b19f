"""``hone import``: any file, any mapping, stopped and gone on with."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from core.cli import app
from core.jobs import worker
from core.settings import Settings
from core.store import Store
from tests.core.import_rows import rows

ODD = "colour,said,n\nred,It is slow today,4\nblue,,5\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "odd.csv"
    path.write_text(ODD)
    return path


@pytest.fixture(autouse=True)
def own_home(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HONE_HOME", str(settings.home))
    monkeypatch.setenv("HONE_DB", settings.db)


def run(*words: str) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(app, ["import", *words, "--json"])
    return result.exit_code, json.loads(result.stdout)


def test_columns_are_named_one_by_one(file: Path) -> None:
    code, said = run(str(file), "--map", "comment=colour", "--map", "row_id=n")
    assert (code, said["import"]["accepted"]) == (0, 2)


@pytest.mark.parametrize("wrong", ["comment", "poem=colour"])
def test_a_mapping_that_is_none_names_the_fields(file: Path, wrong: str) -> None:
    code, said = run(str(file), "--map", wrong)
    assert (code, "the fields are annotators" in said["error"]) == (1, True)


def test_every_rejected_row_is_written_where_it_is_asked_for(file: Path, tmp_path: Path) -> None:
    for words in (("--dry-run",), ()):
        code, _ = run(str(file), "--map", "comment=said", "--rejects", str(tmp_path / "out.csv"), *words)
        assert (code, (tmp_path / "out.csv").read_text().splitlines()) == (0, ["line,reason", "3,no comment"])


def test_a_stopped_import_says_how_to_go_on_and_does(file: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(worker, "do_here", stopped)
        result = CliRunner().invoke(app, ["import", str(file), "--map", "comment=said"])
    assert result.exit_code == 130
    found = re.search(r"--continue\s+(\S+)", result.stdout)
    assert found is not None
    with store.read() as session:
        assert rows(session) == {}
    code, said = run("--continue", found[1])
    assert (code, said["import"]["accepted"], said["import"]["rejected"]) == (0, 1, 1)


def test_a_file_that_cannot_be_read_is_not_kept(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_text('{"half":')
    code, said = run(str(path))
    assert (code, list(said)) == (1, ["error"])
    assert list((settings.home / "uploads").iterdir()) == []


@pytest.mark.parametrize("words", [(), ("--continue", "x"), ("--continue", "00000000-0000-0000-0000-000000000000")])
def test_nothing_to_import_is_one_sentence(words: tuple[str, ...]) -> None:
    code, said = run(*words)
    assert (code, list(said)) == (1, ["error"])


def test_a_dry_run_leaves_nothing_behind(file: Path, store: Store, settings: Settings) -> None:
    code, said = run(str(file), "--map", "comment=said", "--dry-run")
    assert (code, said["dry run"]["accepted"]) == (0, 1)
    with store.read() as session:
        assert rows(session) == {}
    assert list((settings.home / "uploads").iterdir()) == []
