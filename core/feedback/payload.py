"""Foreign JSON at the door: every text in it, keys too, cleaned and redacted.

What comes out may be stored: valid text, no personal data that redaction knows, values both databases take. Meaning
is not changed; what cannot be kept is named in its place ("[nested too deeply]").
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from core import untrusted
from core.errors import InputRejected
from core.feedback.redaction import Redacted, redact

_DEPTH, _VALUES = 20, 5_000  # of one payload
_KEY = 200
_BRIEF = 80  # characters


def payload(value: object) -> dict[str, Any]:
    """A payload as a JSON object to be stored as ``raw``: every text in it, keys too, cleaned and redacted.

    Texts are cut at 20,000 characters, nesting at 20 levels, the whole at 5,000 values, each with a word where it
    was cut. Anything but an object is put under the name "value".
    """
    if value is None:
        return {}
    kept = _json(value, "", _DEPTH, _Room(_VALUES))
    return kept if isinstance(kept, dict) else {"value": kept}


def listed(value: object, field: str) -> list[Any]:
    """A list of JSON values, treated as ``payload`` treats one. Raises InputRejected when it is no list."""
    if value is None:
        return []
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise InputRejected(f"{field} must be a list; nothing was stored.", field=field)
    room = _Room(_VALUES)
    return [_json(item, "", _DEPTH, room) for item in value]


class _Room:
    """How many more values a payload may have."""

    def __init__(self, values: int) -> None:
        self.values = values

    def take(self) -> bool:
        self.values -= 1
        return self.values >= 0


def _json(value: object, label: str, depth: int, room: _Room) -> Any:
    if not room.take():
        return "[more was left out]"
    if isinstance(value, str):
        return _short(value, label)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return _integer(value, label)
    if isinstance(value, float):
        return value if math.isfinite(value) else None  # JSON knows neither NaN nor infinity
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return _nested(value, label, depth, room) if depth else "[nested too deeply]"
    return _short(f"[{type(value).__name__}]", label)


def _nested(value: Any, label: str, depth: int, room: _Room) -> Any:
    if not isinstance(value, Mapping):
        return [_json(item, label, depth - 1, room) for item in _some(value, room)]
    kept = {}
    for key, item in _some(value.items(), room):
        name = _short(key if isinstance(key, str) else str(_json(key, "", 0, room)), "", limit=_KEY)
        kept[name] = _json(item, name, depth - 1, room)
    return kept


def _some(items: Iterable[Any], room: _Room) -> Iterable[Any]:
    """The items for which there is room, and one more, which says that some are missing."""
    for item in items:
        yield item
        if room.values < 0:
            return


def _short(value: str, label: str, *, limit: int = untrusted.MAX_TEXT) -> str:
    # Names and short values come again in every row of a file.
    return (_remembered if len(value) <= _BRIEF else _cleaned)(value, label, limit)


@lru_cache(maxsize=10_000)
def _remembered(value: str, label: str, limit: int) -> str:
    return _cleaned(value, label, limit)


def _cleaned(value: str, label: str, limit: int) -> str:
    cut = len(value) > limit
    kept = untrusted.clean(value[:limit], limit=3 * limit)  # composing characters can lengthen a text
    return redact(kept, label=label).text + (" [cut]" if cut else "")


def _integer(value: int, label: str) -> int | str:
    if value.bit_length() > 63:
        return "[a number too large to store]"
    found = redact(str(value), label=label) if abs(value) >= 10**6 else Redacted("")
    return found.text if found.counts else value
