"""A run that was paused or killed goes on and ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.errors import TrainingError
from core.tables.runs import Moment, RunOutcome, RunPhase
from core.training import checkpoints, folders, resuming
from core.training.folders import Files
from tests.conftest import REPOSITORY
from tests.training_runs import (
    OFTEN,
    SMALL,
    Notebook,
    When,
    curve,
    go_on,
    names,
    pairs,
    pause_at,
    paused_home,
    run,
    same_end,
    splits,
    whole_run,
)

pytestmark = pytest.mark.training


@pytest.fixture
def home(model_folders: dict[str, Path], tmp_path: Path) -> Path:
    """The home of a run that was paused at step 3, with its checkpoints of steps 2 and 3, to be spoilt."""
    return shutil.copytree(paused_home(model_folders["qwen3"]), tmp_path / "home")


# the same end


@pytest.mark.parametrize(("name", "step"), [("qwen3", 1), ("qwen3", 3), ("qwen3", 5), ("gpt2", 2), ("gpt2", 3)])
def test_a_run_that_was_paused_ends_like_one_that_was_not(
    model_folders: dict[str, Path], tmp_path: Path, name: str, step: int
) -> None:
    first = pause_at(step, model_folders[name], tmp_path)
    assert (first.result.outcome, first.result.stopped) == (None, "pause")
    assert first.result.steps == first.result.checkpoint_step == step
    second = go_on(model_folders[name], tmp_path)
    assert [row["step"] for row in second.notes.rows] == list(range(step + 1, 7))
    assert curve(first.notes, second.notes) == curve(whole_run(model_folders[name]).notes)
    same_end(second, whole_run(model_folders[name]))


def test_a_run_may_be_paused_again_and_again_with_accumulation_and_an_incomplete_batch(
    model_folders: dict[str, Path], tmp_path: Path
) -> None:
    spec = SMALL.changed(batch_size=3, gradient_accumulation_steps=2, lr_scheduler="cosine", num_epochs=2)
    rows = splits(13)  # five batches an epoch: the last step of each has one batch of one pair
    whole = run(model_folders["qwen3"], tmp_path / "whole", spec=spec, rows=rows)
    parts = []
    for step in (1, 2, 5, 9):
        notes = Notebook()
        stop = When(lambda notes=notes, step=step: notes.at[0] >= step, "pause")  # type: ignore[misc]
        kept = tmp_path / "kept"
        last = run(
            model_folders["qwen3"],
            tmp_path / "out",
            spec=spec,
            rows=rows,
            notes=notes,
            control=stop,
            checkpoints=kept,
        )
        parts.append(notes)
    assert curve(*parts) == curve(whole.notes)
    assert [len(part.rows) for part in parts] == [1, 1, 3, 1]
    same_end(last, whole)


def test_kill_9_in_the_middle_of_a_step_costs_only_the_steps_since_the_last_checkpoint(
    model_folders: dict[str, Path], tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tests.core.test_training_resume", str(model_folders["qwen3"]), str(tmp_path)]
    environment = os.environ | {"PYTHONWARNINGS": "ignore"}
    killed = subprocess.run(command, cwd=REPOSITORY, env=environment, timeout=120, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert names(tmp_path / "kept") == [".checkpoint-5.unfinished", "checkpoint-4"]
    assert not (tmp_path / "out").exists()
    heard = Notebook(rows=[json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()])
    assert max(row["step"] for row in heard.rows) == 5
    done = go_on(model_folders["qwen3"], tmp_path)
    assert "cut off" in done.notes.said("checkpoint") and "at step 4" in done.notes.said("resumed")
    assert [row["step"] for row in done.notes.rows] == [5, 6]
    assert curve(heard, done.notes) == curve(whole_run(model_folders["qwen3"]).notes)
    same_end(done, whole_run(model_folders["qwen3"]))


def test_a_run_killed_after_its_adapter_was_written_and_before_anybody_heard_is_finished(
    model_folders: dict[str, Path], tmp_path: Path
) -> None:
    first = go_on(model_folders["qwen3"], tmp_path)
    again = go_on(model_folders["qwen3"], tmp_path)
    assert again.result == first.result
    assert again.notes.accuracies == first.notes.accuracies
    assert again.notes.phases == [RunPhase.STARTING]  # nothing was trained
    with pytest.raises(TrainingError, match="already"):
        go_on(model_folders["qwen3"], tmp_path, spec=OFTEN.changed(seed=1))


# what is kept


def test_a_checkpoint_comes_every_so_often_and_at_the_last_step() -> None:
    assert checkpoints.interval(0, 100) == checkpoints.interval(0, 200) == 10  # at least ten steps apart
    assert checkpoints.interval(0, 1001) == 51
    assert checkpoints.interval(7, 1001) == 7
    kept = checkpoints.Checkpoints(Path("kept"), asked=4, sink=Notebook())
    assert [step for step in range(1, 11) if kept.due(step, 10, stopped=None)] == [4, 8, 10]
    assert kept.due(5, 10, stopped="pause") and kept.due(5, 10, stopped="shutdown")
    assert not kept.due(4, 10, stopped="cancel")
    assert not checkpoints.Checkpoints(None, asked=1, sink=Notebook()).due(4, 4, stopped=None)


class Watching(Notebook):
    """Looks into the folder at every checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[list[str]] = []

    def checkpoint(self, step: int, path: Path, files: Files) -> None:
        super().checkpoint(step, path, files)
        self.seen.append(names(path.parent))
        assert set(files) == checkpoints.NAMES | {"COMPLETE.json"} == set(names(path))
        assert folders.damaged(path, files) == []
        assert self.rows[-1]["step"] == step  # its row was handed on before


def test_two_checkpoints_are_kept_and_none_once_the_adapter_is_there(
    model_folders: dict[str, Path], tmp_path: Path
) -> None:
    notes = Watching()
    go_on(model_folders["qwen3"], tmp_path, notes=notes)
    assert notes.checkpoints == [1, 2, 3, 4, 5, 6]
    assert notes.seen == [["checkpoint-1"], *[[f"checkpoint-{at - 1}", f"checkpoint-{at}"] for at in range(2, 7)]]
    assert names(tmp_path) == ["out"]


def test_an_adapter_that_fails_the_gate_leaves_no_checkpoints_either(
    model_folders: dict[str, Path], tmp_path: Path
) -> None:
    turned = [replace(row, chosen=row.rejected, rejected=row.chosen) for row in pairs(12)]
    rows = splits() | {"train": turned}
    done = run(model_folders["qwen3"], tmp_path / "out", rows=rows, checkpoints=tmp_path / "kept")
    assert done.result.outcome is RunOutcome.EVAL_GATE_FAILED
    assert names(tmp_path) == ["out"]


def test_cancelling_writes_nothing_and_leaves_the_checkpoints_to_be_removed(
    model_folders: dict[str, Path], tmp_path: Path
) -> None:
    spec = SMALL.changed(checkpoint_steps=2)
    done = pause_at(3, model_folders["qwen3"], tmp_path, spec=spec, why="cancel")
    assert (done.result.stopped, done.result.steps, done.result.checkpoint_step) == ("cancel", 3, None)
    assert names(tmp_path / "kept") == ["checkpoint-2"]
    checkpoints.remove(tmp_path / "kept")
    checkpoints.remove(tmp_path / "kept")
    assert names(tmp_path) == []


def test_shutting_down_keeps_the_very_step(model_folders: dict[str, Path], tmp_path: Path) -> None:
    done = pause_at(4, model_folders["qwen3"], tmp_path, spec=SMALL, why="shutdown")
    assert (done.result.stopped, done.result.checkpoint_step) == ("shutdown", 4)
    assert names(tmp_path / "kept") == ["checkpoint-4"]


def test_a_stop_in_the_last_evaluation_trains_nothing_twice(model_folders: dict[str, Path], tmp_path: Path) -> None:
    notes = Notebook()
    stop = When(lambda: len(notes.phases) >= 4, "pause")
    folder, kept = model_folders["qwen3"], tmp_path / "kept"
    first = run(folder, tmp_path / "out", spec=OFTEN, notes=notes, control=stop, checkpoints=kept)
    assert (first.result.stopped, first.result.checkpoint_step) == ("pause", 6)
    second = go_on(folder, tmp_path)
    assert second.notes.rows == [] and second.notes.at == (6, 6)
    same_end(second, whole_run(model_folders["qwen3"]))


def test_a_stop_before_the_first_step_has_nothing_to_go_on_from(model_folders: dict[str, Path], tmp_path: Path) -> None:
    stop = When(lambda: True, "shutdown")
    done = run(model_folders["qwen3"], tmp_path / "out", control=stop, checkpoints=tmp_path / "kept")
    assert (done.result.stopped, done.result.checkpoint_step, names(tmp_path)) == ("shutdown", None, [])


def test_time_counts_on_after_a_pause(model_folders: dict[str, Path], home: Path) -> None:
    state = json.loads((home / "kept" / "checkpoint-3" / "state.json").read_text())
    assert state["meter"]["steps"] == 3 and state["meter"]["elapsed_s"] > 0
    done = go_on(model_folders["qwen3"], home)
    assert done.notes.rows[0]["elapsed_s"] >= round(state["meter"]["elapsed_s"], 3)


def test_random_numbers_go_on_where_they_were() -> None:
    import numpy as np
    import torch

    def draw() -> list[float]:
        return [random.gauss(), random.random(), float(np.random.normal()), float(torch.randn(1))]

    draw()  # each gauss leaves its twin behind
    tensors, numbers = resuming.random_tensors(), json.loads(json.dumps(resuming.random_numbers()))
    first = draw()
    draw()
    resuming.restore_random(tensors, numbers)
    assert draw() == first


# held-out pairs one by one


def test_each_held_out_pair_is_said_to_be_right_or_wrong_before_and_after(model_folders: dict[str, Path]) -> None:
    notes = whole_run(model_folders["qwen3"]).notes
    ids = {"validation": ["100", "101", "102"], "test": ["200", "201"]}
    assert {key: list(margins) for key, margins in notes.margins.items()} == {
        (moment, split): members for moment in (Moment.BEFORE, Moment.AFTER) for split, members in ids.items()
    }
    for key, margins in notes.margins.items():
        assert sum(margin > 0 for margin in margins.values()) == notes.accuracies[key].correct
        assert sum(margins.values()) / len(margins) == pytest.approx(notes.accuracies[key].mean_margin)


def test_the_mean_loss_is_of_every_step(model_folders: dict[str, Path]) -> None:
    losses = [row["loss"] for row in whole_run(model_folders["gpt2"]).notes.rows]
    assert whole_run(model_folders["gpt2"]).result.train_loss == pytest.approx(sum(losses) / 6, rel=1e-12)


class Doomed(Notebook):
    """Writes its rows to a file, and ends its process while the fifth checkpoint is being written."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self._file = home / "rows.jsonl"

    def metrics(self, rows: list[dict[str, Any]]) -> None:
        with self._file.open("a") as stream:
            stream.writelines(json.dumps(row) + "\n" for row in rows)


def die(folder: Path, home: Path) -> None:
    written = folders.write

    def write(path: Path, content: bytes) -> dict[str, Any]:
        if path.parent.name == ".checkpoint-5.unfinished" and path.name == checkpoints.RANDOM:
            os.kill(os.getpid(), signal.SIGKILL)
        return written(path, content)

    folders.write = write
    go_on(folder, home, notes=Doomed(home))


if __name__ == "__main__":
    die(Path(sys.argv[1]), Path(sys.argv[2]))
