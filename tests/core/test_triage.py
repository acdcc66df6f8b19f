"""Triage reads anything without raising, buries nothing, and lets exactly one person decide an item."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Session, select

from core.errors import AlreadyDecided, InvalidTransition, NotFound
from core.store import Store
from core.tables import (
    Category,
    Feedback,
    FeedbackKind,
    FormType,
    Severity,
    TriageQueue,
    TriageResult,
    TriageStatus,
    TriageVerdict,
    new_id,
)
from core.triage import compliance, inbox, lexicon
from core.triage.rules import ANALYZER, VERSION, analyze, priority
from core.work import Alone

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ODD_TEXTS = [
    "",
    "   ",
    "x" * 20_000,
    "crash " * 4_000,
    "not crash " * 2_000,
    "\u202e\u200b\ud800",
    "{object} {} %s",
    "🙂" * 500,
    "'; DROP TABLE feedback; --",
    "<script>alert(1)</script>",
    "1" * 20_000 + "%",
    "_".join("a" * 5_000),
]

anything = st.one_of(st.none(), st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.integers()))
FEW = settings(max_examples=60, deadline=None)


def say(session: Session, comment: str | None, **given: Any) -> UUID:
    row = Feedback(**{"kind": FeedbackKind.SITE_FORM, "agent_id": "site", "comment": comment, "source": "test"} | given)
    session.add(row)
    session.flush()
    return row.id


def only_item(session: Session, comment: str = "The footer link is broken", **given: Any) -> TriageResult:
    say(session, comment, **given)
    assert inbox.triage_new(session) == 1
    return session.exec(select(TriageResult)).one()


# --- the reading -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form_type", "rating", "comment", "category"),
    [
        ("technical_question", 3, "I could not find any documentation on how to add my own rules.", "content-gap"),
        ("bug", 1, "BoundaryEnforcer lets a values decision through without a description.", "framework-issue"),
        ("feature", 4, "Please add an export of the audit log to CSV.", "feature-request"),
        ("commercial", 3, "Buy cheap followers now at http://spam.example", "noise"),
        ("bug", 2, "The footer link on /about gives a 404", "website-bug"),
        ("general", 5, "Love it, thank you", "positive"),
        ("general", None, "asdf asdf", "noise"),
        ("general", 1, "The API returns wrong results since the update", "framework-issue"),
        ("zzz", None, "Would be nice to have a dark mode option", "feature-request"),
    ],
)
def test_the_category_follows_the_words_and_the_form(
    form_type: str, rating: int | None, comment: str, category: str
) -> None:
    assert analyze(comment, form_type=form_type, rating=rating).category == category


@FEW
@given(st.sampled_from(["", "please add a thing", "it crashed", "buy cheap seo", "love it"]), st.sampled_from(FormType))
def test_the_category_is_always_one_the_form_allows(text: str, form_type: FormType) -> None:
    assert analyze(text, form_type=form_type).category in lexicon.ALLOWED_CATEGORIES[form_type]


@FEW
@given(text=anything, form_type=anything, rating=anything)
def test_any_input_gives_a_whole_reading_and_the_same_one_again(text: Any, form_type: Any, rating: Any) -> None:
    reading = analyze(text, form_type=form_type, rating=rating)
    assert reading == analyze(text, form_type=form_type, rating=rating)
    assert reading.category in set(Category)
    assert reading.severity in set(Severity)
    assert 20 <= len(reading.suggested_action) <= 500
    assert 0 <= reading.priority <= 10
    assert 0 <= reading.confidence <= 1
    assert reading.reasoning


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
def test_odd_texts_are_read_without_raising_and_their_action_stays_short_and_clean(text: str) -> None:
    reading = analyze(text, form_type="bug", rating=1)
    assert 20 <= len(reading.suggested_action) <= 500
    assert compliance.violations(reading.suggested_action) == []


@pytest.mark.parametrize(
    ("text", "form_type"), [("", "general"), (None, None), ("hm", None), ("zzzz qqqq", "general"), ("坏了", None)]
)
def test_what_is_not_understood_is_marked_for_review(text: Any, form_type: Any) -> None:
    assert analyze(text, form_type=form_type).needs_review


@pytest.mark.parametrize(
    "text",
    ["You are idiots, the export crashes", "FIX YOUR STUPID WEBSITE OR ELSE NOW", "fuck this", "I will find you"],
)
def test_hostile_text_goes_to_a_person_and_keeps_its_category(text: str) -> None:
    reading = analyze(text, form_type="bug")
    assert (reading.queue, reading.needs_review) == (TriageQueue.HOSTILE, True)
    assert reading.category in (Category.WEBSITE_BUG, Category.FRAMEWORK_ISSUE)
    assert reading.suggested_action.startswith("Read this message yourself")


def test_an_unfriendly_word_alone_is_not_hostile() -> None:
    assert analyze("I feel stupid, where do I click?", form_type="general").queue == TriageQueue.REVIEW


def test_commercial_messages_are_noise_for_a_person_and_never_buried() -> None:
    reading = analyze("We would like to buy 500 licences", form_type="commercial", rating=5)
    assert (reading.category, reading.queue, reading.needs_review) == ("noise", TriageQueue.COMMERCIAL, True)


@pytest.mark.parametrize("word", ["crashes", "lost my work", "cannot log in", "is down", "security hole"])
def test_severity_is_consistent_with_rating_and_blocking_words(word: str) -> None:
    for category_text in ("", "thanks but ", "please add a fix: "):
        for form_type in (None, *FormType):
            assert analyze(f"{category_text}it {word}", form_type=form_type, rating=2).severity != Severity.LOW
            happy = analyze(f"{category_text}it {word}", form_type=form_type, rating=4)
            assert happy.severity not in (Severity.CRITICAL, Severity.HIGH)


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("The app lost all our data", Severity.CRITICAL),
        ("The import crashes every time", Severity.HIGH),
        ("The import is slow", Severity.MEDIUM),
        ("There is a typo on the page", Severity.LOW),
        ("The import did not crash", Severity.MEDIUM),  # a negated word does not count
    ],
)
def test_severity_follows_the_strongest_word(text: str, severity: Severity) -> None:
    assert analyze(text, form_type="bug").severity == severity


@pytest.mark.parametrize(
    ("severity", "rating", "expected"),
    [
        (Severity.CRITICAL, None, 9),
        (Severity.CRITICAL, 1, 10),
        (Severity.HIGH, 2, 7.5),
        (Severity.MEDIUM, 3, 4),
        (Severity.LOW, 4, 1.5),
        (Severity.LOW, 5, 1),
    ],
)
def test_priority_is_severity_plus_rating(severity: Severity, rating: int | None, expected: float) -> None:
    assert priority(severity, rating) == expected


def test_the_action_names_what_the_message_is_about_and_the_reasoning_its_words() -> None:
    reading = analyze("The footer link on /about is broken", form_type="bug", rating=2)
    assert "the footer and the link (/about)" in reading.suggested_action
    assert "“footer”" in reading.reasoning
    assert "form type bug, 2 of 5 stars" in reading.reasoning
    assert {"kind": "category", "points_to": "website-bug", "words": "footer", "weight": 2} in reading.signal_rows()


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("This is guaranteed to work", ["inst_017"]),
        ("Cuts support tickets by 40%", ["inst_016"]),
        ("Cuts tickets by 40% according to https://example.org/report", []),
        ("Guaranteed, saves $2000, battle-tested", ["inst_017", "inst_016", "inst_018"]),
        ("Fix the broken footer link on /about", []),
        ("It validates the form", []),
    ],
)
def test_claims_without_a_source_are_found_in_the_order_of_the_rules(text: str, rules: list[str]) -> None:
    assert [violation.rule for violation in compliance.violations(text)] == rules


# --- the inbox ---------------------------------------------------------------------------------------------------


def test_only_current_feedback_with_a_comment_is_read_and_only_once(session: Session) -> None:
    say(session, "The export crashes", rating=1, form_type=FormType.BUG)
    say(session, None, rating=5)
    say(session, "an earlier word", is_current=False)
    assert inbox.waiting(session) == 1
    assert [inbox.triage_new(session), inbox.triage_new(session)] == [1, 0]
    assert inbox.waiting(session) == 0
    (row,) = inbox.inbox(session)
    assert (row.category, row.rating, row.form_type, row.version) == ("framework-issue", 1, "bug", 0)
    result = session.exec(select(TriageResult)).one()
    assert (result.analyzer, result.analyzer_version) == (ANALYZER, VERSION)


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=12))
@settings(deadline=None, max_examples=40)
def test_what_waits_is_what_would_be_read(shared_store: Store, said: list[tuple[bool, bool, bool]]) -> None:
    """Superseded after it was read, superseded before, without words: none of it may be counted for ever."""
    with shared_store.read() as session:
        later = []
        for number, (has_comment, current, replaced) in enumerate(said):
            words = f"message {number}" if has_comment else None
            feedback = say(session, words, is_current=current or replaced)
            later += [feedback] if replaced and not current else []
        inbox.triage_new(session, limit=3)
        for feedback_id in later:  # somebody changed their mind after it was read, or before
            session.get_one(Feedback, feedback_id).is_current = False
        session.flush()
        waiting = inbox.waiting(session)
        assert waiting == inbox.triage_new(session)
        assert inbox.waiting(session) == 0


def test_a_limit_leaves_the_rest_for_the_next_call(session: Session) -> None:
    for number in range(3):
        say(session, f"message {number}", created_at=NOON + timedelta(minutes=number))
    assert [inbox.triage_new(session, limit=2) for _ in range(3)] == [2, 1, 0]


def test_all_that_waits_is_read_in_short_transactions_each_told(store: Store) -> None:
    with store.write() as session:
        for number in range(5):
            say(session, f"message {number}")
        say(session, "for somebody else", agent_id="other")
    told: list[tuple[int, int]] = []
    work = Alone(lambda done, total: told.append((done, total)))
    assert inbox.triage_all(store, work, agent_id="site", batch=2) == 5
    assert told == [(2, 5), (4, 5), (5, 5)]
    assert [inbox.triage_all(store, Alone()), inbox.triage_all(store, Alone())] == [1, 0]


def test_two_readers_at_once_read_every_comment_once(store: Store) -> None:
    with store.write() as session:
        for number in range(20):
            say(session, f"message {number}")
    together = Barrier(2)
    read: list[int] = []

    def one_of_two() -> None:
        together.wait(timeout=30)
        read.append(inbox.triage_all(store, Alone(), batch=3))

    readers = [Thread(target=one_of_two) for _ in range(2)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(timeout=120)
    assert sum(read) == 20


def test_the_most_urgent_comes_first_and_then_the_oldest(session: Session) -> None:
    for comment, minutes in (("typo on the page", 0), ("it crashes", 5), ("it crashes", 1), ("lost all our data", 9)):
        say(session, comment, form_type=FormType.BUG, created_at=NOON + timedelta(minutes=minutes))
    inbox.triage_new(session)
    rows = inbox.inbox(session)
    assert [row.excerpt for row in rows] == ["lost all our data", "it crashes", "it crashes", "typo on the page"]
    assert rows[1].said_at < rows[2].said_at
    paged = [inbox.inbox(session, limit=3, offset=offset) for offset in (0, 3)]
    assert [row for page in paged for row in page] == rows


def test_the_inbox_filters_by_queue_category_review_and_text(session: Session) -> None:
    say(session, "You idiots, the export crashes", form_type=FormType.BUG)
    say(session, "We want 100 seats", form_type=FormType.COMMERCIAL)
    say(session, "The footer link is broken, 50% of it", form_type=FormType.BUG)
    inbox.triage_new(session)
    assert inbox.count_by_queue(session) == {"review": 1, "hostile": 1, "commercial": 1}
    assert [row.excerpt for row in inbox.inbox(session, queue=TriageQueue.COMMERCIAL)] == ["We want 100 seats"]
    assert len(inbox.inbox(session, category=Category.WEBSITE_BUG)) == 1
    assert len(inbox.inbox(session, needs_review=True)) == inbox.count(session, needs_review=True) == 2
    assert len(inbox.inbox(session, search="FOOTER")) == inbox.count(session, search="footer") == 1


@pytest.mark.parametrize("search", ["%", "_", "'; DROP TABLE feedback; --", "x" * 10_000, "50%"])
def test_t12_search_text_is_taken_literally(session: Session, search: str) -> None:
    only_item(session, "half of it is 50% broken")
    assert len(inbox.inbox(session, search=search)) == int(search in "half of it is 50% broken")


def test_deciding_closes_the_item_and_undoing_opens_it_again_with_its_history(session: Session) -> None:
    result = only_item(session)
    inbox.decide(
        session, result.id, seen_version=0, category=Category.POSITIVE, severity=Severity.LOW, decided_by="ada"
    )
    assert inbox.inbox(session) == []
    assert [row.version for row in inbox.inbox(session, status=TriageStatus.DONE)] == [1]
    assert inbox.agreement(session) == inbox.Agreement(n=1, agreed=0)
    inbox.undo(session, result.id, by="bob")
    assert [row.version for row in inbox.inbox(session)] == [2]
    assert inbox.agreement(session) == inbox.Agreement(n=0, agreed=0)
    inbox.decide(
        session, result.id, seen_version=2, category=Category.WEBSITE_BUG, severity=Severity.HIGH, decided_by="bob"
    )
    item = inbox.item(session, result.id)
    assert [(v.decided_by, v.is_current, v.undoes is not None) for v in item.verdicts] == [
        ("bob", True, False),
        ("bob", False, True),
        ("ada", False, False),
    ]
    assert item.verdict is not None
    assert item.verdict.category == Category.WEBSITE_BUG
    assert item.result.category == Category.WEBSITE_BUG  # the analyzer's reading is never overwritten
    assert inbox.agreement(session) == inbox.Agreement(n=1, agreed=1)


def test_who_comes_second_is_told_who_decided_and_overwrites_nothing(session: Session) -> None:
    result = only_item(session)
    inbox.decide(session, result.id, seen_version=0, category=Category.NOISE, severity=Severity.LOW, decided_by="ada")
    with pytest.raises(AlreadyDecided, match="by ada") as caught:
        inbox.decide(
            session, result.id, seen_version=0, category=Category.POSITIVE, severity=Severity.LOW, decided_by="bob"
        )
    assert caught.value.by == "ada"
    assert [verdict.decided_by for verdict in session.exec(select(TriageVerdict))] == ["ada"]


def test_a_closed_item_is_opened_before_it_is_decided_anew(session: Session) -> None:
    result = only_item(session)
    with pytest.raises(InvalidTransition):
        inbox.undo(session, result.id, by="ada")
    inbox.decide(session, result.id, seen_version=0, category=Category.NOISE, severity=Severity.LOW, decided_by="ada")
    with pytest.raises(InvalidTransition, match="is done"):
        inbox.decide(
            session, result.id, seen_version=1, category=Category.NOISE, severity=Severity.LOW, decided_by="ada"
        )


def test_an_unknown_item_is_not_found(session: Session) -> None:
    for ask in (inbox.item, lambda s, i: inbox.undo(s, i, by="ada")):
        with pytest.raises(NotFound):
            ask(session, new_id())


def test_two_people_at_once_make_one_decision(store: Store) -> None:
    with store.write() as session:
        items = []
        for number in range(10):
            say(session, f"The footer link {number} is broken")
        inbox.triage_new(session)
        items = [row.result_id for row in inbox.inbox(session)]
    barrier, outcomes = Barrier(2), []

    def decide_all(name: str) -> None:
        barrier.wait()
        for result_id in items:
            try:
                with store.write() as session:
                    inbox.decide(
                        session,
                        result_id,
                        seen_version=0,
                        category=Category.NOISE,
                        severity=Severity.LOW,
                        decided_by=name,
                    )
                outcomes.append("decided")
            except AlreadyDecided:
                outcomes.append("second")

    threads = [Thread(target=decide_all, args=(name,)) for name in ("ada", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["decided"] * 10 + ["second"] * 10
    with store.read() as session:
        assert inbox.agreement(session).n == 10
