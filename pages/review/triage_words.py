"""The words and marks of triage: categories, severities, where something was said."""

from __future__ import annotations

from datetime import datetime

from core.tables import Category, FeedbackKind, FormType, Severity, now
from pages.review.item_list import Mark
from pages.shared import words

DONE = "done"
QUEUES = {"review": "Needs review", "hostile": "Hostile", "commercial": "Commercial", DONE: "Done"}
CATEGORIES = {
    Category.WEBSITE_BUG: "Website bug",
    Category.FRAMEWORK_ISSUE: "Framework issue",
    Category.CONTENT_GAP: "Content gap",
    Category.FEATURE_REQUEST: "Feature request",
    Category.POSITIVE: "Positive",
    Category.NOISE: "Noise",
}
ACTIONS = {
    Category.WEBSITE_BUG: "Navigation, performance, broken links",
    Category.FRAMEWORK_ISSUE: "The product itself does not do what it should",
    Category.CONTENT_GAP: "Documentation that is unclear or missing",
    Category.FEATURE_REQUEST: "Something that is not there yet",
    Category.POSITIVE: "Praise, or something constructive",
    Category.NOISE: "Spam, a test, nothing to act on",
}
FORMS = {
    FormType.BUG: "Bug report",
    FormType.TECHNICAL_QUESTION: "Technical question",
    FormType.FEATURE: "Feature wish",
    FormType.GENERAL: "General",
    FormType.RESEARCH: "Research",
    FormType.COMMERCIAL: "Commercial",
}
SOURCES = {
    FeedbackKind.SITE_FORM: "Site form",
    FeedbackKind.CHAT_MESSAGE: "On an answer",
    FeedbackKind.PLAN: "On a plan",
}
# Shape and word carry the meaning; colour only repeats it.
SEVERITY_MARK = {
    Severity.CRITICAL: Mark(words="Critical", tone="red", glyph="!"),
    Severity.HIGH: Mark(words="High", tone="orange", bars=3),
    Severity.MEDIUM: Mark(words="Medium", tone="blue", bars=2),
    Severity.LOW: Mark(words="Low", tone="gray", bars=1),
}


def age_of(moment: datetime) -> str:
    """The age in a narrow column: "3 d", "5 min", or the date, without the year when it is this one."""
    return words.ago(moment).removesuffix(" ago").removesuffix(f" {now().year}")
