"""An adapter's files: written beside their place, complete or not there, and checkable for ever after.

Everything goes into a temporary folder first; ``COMPLETE.json``, with the hash and size of every other file, is
written last, and then the folder takes its final name. Nothing in it names a place on the machine that made it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import TrainingError

MARKER = "COMPLETE.json"
WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
CARD = "README.md"
RECORD = "training.json"

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}  # the disk, or a person's share of it

Files = dict[str, dict[str, Any]]


def write_adapter(
    out: Path, *, weights: bytes, config: Mapping[str, Any], card: str, record: Mapping[str, Any], deployable: bool
) -> Files:
    """Write an adapter's files to ``out``, which must not exist yet. Returns name → {sha256, bytes}, marker included.

    Raises TrainingError when the disk is full or the place is taken; nothing is left behind then.
    """
    contents = {
        WEIGHTS: weights,
        CONFIG: _json(config),
        CARD: card.encode(),
        RECORD: _json(record),
    }
    if out.exists():
        raise TrainingError(f"There is an adapter “{out.name}” already; it was left as it is.")
    with _unfinished(out) as folder:
        files = {name: _write(folder / name, content) for name, content in contents.items()}
        marker = _json({"format": 1, "deployable": deployable, "files": files})
        files[MARKER] = _write(folder / MARKER, marker)
        _sync(folder)
        folder.rename(out)
        _sync(out.parent)
    return files


def verify_adapter(folder: Path) -> Files:
    """The files of a finished adapter. Raises TrainingError when the marker or a file is missing or was changed."""
    try:
        listed = dict(json.loads((folder / MARKER).read_bytes())["files"])
    except (OSError, ValueError, KeyError, TypeError):
        raise TrainingError("This adapter was never finished: its marker is missing. Train it again.") from None
    changed = [name for name, entry in listed.items() if _described(folder / Path(name).name) != entry]
    if changed:
        raise TrainingError(f"The adapter's files were changed or lost: {', '.join(changed)}. Train it again.")
    return listed | {MARKER: _described(folder / MARKER) or {}}


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


def discard(out: Path) -> None:
    """Remove what an earlier attempt may have left unfinished beside ``out``."""
    shutil.rmtree(_temporary(out), ignore_errors=True)


@contextmanager
def _unfinished(out: Path) -> Iterator[Path]:
    folder = _temporary(out)
    discard(out)
    try:
        folder.mkdir(parents=True)
        yield folder
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise TrainingError(
            "The disk is full, so the adapter was not written. Free some space and train again; earlier adapters "
            "are untouched."
        ) from error
    finally:
        discard(out)


def _temporary(out: Path) -> Path:
    return out.with_name(f".{out.name}.unfinished")


def _write(path: Path, content: bytes) -> dict[str, Any]:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def _sync(folder: Path) -> None:
    """Make names durable, where the system can open a folder (Windows cannot)."""
    if os.name != "nt":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _described(path: Path) -> dict[str, Any] | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def _json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def _plain(value: Any) -> Any:
    """PEFT keeps sets and enums; sets get one order, so that the same run writes the same file."""
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
