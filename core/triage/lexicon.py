"""The words the rule-based triage rests on, as data: what they point to, and how strongly.

A phrase matches on word boundaries in lower case; a trailing ``*`` stands for any ending. Every phrase counts once,
however often it is said. The weights are chosen by hand, not learnt: change one here and it changes everywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.tables import Category, FormType, Severity

Weights = dict[str, float]

CATEGORY_WORDS: dict[Category, Weights] = {
    Category.WEBSITE_BUG: {
        "broken link*": 3, "dead link*": 3, "page not found": 3, "404": 2.5, "contact form": 2.5, "blank page": 2.5,
        "slow to load": 2.5, "loads slowly": 2.5, "page load*": 2, "white screen": 2, "search box": 2, "footer": 2,
        "navigation": 2, "cookie banner": 2, "checkout": 1.5, "redirect*": 1.5, "menu": 1.5, "button*": 1.5,
        "website": 1.5, "browser": 1.5, "safari": 1.5, "firefox": 1.5, "chrome": 1.5, "link": 1.5, "links": 1.5,
        "layout": 1.5, "scroll*": 1.5, "on my phone": 1.5, "mobile": 1, "site": 1, "page": 1, "pages": 1, "typo*": 1,
        "image*": 1, "font": 1, "dark mode": 1, "broken": 1, "slow": 0.5,
    },
    Category.FRAMEWORK_ISSUE: {
        "traceback": 3, "stack trace": 3, "exception": 2, "crash*": 2, "deadlock*": 2, "data loss": 2, "webhook*": 2,
        "memory leak": 2, "wrong answer*": 2, "wrong result*": 2, "returns wrong": 2, "hallucinat*": 2, "regress*": 2,
        "after the update": 2, "after the upgrade": 2, "since the update": 2, "stopped working": 1.5, "timeout*": 1.5,
        "times out": 1.5, "sync*": 1.5, "database": 1.5, "made up": 1.5, "api": 1.5, "sdk": 1.5, "does not work": 1.5,
        "doesn't work": 1.5, "not working": 1.5, "fails": 1.5, "failed": 1, "failing": 1, "failure*": 1, "error*": 1,
        "bug": 1, "bugs": 1, "incorrect*": 1, "wrong": 1, "ignores": 1, "lost": 1, "install*": 1, "upgrade*": 1,
        "login": 1, "log in": 1, "logged out": 1, "server": 1, "import": 1, "export": 1, "agent": 1, "assistant": 1,
        "bot": 1, "config*": 1, "broken": 1, "notification*": 1, "charged twice": 2, "is down": 1.5,
    },
    Category.CONTENT_GAP: {
        "not documented": 3, "undocumented": 3, "documentation": 2.5, "docs": 2.5, "missing section": 2, "guide*": 2,
        "tutorial*": 2, "readme": 2, "help page*": 2, "help article*": 2, "does not explain": 2, "doesn't explain": 2,
        "manual": 1.5, "faq": 1.5, "explanation": 1.5, "instructions": 1.5, "unclear": 1.5, "how do i": 1.5,
        "how can i": 1.5, "where do i": 1.5, "where can i": 1.5, "what does": 1.5, "does not say": 1.5,
        "doesn't say": 1.5, "how to": 1, "example*": 1, "explain*": 1, "confus*": 1, "could not find": 1,
        "couldn't find": 1, "can't find": 1, "cannot find": 1, "outdated": 1, "out of date": 1, "glossary": 1,
    },
    Category.FEATURE_REQUEST: {
        "feature request": 4, "please add": 3, "could you add": 3, "can you add": 3, "missing feature": 2.5,
        "would be nice": 2.5, "would be great": 2.5, "would be good": 2.5, "would be useful": 2.5,
        "would be helpful": 2.5, "i wish": 2.5, "need a way": 2.5, "it would help": 2, "would love": 2,
        "ability to": 2, "allow us to": 2, "allow me to": 2, "allow users to": 2, "any plans": 2, "roadmap": 2,
        "should be able to": 1.5, "would like": 1.5, "suggest*": 1.5, "support for": 1.5, "option to": 1.5,
        "add a": 1.5, "add an": 1.5, "integration with": 1.5,
    },
    Category.POSITIVE: {
        "excellent": 2, "fantastic": 2, "amazing*": 2, "brilliant*": 2, "wonderful": 2, "awesome": 2, "well done": 2,
        "works well": 2, "works great": 2, "easy to use": 2, "impressed": 2, "keep it up": 2, "great": 1.5,
        "thank you": 1.5, "thanks": 1.5, "love": 1.5, "lovely": 1.5, "perfect*": 1.5, "helpful": 1.5, "happy": 1.5,
        "pleased": 1.5, "friendly": 1.5, "saved me": 1.5, "good": 1, "nice": 1, "recommend*": 1, "efficient": 1,
        "kind": 1, "clear": 0.5, "fast": 0.5, "quick*": 0.5,
    },
    Category.NOISE: {
        "casino": 3, "viagra": 3, "free money": 3, "this is a test": 3, "just testing": 3, "test test": 3, "asdf*": 3,
        "qwerty": 3, "lorem ipsum": 3, "seo": 2.5, "backlink*": 2.5, "earn money": 2.5, "make money": 2.5,
        "limited offer": 2.5, "guest post": 2.5, "followers": 2, "click here": 2, "ignore this": 2,
        "work from home": 2, "cheap": 1.5, "crypto": 1.5, "bitcoin": 1.5, "loan*": 1.5, "discount*": 1, "buy": 1,
    },
}  # fmt: skip

# The highest level with a match decides, within the limits of the category and of the rating.
SEVERITY_WORDS: dict[Severity, tuple[str, ...]] = {
    Severity.CRITICAL: (
        "data loss", "lost all", "lost my", "lost our", "deleted all", "deleted my", "wiped", "security", "vulnerab*",
        "breach*", "leaked", "leaks", "exposed", "outage", "is down", "are down", "went down", "nobody can",
        "no one can", "locked out",
    ),
    Severity.HIGH: (
        "crash*", "cannot", "can't", "can not", "unable", "does not work", "doesn't work", "not working",
        "stopped working", "fails", "failed", "failing", "every time", "everyone", "all users", "many users",
        "whole team", "blocked", "blocking", "unusable", "lost", "urgent*", "deadlock*", "freezes", "frozen", "hangs",
        "times out", "charged twice", "down",
    ),
    Severity.MEDIUM: (
        "slow*", "error*", "wrong", "incorrect*", "confus*", "unclear", "missing", "outdated", "broken", "bug", "bugs",
        "annoy*", "hard to", "difficult", "inconsistent", "delay*", "misleading", "does not say", "could not find",
    ),
    Severity.LOW: ("typo*", "minor", "cosmetic", "spelling", "colour", "color", "font", "alignment", "nice to have"),
}  # fmt: skip

# From 1.0 on a text goes to a person of the hostile queue. It is never discarded.
HOSTILE_WORDS: Weights = {
    "kill you": 2, "kill yourself": 2, "hope you die": 2, "burn in hell": 2, "i will find you": 2, "go to hell": 1,
    "screw you": 1, "hate you": 1, "piss off": 1, "idiot*": 1, "moron*": 1, "asshole*": 1, "bastard*": 1, "bitch*": 1,
    "cunt*": 1, "dickhead*": 1, "fuck*": 1, "f**k*": 1, "f*ck*": 1, "bullshit": 1, "scum": 1, "imbecile*": 1,
    "shut up": 0.8, "shit*": 0.7, "liars": 0.7, "scammers": 0.7, "thieves": 0.7, "crooks": 0.7, "worthless": 0.7,
    "stupid": 0.6, "pathetic": 0.6, "garbage": 0.5, "trash": 0.5, "disgusting": 0.5, "incompetent": 0.5,
}  # fmt: skip
HOSTILE_FROM = 1.0
SHOUTING = 0.5  # mostly capitals

# What a suggested action may name.
TOPICS: tuple[str, ...] = (
    "audit log", "contact form", "search box", "cookie banner", "help page", "help article", "mobile app", "dark mode",
    "footer", "menu", "navigation", "link", "button", "checkout", "layout", "search", "page", "website", "browser",
    "documentation", "docs", "guide", "tutorial", "manual", "readme", "faq", "glossary", "instructions", "example",
    "api", "sdk", "webhook", "integration", "export", "import", "report", "dashboard", "notification", "reminder",
    "sync", "calendar", "login", "password", "account", "billing", "invoice", "payment", "refund", "subscription",
    "upload", "download", "attachment", "email", "settings", "permission", "rule", "template", "filter", "agent",
    "assistant", "bot", "answer", "install", "upgrade", "update", "database", "server", "timeout", "crash", "csv",
)  # fmt: skip

# They name where something is written, not what it is about.
DOCUMENT_TOPICS = frozenset(
    form
    for topic in ("documentation", "docs", "guide", "tutorial", "manual", "readme", "faq", "instructions", "example")
    for form in (topic, f"{topic}s")
)

NEGATORS = frozenset(
    {"no", "not", "never", "without", "isn't", "wasn't", "don't", "didn't", "doesn't", "hardly", "nor"},
)
NEGATION_REACH = 2  # words before a match in which a negator takes it back

ALLOWED_CATEGORIES: dict[FormType, tuple[Category, ...]] = {
    FormType.BUG: (Category.WEBSITE_BUG, Category.FRAMEWORK_ISSUE),
    FormType.TECHNICAL_QUESTION: (Category.CONTENT_GAP, Category.FRAMEWORK_ISSUE),
    FormType.FEATURE: (Category.FEATURE_REQUEST,),
    FormType.GENERAL: tuple(Category),
    FormType.RESEARCH: (Category.POSITIVE, Category.FEATURE_REQUEST),
    FormType.COMMERCIAL: (Category.NOISE,),
}

ACTIONS: dict[Category, str] = {
    Category.WEBSITE_BUG: "Reproduce the problem with {object} on the website, fix it, and tell the person who wrote.",
    Category.FRAMEWORK_ISSUE: "Reproduce the fault around {object} from this report, add a test that fails, fix it, "
    "and reply to the person who wrote.",
    Category.CONTENT_GAP: "Find the documentation on {object}, add the missing explanation with an example, and send "
    "the link to the person who asked.",
    Category.FEATURE_REQUEST: "Record the request about {object} in the backlog, ask what it is needed for, and tell "
    "the person where it stands.",
    Category.POSITIVE: "Thank the person, and share the praise for {object} with those who work on it.",
    Category.NOISE: "Check that this message holds no real complaint about {object}, then close it.",
}
COMMERCIAL_ACTION = "Forward this message about {object} to the person who answers commercial requests."
HOSTILE_ACTION = "Read this message yourself and answer it calmly. "


@dataclass(frozen=True)
class Vocabulary:
    """One scan over a text finds all phrases of a list."""

    pattern: re.Pattern[str]
    phrases: tuple[tuple[str, str], ...]  # (start as written, the phrase it stands for), longest first

    @classmethod
    def of(cls, phrases: tuple[str, ...]) -> Vocabulary:
        ordered = sorted(phrases, key=len, reverse=True)
        alternatives = [re.escape(_stem(phrase)) + (r"\w*" if phrase.endswith("*") else "") for phrase in ordered]
        pattern = re.compile(r"(?<!\w)(?:" + "|".join(f"({each})" for each in alternatives) + r")(?!\w)")
        return cls(pattern, tuple((_stem(phrase), phrase) for phrase in ordered))

    def find(self, text: str) -> dict[str, int]:
        """The phrases in ``text`` (lower case) that no negator takes back, with the place of the first."""
        found: dict[str, int] = {}
        for match in self.pattern.finditer(text):
            phrase = self.phrases[(match.lastindex or 1) - 1][1]
            if phrase not in found and not _negated(text, match.start()):
                found[phrase] = match.start()
        return found


def _stem(phrase: str) -> str:
    return phrase[:-1] if phrase.endswith("*") else phrase


def _negated(text: str, start: int) -> bool:
    before = re.findall(r"[\w']+|[.;!?,]", text[max(0, start - 30) : start])[-NEGATION_REACH:]
    return any(word in NEGATORS for word in before)


CATEGORY_VOCABULARY = {category: Vocabulary.of(tuple(words)) for category, words in CATEGORY_WORDS.items()}
SEVERITY_VOCABULARY = {severity: Vocabulary.of(words) for severity, words in SEVERITY_WORDS.items()}
HOSTILE_VOCABULARY = Vocabulary.of(tuple(HOSTILE_WORDS))
TOPIC_VOCABULARY = Vocabulary.of(tuple(form for topic in TOPICS for form in (topic, f"{topic}s")))
