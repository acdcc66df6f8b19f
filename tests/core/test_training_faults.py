"""A run that is stopped or breaks says so in one sentence and leaves no half adapter."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.errors import Diverged, TrainingError
from core.tables.runs import RunOutcome
from core.training import artifacts, folders
from tests.training_runs import SMALL, Done, Notebook, When, run

pytestmark = pytest.mark.training


@pytest.mark.parametrize("why", ["cancel", "shutdown", "pause"])
def test_a_stop_ends_the_run_within_a_step_and_leaves_nothing(
    model_folders: dict[str, Path], tmp_path: Path, why: str
) -> None:
    notes = Notebook()
    done = run(model_folders["qwen3"], tmp_path / "out", notes=notes, control=When(lambda: notes.at[0] >= 2, why))
    assert (done.result.outcome, done.result.stopped, done.result.steps) == (None, why, 2)
    assert [row["step"] for row in notes.rows] == [1, 2]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("phases", [1, 2, 3, 4])
def test_a_stop_is_heard_in_every_phase(model_folders: dict[str, Path], tmp_path: Path, phases: int) -> None:
    notes = Notebook()
    stop = When(lambda: len(notes.phases) >= phases)
    done = run(model_folders["qwen3"], tmp_path / "out", notes=notes, control=stop)
    assert done.result.stopped == "cancel"
    assert done.result.steps == (6 if phases == 4 else 0)
    assert list(tmp_path.iterdir()) == []


def failing_at(call: int, instead: Callable[[Any], Any]) -> Callable[..., Any]:
    """A compute_loss that goes wrong at its n-th call."""
    import trl

    whole, calls = trl.DPOTrainer.compute_loss, []

    def compute_loss(trainer: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        loss = whole(trainer, *args, **kwargs)
        return instead(loss) if len(calls) == call else loss

    return compute_loss


@pytest.mark.parametrize("factor", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_the_run(
    model_folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, factor: float
) -> None:
    monkeypatch.setattr("trl.DPOTrainer.compute_loss", failing_at(3, lambda loss: loss * factor))
    notes = Notebook()
    with pytest.raises(Diverged, match="step 3"):
        run(model_folders["qwen3"], tmp_path / "out", notes=notes)
    assert [row["step"] for row in notes.rows] == [1, 2]
    assert list(tmp_path.iterdir()) == []


def test_a_full_memory_is_said_with_advice_and_the_next_run_starts(
    model_folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    def full(_: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with monkeypatch.context() as patch:
        patch.setattr("trl.DPOTrainer.compute_loss", failing_at(1, full))
        with pytest.raises(TrainingError, match="smaller batch size"):
            run(model_folders["qwen3"], tmp_path / "out")
    assert run(model_folders["qwen3"], tmp_path / "out").result.outcome is RunOutcome.OK


def test_a_full_disk_leaves_no_half_adapter(
    model_folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = folders.write

    def write(path: Path, content: bytes) -> dict[str, Any]:
        if path.name == "README.md":
            raise OSError(28, "No space left on device")
        return whole(path, content)

    monkeypatch.setattr(folders, "write", write)
    with pytest.raises(TrainingError, match="disk is full"):
        run(model_folders["qwen3"], tmp_path / "out", spec=SMALL.changed(num_epochs=1))
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_behind_is_cleared_and_a_finished_adapter_is_not(
    first_run: Done, model_folders: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / ".out.unfinished").mkdir()
    (tmp_path / ".out.unfinished" / "adapter_model.safetensors").write_bytes(b"half")
    run(model_folders["qwen3"], tmp_path / "out", spec=SMALL.changed(num_epochs=1))
    assert [file.name for file in tmp_path.iterdir()] == ["out"]
    with pytest.raises(TrainingError, match="already"):
        run(model_folders["qwen3"], first_run.out)
    assert artifacts.verify_adapter(first_run.out) == first_run.result.files


def test_a_changed_file_is_found(first_run: Done, tmp_path: Path) -> None:
    for file in first_run.out.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(TrainingError, match=r"adapter_config\.json"):
        artifacts.verify_adapter(tmp_path)
    (tmp_path / "COMPLETE.json").unlink()
    with pytest.raises(TrainingError, match="never finished"):
        artifacts.verify_adapter(tmp_path)
