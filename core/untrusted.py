"""The one door for foreign text, names and paths.

``clean`` runs once, where text enters; everything after it may rely on: valid UTF-8, no NUL, no lone
surrogates, no control characters but tab and newline, bounded length. What the text *means* stays as it was:
markup is not stripped, because it is never interpreted, only shown literally.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from urllib.parse import unquote

from core.errors import InputRejected, PathRejected

MAX_TEXT = 20_000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠")
# Characters that reorder, hide or fake text; they are stored, but shown by name.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}\Z")
_RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"com{i}" for i in range(10)), *(f"lpt{i}" for i in range(10))})


def clean(text: object, *, limit: int = MAX_TEXT) -> str:
    """Foreign text as it may be stored: NFC, newlines as \\n, ends trimmed, at most ``limit`` characters.

    Raises InputRejected when ``text`` is no text or too long.
    """
    if not isinstance(text, str):
        raise InputRejected(f"Expected text, got {type(text).__name__}.")
    if len(text) > 4 * limit:  # do not even normalise a bomb
        raise InputRejected(f"The text has {len(text):,} characters; at most {limit:,} are taken.")
    text = _SURROGATE.sub("\ufffd", text).replace("\r\n", "\n").replace("\r", "\n").replace("\x85", "\n")
    # Control characters go before composing: one can stand between a letter and its accent.
    text = unicodedata.normalize("NFC", _CONTROL.sub("", text)).strip()
    if len(text) > limit:
        raise InputRejected(f"The text has {len(text):,} characters; at most {limit:,} are taken.")
    return text


def optional(text: object, *, limit: int = MAX_TEXT) -> str | None:
    """Like ``clean``; None and text with nothing in it become None."""
    return None if text is None else clean(text, limit=limit) or None


def visible(text: str) -> str:
    """The text as a person should see it: characters that hide or reorder others are replaced by their code."""
    return _INVISIBLE.sub(lambda match: f"⟦U+{ord(match[0]):04X}⟧", text)


def csv_cell(value: object) -> str:
    """A cell no spreadsheet takes for a formula (OWASP CSV injection): a leading ' where it might."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" \u00a0").startswith(_FORMULA) or text.startswith(_FORMULA) else text


def inside(root: Path, name: str) -> Path:
    """The path of ``name`` directly inside ``root``.

    Raises PathRejected for anything but a plain file or folder name: separators, drives, ``..``, encoded
    forms, control characters, reserved names, links that lead out.
    """
    decoded = name
    for _ in range(3):  # %252f decodes twice
        decoded = unquote(decoded)
    if decoded != name or not _NAME.match(name) or name.split(".")[0].lower() in _RESERVED or name.endswith("."):
        raise PathRejected("That name cannot be used: take letters, digits, dots, dashes and underscores only.")
    root = root.resolve()
    path = root / name
    if path.is_symlink() or not path.resolve().is_relative_to(root):
        raise PathRejected("That name leads outside its folder.")
    return path
