"""A folder of files that is complete or not there: adapters and checkpoints are written and checked alike.

Everything goes into a temporary folder beside the place first, each file flushed to the disk; ``COMPLETE.json``, with
the hash and size of every other file, is written last, and then the folder takes its final name. A process killed at
any moment leaves the earlier folders as they were and at most a temporary one, which nobody takes for finished.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

MARKER = "COMPLETE.json"
FORMAT = 1  # of the marker and of what stands beside it

Files = dict[str, dict[str, Any]]
"""Name → {sha256, bytes} of the files of one folder."""

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}  # the disk, or a person's share of it


def write_folder(out: Path, contents: Iterable[tuple[str, bytes]], *, facts: Mapping[str, Any]) -> Files:
    """Write ``out`` with its marker, which also says ``facts``. Returns all files, the marker included.

    ``contents`` (name, bytes) may be a generator: one file's bytes are held at a time. A folder that is there is
    replaced. Raises OSError; nothing is left behind then.
    """
    folder = temporary(out)
    discard(out)
    try:
        folder.mkdir(parents=True)
        files = {name: write(folder / name, content) for name, content in contents}
        files[MARKER] = write(folder / MARKER, json_bytes({"format": FORMAT, **facts, "files": files}))
        _sync(folder)
        if out.exists():
            shutil.rmtree(out)
        folder.rename(out)
        _sync(out.parent)
    finally:
        discard(out)
    return files


def read_marker(folder: Path) -> dict[str, Any] | None:
    """What the marker of a folder says, or None when the folder was never finished or another format wrote it."""
    try:
        said = json.loads((folder / MARKER).read_bytes())
        if said["format"] == FORMAT and all(set(entry) == {"sha256", "bytes"} for entry in said["files"].values()):
            return dict(said)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    return None


def damaged(folder: Path, files: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The names of listed files that are gone or no longer what was written. Reads every byte."""
    return [name for name, entry in files.items() if described(folder / Path(name).name) != entry]


def described(path: Path) -> dict[str, Any] | None:
    """The hash and size of a file, or None when it cannot be read."""
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256")
            return {"sha256": digest.hexdigest(), "bytes": stream.tell()}
    except OSError:
        return None


def write(path: Path, content: bytes) -> dict[str, Any]:
    """Write a file through to the disk. Returns its hash and size; raises OSError."""
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    return entry(content)


def entry(content: bytes) -> dict[str, Any]:
    """A file's line in ``Files``."""
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def temporary(out: Path) -> Path:
    """Where ``out`` is written before it is finished."""
    return out.with_name(f".{out.name}.unfinished")


def discard(out: Path) -> None:
    """Remove what an earlier attempt may have left unfinished beside ``out``."""
    shutil.rmtree(temporary(out), ignore_errors=True)


def disk_full(error: OSError) -> bool:
    """Whether an error says that the disk, or a person's share of it, is full."""
    return error.errno in _FULL


def json_bytes(content: Mapping[str, Any]) -> bytes:
    """JSON as it is written into every such folder: UTF-8, numbers exact, readable by a person."""
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def _sync(folder: Path) -> None:
    """Make names durable, where the system can open a folder (Windows cannot)."""
    if os.name != "nt":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
