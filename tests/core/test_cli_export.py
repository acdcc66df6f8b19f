"""``hone export``: rows on stdout or in a file, everything else beside them."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import Result
from typer.testing import CliRunner

from core.cli import app
from core.exporting import LISTS
from core.settings import Settings
from core.store import Store
from core.tables import PairStatus, RunMetric, TrainingDataset, TrainingRun, TrainingType
from tests.core.preference_rows import pair

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def db(store: Store, settings: Settings) -> str:
    with store.write() as session:
        pair(session, "one", "good", "bad", status=PairStatus.ACCEPTED)
        pair(session, "two", "good", "bad", agent_id="shop")
    return settings.database_url


def export(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["export", *arguments])


def test_without_a_file_the_rows_alone_go_to_stdout(db: str) -> None:
    result = export("pairs", "--db", db)
    assert [json.loads(line)["agent_id"] for line in result.stdout.splitlines()] == ["support", "shop"]
    assert "2 rows of pairs as jsonl to stdout" in result.stderr


def test_the_ending_of_the_file_chooses_the_format(db: str, tmp_path: Path) -> None:
    for name in ("pairs.csv", "pairs.parquet", "pairs.jsonl"):
        assert export("pairs", str(tmp_path / name), "--db", db).exit_code == 0
    assert [row["status"] for row in csv.DictReader((tmp_path / "pairs.csv").open())] == ["accepted", "needs_label"]
    assert pq.read_table(tmp_path / "pairs.parquet").num_rows == 2
    assert len((tmp_path / "pairs.jsonl").read_text().splitlines()) == 2
    assert sorted(path.suffix for path in tmp_path.glob("pairs*")) == [".csv", ".jsonl", ".parquet"]


def test_filters_narrow_and_json_says_what_was_written(db: str, tmp_path: Path) -> None:
    file = tmp_path / "shop.csv"
    result = export("pairs", str(file), "--agent", "shop", "--since", "2020-01-01", "--db", db, "--json")
    assert json.loads(result.stdout)["export"] == {
        "list": "pairs",
        "format": "csv",
        "rows": 1,
        "bytes": file.stat().st_size,
        "file": str(file),
    }


def test_json_without_a_file_leaves_stdout_to_the_rows(db: str) -> None:
    result = export("pairs", "--db", db, "--json")
    assert len(result.stdout.splitlines()) == 2
    assert json.loads(result.stderr)["export"]["rows"] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pears",), f"These can be exported: {', '.join(LISTS)}."),
        (("pairs", "--format", "xlsx"), "format has to be one of csv, jsonl, parquet"),
        (("pairs", "--since", "soon"), "since has to be a date like 2026-03-01"),
        (("imports", "--status", "lost"), "status has to be one of reading"),
    ],
)
def test_a_wrong_word_is_answered_with_the_right_ones(db: str, arguments: tuple[str, ...], said: str) -> None:
    result = export(*arguments, "--db", db)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in " ".join(result.stderr.split())


def test_an_export_that_fails_leaves_the_file_that_was_there(db: str, tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text("what was there")
    (tmp_path / "pairs.csv.part").mkdir()  # where the export would have been written
    result = export("pairs", str(file), "--db", db)
    assert (result.exit_code, file.read_text()) == (1, "what was there")
    assert "cannot be written" in " ".join(result.stderr.split())


@pytest.mark.sqlite  # about the pipe, not about the database
def test_a_reader_that_has_seen_enough_is_no_error(db: str, store: Store) -> None:
    with store.write() as session:
        dataset = TrainingDataset(name="d")
        session.add(dataset)
        session.flush()
        run = TrainingRun(agent_id="a", dataset_id=dataset.id, training_type=TrainingType.DPO)
        session.add(run)
        session.flush()
        of = run.id
        session.add_all(RunMetric(run_id=of, step=step) for step in range(5_000))
    command = [sys.executable, "-m", "core.cli", "export", "run_metrics", "--db", db]
    exporting = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert exporting.stdout is not None and exporting.stderr is not None
    first = json.loads(exporting.stdout.readline())
    exporting.stdout.close()
    complaints = exporting.stderr.read().decode()
    assert (first["step"], exporting.wait(timeout=60)) == (0, 141)
    assert complaints.strip() == ""
