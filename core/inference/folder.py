"""Which folder a base model comes from, and whether everything is in it that loading will need.

In: what a person chose ("demo", a folder, a hub id). Out: a folder whose files were looked at, never run:
weights are read from safetensors only, pickles are not opened, code that ships with a model is not executed.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

from core.errors import BaseModelRejected, PathRejected
from core.untrusted import inside

DEMO = "demo"
OnProgress = Callable[[int, int], None]

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?\Z", re.ASCII)
_SHARD = re.compile(r"[A-Za-z0-9][\w.-]{0,119}\.safetensors\Z", re.ASCII)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_TOKENIZERS = (("tokenizer.json",), ("tokenizer.model",), ("vocab.json", "merges.txt"), ("vocab.txt",))
_SIDE_FILES = (  # everything beside the weights that changes what the model does
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    "chat_template.jinja",
    "chat_template.json",
)
_DOWNLOAD = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja", "LICENSE*", "README.md"]
_CAUSAL = ("ForCausalLM", "LMHeadModel")
_HEADER_LIMIT = 100_000_000  # bytes; the safetensors format's own bound
_JSON_LIMIT = 50_000_000


@dataclass(frozen=True)
class ModelFolder:
    """What the files of a model folder say. ``sha256`` covers weights, configuration and tokenizer."""

    path: Path
    architecture: str
    parameters: int | None  # numbers stored in the weight files
    has_chat_template: bool
    sha256: str


def resolve_base(base: str, *, models_dir: Path, allow_hub: bool, on_progress: OnProgress | None = None) -> Path:
    """The folder of the base model a person chose.

    ``base`` is "demo" (built here on first use, ``on_progress(done, total)`` tells how far), the name of a
    folder inside ``models_dir``, the path of a local folder, or, only with ``allow_hub``, a hub id.
    Raises PathRejected for a path that climbs or hides, BaseModelRejected when there is no usable model.
    """
    if base == DEMO:
        from core.inference.demo_base import demo_base

        return demo_base(models_dir, on_progress=on_progress)
    folder = _local_folder(base, models_dir)
    if folder is None:
        folder = _from_hub(base, models_dir, allow_hub=allow_hub)
    return inspect_folder(folder).path


def inspect_folder(path: Path) -> ModelFolder:
    """Look at a model folder without loading it. Hashing reads every byte once; unchanged files are remembered.

    Raises BaseModelRejected naming the file that is missing, incomplete or of a kind that is not opened.
    """
    path = Path(path)
    if not _is_folder(path):
        raise BaseModelRejected(f"There is no model folder “{path.name}”. Check the path, or choose the demo model.")
    if (path / "adapter_config.json").exists():
        raise BaseModelRejected(f"“{path.name}” holds an adapter, not a base model. Choose the base it was made for.")
    config = _json(path, "config.json")
    weights = _weight_files(path)
    if not any(all((path / name).is_file() for name in names) for names in _TOKENIZERS):
        raise BaseModelRejected(f"“{path.name}” has no tokenizer: tokenizer.json is missing. Copy the whole folder.")
    return ModelFolder(
        path=path,
        architecture=_architecture(path, config),
        parameters=sum(_stored_numbers(file) for file in weights),
        has_chat_template=_has_chat_template(path),
        sha256=_folder_sha256(path, weights),
    )


def _local_folder(base: str, models_dir: Path) -> Path | None:
    """The folder ``base`` names on this machine; None when it can only be a hub id."""
    if not base.strip() or len(base) > 500 or _UNPRINTABLE.search(base) or "%" in base or base.startswith("file:"):
        raise PathRejected("That is no path of a model folder: write the folder's plain path.")
    if ".." in re.split(r"[/\\]", base):
        raise PathRejected("A model folder's path may not contain “..”; write the path it leads to.")
    named = bool(_HUB_ID.match(base))
    if named and "/" not in base and _is_folder(child := inside(models_dir, base)):
        return child
    path = Path(base).expanduser() if base.startswith("~/") else Path(base)
    if _is_folder(path):
        return path
    if named:
        return None
    raise BaseModelRejected(f"There is no model folder “{path.name}”. Check the path, or choose the demo model.")


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name longer than the file system takes
        return False


def _from_hub(base: str, models_dir: Path, *, allow_hub: bool) -> Path:
    """Fetch a model once into ``models_dir``; afterwards it is a local folder like any other."""
    folder = models_dir / f"hub--{base.replace('/', '--')}"
    if (folder / "FETCHED").is_file():
        return folder
    if not allow_hub:
        raise BaseModelRejected(
            f"There is no model folder “{base}” here, and fetching from the Hugging Face hub is off. "
            "Give the path of a local folder, or set HONE_ALLOW_HUB=true."
        )
    from core.inference.libraries import quiet_libraries

    quiet_libraries()
    from huggingface_hub import snapshot_download

    try:
        snapshot_download(base, local_dir=folder, allow_patterns=_DOWNLOAD)
    except Exception as error:  # no network, no such id, gated: the library has a dozen kinds
        raise BaseModelRejected(
            f"“{base}” could not be fetched from the hub ({type(error).__name__}). Check the id and the network."
        ) from error
    (folder / "FETCHED").touch()
    return folder


def _json(path: Path, name: str) -> dict[str, Any]:
    file = path / name
    try:
        if file.stat().st_size > _JSON_LIMIT:
            raise BaseModelRejected(f"{name} in “{path.name}” is too large to be what its name says.")
        content = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise BaseModelRejected(f"“{path.name}” is no model folder: {name} is missing.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BaseModelRejected(f"{name} in “{path.name}” cannot be read as JSON. Copy the folder again.") from error
    if not isinstance(content, dict):
        raise BaseModelRejected(f"{name} in “{path.name}” is not a JSON object. Copy the folder again.")
    return content


def _architecture(path: Path, config: dict[str, Any]) -> str:
    named = config.get("architectures")
    architecture = named[0] if isinstance(named, list) and named and isinstance(named[0], str) else ""
    if not architecture.endswith(_CAUSAL):
        raise BaseModelRejected(
            f"“{path.name}” is {architecture or 'of an unnamed architecture'}, which is no text-generating (causal) "
            "language model. Choose one whose architecture ends in ForCausalLM."
        )
    return architecture


def _weight_files(path: Path) -> list[Path]:
    """The safetensors files of the model, all present."""
    single = path / "model.safetensors"
    if single.is_file():
        return [single]
    if (path / "model.safetensors.index.json").is_file():
        return _shards(path)
    pickles = sorted(file.name for file in path.iterdir() if file.suffix in (".bin", ".pt", ".pth", ".ckpt"))
    if pickles:
        raise BaseModelRejected(
            f"“{path.name}” holds its weights as {pickles[0]}, a pickle, which can run code when it is opened. "
            "It was not opened. Save the model as safetensors."
        )
    raise BaseModelRejected(f"“{path.name}” has no weights: model.safetensors is missing.")


def _shards(path: Path) -> list[Path]:
    mapping = _json(path, "model.safetensors.index.json").get("weight_map")
    values = list(mapping.values()) if isinstance(mapping, dict) else []
    names = sorted({value if isinstance(value, str) else "" for value in values})
    for name in names:
        if not _SHARD.match(name):
            raise BaseModelRejected(f"The index of “{path.name}” names a weight file outside the folder.")
        if not (path / name).is_file():
            raise BaseModelRejected(f"“{path.name}” is incomplete: {name} is missing. Copy the whole folder.")
    if not names:
        raise BaseModelRejected(f"The weight index of “{path.name}” is empty. Copy the folder again.")
    return [path / name for name in names]


def _stored_numbers(file: Path) -> int:
    """How many numbers a safetensors file holds, read from its header; a truncated file is refused."""
    try:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > _HEADER_LIMIT:
                raise ValueError("header too long")
            header = json.loads(stream.read(length))
        tensors = [entry for name, entry in header.items() if name != "__metadata__"]
        end = max((entry["data_offsets"][1] for entry in tensors), default=0)
        if file.stat().st_size != 8 + length + end:
            raise ValueError("wrong size")
        return sum(prod(entry["shape"]) for entry in tensors)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, struct.error) as error:
        raise BaseModelRejected(f"{file.name} in “{file.parent.name}” is damaged or cut off. Copy it again.") from error


def _has_chat_template(path: Path) -> bool:
    if (path / "chat_template.jinja").is_file() or (path / "chat_template.json").is_file():
        return True
    return (path / "tokenizer_config.json").is_file() and bool(
        _json(path, "tokenizer_config.json").get("chat_template")
    )


def _folder_sha256(path: Path, weights: list[Path]) -> str:
    files = sorted({*weights, *(path / name for name in _SIDE_FILES if (path / name).is_file())})
    lines = [f"{file.name} {file_sha256(file)}\n" for file in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def file_sha256(file: Path) -> str:
    """SHA-256 of a file's bytes, remembered while its size and modification time stay the same."""
    status = file.stat()
    return _hash(file, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=512)
def _hash(file: Path, size: int, modified_ns: int) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
