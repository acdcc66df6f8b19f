"""Rule-based triage: reads one piece of feedback and says what it is about, how urgent, and what to do.

In: a text, the type of the form it came by, a star rating; any of them may be missing or nonsense. Out: a
``Reading`` with the words it rests on. The same input always gives the same reading, and nothing raises: what is
not understood gets a low confidence and ``needs_review``. It knows English words only.
"""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass
from typing import Any

from core.tables import Category, FormType, Severity, TriageQueue
from core.triage import lexicon
from core.untrusted import MAX_TEXT

ANALYZER = "rules"
VERSION = "1"

PRIORITY_BASE = {Severity.CRITICAL: 9.0, Severity.HIGH: 7.0, Severity.MEDIUM: 4.0, Severity.LOW: 2.0}
RATING_ADJUSTMENT = {1: 1.0, 2: 0.5, 3: 0.0, 4: -0.5, 5: -1.0}
REVIEW_BELOW = 0.6  # a reading less sure than this is marked for review
CONFIDENCE_LIMIT = 0.9  # rules are never surer
IDENTIFIER = 2.0  # weight of a name out of code
MEANINGLESS = 1.0  # weight of a text that seems to be none; too little to be sure of it

_ORDER = (Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)
_HIGHEST = {
    Category.POSITIVE: Severity.LOW,
    Category.NOISE: Severity.MEDIUM,
    Category.FEATURE_REQUEST: Severity.MEDIUM,
    Category.CONTENT_GAP: Severity.HIGH,
}
_FALLBACK = {
    FormType.BUG: Category.FRAMEWORK_ISSUE,
    FormType.TECHNICAL_QUESTION: Category.CONTENT_GAP,
    FormType.FEATURE: Category.FEATURE_REQUEST,
    FormType.COMMERCIAL: Category.NOISE,
}
_IDENTIFIER = re.compile(r"\b(?:[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]+)+|[a-z0-9]+(?:_[a-z0-9]+)+)\b", re.ASCII)
_PATH = re.compile(r"(?<![\w/.:])/[a-z][\w/-]{0,60}", re.ASCII)
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u02bc": "'", "\u0060": "'", "\u00b4": "'"})


@dataclass(frozen=True)
class Signal:
    """One thing the reading rests on: ``words`` speak for ``points_to`` with ``weight``."""

    kind: str  # category, severity, hostile, form, rating
    points_to: str
    words: str
    weight: float


@dataclass(frozen=True)
class Reading:
    category: Category
    severity: Severity
    suggested_action: str  # 20–500 characters, a verb and an object
    priority: float  # 0–10
    confidence: float  # 0–1
    reasoning: str
    signals: tuple[Signal, ...]
    queue: TriageQueue
    needs_review: bool

    def signal_rows(self) -> list[dict[str, Any]]:
        return [asdict(signal) for signal in self.signals]


def allowed_categories(form_type: object) -> tuple[Category, ...]:
    """The categories feedback of this form type may have; all six for an unknown type."""
    return lexicon.ALLOWED_CATEGORIES.get(_form(form_type) or FormType.GENERAL, tuple(Category))


def priority(severity: Severity, rating: int | None) -> float:
    """0–10: the base of the severity plus the adjustment of the rating."""
    return min(10.0, max(0.0, PRIORITY_BASE[severity] + RATING_ADJUSTMENT.get(rating or 3, 0.0)))


def analyze(text: object, *, form_type: object = None, rating: object = None) -> Reading:
    """Read one piece of feedback. Never raises; ``needs_review`` marks what the rules are unsure of."""
    raw = text[:MAX_TEXT] if isinstance(text, str) else ""
    plain = raw.lower().translate(_APOSTROPHES)
    form, stars = _form(form_type), _stars(rating)
    scores, signals = _category_scores(raw, plain, stars)
    category, confidence, doubt = _choose(scores, form, stars, plain)
    severity, decisive = _severity(plain, category, stars)
    hostile = _hostile(raw, plain)
    queue = _queue(hostile, form)
    if decisive:
        signals.append(Signal("severity", severity, decisive, 1.0))
    signals += hostile
    signals = [*_context(form, stars), *signals]
    return Reading(
        category=category,
        severity=severity,
        suggested_action=_action(raw, plain, category, queue),
        priority=priority(severity, stars),
        confidence=confidence,
        reasoning=_reasoning(category, severity, confidence, signals, queue, doubt),
        signals=tuple(signals),
        queue=queue,
        needs_review=confidence < REVIEW_BELOW or queue != TriageQueue.REVIEW or bool(doubt),
    )


def _category_scores(raw: str, plain: str, stars: int | None) -> tuple[dict[Category, float], list[Signal]]:
    scores = dict.fromkeys(Category, 0.0)
    signals = []
    for category, vocabulary in lexicon.CATEGORY_VOCABULARY.items():
        for phrase in vocabulary.find(plain):
            weight = lexicon.CATEGORY_WORDS[category][phrase]
            signals.append(Signal("category", category, phrase.rstrip("*"), weight))
            scores[category] += weight
    if _IDENTIFIER.search(raw):
        signals.append(Signal("category", Category.FRAMEWORK_ISSUE, "a name out of code", IDENTIFIER))
        scores[Category.FRAMEWORK_ISSUE] += IDENTIFIER
    if meaningless := _meaningless(plain):
        signals.append(Signal("category", Category.NOISE, meaningless, MEANINGLESS))
        scores[Category.NOISE] += MEANINGLESS
    if stars is not None:
        scores[Category.POSITIVE] = max(0.0, scores[Category.POSITIVE] + {1: -2, 2: -1.5, 4: 0.5, 5: 1}.get(stars, 0))
    return scores, signals


def _meaningless(plain: str) -> str:
    """What makes a text no message at all; empty when it is one."""
    letters = [char for char in plain if char.isalpha()]
    if _foreign(plain):
        return ""
    if len(letters) < 3:
        return "almost no letters"
    words = plain.split()
    if len(set(letters)) < 3 or (len(words) > 4 and len(set(words)) == 1):
        return "the same over and over"
    if max(map(len, words)) > 60 and len(words) < 3 and "/" not in plain:
        return "one endless word"
    return ""


def _foreign(plain: str) -> bool:
    """Whether most of the letters are of another script."""
    letters = [char for char in plain if char.isalpha()]
    return sum(char.isascii() for char in letters) * 2 < len(letters)


def _choose(
    scores: dict[Category, float], form: FormType | None, stars: int | None, plain: str
) -> tuple[Category, float, str]:
    """The best category the form allows, how sure that is, and what speaks against it in words."""
    allowed = allowed_categories(form)
    ranked = sorted(allowed, key=lambda category: -scores[category])
    best, score = ranked[0], scores[ranked[0]]
    if score <= 0:
        best = _without_evidence(form, stars, plain)
    margin = score - (scores[ranked[1]] if len(ranked) > 1 else 0.0)
    confidence = 0.25 if score <= 0 else 0.3 + 0.12 * min(score, 3.0) + 0.1 * min(margin, 2.5)
    if len(allowed) == 1:  # the form leaves no choice
        confidence = max(confidence, 0.65)
    doubt = ""
    elsewhere = max(Category, key=lambda category: scores[category])
    if elsewhere not in allowed and scores[elsewhere] >= score + 2:
        doubt = f"The words speak for {elsewhere}, which the form does not allow."
        confidence -= 0.2
    if _foreign(plain):
        doubt, confidence = "The rules read English only.", min(confidence, 0.25)
    if not plain.strip():
        doubt, confidence = "There is no text to read.", 0.1
    return best, round(min(CONFIDENCE_LIMIT, max(0.05, confidence)), 2), doubt


def _without_evidence(form: FormType | None, stars: int | None, plain: str) -> Category:
    content = stars is not None and stars >= 4
    if form == FormType.RESEARCH:
        return Category.POSITIVE if content else Category.FEATURE_REQUEST
    if form in _FALLBACK:
        return _FALLBACK[form]
    if content:
        return Category.POSITIVE
    return Category.FRAMEWORK_ISSUE if stars in (1, 2) or len(plain.split()) > 3 else Category.NOISE


def _severity(plain: str, category: Category, stars: int | None) -> tuple[Severity, str]:
    """The severity and the words that decided it."""
    words = {level: vocabulary.find(plain) for level, vocabulary in lexicon.SEVERITY_VOCABULARY.items()}
    found = next((level for level in reversed(_ORDER) if words[level]), None)
    problem = category in (Category.WEBSITE_BUG, Category.FRAMEWORK_ISSUE)
    unhappy, content = stars is not None and stars <= 2, stars is not None and stars >= 4
    severity = found or (Severity.MEDIUM if (problem and not content) or unhappy else Severity.LOW)
    if found == Severity.HIGH and words[Severity.LOW]:
        severity = Severity.MEDIUM
    limit = _HIGHEST.get(category, Severity.CRITICAL)
    if content:
        limit = min(limit, Severity.MEDIUM, key=_ORDER.index)
    severity = min(severity, limit, key=_ORDER.index)
    if unhappy and (words[Severity.CRITICAL] or words[Severity.HIGH]):
        severity = max(severity, Severity.MEDIUM, key=_ORDER.index)
    return severity, next(iter(words[found]), "").rstrip("*") if found else ""


def _hostile(raw: str, plain: str) -> list[Signal]:
    """The signals of hostility when together they reach the threshold; none otherwise."""
    signals = [
        Signal("hostile", TriageQueue.HOSTILE, phrase.rstrip("*"), lexicon.HOSTILE_WORDS[phrase])
        for phrase in lexicon.HOSTILE_VOCABULARY.find(plain)
    ]
    letters = [char for char in raw if char.isalpha()]
    if len(letters) >= 20 and sum(char.isupper() for char in letters) > 0.7 * len(letters):
        signals.append(Signal("hostile", TriageQueue.HOSTILE, "mostly capitals", lexicon.SHOUTING))
    return signals if sum(signal.weight for signal in signals) >= lexicon.HOSTILE_FROM else []


def _queue(hostile: list[Signal], form: FormType | None) -> TriageQueue:
    if hostile:
        return TriageQueue.HOSTILE
    return TriageQueue.COMMERCIAL if form == FormType.COMMERCIAL else TriageQueue.REVIEW


def _action(raw: str, plain: str, category: Category, queue: TriageQueue) -> str:
    """What to do, with an object. It quotes only listed words, names out of code and paths, never the message."""
    names = [match[0][:60] for match in _IDENTIFIER.finditer(raw)][:1]
    topics = sorted(lexicon.TOPIC_VOCABULARY.find(plain).items(), key=lambda item: item[1])
    spoken_of = [topic for topic, _ in topics]
    if category == Category.CONTENT_GAP:
        spoken_of = [topic for topic in spoken_of if topic not in lexicon.DOCUMENT_TOPICS]
    names += [f"the {topic}" for topic in spoken_of[: 2 - len(names)]]
    named = " and ".join(names) or "what the message describes"
    if (path := _PATH.search(raw)) and category == Category.WEBSITE_BUG:
        named += f" ({path[0]})"
    template = lexicon.COMMERCIAL_ACTION if queue == TriageQueue.COMMERCIAL else lexicon.ACTIONS[category]
    action = template.format(object=named)
    return lexicon.HOSTILE_ACTION + action if queue == TriageQueue.HOSTILE else action


def _context(form: FormType | None, stars: int | None) -> list[Signal]:
    signals = []
    if form is not None and form != FormType.GENERAL:
        names = ", ".join(allowed_categories(form))
        signals.append(Signal("form", names, f"form type {form.replace('_', ' ')}", 0.0))
    if stars is not None:
        signals.append(Signal("rating", "priority", f"{stars} of 5 stars", RATING_ADJUSTMENT[stars]))
    return signals


def _reasoning(
    category: Category,
    severity: Severity,
    confidence: float,
    signals: list[Signal],
    queue: TriageQueue,
    doubt: str,
) -> str:
    words = sorted((s for s in signals if s.kind == "category" and s.points_to == category), key=lambda s: -s.weight)
    because = _quoted([signal.words for signal in words[:3]]) or "nothing in the words; the form and the rating decide"
    sentences = [f"Read as {category.replace('-', ' ')} because of {because}."]
    decisive = [signal.words for signal in signals if signal.kind == "severity"]
    sentences.append(f"Severity {severity} because of {_quoted(decisive)}." if decisive else f"Severity {severity}.")
    if known := ", ".join(signal.words for signal in signals if signal.kind in ("form", "rating")):
        sentences.append(f"Taken into account: {known}.")
    if queue == TriageQueue.HOSTILE:
        hostile = _quoted([signal.words for signal in signals if signal.kind == "hostile"][:3])
        sentences.append(f"A person should read it first because of {hostile}.")
    elif queue == TriageQueue.COMMERCIAL:
        sentences.append("Commercial messages always go to a person.")
    if doubt:
        sentences.append(doubt)
    if confidence < REVIEW_BELOW:
        sentences.append("The rules are not sure.")
    return " ".join(sentences)


def _quoted(words: list[str]) -> str:
    return " and ".join(f"“{word}”" for word in words)


def _form(form_type: object) -> FormType | None:
    return FormType(form_type) if isinstance(form_type, str) and form_type in set(FormType) else None


def _stars(rating: object) -> int | None:
    if isinstance(rating, bool) or not isinstance(rating, int | float) or not math.isfinite(rating):
        return None
    return int(rating) if rating in RATING_ADJUSTMENT else None
