"""The grammar of the support agent's answers: helpful ones and unhelpful ones, built alike.

Both sides have the same number of sentences in every place, and two forms: full (opener, body, closer) and brief
(body, closer). So neither length nor variety tells them apart, and a model taught on both alike prefers neither.
Helpful: takes up the matter, gives the steps, says what comes next. Unhelpful: half curt, half polite but about
another area or about nothing.
"""

from __future__ import annotations

import random
import re
from functools import cache
from typing import Literal

from core.sample.bodies import INSTEAD, STEPS, Bodies
from core.sample.product import ASSETS, SITES, fill

Side = Literal["good", "bad"]
Form = Literal["full", "brief"]
SIDES: tuple[Side, Side] = ("good", "bad")


OPENERS: dict[Side, tuple[str, ...]] = {
    "good": (
        "Thanks for the clear description of {asset}, it points straight to the cause.",
        "I am sorry that {asset} costs you time, this can be solved from your desk.",
        "You are right, {asset} at {site} should not do that, and here is the way to solve it.",
        "I looked at the log of {asset} while reading your note, and the repair is short.",
        "Good that you wrote about {asset} early, there is a direct way out of this.",
        "I see what happens with {asset} at {site}, and we can put it right today.",
    ),
    "bad": (
        "Thank you for reaching out about {asset}, your message is very important to us.",
        "We are always happy to hear about {asset} from valued customers such as you.",
        "As you may know, {asset} at {site} is part of a larger picture with many different sides.",
        "We received your request about {asset} and we appreciate your patience in this matter.",
        "Your opinion about {asset} counts, and it has been noted by the whole team.",
        "We understand that {asset} at {site} matters to you, and we care about that.",
    ),
}
CLOSERS: dict[Form, dict[Side, tuple[str, ...]]] = {
    "full": {
        "good": (
            "If it is no better in ten minutes, reply here and I will trace it with you.",
            "Tell me the result, and I will keep this ticket open until tomorrow noon.",
            "Should a button be greyed out, ask your site manager or send me a screenshot.",
            "I will look at {site} again tonight and write to you in the morning.",
        ),
        "bad": (
            "If you have more questions, our website has a great number of pages on many topics.",
            "We wish you a pleasant day and hope that the matter solves itself soon.",
            "Should it happen again, please consult the manual or one of our many partners.",
            "We may come back to {site} in a later release but there is no date.",
        ),
    },
    "brief": {
        "good": (
            "Reply here if that does not work and I will take over.",
            "Tell me how it went and I will close the ticket.",
            "I will check {site} again in the morning.",
        ),
        "bad": (
            "There is nothing more to say, so this ticket is closed.",
            "Read the manual next time before you write to support.",
            "Nobody else at {site} has complained about it so far.",
        ),
    },
}
BODIES: dict[Side, dict[str, Bodies]] = {"good": STEPS, "bad": INSTEAD}
TOPICS = tuple(STEPS)


def compose(side: Side, form: Form, topic: str, *, fits: str, asset: str, site: str, rng: random.Random) -> str:
    """One answer of that side and form about the topic, its sentences drawn by ``rng``; ``fits`` are body places."""
    bodies = BODIES[side][topic]
    body = (bodies.full if form == "full" else bodies.brief)[int(rng.choice(fits))]
    parts = [body, rng.choice(CLOSERS[form][side])]
    if form == "full":
        parts.insert(0, rng.choice(OPENERS[side]))
    return fill(" ".join(parts), asset=asset, site=site)


def side_of(answer: str) -> Side | None:
    """Which side's grammar the answer follows to the letter, whatever its slots are filled with; None if neither."""
    for side in SIDES:
        if any(pattern.fullmatch(answer) for pattern in _patterns(side)):
            return side
    return None


def is_intact(answer: str) -> bool:
    """Whether the answer is still a well-formed one: whole sentences of one side, in order, nothing before or after."""
    return side_of(answer) is not None


@cache
def _patterns(side: Side) -> tuple[re.Pattern[str], ...]:
    full = [text for bodies in BODIES[side].values() for text in bodies.full]
    brief = [text for bodies in BODIES[side].values() for text in bodies.brief]
    return (
        re.compile(f"{_any(OPENERS[side])} {_any(full)} {_any(CLOSERS['full'][side])}"),
        re.compile(f"{_any(brief)} {_any(CLOSERS['brief'][side])}"),
    )


def _any(templates: tuple[str, ...] | list[str]) -> str:
    """A regular expression for any of the sentences with any known filling."""
    names = "|".join(re.escape(name) for asset in ASSETS for name in (asset, asset[0].upper() + asset[1:]))
    escaped = "|".join(re.escape(template) for template in templates)
    sites = "|".join(map(re.escape, SITES))
    return f"(?:{escaped})".replace(r"\{asset\}", f"(?:{names})").replace(r"\{site\}", f"(?:{sites})")
