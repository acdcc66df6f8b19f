"""A disk that is full costs a checkpoint, never the run; an adapter that finds no room is said with numbers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.errors import TrainingError
from core.tables.runs import RunPhase
from core.training import folders, space
from tests.training_runs import (
    OFTEN,
    Notebook,
    go_on,
    names,
    pause_at,
    paused_home,
    same_end,
    whole_run,
)

pytestmark = pytest.mark.training

NO_SPACE = OSError(28, "No space left on device")


@pytest.fixture
def home(model_folders: dict[str, Path], tmp_path: Path) -> Path:
    """The home of a run that was paused at step 3, with its checkpoints of steps 2 and 3, to be spoilt."""
    return shutil.copytree(paused_home(model_folders["qwen3"]), tmp_path / "home")


# a disk that is full


def full_for(monkeypatch: pytest.MonkeyPatch, refused: Callable[[Path], bool]) -> None:
    written = folders.write

    def write(path: Path, content: bytes) -> dict[str, Any]:
        if refused(path):
            path.write_bytes(content[:10])
            raise NO_SPACE
        return written(path, content)

    monkeypatch.setattr(folders, "write", write)


def test_a_full_disk_costs_the_checkpoint_and_not_the_run(
    model_folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_for(monkeypatch, lambda path: path.name == "optimizer.safetensors")
    done = go_on(model_folders["qwen3"], tmp_path)
    said = [message for kind, message in done.notes.events if kind == "checkpoint"]
    assert len(said) == 1 and "step 1 was not written: the disk is full" in said[0]
    assert done.notes.checkpoints == []
    assert names(tmp_path) == ["out"]
    same_end(done, whole_run(model_folders["qwen3"]))


def test_pausing_on_a_full_disk_says_from_which_earlier_step_it_goes_on(
    model_folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        full_for(patch, lambda path: path.parent.name == ".checkpoint-3.unfinished")
        first = pause_at(3, model_folders["qwen3"], tmp_path)
    assert (first.result.steps, first.result.checkpoint_step) == (3, 2)
    assert "can go on from step 2" in first.notes.said("checkpoint")
    assert names(tmp_path / "kept") == ["checkpoint-2"]
    same_end(go_on(model_folders["qwen3"], tmp_path), whole_run(model_folders["qwen3"]))


def test_a_full_disk_at_the_adapter_is_said_with_numbers_and_no_step_is_lost(
    model_folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        full_for(patch, lambda path: path.name == "training.json")
        with pytest.raises(TrainingError, match=r"disk is full.* needs 0\.\d MB and [\d,.]+ [MG]B are free"):
            go_on(model_folders["qwen3"], tmp_path)
    assert names(tmp_path) == ["kept"]
    done = go_on(model_folders["qwen3"], tmp_path)
    assert done.notes.rows == []
    same_end(done, whole_run(model_folders["qwen3"]))


def test_a_disk_without_room_is_refused_before_the_first_step(
    model_folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "free_bytes", lambda place: 123_456)
    notes = Notebook()
    with pytest.raises(TrainingError, match=r"two checkpoints need up to 0\.\d MB and 0\.1 MB are free"):
        go_on(model_folders["qwen3"], tmp_path, notes=notes)
    assert notes.phases == [RunPhase.STARTING]
    assert names(tmp_path) == []


def test_what_a_stopped_run_holds_already_is_not_needed_twice(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = space.folder_bytes(home / "kept")
    needed = space.needed_bytes(10_000, checkpoints=True)
    monkeypatch.setattr(space, "free_bytes", lambda place: needed - held)
    space.require(home, 10_000, checkpoints=home / "kept")
    with pytest.raises(TrainingError, match="too full"):
        space.require(home, 10_000, checkpoints=home / "elsewhere")


@pytest.mark.parametrize("name", ["qwen3", "gpt2"])
def test_the_room_asked_for_is_the_room_taken(model_folders: dict[str, Path], tmp_path: Path, name: str) -> None:
    from core.inference.local import load_base

    model, _, _ = load_base(model_folders[name])
    numbers = space.lora_numbers(model, "all-linear", OFTEN.lora_r)
    assert numbers == whole_run(model_folders[name]).result.parameters
    done = pause_at(2, model_folders[name], tmp_path)
    taken = space.folder_bytes(tmp_path / "kept") + space.folder_bytes(whole_run(model_folders[name]).out)
    assert done.notes.checkpoints == [1, 2]
    assert 28 * numbers < taken < space.needed_bytes(numbers, checkpoints=True)


def test_temporary_files_that_find_no_room_are_a_sentence(
    model_folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise NO_SPACE

    monkeypatch.setattr("core.training.loop.dataset", full)
    with pytest.raises(TrainingError, match="temporary files"):
        go_on(model_folders["qwen3"], tmp_path)
    assert names(tmp_path) == []
