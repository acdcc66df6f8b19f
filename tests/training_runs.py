"""What tests of training share: tiny model folders and pairs, a sink that writes down, a control that says stop.

``tests/core/conftest.py`` offers the fixtures.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from core.datasets.rows import PairRow
from core.training.dpo import TrainResult, train
from core.training.evaluation import Accuracy
from core.training.folders import Files
from core.training.spec import Sample, TrainSpec
from tests import small_models

BUILDERS = {"qwen3": small_models.qwen3, "gpt2": small_models.gpt2, "llama_plain": small_models.llama_plain}
SMALL = TrainSpec(
    lora_r=4,
    lora_alpha=8,
    target_modules="all-linear",
    learning_rate=5e-3,
    num_epochs=2,
    batch_size=4,
    gradient_accumulation_steps=1,
    max_length=96,
    samples=2,
    sample_tokens=4,
    agent_id="support",
    dataset_id="0199-data",
    dataset_sha256="ab" * 32,
)
OFTEN = SMALL.changed(checkpoint_steps=1)  # twelve pairs are six steps, three an epoch
TOPICS = ("invoice", "password", "app", "fix", "billing")


def pairs(n: int, *, start: int = 0) -> list[PairRow]:
    return [
        PairRow(
            pair_id=str(start + i),
            messages=[{"role": "user", "content": f"Where is my {TOPICS[i % 5]} no {start + i}?"}],
            chosen=f"You will find the {TOPICS[i % 5]} here.",
            rejected=f"No {TOPICS[i % 5]}, sorry.",
        )
        for i in range(n)
    ]


def splits(train_rows: int = 12) -> dict[str, list[PairRow]]:
    return {"train": pairs(train_rows), "validation": pairs(3, start=100), "test": pairs(2, start=200)}


@dataclass
class Notebook:
    """A sink that writes everything down."""

    phases: list[str] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    events: list[tuple[str, str]] = field(default_factory=list)
    accuracies: dict[tuple[str, str], Accuracy] = field(default_factory=dict)
    shown: list[list[Sample]] = field(default_factory=list)
    margins: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)
    checkpoints: list[int] = field(default_factory=list)
    at: tuple[int, int] = (0, 0)

    def phase(self, name: str) -> None:
        self.phases.append(name)

    def progress(self, step: int, total: int) -> None:
        self.at = (step, total)

    def metrics(self, rows: list[dict[str, Any]]) -> None:
        self.rows += rows

    def event(self, kind: str, message: str, step: int | None = None) -> None:
        self.events.append((kind, message))

    def evaluation(self, moment: str, split: str, accuracy: Accuracy) -> None:
        self.accuracies[moment, split] = accuracy

    def samples(self, samples: Sequence[Sample]) -> None:
        self.shown.append(list(samples))

    def scores(self, moment: str, split: str, pair_ids: Sequence[str], margins: Sequence[float]) -> None:
        self.margins[moment, split] = dict(zip(pair_ids, margins, strict=True))

    def checkpoint(self, step: int, path: Path, files: Files) -> None:
        self.checkpoints.append(step)

    def said(self, kind: str) -> str:
        return " ".join(message for of, message in self.events if of == kind)


@dataclass
class When:
    """A control that asks for a stop once a condition holds."""

    condition: Callable[[], bool] = lambda: False
    why: str = "cancel"

    def stop_requested(self) -> str | None:
        return self.why if self.condition() else None


@dataclass(frozen=True)
class Done:
    result: TrainResult
    notes: Notebook
    out: Path


def run(
    folder: Path,
    out: Path,
    *,
    spec: TrainSpec = SMALL,
    rows: dict[str, list[PairRow]] | None = None,
    notes: Notebook | None = None,
    control: When | None = None,
    checkpoints: Path | None = None,
) -> Done:
    notes = notes or Notebook()
    result = train(
        spec,
        base_folder=folder,
        rows=rows or splits(),
        out=out,
        sink=notes,
        control=control or When(),
        checkpoints=checkpoints,
    )
    return Done(result, notes, out)


# runs that are stopped and go on; ``home`` holds the adapter (out) and the checkpoints (kept) of one run


def pause_at(step: int, folder: Path, home: Path, *, spec: TrainSpec = OFTEN, why: str = "pause") -> Done:
    notes = Notebook()
    stop = When(lambda: notes.at[0] >= step, why)
    return run(folder, home / "out", spec=spec, notes=notes, control=stop, checkpoints=home / "kept")


def go_on(folder: Path, home: Path, *, spec: TrainSpec = OFTEN, notes: Notebook | None = None) -> Done:
    return run(folder, home / "out", spec=spec, notes=notes, checkpoints=home / "kept")


def used(folder: Path, home: Path, *, spec: TrainSpec = OFTEN, **how: Any) -> tuple[int | None, str]:
    """The step a run would go on from, and what it says of the others; it is stopped before anything is loaded."""
    stop = When(lambda: True, "shutdown")
    done = run(folder, home / "out", spec=spec, control=stop, checkpoints=home / "kept", **how)
    return done.result.checkpoint_step, done.notes.said("checkpoint")


@cache
def whole_run(folder: Path) -> Done:
    """A model's run that nobody interrupts, with no checkpoints at all; made once."""
    return run(folder, folder.parent / f"whole-{folder.name}", spec=OFTEN)


@cache
def paused_home(folder: Path) -> Path:
    """The home of a run that was paused at step 3; copy it before you use it."""
    home = folder.parent / f"paused-{folder.name}"
    assert pause_at(3, folder, home).result.checkpoint_step == 3
    return home


def same_end(done: Done, whole: Done) -> None:
    assert done.result == replace(whole.result, adapter_dir=done.out)  # every file's hash is in it
    assert done.notes.accuracies == whole.notes.accuracies
    assert done.notes.margins == whole.notes.margins
    assert done.notes.shown[-1] == whole.notes.shown[-1]


def curve(*parts: Notebook) -> dict[int, dict[str, Any]]:
    """Metric rows by step, a later part's over an earlier one's, without the column that is never the same twice."""
    return {row["step"]: row | {"elapsed_s": None} for part in parts for row in part.rows}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.fixture(scope="session")
def model_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    return {name: build(root / name) for name, build in BUILDERS.items()}


@pytest.fixture(scope="session")
def first_run(model_folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Done:
    """One run, looked at by many tests; trained in a thread, as the app does."""
    out = tmp_path_factory.mktemp("runs") / "first"
    spec = SMALL.changed(base=str(model_folders["qwen3"]))
    finished: list[Done] = []
    worker = threading.Thread(target=lambda: finished.append(run(model_folders["qwen3"], out, spec=spec)))
    worker.start()
    worker.join()
    return finished[0]
