"""The little reading the rule-based judge does: content words and listed phrases of an English text."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"[^\W\d_]{3,40}")
_COMMON_WORDS = (
    "about after all also and any anyone anything are ask because been before but can cannot could did does doing "
    "don each every few for from get gets give got had has have having hello her here hi him his how into its "
    "just know like make many may me might more most much must my need not now off one only other our out over "
    "own please really same see she should show some someone something still such than thank thanks that the "
    "their them then there these they thing things this those through too try trying under very want was way were "
    "what when where which while who why will with without work would yes you your"
)
_COMMON = frozenset(_COMMON_WORDS.split())
_ENDINGS = ("ing", "ed", "es", "e", "s")


def content_words(text: str) -> dict[str, str]:
    """The words that carry the meaning, in order: what is compared (without the commonest endings) → as written."""
    words: dict[str, str] = {}
    for word in _WORD.findall(text.lower()):
        if word not in _COMMON:
            words.setdefault(_stem(word), word)
    return words


def contains(plain: str, phrases: Iterable[str]) -> str:
    """The first of the phrases that stands in ``plain`` (lower case) as whole words, or an empty text."""
    return next((phrase for phrase in phrases if re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", plain)), "")


def listed(words: Iterable[str]) -> str:
    return ", ".join(words)


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            return word.removesuffix(ending)
    return word
