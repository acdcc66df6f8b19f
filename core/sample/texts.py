"""Prompts with their slots filled, and the dialogues the demo base model is made from.

Two sets of wordings that never meet: ``QUESTIONS`` (the prompt groups of the sample workspace) and ``PRIMER`` (what
the demo base reads before any training). So no prompt of the workspace was ever shown to the base, and a split by
group leaves test prompts in wordings that training did not see either.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from core.sample.answers import SIDES, TOPICS, Form, Side, compose, is_intact
from core.sample.primer import PRIMER
from core.sample.product import ASSETS, SINCES, SITES, fill
from core.sample.questions import QUESTIONS, Wording

__all__ = ["PRIMER", "QUESTIONS", "Question", "answer", "ask", "demo_dialogues", "is_intact"]

DIALOGUES = 8_000
JOINED = 0.35  # share of the demo base's prompts that put two wordings together
ASTRAY = 0.08  # share that ask about another topic: an answer once begun must be carried through all the same
FORMS: tuple[Form, Form] = ("full", "brief")
ANY: dict[str, str] = {"full": "012", "brief": "01"}  # every body of the topic


@dataclass(frozen=True)
class Question:
    """One prompt with what its slots were filled with, so that an answer can name the same equipment."""

    topic: str
    group: str
    prompt: str
    asset: str
    site: str
    wording: Wording


def ask(topic: str, group: str, *, rng: random.Random, ending: str = "") -> Question:
    """A prompt of that group with slots drawn by ``rng``, and ``ending`` after it."""
    wording = QUESTIONS[topic][group]
    return _question(topic, group, wording._replace(template=wording.template + ending), rng)


def answer(question: Question, side: Side, form: Form, *, rng: random.Random) -> str:
    """An answer to the question; a body that fits it on the good side, any of its topic on the bad one."""
    fits = getattr(question.wording, form) if side == "good" else ANY[form]
    return compose(side, form, question.topic, fits=fits, asset=question.asset, site=question.site, rng=rng)


def demo_dialogues(count: int = DIALOGUES, *, seed: int = 11) -> list[tuple[str, str]]:
    """(prompt, answer) pairs for the demo base: both sides, both forms and all topics equally often, in mixed order."""
    rng = random.Random(seed)
    dialogues = []
    for number in range(count):
        topic = TOPICS[number // 4 % len(TOPICS)]
        asked = topic if rng.random() >= ASTRAY else rng.choice(TOPICS)
        wordings = rng.sample(PRIMER[asked], 2 if rng.random() < JOINED else 1)
        question = _question(topic, "primer", Wording(" ".join(wordings), **ANY), rng)
        dialogues.append((question.prompt, answer(question, SIDES[number % 2], FORMS[number // 2 % 2], rng=rng)))
    rng.shuffle(dialogues)
    return dialogues


def _question(topic: str, group: str, wording: Wording, rng: random.Random) -> Question:
    asset, site, since = rng.choice(ASSETS), rng.choice(SITES), rng.choice(SINCES)
    prompt = fill(wording.template, asset=asset, site=site, since=since)
    return Question(topic, group, prompt, asset, site, wording)
