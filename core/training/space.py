"""Is there room on the disk for what a run will write? Asked before the first step, not found out after the last.

In: a loaded base model and what LoRA is put on. Out: bytes, and a refusal with numbers when they are not free.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import TrainingError
from core.training.spec import ALL_LINEAR

NUMBER = 4  # bytes; adapters train in fp32, over a base in bf16 too
CHECKPOINT_NUMBERS = 3  # of each trained number: itself and the optimizer's two averages
KEPT = 2  # checkpoints on the disk at a time
BESIDES = 300_000  # bytes of configuration, card and random states beside the numbers


def lora_numbers(model: Any, targets: Sequence[str] | str, rank: int) -> int:
    """How many numbers LoRA of a rank trains on a base model: rank × (in + out) for each layer it goes to."""
    import torch
    from transformers.pytorch_utils import Conv1D

    head = model.get_output_embeddings()
    return sum(
        rank * sum(module.weight.shape)
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear | Conv1D)
        and module is not head
        and (targets == ALL_LINEAR or name.rsplit(".", 1)[-1] in targets)
    )


def needed_bytes(numbers: int, *, checkpoints: bool) -> int:
    """What a run that trains so many numbers has on the disk at once: its adapter and, if any, two checkpoints."""
    held = 1 + (KEPT * CHECKPOINT_NUMBERS if checkpoints else 0)
    return numbers * NUMBER * held + BESIDES


def require(place: Path, numbers: int, *, checkpoints: Path | None) -> None:
    """Raises TrainingError when the disk of ``place`` has no room for a run that trains so many numbers.

    What a stopped run already holds in ``checkpoints`` is not needed twice.
    """
    needed = needed_bytes(numbers, checkpoints=checkpoints is not None)
    if checkpoints is not None:
        needed -= min(needed, folder_bytes(checkpoints))
    free = free_bytes(place)
    if free < needed:
        what = "the adapter" if checkpoints is None else "the adapter and two checkpoints"
        raise TrainingError(
            f"The disk is too full to train: {what} need up to {size(needed)} and {size(free)} are free. "
            "Free some space and start again; nothing was trained, and earlier adapters are untouched."
        )


def free_bytes(place: Path) -> int:
    """Free bytes on the disk of a folder that may not exist yet."""
    there = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
    return shutil.disk_usage(there).free


def folder_bytes(folder: Path) -> int:
    """What the files under a folder hold together; 0 when there is none."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def size(count: int) -> str:
    """Bytes in the words of a sentence."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"
