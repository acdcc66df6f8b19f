"""An adapter's files: written beside their place, complete or not there, and checkable for ever after.

Nothing in them names a place on the machine that made them. ``core.training.folders`` says how they are written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import TrainingError
from core.training import folders, space
from core.training.folders import MARKER, Files

__all__ = ["CARD", "CONFIG", "MARKER", "RECORD", "WEIGHTS", "Files", "adapter_config", "adapter_weights"]

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
CARD = "README.md"
RECORD = "training.json"


def write_adapter(
    out: Path, *, weights: bytes, config: Mapping[str, Any], card: str, record: Mapping[str, Any], deployable: bool
) -> Files:
    """Write an adapter's files to ``out``, which must not exist yet. Returns name → {sha256, bytes}, marker included.

    Raises TrainingError when the disk is full (with what is needed and what there is) or the place is taken;
    nothing is left behind then.
    """
    contents = {
        WEIGHTS: weights,
        CONFIG: folders.json_bytes(config),
        CARD: card.encode(),
        RECORD: folders.json_bytes(record),
    }
    if out.exists():
        raise TrainingError(f"There is an adapter “{out.name}” already; it was left as it is.")
    try:
        return folders.write_folder(out, contents.items(), facts={"deployable": deployable})
    except OSError as error:
        if not folders.disk_full(error):
            raise
        needed = sum(map(len, contents.values()))
        raise TrainingError(
            f"The disk is full, so the adapter was not written: it needs {space.size(needed)} and "
            f"{space.size(space.free_bytes(out.parent))} are free. Free some space and train again; earlier adapters "
            "are untouched."
        ) from error


def verify_adapter(folder: Path) -> Files:
    """The files of a finished adapter. Raises TrainingError when the marker or a file is missing or was changed."""
    marker = folders.read_marker(folder)
    if marker is None:
        raise TrainingError("This adapter was never finished: its marker is missing. Train it again.")
    changed = folders.damaged(folder, marker["files"])
    if changed:
        raise TrainingError(f"The adapter's files were changed or lost: {', '.join(changed)}. Train it again.")
    return dict(marker["files"]) | {MARKER: folders.described(folder / MARKER) or {}}


def read_record(folder: Path) -> dict[str, Any]:
    """What a finished adapter's ``training.json`` says. Raises TrainingError when it is no JSON object."""
    try:
        return dict(json.loads((folder / RECORD).read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise TrainingError("The record of this adapter's training cannot be read. Train it again.") from error


def adapter_weights(model: Any) -> bytes:
    """The LoRA weights of a PEFT model, as the bytes of a safetensors file PEFT can read."""
    from peft import get_peft_model_state_dict
    from safetensors.torch import save

    state = get_peft_model_state_dict(model, save_embedding_layers=False)  # "auto" may ask the hub
    return bytes(save({name: value.detach().cpu().contiguous() for name, value in state.items()}, {"format": "pt"}))


def adapter_config(model: Any, *, base_name: str) -> dict[str, Any]:
    """PEFT's configuration of the adapter, with the base's name where PEFT would put its path."""
    config: dict[str, Any] = model.peft_config["default"].to_dict()
    config |= {"base_model_name_or_path": base_name, "inference_mode": True}
    return {name: _plain(value) for name, value in sorted(config.items())}


def _plain(value: Any) -> Any:
    """PEFT keeps sets and enums; sets get one order, so that the same run writes the same file."""
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
