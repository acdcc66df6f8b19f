"""The support agent's conversations: most questions with two rated answers, some unrated ones for people to label.

What is told apart by the ratings is only the side of the answers' grammar; form, length, equipment and context are
drawn alike for both. One customer in twenty-five sees it the other way round, as real ones do.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from core.sample import comments
from core.sample.answers import Form, Side
from core.sample.clock import Clock
from core.sample.odd import ODD_QUESTIONS
from core.sample.product import MODULES, PEOPLE, SUPPORT_AGENT
from core.sample.questions import QUESTIONS
from core.sample.texts import FORMS, Question, answer, ask

GROUPS = tuple((topic, group) for topic, wordings in QUESTIONS.items() for group in wordings)
RATED_A_GROUP = (8, 9)  # in turn
UNLABELLED_GROUPS = 40  # each with one question whose two answers nobody rated
CONTRARY = 0.04  # share of questions whose customer prefers the unhelpful answer
CORRECTED = 0.095
THIRD_ANSWER = 0.06
ASKED_AGAIN = 0.2
COMMENTED = 0.4
SHARED_DESK = 0.25  # share of conversations that belong to nobody in particular
LIKED = ("rating_5", "rating_5", "rating_4", "thumbs_up", "thumbs_up", "copy")
DISLIKED = ("rating_1", "rating_1", "rating_2", "thumbs_down", "thumbs_down")
QUIET = (None, None, "rating_3", "follow_up")  # reactions to an answer that stands alone
ODD_ENDINGS = (
    " <b>URGENT</b><script>alert(1)</script>",
    " ![screenshot](https://tracker.example/s.png)",
    " Sent from my phone 📱👷🏽‍♀️",
    " =SUM(A1:A9)",
)


@dataclass(frozen=True, kw_only=True)
class SampleFeedback:
    feedback_type: str
    rating: int | None
    comment: str | None
    correction: str | None
    user_id: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class SampleInteraction:
    """One answer. Answers to the same question share ``prompt``; ``prompt_group`` is the name of its template."""

    external_id: str
    agent_id: str
    conversation_id: str
    user_id: str | None  # None: anyone may rate it
    prompt: str
    prompt_group: str
    response: str
    intent: str | None
    intent_confidence: float | None
    context_sources: tuple[str, ...]
    suggested_actions: tuple[str, ...]
    response_ms: int
    created_at: datetime
    feedback: tuple[SampleFeedback, ...]


@dataclass(frozen=True)
class _Talk:
    """A question in its conversation: what all its answers have in common."""

    question: Question
    number: int
    owner: str | None
    asker: str
    asked: datetime
    form: Form


@dataclass(frozen=True)
class _Mood:
    """How an answer is taken; an answer that is not the last may be asked for again."""

    liked: bool
    contrary: bool
    last: bool


def sample_chat(rng: random.Random, clock: Clock) -> list[SampleInteraction]:
    """All interactions of the support agent, oldest first."""
    interactions: list[SampleInteraction] = []
    seen: set[str] = set()
    numbers = iter(range(1, 100_000))
    for index, (topic, group) in enumerate(GROUPS):
        for _ in range(RATED_A_GROUP[index % 2]):
            talk = _talk(_new_question(topic, group, seen, rng), next(numbers), rng, clock)
            interactions += _rated(talk, rng, clock)
        if index < UNLABELLED_GROUPS:
            question = _new_question(topic, group, seen, rng, ending=_ending(index))
            interactions += _unlabelled(_talk(question, next(numbers), rng, clock), rng, clock)
        interactions += _alone(_talk(_new_question(topic, group, seen, rng), next(numbers), rng, clock), rng, clock)
    interactions += _odd(numbers, rng, clock)
    return sorted(interactions, key=lambda interaction: (interaction.created_at, interaction.external_id))


def _new_question(topic: str, group: str, seen: set[str], rng: random.Random, ending: str = "") -> Question:
    while (question := ask(topic, group, rng=rng, ending=ending)).prompt in seen:
        pass
    seen.add(question.prompt)
    return question


def _ending(index: int) -> str:
    """Every tenth question for people to label ends oddly."""
    return ODD_ENDINGS[index // 10 % len(ODD_ENDINGS)] if index % 10 == 5 else ""


def _talk(question: Question, number: int, rng: random.Random, clock: Clock) -> _Talk:
    asker = rng.choice(PEOPLE)
    owner = None if rng.random() < SHARED_DESK else asker
    form = rng.choice(FORMS) if question.wording.brief else "full"
    return _Talk(question, number, owner, asker, clock.moment(rng), form)


def _rated(talk: _Talk, rng: random.Random, clock: Clock) -> Iterator[SampleInteraction]:
    """Two answers, one liked and one not, in either order; sometimes a third that is liked too."""
    contrary = rng.random() < CONTRARY
    sides: tuple[Side, Side] = ("good", "bad") if rng.random() < 0.5 else ("bad", "good")
    good = answer(talk.question, "good", talk.form, rng=rng)
    for turn, side in enumerate(sides):
        mood = _Mood(liked=(side == "good") != contrary, contrary=contrary, last=turn == 1)
        correction = None
        if not mood.liked and not contrary and rng.random() < CORRECTED:
            correction = _another(talk, "good", good, rng)
        text = good if side == "good" else answer(talk.question, "bad", talk.form, rng=rng)
        at = clock.later(talk.asked, turn * rng.randint(60, 900))
        yield _interaction(talk, text, turn, at, _reactions(talk, mood, correction, at, rng, clock), rng)
    if not contrary and rng.random() < THIRD_ANSWER:
        at = clock.later(talk.asked, rng.randint(1000, 2000))
        reactions = _reactions(talk, _Mood(liked=True, contrary=False, last=True), None, at, rng, clock)
        yield _interaction(talk, _another(talk, "good", good, rng), 2, at, reactions, rng)


def _another(talk: _Talk, side: Side, than: str, rng: random.Random) -> str:
    while (text := answer(talk.question, side, talk.form, rng=rng)) == than:
        pass
    return text


def _unlabelled(talk: _Talk, rng: random.Random, clock: Clock) -> Iterator[SampleInteraction]:
    """Two answers without any reaction: mostly one of each side, sometimes two good or two bad ones."""
    sides: tuple[Side, Side] = rng.choice((("good", "bad"), ("bad", "good"), ("good", "bad"), ("good", "good")))
    if talk.number % 7 == 0:
        sides = ("bad", "bad")
    first = answer(talk.question, sides[0], talk.form, rng=rng)
    yield _interaction(talk, first, 0, talk.asked, (), rng)
    at = clock.later(talk.asked, rng.randint(60, 900))
    yield _interaction(talk, _another(talk, sides[1], first, rng), 1, at, (), rng)


def _alone(talk: _Talk, rng: random.Random, clock: Clock) -> Iterator[SampleInteraction]:
    """One answer, with a lukewarm reaction or none."""
    said = rng.choice(QUIET)
    side: Side = "good" if said == "follow_up" or rng.random() < 0.6 else "bad"
    at = clock.later(talk.asked, rng.randint(20, 3600))
    reactions = () if said is None else (_feedback(said, talk.asker, at),)
    yield _interaction(talk, answer(talk.question, side, talk.form, rng=rng), 0, talk.asked, reactions, rng)


def _odd(numbers: Iterator[int], rng: random.Random, clock: Clock) -> Iterator[SampleInteraction]:
    for group, prompt, response, said in ODD_QUESTIONS:
        asker, at = rng.choice(PEOPLE), clock.moment(rng)
        later = clock.later(at, rng.randint(20, 3600))
        number = next(numbers)
        yield SampleInteraction(
            external_id=f"sample-chat-{number:04}-1",
            agent_id=SUPPORT_AGENT,
            conversation_id=f"sample-talk-{number:04}",
            user_id=asker,
            prompt=prompt,
            prompt_group=group,
            response=response,
            intent=None,
            intent_confidence=None,
            context_sources=(),
            suggested_actions=(),
            response_ms=rng.randint(500, 4000),
            created_at=at,
            feedback=() if said is None else (_feedback(said, asker, later),),
        )


def _interaction(
    talk: _Talk, response: str, turn: int, at: datetime, reactions: tuple[SampleFeedback, ...], rng: random.Random
) -> SampleInteraction:
    question = talk.question
    module = MODULES[question.topic]
    sources = (f"manual: {module}", f"log: {question.site}")
    return SampleInteraction(
        external_id=f"sample-chat-{talk.number:04}-{turn + 1}",
        agent_id=SUPPORT_AGENT,
        conversation_id=f"sample-talk-{talk.number:04}",
        user_id=talk.owner,
        prompt=question.prompt,
        prompt_group=question.group,
        response=response,
        intent=question.topic,
        intent_confidence=round(rng.uniform(0.45, 0.98), 2),
        context_sources=sources[: rng.randint(0, 2)],
        suggested_actions=(f"Open {module}",) if rng.random() < 0.5 else (),
        response_ms=min(9000, int(rng.lognormvariate(7.2, 0.5))),
        created_at=at,
        feedback=reactions,
    )


def _reactions(
    talk: _Talk, mood: _Mood, correction: str | None, at: datetime, rng: random.Random, clock: Clock
) -> tuple[SampleFeedback, ...]:
    """What the asker did with one answer; now and then there is a second thought, or a colleague at a shared desk."""
    kinds = LIKED if mood.liked else DISLIKED
    asked_again = not mood.liked and not mood.last and correction is None and rng.random() < ASKED_AGAIN
    said = "regenerate" if asked_again else rng.choice(kinds)
    comment = _comment(talk, mood, rng) if said not in ("regenerate", "copy") else None
    at = clock.later(at, rng.randint(10, 7200))
    reactions = [_feedback(said, talk.asker, at, comment, correction)]
    if mood.liked and rng.random() < 0.04:  # asked on first, was convinced later: only the later word counts
        reactions.insert(0, _feedback("follow_up", talk.asker, clock.later(at, -8)))
    if talk.owner is None and not correction and rng.random() < 0.3:
        colleague = rng.choice([person for person in PEOPLE if person != talk.asker])
        reactions.append(_feedback(rng.choice(kinds), colleague, clock.later(at, rng.randint(60, 7200))))
    return tuple(reactions)


def _comment(talk: _Talk, mood: _Mood, rng: random.Random) -> str | None:
    if rng.random() > COMMENTED:
        return None
    kinds: tuple[str, ...]
    if mood.contrary:
        kinds = comments.PLEASED_ALL_THE_SAME if mood.liked else comments.DISPLEASED_ALL_THE_SAME
    elif mood.liked:
        kinds = comments.PLEASED
    else:
        kinds = comments.DISPLEASED * 2 + comments.HOSTILE + comments.ODD
    text = rng.choice(kinds).replace("{asset}", talk.question.asset)
    return text[0].upper() + text[1:]


def _feedback(
    said: str, user_id: str, at: datetime, comment: str | None = None, correction: str | None = None
) -> SampleFeedback:
    stars = int(said.removeprefix("rating_")) if said.startswith("rating_") else None
    return SampleFeedback(
        feedback_type=said, rating=stars, comment=comment, correction=correction, user_id=user_id, created_at=at
    )
