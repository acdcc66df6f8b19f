"""Where a run can go on after a pause or a kill: one folder for each checkpoint, complete or not there.

In: the folder of one run's checkpoints and what the run is made of. Out: the newest checkpoint that is whole and of
this very run; whatever else lies there is skipped with a sentence. At most two are kept. Safetensors and JSON only:
nothing in a checkpoint can run code, and a file that its marker does not list is never read.
"""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import TrainingError
from core.training import folders
from core.training.fingerprint import difference
from core.training.folders import Files
from core.training.spec import Sink

WEIGHTS = "adapter.safetensors"
OPTIMIZER = "optimizer.safetensors"
RANDOM = "random.safetensors"
STATE = "state.json"
TRAINER = "trainer_state.json"  # the name under which transformers reads it
NAMES = frozenset({WEIGHTS, OPTIMIZER, RANDOM, STATE, TRAINER})

SHARE = 20  # an automatic interval is this part of a run
LEAST = 10  # steps; closer together they would cost more than they save

_NAME = re.compile(r"checkpoint-([1-9][0-9]{0,9})\Z", re.ASCII)


def remove(folder: Path) -> None:
    """Remove all checkpoints of a run, for one that ended or was cancelled. No folder is fine.

    Raises OSError when the disk does not let go of them.
    """
    if folder.exists():
        shutil.rmtree(folder)


def interval(asked: int, total: int) -> int:
    """Steps between two checkpoints of a run of ``total`` steps; ``asked`` is the setting, 0 for automatic."""
    return asked or max(LEAST, math.ceil(total / SHARE))


@dataclass(frozen=True)
class Checkpoint:
    """One complete checkpoint. Its files are checked once more as they are read."""

    step: int
    path: Path
    files: Files

    def read(self, name: str) -> bytes:
        """A file's bytes. Raises TrainingError when they are not what was written."""
        content = (self.path / name).read_bytes()
        if folders.entry(content) != self.files[name]:
            raise TrainingError(
                f"The checkpoint at step {self.step} changed while it was read, so training did not go on from it. "
                "Start the run again: it looks for another one."
            )
        return content

    def state(self) -> dict[str, Any]:
        """What ``state.json`` says."""
        return dict(json.loads(self.read(STATE)))


class Checkpoints:
    """The checkpoints of one run, one every ``asked`` steps. With no folder none are found and none are written."""

    def __init__(self, folder: Path | None, *, asked: int, sink: Sink) -> None:
        self.folder, self._asked, self._sink = folder, asked, sink
        self._fingerprint: Mapping[str, str] = {}
        self._missed = False
        self.newest: Checkpoint | None = None

    @property
    def step(self) -> int | None:
        """Where the run can go on; None is its beginning."""
        return self.newest.step if self.newest is not None else None

    def find(self, fingerprint: Mapping[str, str]) -> Checkpoint | None:
        """The newest checkpoint that is whole and of the run with this fingerprint, which later ones carry too.

        Says of each newer one why it is not used.
        """
        self._fingerprint = fingerprint
        self._clear_unfinished()
        present = sorted(self._present(), reverse=True)
        for step, path in present:
            found = self._examine(step, path)
            if isinstance(found, Checkpoint):
                self.newest = found
                self._sink.event("resumed", f"Training goes on from the checkpoint at step {step}.", step)
                return found
            self._sink.event("checkpoint", f"The checkpoint at step {step} was skipped: {found}.", step)
        if present:
            self._sink.event("checkpoint", "No checkpoint of this run can be used, so it begins at its first step.")
        return None

    def due(self, step: int, total: int, *, stopped: str | None) -> bool:
        """Whether one is to be written at this step: every so often, at the last step, and before a pause."""
        if self.folder is None or stopped == "cancel" or self.step == step:
            return False
        return stopped is not None or step == total or step % interval(self._asked, total) == 0

    def write(self, step: int, contents: Iterable[tuple[str, bytes]]) -> None:
        """Write the checkpoint of a step. A disk that refuses it costs the checkpoint, not the run: one event says so.

        The one before stays until this one is complete; older ones, and what was skipped, go first to make room.
        """
        if self.folder is None:
            return
        path = self.folder / f"checkpoint-{step}"
        self._keep_newest()
        try:
            files = folders.write_folder(path, contents, facts={"step": step, "fingerprint": dict(self._fingerprint)})
        except OSError as error:
            self._say_missed(step, error)
            return
        self._missed = False
        self.newest = Checkpoint(step, path, files)
        self._sink.checkpoint(step, path, files)

    def remove(self) -> None:
        """The run is over. A disk that does not let go is left to whoever clears up: the adapter is safe."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _present(self) -> Iterator[tuple[int, Path]]:
        if self.folder is not None and self.folder.is_dir():
            for path in self.folder.iterdir():
                if (named := _NAME.match(path.name)) and path.is_dir() and not path.is_symlink():
                    yield int(named[1]), path

    def _clear_unfinished(self) -> None:
        """Put away what a killed process was writing."""
        if self.folder is not None:
            for leftover in self.folder.glob(".checkpoint-*.unfinished"):
                shutil.rmtree(leftover, ignore_errors=True)
                self._sink.event("checkpoint", "A checkpoint that was cut off while it was written was put away.")

    def _examine(self, step: int, path: Path) -> Checkpoint | str:
        """The checkpoint in a folder, or why it cannot be used. Reads every byte of one that looks right."""
        marker = folders.read_marker(path)
        if marker is None or not marker["files"].keys() >= NAMES:
            return "it was never finished"
        if foreign := difference(self._fingerprint, marker.get("fingerprint")):
            return f"it was made with {foreign}"
        if changed := folders.damaged(path, marker["files"]):
            return f"its files were changed or lost ({', '.join(changed)})"
        if marker.get("step") != step:
            return "it was made at another step"
        return Checkpoint(step, path, marker["files"])

    def _keep_newest(self) -> None:
        for _, path in self._present():
            if self.newest is None or path != self.newest.path:
                shutil.rmtree(path, ignore_errors=True)

    def _say_missed(self, step: int, error: OSError) -> None:
        why = "the disk is full" if folders.disk_full(error) else f"the disk refused it ({error.strerror})"
        where = f"step {self.step}" if self.step is not None else "its beginning"
        if not self._missed:
            self._sink.event(
                "checkpoint",
                f"The checkpoint at step {step} was not written: {why}. Training itself loses nothing; if it stops "
                f"before the next checkpoint, it can go on from {where}.",
                step,
            )
        self._missed = True
