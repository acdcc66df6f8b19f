"""How the rule-based judge reads a plan of dashboard widgets.

In: the question and {heading, widgets: [{scenario, size, relevance, why}]}. Out: one part per widget (its index
counts from 0) and one per criterion of the plan, and the names of widgets the question calls for but does not get.
A malformed widget scores 0; nothing raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.judging import rubric
from core.judging.rubric import RUBRIC
from core.judging.verdict import Part
from core.judging.words import contains, content_words, listed
from core.rewards.widgets import WIDGETS

MAX_WIDGETS = 6
_WEIGHT = {criterion.name: criterion.weight for criterion in RUBRIC}


def judge_widgets(prompt: str, plan: Mapping[str, Any]) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """The parts of the verdict and the missing widgets; no parts when the plan has no widgets."""
    widgets = plan.get("widgets")
    if not isinstance(widgets, list) or not widgets:
        return (), ()
    plain = prompt.lower()
    called = {call: names for call, (words, names) in rubric.CALLS_FOR.items() if _called(plain, words)}
    names = [_text(widget, "scenario") for widget in widgets]
    missing = tuple(
        wanted[0]
        for call, wanted in called.items()
        if call not in rubric.NOT_ESSENTIAL and not set(wanted) & set(names)
    )
    weight = _WEIGHT["widgets"] / len(widgets)
    parts = [
        _widget(widget, index, weight, called, names[:index], content_words(prompt))
        for index, widget in enumerate(widgets)
    ]
    parts += [_essentials(called, missing), _heading(prompt, plan), _number(names)]
    return tuple(parts), missing


def _widget(
    widget: object,
    index: int,
    weight: float,
    called: Mapping[str, tuple[str, ...]],
    earlier: list[str],
    asked: Mapping[str, str],
) -> Part:
    name, size = _text(widget, "scenario"), _text(widget, "size")
    if name not in WIDGETS:
        why = f"“{name[:60]}” is not in the catalogue." if name else "It names no widget."
        return Part(name[:60] or "unnamed", 0.0, why, weight, index, None, (why,))
    strengths, issues = [], []
    score = 0.4
    sized = size in WIDGETS[name] if size else None
    if sized is False:
        score -= 0.2
        issues.append(f"It does not come in the size {size[:40]}; it comes in {listed(WIDGETS[name])}.")
    if met := [call for call, names in called.items() if name in names]:
        score += 0.5
        strengths.append(f"The question asks for {met[0]}.")
    elif name in ("kpi", "alerts"):
        score += 0.2
        strengths.append("A key figure or an alert is seldom wrong.")
    else:
        issues.append("Nothing in the question calls for it.")
    if shared := [word for stem, word in content_words(_text(widget, "why")).items() if stem in asked]:
        score += 0.1
        strengths.append(f"Its reason takes up {listed(shared[:2])}.")
    if name in earlier:
        score -= 0.2
        issues.append("The same widget stands in the plan already.")
    why = " ".join([*strengths, *issues])
    return Part(name, round(max(0.0, score), 4), why, weight, index, sized, tuple(issues), tuple(strengths))


def _essentials(called: Mapping[str, tuple[str, ...]], missing: tuple[str, ...]) -> Part:
    score = max(0.0, 1 - len(set(missing)) / 3)
    if missing:
        why = f"The question calls for {listed(missing)}, which is not there."
    else:
        why = f"It shows {listed(called)}, as asked." if called else "The question calls for no widget in particular."
    return Part("essentials", round(score, 4), why, _WEIGHT["essentials"])


def _heading(prompt: str, plan: Mapping[str, Any]) -> Part:
    heading = _text(plan, "heading")
    asked = content_words(prompt)
    shared = [word for stem, word in content_words(heading).items() if stem in asked]
    if shared:
        return Part("heading", 1.0, f"It takes up {listed(shared[:2])}.", _WEIGHT["heading"])
    why = "It names nothing of the question." if heading else "There is no heading."
    return Part("heading", 0.5 if heading else 0.0, why, _WEIGHT["heading"])


def _number(names: list[str]) -> Part:
    doubles = len(names) - len(set(names))
    score = (0.5 if len(names) > MAX_WIDGETS else 1.0) - (0.5 if doubles else 0.0)
    why = f"There are {len(names)} widgets" + (f", {doubles} of them twice." if doubles else ".")
    return Part("number_of_widgets", score, why, _WEIGHT["number_of_widgets"])


def _called(plain: str, words: tuple[str, ...]) -> bool:
    return bool(contains(plain, (form for word in words for form in (word, f"{word}s"))))


def _text(holder: object, key: str) -> str:
    value = holder.get(key) if isinstance(holder, Mapping) else None
    return value.strip() if isinstance(value, str) else ""
