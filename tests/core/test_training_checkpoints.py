"""Only a whole checkpoint of the very same run is gone on from, and nothing in it can run code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from core.errors import BaseModelRejected
from core.training import checkpoints, dpo
from tests.training_runs import (
    OFTEN,
    curve,
    go_on,
    names,
    paused_home,
    same_end,
    splits,
    used,
    whole_run,
)

pytestmark = pytest.mark.training


@pytest.fixture
def home(model_folders: dict[str, Path], tmp_path: Path) -> Path:
    """The home of a run that was paused at step 3, with its checkpoints of steps 2 and 3, to be spoilt."""
    return shutil.copytree(paused_home(model_folders["qwen3"]), tmp_path / "home")


# which checkpoint is used


def test_the_newest_whole_checkpoint_is_used(model_folders: dict[str, Path], home: Path) -> None:
    assert names(home / "kept") == ["checkpoint-2", "checkpoint-3"]
    assert used(model_folders["qwen3"], home) == (3, "")


def test_a_half_written_checkpoint_is_skipped(model_folders: dict[str, Path], home: Path) -> None:
    (home / "kept" / "checkpoint-3" / "COMPLETE.json").unlink()
    unfinished = shutil.copytree(home / "kept" / "checkpoint-3", home / "kept" / ".checkpoint-4.unfinished")
    step, said = used(model_folders["qwen3"], home)
    assert step == 2
    assert "step 3 was skipped: it was never finished" in said and "cut off" in said
    assert not unfinished.exists()


@pytest.mark.parametrize("name", sorted(checkpoints.NAMES))
@pytest.mark.parametrize("spoil", ["changed", "lost", "cut"])
def test_a_tampered_checkpoint_is_skipped(model_folders: dict[str, Path], home: Path, name: str, spoil: str) -> None:
    file = home / "kept" / "checkpoint-3" / name
    content = file.read_bytes()
    file.unlink()
    if spoil != "lost":
        file.write_bytes(content[:-1] + (bytes([content[-1] ^ 1]) if spoil == "changed" else b""))
    step, said = used(model_folders["qwen3"], home)
    assert step == 2
    assert f"step 3 was skipped: its files were changed or lost ({name})" in said


def marked(home: Path, **changes: Any) -> None:
    """Change what the marker of the newest checkpoint says."""
    marker = home / "kept" / "checkpoint-3" / "COMPLETE.json"
    marker.write_text(json.dumps(json.loads(marker.read_text()) | changes))


@pytest.mark.parametrize(
    "changes",
    [{"format": 2}, {"files": {}}, {"files": "x"}, {"files": {"../out": {"sha256": "", "bytes": 0}}}, {"step": 5}],
)
def test_a_marker_that_says_something_else_is_not_believed(
    model_folders: dict[str, Path], home: Path, changes: dict[str, Any]
) -> None:
    marked(home, **changes)
    assert used(model_folders["qwen3"], home)[0] == 2
    (home / "kept" / "checkpoint-3" / "COMPLETE.json").write_text("[" * 100_000)
    assert used(model_folders["qwen3"], home)[0] == 2


def test_when_none_is_whole_the_run_begins_at_its_first_step_and_says_so(
    model_folders: dict[str, Path], home: Path
) -> None:
    for step in (2, 3):
        (home / "kept" / f"checkpoint-{step}" / "optimizer.safetensors").write_bytes(b"")
    done = go_on(model_folders["qwen3"], home)
    assert "begins at its first step" in done.notes.said("checkpoint") and done.notes.said("resumed") == ""
    assert curve(done.notes) == curve(whole_run(model_folders["qwen3"]).notes)
    same_end(done, whole_run(model_folders["qwen3"]))


def test_a_run_goes_on_from_the_one_before_a_tampered_checkpoint(model_folders: dict[str, Path], home: Path) -> None:
    (home / "kept" / "checkpoint-3" / "adapter.safetensors").write_bytes(b"something else")
    done = go_on(model_folders["qwen3"], home)
    assert [row["step"] for row in done.notes.rows] == [3, 4, 5, 6]
    same_end(done, whole_run(model_folders["qwen3"]))


def test_a_checkpoint_of_another_run_is_not_used(
    model_folders: dict[str, Path], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = model_folders["qwen3"]
    for spec in (OFTEN.changed(learning_rate=1e-3), OFTEN.changed(seed=7)):
        assert used(folder, home, spec=spec)[0] is None
    step, said = used(folder, home, rows=splits(13))
    assert step is None and said.count("it was made with other pairs") == 2
    assert "another base model" in used(model_folders["llama_plain"], home)[1]
    with monkeypatch.context() as patch:
        patch.setattr(dpo, "torch_dtype_and_device", lambda: ("bfloat16", "cuda"))
        assert "another device" in used(folder, home)[1]
    with monkeypatch.context() as patch:
        patch.setattr("core.training.fingerprint.version", lambda name: "9.9" if name == "torch" else "1")
        assert "another version of torch" in used(folder, home)[1]
    assert used(folder, home)[0] == 3


def test_a_link_is_no_checkpoint(model_folders: dict[str, Path], home: Path, tmp_path: Path) -> None:
    moved = (home / "kept" / "checkpoint-3").rename(tmp_path / "elsewhere")
    (home / "kept" / "checkpoint-3").symlink_to(moved, target_is_directory=True)
    assert used(model_folders["qwen3"], home)[0] == 2


# no pickles (T2)


def test_t02_nothing_in_a_checkpoint_is_a_pickle(home: Path) -> None:
    files = [path for path in (home / "kept").rglob("*") if path.is_file()]
    assert {path.name for path in files} == checkpoints.NAMES | {"COMPLETE.json"}
    for path in files:
        content = path.read_bytes()
        assert not content.startswith((b"PK", b"\x80", b"c")), path.name  # torch's zip, pickles new and old
        if path.suffix == ".json":
            assert isinstance(json.loads(content), dict)
        else:
            assert path.suffix == ".safetensors"
            length = int.from_bytes(content[:8], "little")
            assert isinstance(json.loads(content[8 : 8 + length]), dict)


def test_t02_a_planted_pickle_is_never_read(
    model_folders: dict[str, Path], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = home / "canary"
    payload = f"cos\nsystem\n(S'touch {canary}'\ntR.".encode()
    planted = ("rng_state.pth", "optimizer.pt", "optimizer.bin", "scheduler.pt", "scaler.pt", "adapter_model.bin")
    for name in (*planted, "pytorch_model.bin", "training_args.bin"):
        (home / "kept" / "checkpoint-3" / name).write_bytes(payload)

    def refused(*_: Any, **__: Any) -> None:
        raise AssertionError("a pickle was read or written")

    for name in ("load", "save"):
        monkeypatch.setattr(f"torch.{name}", refused)
    done = go_on(model_folders["qwen3"], home)
    assert "at step 3" in done.notes.said("resumed")
    same_end(done, whole_run(model_folders["qwen3"]))
    assert not canary.exists()


# a base model that goes away


def test_a_base_model_that_vanished_is_a_sentence_and_the_run_goes_on_once_it_is_back(
    model_folders: dict[str, Path], home: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(model_folders["qwen3"], tmp_path / "base")
    away = folder.rename(tmp_path / "away")
    with pytest.raises(BaseModelRejected, match="no model folder “base”"):
        go_on(folder, home)
    assert names(home / "kept") == ["checkpoint-2", "checkpoint-3"]
    away.rename(folder)
    assert used(folder, home)[0] == 3


def test_a_base_model_that_changed_meanwhile_is_trained_from_the_beginning(
    model_folders: dict[str, Path], home: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(model_folders["qwen3"], tmp_path / "base")
    (folder / "generation_config.json").write_text("{}")
    step, said = used(folder, home)
    assert step is None and "another base model" in said
