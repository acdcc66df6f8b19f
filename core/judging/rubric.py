"""The rubric of the rule-based judge, as data: what it looks at, how much it weighs, and which words it knows.

Pages show it as it stands here. Changing anything in it changes ``rubric_hash()``; change ``PROMPT_VERSION`` with it,
so that verdicts of two rubrics are never taken for one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

PROMPT_VERSION = "rubric-1"
THRESHOLD = 0.7  # a score from here on is "up"
CONFIDENCE_BASE, CONFIDENCE_LIMIT = 0.3, 0.7  # it is only rules


@dataclass(frozen=True)
class Criterion:
    name: str
    applies_to: str  # "answer" or "plan"
    weight: float
    question: str  # what it asks of the answer
    advice: str  # what would make it better
    decides: bool = False  # at 0 the verdict is "down" whatever the others say


RUBRIC: tuple[Criterion, ...] = (
    Criterion(
        "addresses_question", "answer", 3.0,
        "Does it speak about what was asked, in the question's own words?",
        "Answer what was asked, naming the thing the question names.", decides=True,
    ),
    Criterion(
        "concrete_steps", "answer", 3.0,
        "Does it say concretely what to do or what is the case: steps, names, numbers?",
        "Give the steps in order, with the names of menus, buttons or commands.",
    ),
    Criterion(
        "next_step", "answer", 1.5,
        "Does it say what happens next, or what to do if it does not help?",
        "End with what to do if this does not help.",
    ),
    Criterion(
        "adequate_length", "answer", 0.5,
        "Is it long enough to help and short enough to read?",
        "Use between 40 and 1,500 characters.",
    ),
    Criterion(
        "respectful_tone", "answer", 1.5,
        "Is it calm and polite?",
        "Say it calmly, without dismissing the question.", decides=True,
    ),
    Criterion(
        "no_unsourced_claims", "answer", 1.0,
        "Is it free of absolute assurances and of figures or reputations without a source?",
        "Leave out assurances, or name the source of the figure.",
    ),
    Criterion(
        "no_blame", "answer", 1.0,
        "Does it leave the person without blame?",
        "Describe what happened without saying whose fault it was.",
    ),
    Criterion(
        "widgets", "plan", 4.0,
        "Is each widget in the catalogue, in a size it comes in, and about what was asked?",
        "Choose widgets that show what the question asks for.", decides=True,
    ),
    Criterion(
        "essentials", "plan", 2.0,
        "Is every widget there that the question's words call for?",
        "Add the widgets the question calls for.",
    ),
    Criterion("heading", "plan", 1.0, "Does the heading say what is shown?", "Name the subject in the heading."),
    Criterion(
        "number_of_widgets", "plan", 1.0,
        "Are there neither too many widgets to read nor doubles?",
        "Keep to six widgets at most, each once.",
    ),
)  # fmt: skip

LENGTHS = ((40, 1500, 1.0), (20, 2500, 0.5))  # characters from, to, score; outside 0

# They count where they are told: at the start of a sentence or clause, or after "and", "then", "please", "you can".
_STEP_VERBS = (
    "add assign attach change check choose clear click close confirm connect contact copy create delete deselect "
    "disable disconnect download drag edit email enable enter export fill find go import install log open pause pick "
    "press reconnect refresh reinstall reload remove rename reply resend reset restart restore resume run save scroll "
    "search select send set sign start stop switch sync tap tick toggle turn type undo uninstall untick update "
    "upgrade upload use verify visit write"
)
STEP_VERBS = frozenset(_STEP_VERBS.split())
NEXT_STEP_WORDS = (
    "if that", "if it", "if this", "if the", "should it", "should that", "should the", "should a", "does that",
    "let me know", "let us know", "tell me", "tell us", "send me", "send us", "write to me", "write to us", "reply",
    "contact", "i will", "we will", "afterwards", "after that", "then you", "you can then", "next step", "once",
    "would you like",
)  # fmt: skip
REFUSALS = (
    "i can't help", "i cannot help", "i can not help", "i don't know", "i do not know", "no idea", "can't do anything",
    "cannot do anything", "not something i can",
)  # fmt: skip
DISMISSALS = (
    "calm down", "whatever", "obviously", "just google", "google it", "not my problem", "not our problem",
    "read the manual", "as i said", "as i already", "stop asking", "who cares", "deal with it", "figure it out",
    "it's not hard", "it is not hard", "common sense", "nobody else", "no one else", "live with it",
    "nothing we can do", "solves itself", "as most people",
)  # fmt: skip
BLAME = (
    "you should have", "you shouldn't have", "your fault", "your own fault", "your mistake", "your error",
    "you did it wrong", "you did something wrong", "you failed", "you must have", "you forgot", "you broke",
    "user error", "you clearly", "you were supposed", "you didn't read", "you did not read",
)  # fmt: skip

# Words of a question that call for a widget. The first widget of a line is named when none of it is there.
CALLS_FOR: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "alerts": (("alert", "alarm", "warning", "critical", "problem", "fault", "wrong"), ("alerts",)),
    "change over time": (
        ("trend", "over time", "history", "last week", "last month", "week", "month", "daily", "hourly", "since"),
        ("trend", "trend-multi-line", "trends-cumulative", "timeline"),
    ),
    "a comparison": (
        ("compare", "comparison", "versus", "vs", "between", "difference"),
        ("comparison", "category-bar", "trend-multi-line"),
    ),
    "a single figure": (
        ("how many", "how much", "total", "current", "status", "average", "value"),
        ("kpi",),
    ),
    "a breakdown": (
        ("breakdown", "share", "composition", "made up of", "by type", "by category", "distribution", "spread"),
        ("composition", "distribution", "category-bar"),
    ),
    "people": (
        ("who", "people", "staff", "team", "operator", "shift", "crew"),
        ("peopleview", "peoplehexgrid", "peoplenetwork"),
    ),
    "a log of events": (("log", "event", "happened", "incident"), ("eventlogstream", "timeline")),
    "flows": (("flow", "energy balance", "sankey", "from where"), ("flow-sankey",)),
    "a matrix": (("matrix", "heatmap", "correlation", "correlate"), ("matrix-heatmap",)),
    "one device": (
        ("pump", "device", "sensor", "machine", "chiller", "boiler", "motor", "valve", "tower", "edge"),
        ("edgedevicepanel", "kpi", "trend"),
    ),
    "supply": (("supply", "supplier", "shipment", "delivery", "logistics"), ("supplychainglobe",)),
    "messages": (("chat", "message", "conversation"), ("chatstream",)),
}
# These calls are met by a widget among others; only the rest are reported as missing.
NOT_ESSENTIAL = frozenset({"one device", "people"})


def rubric_hash() -> str:
    """sha256 over everything a verdict rests on."""
    content = {
        "rubric": [asdict(criterion) for criterion in RUBRIC],
        "threshold": THRESHOLD,
        "confidence": [CONFIDENCE_BASE, CONFIDENCE_LIMIT],
        "lengths": LENGTHS,
        "words": [sorted(STEP_VERBS), NEXT_STEP_WORDS, REFUSALS, DISMISSALS, BLAME],
        "calls_for": CALLS_FOR,
        "not_essential": sorted(NOT_ESSENTIAL),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
