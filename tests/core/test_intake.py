"""The door for single records: what is stored, what is refused with which sentence, what happens only once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from core.errors import HoneError, InputRejected, NotAllowed, NotFound
from core.feedback.intake import feedback_totals, store_interaction, store_message_feedback, store_site_form
from core.feedback.payload import payload
from core.store import Store
from core.tables import Feedback, FormType, Interaction, LearningExample, MessageFeedbackType, Plan
from core.untrusted import clean

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=80)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)
WEIRD = [
    "lone \ud800 surrogate",
    "nul \x00 inside",
    "rtl \u202eoverride",
    "zwj 👩\u200d👩\u200d👧",
    "e" + "\u0301" * 20,
    "<img src=x onerror=alert(1)>",
    '=HYPERLINK("http://example.org")',
    "'; DROP TABLE feedback; --",
    '{"json": [1, 2]}',
    "a" * 20_000,
]


def message(session: Session, **values: Any) -> Interaction:
    given: dict[str, Any] = {"agent_id": "support", "prompt": "How do I export?", "response": "Press Export."} | values
    return store_interaction(session, **given).row


def count(session: Session, table: type) -> int:
    return session.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


# -- interactions -------------------------------------------------------------------------------------------------


def test_an_interaction_is_stored_without_personal_data_in_any_column(store: Store) -> None:
    with store.write() as session:
        row = message(
            session,
            prompt="I am jane@example.org, call +64 21 123 4567",
            response="Thank you, jane@example.org.",
            error="no route to jane@example.org",
            raw={"from": "jane@example.org", "phone": 4155552671, "deep": [{"jane@example.org": "jane@example.org"}]},
        )
        row_id = row.id
    with store.read() as session:
        stored = session.get_one(Interaction, row_id)
        assert stored.prompt == "I am [email], call [phone]"
        assert stored.response == "Thank you, [email]."
        assert stored.pii == {"email": 3, "phone": 1}
        assert stored.raw == {"from": "[email]", "phone": "[phone]", "deep": [{"[email]": "[email]"}]}


def test_the_same_external_id_of_a_source_is_stored_once(session: Session) -> None:
    first = store_interaction(session, agent_id="a", prompt="p", response="r", external_id="7")
    again = store_interaction(session, agent_id="a", prompt="p", response="other", external_id="7")
    other = store_interaction(session, agent_id="a", prompt="p", response="r", external_id="7", source="import")
    assert (first.created, again.created, other.created) == (True, False, True)
    assert again.row.id == first.row.id
    assert again.row.response == "r"
    assert count(session, Interaction) == 2


def test_answers_to_one_prompt_share_its_key_without_regard_to_case_and_spacing(session: Session) -> None:
    keys = {message(session, prompt=prompt).prompt_key for prompt in ("How  do I export?", "how do\ni EXPORT? ")}
    assert len(keys) == 1
    assert message(session, prompt="How do I import?").prompt_key not in keys


def test_a_plan_is_kept_beside_its_interaction(session: Session) -> None:
    plan = {"heading": "Pumps", "widgets": [{"scenario": "kpi", "size": "compact"}], "parsed_intent": {"type": "query"}}
    row = message(session, kind="plan", response="", plan=plan)
    kept = session.get_one(Plan, row.id)
    assert (kept.heading, kept.widgets, kept.parsed_intent) == ("Pumps", plan["widgets"], {"type": "query"})


def test_times_are_kept_in_utc(store: Store) -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=13)))
    with store.write() as session:
        row_id = message(session, created_at=noon).id
    with store.read() as session:
        created = session.get_one(Interaction, row_id).created_at
        assert created.replace(tzinfo=UTC) == datetime(2026, 2, 28, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"prompt": " \x00 "}, "The prompt is empty"),
        ({"response": ""}, "The response is empty; send the error with it"),
        ({"prompt": "a" * 20_001}, "prompt: The text has 20,001 characters; at most 20,000"),
        ({"response": "a" * 20_001}, "response: The text has 20,001 characters"),
        ({"prompt": 3}, "prompt: Expected text, got int"),
        ({"agent_id": ""}, "agent_id is empty"),
        ({"agent_id": "a" * 101}, "agent_id: The text has 101 characters; at most 100"),
        ({"kind": "poem"}, "Unknown kind: poem. Use one of chat, plan, execution"),
        ({"intent_confidence": 1.01}, "intent_confidence must be a number from 0 to 1, got 1.01"),
        ({"intent_confidence": float("nan")}, "intent_confidence must be a number from 0 to 1"),
        ({"response_ms": -1}, "response_ms must be a whole number from 0"),
        ({"context_sources": "home"}, "context_sources must be a list"),
        ({"plan": [1]}, "The plan must be an object"),
    ],
)
def test_an_unusable_interaction_is_refused_in_a_sentence_and_nothing_stored(
    session: Session, values: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputRejected, match=sentence):
        message(session, **values)
    assert count(session, Interaction) == 0


def test_an_answer_that_failed_may_be_empty(session: Session) -> None:
    assert message(session, response="", error="timeout").error == "timeout"


# -- feedback on a message ----------------------------------------------------------------------------------------


def test_a_second_click_replaces_the_first_and_keeps_it_as_history(session: Session) -> None:
    target = message(session)
    first = store_message_feedback(session, target.id, feedback_type="thumbs_up", user_id="u1")
    second = store_message_feedback(session, target.id, feedback_type="thumbs_down", user_id="u1", helpful=False)
    other = store_message_feedback(session, target.id, feedback_type="copy", user_id="u2")
    assert (first.is_current, second.is_current, other.is_current) == (False, True, True)
    assert count(session, Feedback) == 3
    assert feedback_totals(session).message_feedback == 2


def test_the_same_click_twice_is_one_row(session: Session) -> None:
    target = message(session)
    values: dict[str, Any] = {"feedback_type": "rating_2", "comment": " slow ", "correction": "Press Save."}
    first = store_message_feedback(session, target.id, **values)
    assert store_message_feedback(session, str(target.id), **values).id == first.id
    assert (count(session, Feedback), count(session, LearningExample)) == (1, 1)
    assert (first.user_id, first.comment) == ("anonymous", "slow")


@pytest.mark.parametrize("kind", list(MessageFeedbackType))
def test_every_kind_is_taken_and_a_rating_kind_brings_its_rating(session: Session, kind: MessageFeedbackType) -> None:
    row = store_message_feedback(session, message(session).id, feedback_type=kind.value)
    assert row.feedback_type is kind
    assert row.rating == (int(kind[-1]) if kind.startswith("rating") else None)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"feedback_type": "love_it"}, "Invalid feedback_type: love_it$"),
        ({"feedback_type": "RATING_1"}, "Invalid feedback_type: RATING_1$"),
        ({"feedback_type": None}, "Invalid feedback_type: None$"),
        ({"feedback_type": "rating_4", "rating": 5}, "The rating 5 contradicts feedback_type rating_4"),
        ({"feedback_type": "copy", "rating": 0}, "rating must be a whole number from 1 to 5, got 0"),
        ({"feedback_type": "copy", "rating": 6}, "rating must be a whole number from 1 to 5, got 6"),
        ({"feedback_type": "copy", "rating": True}, "rating must be a whole number"),
        ({"feedback_type": "copy", "rating": 10**5000}, "got a very large number"),
        ({"feedback_type": "copy", "helpful": "yes"}, "helpful must be true or false, got yes"),
        ({"feedback_type": "copy", "comment": "a" * 1001}, "comment: The text has 1,001 characters; at most 1,000"),
        ({"feedback_type": "copy", "correction": "a" * 20_001}, "correction: The text has 20,001 characters"),
        ({"feedback_type": "copy", "user_id": "a" * 201}, "user_id: The text has 201 characters"),
    ],
)
def test_unusable_feedback_is_refused_in_a_sentence_and_nothing_stored(
    session: Session, values: dict[str, Any], sentence: str
) -> None:
    target = message(session).id
    with pytest.raises(InputRejected, match=sentence):
        store_message_feedback(session, target, **values)
    assert count(session, Feedback) == 0


def test_a_comment_of_a_thousand_characters_and_any_rating_beside_a_thumb_are_taken(session: Session) -> None:
    row = store_message_feedback(
        session, message(session).id, feedback_type="copy", rating=5, comment="a" * 1000, helpful=True
    )
    assert (row.rating, len(row.comment or ""), row.helpful) == (5, 1000, True)


NOBODY = "3f2b6c1e-8a57-4f0e-9a52-0d3c1b7e2f11"


@pytest.mark.parametrize("message_id", [UUID(NOBODY), NOBODY, "no-id", "", "\ud800", None, 7])
def test_feedback_on_no_message_is_not_found(session: Session, message_id: Any) -> None:
    with pytest.raises(NotFound, match=r"^Message not found$"):
        store_message_feedback(session, message_id, feedback_type="copy")


def test_only_the_owner_of_a_conversation_may_answer_in_it(session: Session) -> None:
    owned, free = message(session, user_id="u1"), message(session)
    store_message_feedback(session, owned.id, feedback_type="copy", user_id="u1")
    store_message_feedback(session, free.id, feedback_type="copy", user_id="u2")
    for user in ("u2", "anonymous"):
        with pytest.raises(NotAllowed, match="another user's conversation"):
            store_message_feedback(session, owned.id, feedback_type="copy", user_id=user)


def test_a_correction_makes_one_pending_example_and_a_thumb_none(session: Session) -> None:
    target = message(session, user_id="u1")
    store_message_feedback(session, target.id, feedback_type="thumbs_up", user_id="u1")
    assert count(session, LearningExample) == 0
    row = store_message_feedback(
        session, target.id, feedback_type="thumbs_down", user_id="u1", correction="Press Save as. jane@example.org"
    )
    made = session.exec(select(LearningExample)).one()
    assert (made.example_type, made.source_type, made.review_status) == ("correction", "user_feedback", "pending")
    assert (made.input_text, made.original_output) == ("How do I export?", "Press Export.")
    assert made.expected_output == "Press Save as. [email]"
    assert (made.source_feedback_id, made.source_interaction_id) == (row.id, target.id)


def test_a_second_correction_takes_the_place_of_the_one_nobody_reviewed(session: Session) -> None:
    target = message(session)
    for correction, user in (("One.", "u1"), ("Two.", "u1"), ("Three.", "u2")):
        store_message_feedback(session, target.id, feedback_type="thumbs_down", correction=correction, user_id=user)
    active = select(LearningExample.expected_output).where(col(LearningExample.is_active))
    assert sorted(session.exec(active)) == ["Three.", "Two."]


def test_personal_data_in_a_comment_is_counted_and_in_no_column(session: Session) -> None:
    row = store_message_feedback(
        session,
        message(session).id,
        feedback_type="thumbs_down",
        comment="call me: 020 7946 0958",
        raw={"body": {"comment": "call me: 020 7946 0958"}},
    )
    assert row.comment == "call me: [phone]"
    assert row.pii == {"phone": 1}
    assert row.raw == {"body": {"comment": "call me: [phone]"}}


# -- forms of the site --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form_type", list(FormType))
def test_every_form_is_taken_with_or_without_rating_and_comment(session: Session, form_type: FormType) -> None:
    full = store_site_form(
        session, form_type=form_type.value, rating=1, comment="Broken link", page={"url": "/pricing?a=b"}
    )
    bare = store_site_form(session, form_type=form_type.value)
    assert (full.row.form_type, full.row.comment, full.row.page) == (
        form_type,
        "Broken link",
        {"url": "/pricing?a=b"},
    )
    assert (bare.row.rating, bare.row.comment, bare.row.agent_id, bare.created) == (None, None, "site", True)


def test_a_form_with_the_same_key_is_stored_once(session: Session) -> None:
    first = store_site_form(session, form_type="bug", comment="a", dedupe_key="k")
    again = store_site_form(session, form_type="bug", comment="b", dedupe_key="k")
    assert (again.created, again.row.id) == (False, first.row.id)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"form_type": "rant"}, "Unknown form_type: rant. Use one of bug, technical_question"),
        ({"form_type": "bug", "rating": 7}, "rating must be a whole number from 1 to 5, got 7"),
        ({"form_type": "bug", "comment": "a" * 20_001}, "comment: The text has 20,001 characters"),
    ],
)
def test_an_unusable_form_is_refused_in_a_sentence(session: Session, values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputRejected, match=sentence):
        store_site_form(session, **values)


def test_weird_comments_survive_the_store_as_they_are_shown(store: Store) -> None:
    with store.write() as session:
        rows = {store_site_form(session, form_type="general", comment=comment).row.id: comment for comment in WEIRD}
    with store.read() as session:
        for row_id, comment in rows.items():
            stored = session.get_one(Feedback, row_id).comment or ""
            assert stored == clean(comment)
            assert len(stored) >= len(comment) - 1  # the NUL
            assert "\x00" not in stored


@examples(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(prompt=ANY_TEXT, response=ANY_TEXT, comment=ANY_TEXT, raw=ANY_JSON)
@example(prompt="\ud800", response="\x00a", comment="\u202e", raw={"\ud800": float("nan"), "n": 10**400})
def test_whatever_comes_is_stored_or_refused_in_a_sentence(
    store: Store, prompt: str, response: str, comment: str, raw: Any
) -> None:
    try:
        with store.write() as session:
            row = message(session, prompt=prompt, response=response, raw=raw)
            store_message_feedback(session, row.id, feedback_type="thumbs_down", comment=comment, raw=raw)
    except HoneError as error:
        assert str(error).endswith(".")
    with store.read() as session:
        for stored in session.exec(select(Feedback)):
            json.dumps(stored.raw, allow_nan=False).encode()


@examples(max_examples=100, deadline=None)
@given(ANY_JSON)
def test_a_payload_is_json_that_any_database_takes(value: Any) -> None:
    kept = payload(value)
    assert isinstance(kept, dict)
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept
    json.dumps(kept, ensure_ascii=False).encode()


def test_a_payload_without_end_is_cut_with_a_word_where_it_was_cut() -> None:
    deep: Any = "end"
    for _ in range(50):
        deep = [deep]
    kept = payload({"deep": deep, "long": "a" * 30_000, "large": 10**30, "many": list(range(10_000))})
    assert "[nested too deeply]" in json.dumps(kept)
    assert kept["long"] == "a" * 20_000 + " [cut]"
    assert kept["large"] == "[a number too large to store]"
    assert kept["many"][-1] == "[more was left out]"
    assert len(kept["many"]) < 5_001


def test_t12_hostile_ids_are_values_never_sql(session: Session) -> None:
    hostile = "'; DROP TABLE feedback; --%_"
    row = message(session, user_id=hostile, external_id=hostile, agent_id=hostile)
    store_message_feedback(session, row.id, feedback_type="copy", user_id=hostile)
    again = store_interaction(session, agent_id="a", prompt="p", response="r", external_id=hostile)
    assert again.row.id == row.id
    assert count(session, Feedback) == 1


# -- totals -------------------------------------------------------------------------------------------------------


def test_totals_count_current_feedback_once_and_start_at_nothing(session: Session) -> None:
    assert (feedback_totals(session).feedback, feedback_totals(session).last_at) == (0, None)
    target = message(session)
    store_message_feedback(session, target.id, feedback_type="thumbs_up")
    store_message_feedback(session, target.id, feedback_type="thumbs_down")
    form = store_site_form(session, form_type="bug").row
    totals = feedback_totals(session)
    assert (totals.interactions, totals.feedback, totals.message_feedback, totals.site_forms) == (1, 2, 1, 1)
    assert totals.last_at == form.created_at


@pytest.mark.sqlite  # what the other's planner chooses depends on how many rows there are
def test_totals_never_read_the_rows_themselves(store: Store) -> None:
    statements: list[str] = []
    sa.event.listen(store.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    with store.read() as session:
        feedback_totals(session)
        for statement in [text for text in statements if "feedback" in text.lower() or "interactions" in text]:
            plan = " ".join(row[3] for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}"))
            assert "COVERING INDEX" in plan, (statement, plan)


def test_an_answer_of_an_adapter_nobody_knows_is_refused(store: Store) -> None:
    with store.write() as session, pytest.raises(InputRejected, match="No adapter"):
        store_interaction(session, agent_id="a", prompt="p", response="r", adapter_id=uuid4())
