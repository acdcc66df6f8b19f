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
# Characters that reorder, hide or fake text; they are stored, but shown by name.
_HIDING = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# A joiner between plain letters and selectors in a row belong to no script and no emoji: they hide something.
_INVISIBLE = re.compile(f"[{_HIDING}]|(?<=[ -~])[\u200c\u200d]|(?<=[\u200c\u200d\ufe00-\ufe0f])[\u200c\ufe00-\ufe0f]")
# A spreadsheet looks for a formula behind what it does not show.
_FORMULA = re.compile(f"[\t\r\n\x00]|[\\s\\x00-\\x1f\\x7f-\\x9f{_HIDING}\u200c\u200d]*[=+\\-@＝＋－＠﹦﹢﹣﹫]")
# No script puts more than a few marks on one letter. Sorting them takes the square of their number, and showing them
# covers the lines around; 30 is what Unicode's stream-safe format (UAX #15) takes.
_MARKS, _MARKS_SHOWN = 30, 8
_MANY = re.compile(f"[\u0300-\U0010ffff]{{{_MARKS // 2}}}")  # no mark comes before U+0300, and one may stand for two
_TWO_MARKS = "\u0f73\u0f75\u0f81"  # of the marks that stand for two, those that do not say they are marks
_MARK = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_FLOOD = re.compile(f"({_MARK}{{{_MARKS_SHOWN}}})({_MARK}+)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}\Z")
_RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"com{i}" for i in range(10)), *(f"lpt{i}" for i in range(10))})


def clean(text: object, *, limit: int = MAX_TEXT) -> str:
    """Foreign text as it may be stored: NFC, newlines as \\n, ends trimmed, at most ``limit`` characters.

    Of a flood of combining marks on one letter 30 stay. Raises InputRejected when ``text`` is no text or too long.
    """
    if not isinstance(text, str):
        raise InputRejected(f"Expected text, got {type(text).__name__}.")
    if len(text) > 4 * limit:  # do not even normalise a bomb
        raise InputRejected(f"The text has {len(text):,} characters; at most {limit:,} are taken.")
    text = _SURROGATE.sub("\ufffd", text).replace("\r\n", "\n").replace("\r", "\n").replace("\x85", "\n")
    # Control characters go before composing: one can stand between a letter and its accent.
    text = _few_marks(unicodedata.normalize("NFC", _few_marks(_CONTROL.sub("", text)))).strip()
    if len(text) > limit:
        raise InputRejected(f"The text has {len(text):,} characters; at most {limit:,} are taken.")
    return text


def optional(text: object, *, limit: int = MAX_TEXT) -> str | None:
    """Like ``clean``; None and text with nothing in it become None."""
    return None if text is None else clean(text, limit=limit) or None


def visible(text: str) -> str:
    """The text as a person should see it: characters that hide or reorder others are replaced by their code."""
    if text.isascii():
        return text
    text = _FLOOD.sub(lambda match: f"{match[1]}⟦+{len(match[2])} marks⟧", text)
    return _INVISIBLE.sub(lambda match: f"⟦U+{ord(match[0]):04X}⟧", text)


def csv_cell(value: object) -> str:
    """A cell no spreadsheet takes for a formula (OWASP CSV injection): a leading ' where it might."""
    text = "" if value is None else str(value)
    return f"'{text}" if _FORMULA.match(text) else text


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


def _few_marks(text: str) -> str:
    """``text`` without the marks beyond the 30th on one letter."""
    if not _MANY.search(text):
        return text
    kept, marks = [], 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) or character in _TWO_MARKS else 0
        if marks <= _MARKS:
            kept.append(character)
    return "".join(kept)
