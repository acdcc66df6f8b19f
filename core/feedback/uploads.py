"""Where the file of an import lies until the import has ended: one file, named after the import's id.

The name a person gave the file makes no path. What is there is whole: it is written under another name, synced, and
renamed last.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from core.errors import ImportRejected, NotFound
from core.settings import Settings

FOLDER = "uploads"
_MB = 1024 * 1024
_PIECE = 256 * 1024


@dataclass(frozen=True)
class Upload:
    """A file that was kept: sha256 of its bytes in hex, and how many there are."""

    sha256: str
    size_bytes: int


def keep(settings: Settings, import_id: UUID, pieces: Iterable[bytes]) -> Upload:
    """Write the file of an import, readable by its owner alone, as it streams in.

    Raises ImportRejected as soon as it is larger than the setting allows; nothing is left behind then.
    """
    path = place(settings, import_id)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_suffix(".part")
    try:
        upload = _written(partial, pieces, settings.max_import_mb)
        partial.replace(path)
        _synced(path.parent)
    finally:
        partial.unlink(missing_ok=True)
    return upload


def content(settings: Settings, import_id: UUID) -> bytes:
    """All of the file. Raises NotFound when it is not there: its import has ended, or it lies on another machine."""
    try:
        return place(settings, import_id).read_bytes()
    except FileNotFoundError:
        raise NotFound("The file of this import", import_id) from None


def drop(settings: Settings, import_id: UUID) -> None:
    """Remove the file; twice is harmless."""
    place(settings, import_id).unlink(missing_ok=True)


def place(settings: Settings, import_id: UUID) -> Path:
    return settings.home / FOLDER / str(import_id)


def pieces_of(data: bytes) -> Iterable[bytes]:
    """Bytes that are there already, as they would stream in."""
    return (data[start : start + _PIECE] for start in range(0, len(data), _PIECE))


def _written(path: Path, pieces: Iterable[bytes], max_mb: int) -> Upload:
    digest, size = hashlib.sha256(), 0
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(opened, "wb") as file:
        for piece in pieces:
            size += len(piece)
            if size > max_mb * _MB:
                raise ImportRejected(f"The file has more than {max_mb} MB; split it. Nothing was stored.")
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return Upload(digest.hexdigest(), size)


def _synced(folder: Path) -> None:
    """The name itself must survive a power cut too."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
