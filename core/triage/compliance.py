"""Claims an agent may not make without a source (rules section 2), found by words.

In: a text an agent wrote. Out: every rule it breaks with the words that break it, the one to name first. It is not
meant for what users write. A source in the same sentence (a link, "according to …", a reference) makes inst_016 and
inst_018 harmless; nothing makes an absolute assurance harmless.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ASSURANCES = (
    r"guarantee[ds]?|ensures? 100 ?%|eliminates? all|completely prevents?|never fails?|always works|100 ?% safe|"
    r"100 ?% secure|perfect protection|zero risk|entirely eliminates?"
)
FIGURES = (  # repetitions are bounded: a megabyte of digits must not stall the scan
    r"\d{1,12}(?:[.,]\d{1,12})? ?(?:%|per ?cent\b)|[$€£¥] ?\d[\d.,]{0,15}|"
    r"\d[\d.,]{0,15} ?(?:usd|eur|gbp|dollars?|euros?|pounds?)\b|\d{1,6}(?:\.\d{1,6})? ?x roi\b|"
    r"payback (?:period|time)|\d{1,9}(?:\.\d{1,9})? ?(?:m|mn|million) saved"
)
REPUTATION = (
    r"production[- ]ready|battle[- ]tested|production[- ]proven|validated|enterprise[- ]proven|industry[- ]standard|"
    r"existing customers|market leader|widely adopted|proven track record|field[- ]tested|extensively tested"
)
_RULES = tuple(
    (rule, re.compile(rf"(?<![\w])(?:{words})", re.IGNORECASE))
    for rule, words in (("inst_017", ASSURANCES), ("inst_016", FIGURES), ("inst_018", REPUTATION))
)
_SOURCE = re.compile(
    r"https?://|\baccording to\b|\bsource:|\[\d+\]|\bas (?:reported|measured|published|listed) (?:in|by|on)\b|"
    r"\b(?:study|report|price list|documentation) (?:of|from|by)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True)
class Violation:
    rule: str  # inst_017, inst_016 or inst_018
    words: str  # what in the text breaks it


def violations(text: str) -> list[Violation]:
    """Every rule the text breaks, each once, in the order in which one is named: 017, 016, 018."""
    found: dict[str, str] = {}
    for sentence in _SENTENCE.split(text):
        sourced = _SOURCE.search(sentence) is not None
        for rule, pattern in _RULES:
            match = pattern.search(sentence)
            if match and rule not in found and not (sourced and rule != "inst_017"):
                found[rule] = match[0].strip()
    return [Violation(rule, found[rule]) for rule, _ in _RULES if rule in found]
