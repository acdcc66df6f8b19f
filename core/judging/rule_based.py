"""The offline judge: a fixed rubric applied by rules, everywhere called "rule-based".

In: a question and its answer, or its plan of widgets. Out: a ``Verdict`` with one part per criterion, each with its
score and a sentence of why. Deterministic, needs no model, reads English only. It sees words, not truth: its
confidence never passes 0.7, and it never decides a preference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from core.judging import rubric
from core.judging.plans import judge_widgets
from core.judging.rubric import PROMPT_VERSION, RUBRIC, THRESHOLD, Criterion
from core.judging.rubric import rubric_hash as prompt_hash
from core.judging.verdict import Part, Verdict, mean_score, unscored
from core.judging.words import contains, content_words, listed
from core.tables import Rating
from core.triage.compliance import violations
from core.triage.lexicon import HOSTILE_VOCABULARY

__all__ = ["JUDGE", "PROMPT_VERSION", "RUBRIC", "THRESHOLD", "judge_answer", "prompt_hash"]

JUDGE = "rule-based"
MAX_READ = 20_000  # characters

_STEP_LINE = re.compile(r"^[^\S\n]*(?:\d{1,3}[.)]|[-*•])\s+\S", re.MULTILINE)
_NAMED = re.compile(r"[“\"`][^“”\"`\n]{2,60}[”\"`]|\b\w+ > \w+|→")
_TOLD = re.compile(r"(?:^|[.!?:;,\n>•*-]\s*|\b(?:and|then|please|you can|or|\d[.)])\s+)([a-z]{2,12})\b")
_NUMBER = re.compile(r"\b\d{1,12}\b")


def judge_answer(prompt: str, response: str, *, plan: Mapping[str, Any] | None = None) -> Verdict:
    """Judge the answer, or the plan when one is given ({heading, widgets: [{scenario, size, relevance, why}]}).

    An empty answer or a plan without widgets is ``unscored``: there is nothing to judge.
    """
    prompt, response = prompt[:MAX_READ], response[:MAX_READ]
    if plan is not None:
        parts, missing = judge_widgets(prompt, plan)
        if not parts:
            return unscored("the plan has no widgets")
        return _verdict(prompt, parts, missing, "plan")
    if not response.strip():
        return unscored("the answer is empty")
    plain = response.lower().replace("’", "'")
    parts = tuple(
        Part(criterion.name, round(score, 4), why, criterion.weight)
        for criterion in RUBRIC
        if criterion.applies_to == "answer"
        for score, why in [_CHECKS[criterion.name](prompt, response, plain)]
    )
    return _verdict(prompt, parts, (), "answer")


def _verdict(prompt: str, parts: tuple[Part, ...], missing: tuple[str, ...], kind: str) -> Verdict:
    score = mean_score(parts) or 0.0
    weak = [(criterion, value) for criterion in RUBRIC if (value := _value(criterion, parts, kind)) < THRESHOLD]
    fatal = [criterion.name for criterion, value in weak if criterion.decides and value == 0]
    rating = Rating.UP if score >= THRESHOLD and not fatal else Rating.DOWN
    return Verdict(
        overall_rating=rating,
        score=score,
        confidence=_confidence(score, bool(fatal)),
        reasoning=_reasoning(score, rating, parts, fatal),
        query_understanding=_understanding(prompt),
        parts=parts,
        missing=missing or tuple(_spoken(criterion.name) for criterion, value in weak if value == 0),
        suggested_improvements=tuple(criterion.advice for criterion, _ in weak),
    )


def _value(criterion: Criterion, parts: tuple[Part, ...], kind: str) -> float:
    """The criterion's score; 1 where it does not apply. The widgets of a plan count together."""
    if criterion.applies_to != kind:
        return 1.0
    if criterion.name == "widgets":
        return mean_score(tuple(part for part in parts if part.widget_index is not None)) or 0.0
    return next((part.score for part in parts if part.name == criterion.name and part.widget_index is None), 1.0)


def _confidence(score: float, fatal: bool) -> float:
    distance = max(abs(score - THRESHOLD), 0.2 if fatal else 0.0)
    return round(min(rubric.CONFIDENCE_LIMIT, rubric.CONFIDENCE_BASE + distance), 2)


def _reasoning(score: float, rating: Rating, parts: tuple[Part, ...], fatal: list[str]) -> str:
    ranked = sorted(parts, key=lambda part: -part.score)
    verdict = f"good, being {THRESHOLD} or more" if rating == Rating.UP else f"poor, being below {THRESHOLD}"
    sentences = [f"By the rule-based rubric this scores {score:.2f} of 1: {verdict}."]
    if fatal:
        sentences[0] = f"By the rule-based rubric this is poor, because {_spoken(fatal[0])} scores nothing."
    sentences.append(f"Best: {_spoken(ranked[0].name)}. {ranked[0].why}")
    if ranked[-1].score < 1:
        sentences.append(f"Weakest: {_spoken(ranked[-1].name)}. {ranked[-1].why}")
    return " ".join(sentences)


def _understanding(prompt: str) -> str:
    words = list(content_words(prompt).values())
    plain = prompt.lower()
    form = "how to do something" if contains(plain, ("how do", "how can", "how to")) else "something"
    return f"Asks about {form}: {listed(words[:5])}." if words else "No words to go by."


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _addresses(prompt: str, response: str, plain: str) -> tuple[float, str]:
    if refusal := contains(plain, rubric.REFUSALS):
        return 0.0, f"It declines: “{refusal}”."
    asked = content_words(prompt)
    if not asked:
        return 0.5, "The question has no words to compare with."
    if plain.strip(" .?!") in prompt.lower():
        return 0.0, "It only repeats the question."
    answered = content_words(response)
    shared = [word for stem, word in asked.items() if stem in answered]
    if not shared:
        return 0.2, f"It names nothing of what was asked about ({listed(list(asked.values())[:3])})."
    wanted = min(3, len(asked))  # three of the question's words are enough
    return min(1.0, len(shared) / wanted), f"It takes up {listed(shared[:3])}."


def _concrete(prompt: str, response: str, plain: str) -> tuple[float, str]:
    steps = len(_STEP_LINE.findall(response))
    verbs = [word for word in dict.fromkeys(_TOLD.findall(plain)) if word in rubric.STEP_VERBS]
    names = len(_NAMED.findall(response))
    figures = set(_NUMBER.findall(response)) - set(_NUMBER.findall(prompt))
    found = steps + len(verbs) + names + bool(figures)
    score = (0.0, 0.4, 0.8, 1.0)[min(3, found)]
    if not found:
        return score, "It names no step, place or figure."
    told = [f"{steps} listed steps"] if steps else []
    told += [f"things to do ({listed(verbs[:3])})"] if verbs else []
    told += ["names of places or commands"] if names else []
    return score, f"It gives {' and '.join(told) or 'a figure'}."


def _next_step(prompt: str, response: str, plain: str) -> tuple[float, str]:
    ending = plain[-max(200, len(plain) // 3) :]
    if words := contains(ending, rubric.NEXT_STEP_WORDS):
        return 1.0, f"It says what comes next (“{words}”)."
    return 0.0, "It ends without a next step."


def _length(prompt: str, response: str, plain: str) -> tuple[float, str]:
    length = len(response.strip())
    for shortest, longest, score in rubric.LENGTHS:
        if shortest <= length <= longest:
            return score, f"It has {length:,} characters."
    return 0.0, f"It has {length:,} characters, which is too {'short' if length < 20 else 'long'}."


def _tone(prompt: str, response: str, plain: str) -> tuple[float, str]:
    if HOSTILE_VOCABULARY.find(plain):
        return 0.0, "It holds an insult."
    letters = [char for char in response if char.isalpha()]
    shouting = len(letters) >= 20 and sum(char.isupper() for char in letters) > 0.7 * len(letters)
    dismissal = contains(plain, rubric.DISMISSALS)
    if dismissal or shouting:
        return 0.3, f"It is dismissive (“{dismissal}”)." if dismissal else "It shouts in capitals."
    return 1.0, "Nothing in it is rude or dismissive."


def _claims(prompt: str, response: str, plain: str) -> tuple[float, str]:
    found = violations(response)
    if not found:
        return 1.0, "It assures nothing it cannot hold and gives no figure without a source."
    told = listed([f"{violation.words} ({violation.rule})" for violation in found])
    return max(0.0, 1 - 0.5 * len(found)), f"It claims without a source: {told}."


def _blame(prompt: str, response: str, plain: str) -> tuple[float, str]:
    if words := contains(plain, rubric.BLAME):
        return 0.0, f"It blames the person (“{words}”)."
    return 1.0, "It blames nobody."


_CHECKS = {
    "addresses_question": _addresses,
    "concrete_steps": _concrete,
    "next_step": _next_step,
    "adequate_length": _length,
    "respectful_tone": _tone,
    "no_unsourced_claims": _claims,
    "no_blame": _blame,
}
