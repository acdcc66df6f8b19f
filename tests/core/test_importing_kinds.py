"""Each kind of file is recognised from its columns and becomes the rows it stands for."""

from __future__ import annotations

import gzip
import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from core.errors import ImportRejected, InputRejected
from core.feedback import staging
from core.feedback.formats import read_table
from core.feedback.importing import preview
from core.feedback.judged_reader import choice_of
from core.feedback.kinds import suggest
from core.feedback.records import Mapping, Reject, Taken, mapping_from
from core.feedback.verdicts_reader import judge_of
from core.store import Store
from core.tables import (
    Feedback,
    Import,
    Interaction,
    LabelChoice,
    PairChoice,
    PairEvaluation,
    PairLabel,
    PairStatus,
    PreferencePair,
    Reward,
    now,
)
from tests.core.import_rows import comments, counts, empty, pairs, reasons, rows, run

ITEM = {"input": "Add 2 and 3", "output_1": "5", "output_2": "Six", "label": 1}
JUDGED = ITEM | {
    "results": [
        ["Is the sum right?", "stop"],
        {
            "swap = False": {"completion": ["Output (a)", "stop"], "winner": "1"},
            "swap = True": {"completion": ["Output (a)", "stop"], "winner": "2"},
        },
    ]
}
LEAF: dict[str, Any] = {"message_id": "a1", "role": "assistant", "text": "Press Export.", "rank": 0}
OTHER: dict[str, Any] = {"message_id": "a2", "role": "assistant", "text": "No idea.", "rank": 1}
ROOT: dict[str, Any] = {"message_id": "q", "role": "prompter", "text": "How do I export?", "replies": [LEAF, OTHER]}


@pytest.fixture
def store(shared_store: Store) -> Iterator[Store]:
    yield shared_store
    empty(shared_store)


def take(store: Store, *given: object, filename: str = "file.json", **more: Any) -> Import:
    return run(store, json.dumps(list(given)), filename, **more)


def tree(store: Store, root: dict[str, Any], **more: Any) -> Import:
    return take(store, {"message_tree_id": "t", "prompt": root} | more)


def counted(store: Store) -> dict[str, int]:
    with store.read() as session:
        return rows(session)


def first_answer(session: Session, label: PairLabel) -> str:
    pair = session.get_one(PreferencePair, label.pair_id)
    return pair.answer_a if label.left_side == "A" else pair.answer_b


# -- judged pairs -------------------------------------------------------------------------------------------------


def test_a_judged_pair_is_a_pair_with_one_label_for_each_annotator(store: Store) -> None:
    row = {"idx": 7, "instruction": "Add.", "input": "2 and 3", "response1": "5", "response2": "Six"}
    stored = take(store, row | {"annotator1": 1, "annotator2": 1, "annotator3": 0})
    assert counts(stored) == (1, 0, 0)
    (pair,) = pairs(store)
    assert (pair.prompt, pair.chosen, pair.rejected) == ("Add.\n\n2 and 3", "5", "Six")
    assert (pair.external_id, pair.status, pair.import_id) == ("7", PairStatus.ACCEPTED, stored.id)
    with store.read() as session:
        labels = session.exec(select(PairLabel).order_by(col(PairLabel.annotator))).all()
        assert [first_answer(session, label) for label in labels] == ["5", "5", "5"]
    assert [label.annotator for label in labels] == ["annotator1", "annotator2", "annotator3"]
    assert [label.choice for label in labels] == [labels[0].left_side, labels[0].left_side, LabelChoice.TIE]
    assert {(label.import_id, label.shown_ms) for label in labels} == {(stored.id, 0)}


@pytest.mark.parametrize(
    ("said", "status", "preferred"),
    [
        ((1, 1, 2), PairStatus.ACCEPTED, "5"),
        ((2, 2, 0), PairStatus.ACCEPTED, "Six"),
        ((0, 0, 1), PairStatus.NO_PREFERENCE, None),
        ((0, 1, 2), PairStatus.NEEDS_LABEL, None),
        ((1, 2, None), PairStatus.NEEDS_LABEL, None),
        ((None, None, 2), PairStatus.ACCEPTED, "Six"),
        ((None, None, None), PairStatus.NEEDS_LABEL, None),
    ],
)
def test_the_majority_decides(store: Store, said: tuple[Any, ...], status: PairStatus, preferred: str | None) -> None:
    people = {f"annotator{number}": choice for number, choice in enumerate(said, 1)}
    mapping = Mapping("judged", prompt="input", first="output_1", second="output_2", annotators=tuple(people))
    take(store, ITEM | people, mapping=mapping)
    (pair,) = pairs(store)
    assert (pair.status, pair.chosen) == (status, preferred)
    assert counted(store).get("pair_labels", 0) == sum(choice is not None for choice in said)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (ITEM | {"label": 3}, "\"label\" is '3'; a choice is 1, 2, or 0 for a tie"),
        (ITEM | {"output_2": "5"}, "both answers are the same"),
        (ITEM | {"output_2": " "}, '"output_2" is empty'),
        (ITEM | {"output_2": ["x"]}, '"output_2" is neither text nor a number'),
        (ITEM | {"input": None}, "has no prompt"),
        (ITEM | {"output_1": "6", "output_2": " SIX", "x": 1} | {"output_1": "six"}, "but for case and spacing"),
    ],
)
def test_a_row_that_is_no_judged_pair_is_rejected(store: Store, row: dict[str, Any], reason: str) -> None:
    mapping = Mapping("judged", prompt="input", first="output_1", second="output_2", annotators=("label",))
    stored = take(store, ITEM, row, mapping=mapping)
    assert counts(stored) == (1, 0, 1)
    assert reason in reasons(store, stored)[2]


def test_a_value_that_was_a_text_is_one(store: Store) -> None:
    take(store, ITEM | {"output_1": True, "output_2": "No"})
    assert pairs(store)[0].chosen == "true"


def test_labels_of_people_here_and_in_the_file_stand_side_by_side(store: Store) -> None:
    take(store, {"prompt": "Add 2 and 3", "chosen": "5", "rejected": "Six"})
    assert counts(take(store, ITEM)) == (1, 0, 0)
    assert counted(store) == {"preference_pairs": 1, "pair_labels": 1}


def test_what_stands_is_not_turned_round_by_a_file(store: Store) -> None:
    take(store, ITEM)
    stored = take(store, ITEM | {"label": 2, "x": 1})
    assert counts(stored) == (0, 0, 1)
    assert reasons(store, stored) == {1: "contradicts an earlier preference"}
    assert pairs(store)[0].chosen == "5"


def test_a_pair_that_waits_is_decided_by_a_file_that_knows(store: Store) -> None:
    undecided = Mapping("judged", prompt="input", first="output_1", second="output_2")
    take(store, ITEM, mapping=undecided)
    assert pairs(store)[0].status is PairStatus.NEEDS_LABEL
    stored = take(store, ITEM | {"x": 1})
    (pair,) = pairs(store)
    assert (pair.status, pair.chosen, pair.version) == (PairStatus.ACCEPTED, "5", 1)
    assert stored.counts == {"pairs_decided": 1, "pair_labels": 1}


def test_within_a_file_the_first_that_knows_decides(store: Store) -> None:
    rows_of = [ITEM | {"label": choice} for choice in (None, 1, 2, 1)]
    stored = take(store, *rows_of)
    assert pairs(store)[0].chosen == "5"
    assert reasons(store, stored) == {3: "contradicts an earlier preference"}


# -- verdicts -----------------------------------------------------------------------------------------------------


def test_a_judge_that_saw_both_orders_gives_a_verdict_for_each(store: Store) -> None:
    stored = take(store, JUDGED, filename="Set__GPT-4__CoT.json")
    assert stored.counts == {"preference_pairs": 1, "pair_labels": 1, "pair_evaluations": 2}
    (pair,) = pairs(store)
    with store.read() as session:
        found = session.exec(select(PairEvaluation).order_by(col(PairEvaluation.presentation_order))).all()
    first_is_a = pair.answer_a == "5"
    said = {one.presentation_order: one.choice for one in found}
    assert said == {
        "AB": PairChoice.A,
        "BA": PairChoice.B,
    }, "it chose what was shown first, both times" if first_is_a else "the same, seen from the other side"
    assert {(one.judge, one.prompt_version, one.import_id) for one in found} == {("GPT-4", "CoT", stored.id)}
    assert found[0].raw_answer == "Is the sum right?\n\nOutput (a)"


def test_ratings_of_a_judge_are_kept_by_side(store: Store) -> None:
    entry = {
        "score_1": ["9", "stop"],
        "score_2": ["2", "stop"],
        "swap = False": {"winner": "1"},
        "swap = True": {"winner": "1"},
    }
    take(store, ITEM | {"results": [entry]})
    (pair,) = pairs(store)
    with store.read() as session:
        found = session.exec(select(PairEvaluation)).all()
    scores = (9.0, 2.0) if pair.answer_a == "5" else (2.0, 9.0)
    assert [(one.score_a, one.score_b) for one in found] == [scores, scores]


def test_an_answer_that_names_none_is_unscored_and_never_a_guess(store: Store) -> None:
    entry = {"swap = False": {"completion": ["I cannot say", "stop"], "winner": None}}
    take(store, ITEM | {"results": [entry]})
    with store.read() as session:
        (found,) = session.exec(select(PairEvaluation)).all()
    assert (found.choice, found.unscored_reason) == (None, "names no answer: 'I cannot say'")


def test_verdicts_find_their_pair_by_its_id_in_the_same_set(store: Store) -> None:
    item = {"instruction": "Add.", "input": "2 and 3", "response1": "5", "response2": "Six", "annotator1": 2}
    take(store, {"idx": 1} | item, {"idx": 2} | item | {"input": "2 and 4"})
    verdicts = [
        {"idx": number, "x_result": said, "x_reason": "Because."} for number, said in ((1, "1"), (2, "Tie"), (9, "2"))
    ]
    stored = take(store, *verdicts, filename="judge_x.json")
    assert counts(stored) == (2, 0, 1)
    assert reasons(store, stored) == {3: "pair 9 is not here; import its pairs first"}
    with store.read() as session:
        found = session.exec(select(PairEvaluation, PreferencePair).join(PreferencePair)).all()
    for said, pair in found:
        five = "A" if pair.answer_a == "5" else "B"
        assert said.choice == (five if pair.external_id == "1" else "tie")
        assert said.presentation_order == ("AB" if five == "A" else "BA")
        assert (said.judge, said.reasoning) == ("x", "Because.")


def test_verdicts_need_to_know_which_answer_was_the_first(store: Store) -> None:
    mapping = Mapping("pairs", prompt="prompt", chosen="chosen", rejected="rejected", row_id="idx")
    take(store, {"idx": 1, "prompt": "p", "chosen": "a", "rejected": "b"}, mapping=mapping)
    stored = take(store, {"idx": 1, "x_result": 1}, filename="judge_x.json")
    assert "which of its answers was the first is not known" in reasons(store, stored)[1]


def test_a_set_does_not_name_a_pair_that_came_in_another_order(store: Store) -> None:
    item = {"instruction": "Add.", "input": "2 and 3"}
    take(store, {"response1": "5", "response2": "Six", "annotator1": 1} | item)
    take(store, {"idx": 1, "response1": "Six", "response2": "5", "annotator1": 2} | item)
    stored = take(store, {"idx": 1, "x_result": "1", "x_reason": "."}, filename="judge_x.json")
    assert reasons(store, stored) == {1: "pair 1 is not here; import its pairs first"}
    take(store, {"idx": 2, "response1": "5", "response2": "Six", "annotator1": 1} | item)
    assert counts(take(store, {"idx": 2, "x_result": "1", "x_reason": "."}, filename="judge_x.json")) == (1, 0, 0)


def test_a_row_that_is_rejected_gives_the_pair_no_name(store: Store) -> None:
    texts = {"prompt": "p", "chosen": "a", "rejected": "b"}
    mapping = Mapping("pairs", prompt="prompt", chosen="chosen", rejected="rejected", row_id="idx")
    take(store, texts)
    assert counts(take(store, {"idx": 5, "prompt": "p", "chosen": "b", "rejected": "a"}, mapping=mapping)) == (0, 0, 1)
    assert pairs(store)[0].external_id is None
    take(store, {"idx": 6} | texts, mapping=mapping)
    assert pairs(store)[0].external_id == "6"


def test_a_verdict_on_a_pair_that_came_in_both_orders_is_not_guessed(store: Store) -> None:
    item = {"instruction": "Add.", "input": "2 and 3"}
    take(store, {"idx": 1, "response1": "5", "response2": "Six", "annotator1": 1} | item)
    take(store, {"idx": 7, "response1": "Six", "response2": "5", "annotator2": 2} | item)
    for said in ("1", "2"):
        stored = take(store, {"idx": 1, "x_result": said, "x_reason": "."}, filename="judge_x.json")
        assert "which of its answers was the first is not known" in reasons(store, stored)[1]


@pytest.mark.parametrize(
    ("filename", "judge"),
    [
        ("judge_pandalm-7b.json", ("pandalm-7b", "imported")),
        ("LLMBar_Natural__GPT-4__CoT.json", ("GPT-4", "CoT")),
        ("a/b\\x.jsonl.gz", ("x", "imported")),
        ("", ("unnamed judge", "imported")),
    ],
)
def test_the_name_of_a_judge_file_names_the_judge(filename: str, judge: tuple[str, str]) -> None:
    assert judge_of(filename) == judge


# -- message trees ------------------------------------------------------------------------------------------------


def test_a_tree_gives_answers_thumbs_and_pairs(store: Store) -> None:
    stored = tree(store, ROOT | {"replies": [LEAF | {"emojis": {"+1": 2, "-1": 1, "_skip_reply": 9}}, OTHER]})
    assert stored.counts == {"interactions": 2, "feedback": 3, "preference_pairs": 1}
    with store.read() as session:
        answers = {row.external_id: row for row in session.exec(select(Interaction))}
        thumbs = Counter(row.feedback_type for row in session.exec(select(Feedback)))
        reward = session.exec(select(Reward).where(Reward.interaction_id == answers["a1"].id)).one()
    assert (answers["a1"].prompt, answers["a1"].response) == ("How do I export?", "Press Export.")
    assert (answers["a1"].conversation_id, answers["a1"].import_id) == ("t", stored.id)
    assert answers["a2"].raw == {"message_id": "a2", "role": "assistant", "rank": 1}
    assert thumbs == {"thumbs_up": 2, "thumbs_down": 1}
    assert reward.explicit is not None
    (pair,) = pairs(store)
    assert (pair.chosen, pair.rejected) == ("Press Export.", "No idea.")
    assert {pair.interaction_a_id, pair.interaction_b_id} == {answers["a1"].id, answers["a2"].id}


def test_a_pair_further_down_knows_the_conversation_so_far(store: Store) -> None:
    later = {"message_id": "q2", "role": "prompter", "text": "And then?", "replies": [LEAF, OTHER]}
    tree(store, ROOT | {"replies": [LEAF | {"message_id": "b", "rank": None, "replies": [later]}]})
    (pair,) = pairs(store)
    assert [turn["role"] for turn in pair.messages or []] == ["user", "assistant", "user"]


def test_at_most_ten_pairs_come_of_one_message_the_best_first(store: Store) -> None:
    many = [LEAF | {"message_id": f"m{rank}", "text": f"Answer {rank}", "rank": rank} for rank in range(9)]
    tree(store, ROOT | {"replies": many})
    assert len(pairs(store)) == 10
    assert Counter(pair.chosen for pair in pairs(store)) == {"Answer 0": 8, "Answer 1": 2}


def test_what_was_deleted_or_spam_is_left_out_with_all_below_it(store: Store) -> None:
    below = {"message_id": "q2", "role": "prompter", "text": "And?", "replies": [LEAF | {"message_id": "c"}]}
    gone = LEAF | {"message_id": "b", "deleted": True, "replies": [below]}
    stored = tree(store, ROOT | {"replies": [LEAF, gone, OTHER | {"review_result": False}]})
    assert stored.counts == {"interactions": 1}
    assert reasons(store, stored) == {1: "2 of its messages and all replies to them are left out: 1 deleted, 1 spam"}


@pytest.mark.parametrize(
    ("root", "reason"),
    [
        ({"replies": []}, "1 of an unknown role"),
        (ROOT | {"deleted": True}, "1 deleted"),
        (ROOT | {"replies": []}, "holds no answer of an assistant"),
        (ROOT | {"text": None}, "1 no text"),
    ],
)
def test_a_tree_with_nothing_to_use_is_rejected(store: Store, root: dict[str, Any], reason: str) -> None:
    stored = tree(store, root)
    assert counts(stored) == (0, 0, 1)
    assert reason in reasons(store, stored)[1]


def test_a_tree_again_adds_only_what_is_new_in_it(store: Store) -> None:
    tree(store, ROOT)
    assert counts(tree(store, ROOT)) == (0, 1, 0)
    stored = tree(store, ROOT | {"replies": [LEAF | {"emojis": {"+1": 1}}, OTHER]})
    assert (counts(stored), stored.counts) == ((1, 0, 0), {"feedback": 1})


# -- bug reports, Parquet, and what has nothing in it --------------------------------------------------------------


def test_a_bug_report_is_its_summary_above_its_description(store: Store) -> None:
    content = (
        "Summary,Issue id,Priority,Created,Description\nIt hangs,7,Major,30/Sep/21 17:20,On every start\nNo text,8,,,\n"
    )
    stored = run(store, content)
    first, second = comments(store)
    assert (first.comment, second.comment) == ("It hangs\n\nOn every start", "No text")
    assert (first.form_type, first.raw["Priority"], first.raw["Issue id"]) == ("bug", "Major", "7")
    assert first.created_at == datetime(2021, 9, 30, 17, 20, tzinfo=UTC)
    assert stored.mapping["title"] == "Summary"


def test_a_report_with_a_whole_log_in_it_is_cut_and_says_so(store: Store) -> None:
    run(store, f"Summary,Issue id,Created,Description\nIt hangs,7,30/Sep/21 17:20,{'x y ' * 9_000}\n")
    (report,) = comments(store)
    assert report.comment is not None
    assert (len(report.comment), report.comment[-6:]) == (20_000, "\n[cut]")


def test_a_file_that_only_refers_to_others_is_refused(store: Store) -> None:
    with pytest.raises(ImportRejected, match='only holds "Issue id" and "Duplicate id": ids that refer to each other'):
        run(store, "Issue id,Duplicate id\n1,2\n")


def parquet(columns: dict[str, list[Any]], **more: Any) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet as pq

    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, **more)
    return file.getvalue()


def test_parquet_is_read_like_any_other_file(store: Store) -> None:
    content = parquet(
        {"comment": ["Slow export", "Lovely thing"], "rating": [2, 5], "date": [datetime(2026, 1, 31, tzinfo=UTC)] * 2}
    )
    stored = run(store, content, "survey.parquet")
    assert (stored.format, counts(stored)) == ("parquet", (2, 0, 0))
    assert [row.rating for row in comments(store)] == [5, 2]
    messages = [[{"role": "user", "content": "Hi"}]]
    conversation = parquet({"prompt": messages, "chosen": ["Hello."], "rejected": ["What?"]})
    assert counts(run(store, conversation, "pairs.parquet")) == (1, 0, 0)


def test_t13_a_parquet_file_that_unpacks_beyond_the_limit_is_refused() -> None:
    said_so = parquet(
        {"comment": ["".join(map(chr, range(65, 91))) * 50_000 + str(n) for n in range(2)]}, compression="zstd"
    )
    with pytest.raises(ImportRejected, match="unpacks to more than 1 MB"):
        read_table(said_so, "a.parquet", max_mb=1)
    repeated = parquet({"comment": ["a" * 100_000] * 50_000}, use_dictionary=True, compression="zstd")
    assert len(repeated) < 10_000
    with pytest.raises(ImportRejected, match="unpacks to more than 1 MB"):
        read_table(repeated, "a.parquet", max_mb=1)
    with pytest.raises(ImportRejected, match="more than 10 rows"):
        read_table(parquet({"comment": ["a"] * 11}), "a.parquet", max_rows=10)


# -- mappings -----------------------------------------------------------------------------------------------------


def test_the_mapping_of_the_same_columns_is_recalled(store: Store) -> None:
    odd = Mapping("survey", comment="second", row_id="first")
    run(store, "first,second\n1,long enough words\n", "a.csv", mapping=odd)
    with store.read() as session:
        look = preview(b"second,first\nother long words,2\n", "b.csv", session=session)
    assert (look.suggested, look.recalled) == (odd, True)
    assert look.notes[-1] == 'These columns were imported before, from "a.csv"; they are read the same way again.'
    assert run(store, "second,first\nother long words,2\n", "b.csv").mapping == odd.as_dict()


def test_a_mapping_that_was_never_published_is_not_recalled(store: Store) -> None:
    with pytest.raises(ImportRejected):
        run(store, "first,second\n1,b\n", mapping=Mapping("survey", comment="third"))
    with store.read() as session:
        assert not preview(b"first,second\n1,b\n", "b.csv", session=session).recalled


def test_the_judge_is_told_by_the_new_file_and_not_recalled(store: Store) -> None:
    take(store, JUDGED, filename="Set__GPT-4__CoT.json")
    stored = take(store, JUDGED, filename="Set__Other__Plain.json")
    assert (stored.mapping["judge"], stored.counts) == ("Other", {"pair_evaluations": 2})


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "Say what the rows are"),
        ({"kind": "poems"}, "Say what the rows are"),
        ({"kind": "survey", "x": 1}, "has no field 'x'"),
        ({"kind": "survey", "comment": 7}, "comment of a mapping is a text"),
        ({"kind": "survey", "best_rating": 3}, "best_rating is 5"),
        ({"kind": "survey", "form_type": "poem"}, "form_type is one of"),
        ({"kind": "judged", "annotators": "a"}, "annotators is a list"),
    ],
)
def test_a_mapping_that_is_none_is_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputRejected, match=sentence):
        mapping_from(given)


def test_a_mapping_survives_being_json() -> None:
    mapping = Mapping("judged", prompt="p", first="a", second="b", annotators=("x", "y"), best_rating=1)
    assert mapping_from(json.loads(json.dumps(mapping.as_dict()))) == mapping


# -- whatever a file holds ----------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["replies", "text", "role", "rank", "emojis", "+1", "swap = False", "winner", "completion"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
MAPPINGS = {
    "judged": Mapping(
        "judged", prompt="a", input="b", first="c", second="d", annotators=("e",), results="f", judge="j"
    ),
    "verdicts": Mapping("verdicts", row_id="a", verdict="b", reasoning="c", reference="d", judge="j"),
    "trees": Mapping("trees", tree="a", row_id="b"),
    "pairs": Mapping("pairs", prompt="a", chosen="b", rejected="c", row_id="d"),
    "survey": Mapping("survey", title="a", comment="b", rating="c", date="d", row_id="e"),
}


@pytest.mark.parametrize("kind", MAPPINGS)
@examples(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from("abcdef"), JSON))
@example({"a": {"role": "assistant", "text": "\ud800", "replies": [{"role": "prompter", "text": "x", "replies": 7}]}})
@example({"a": ROOT | {"replies": [LEAF | {"emojis": {"+1": 10**30, "-1": True}, "rank": -1, "message_id": ["x"]}]}})
@example({"a": "p", "c": "x", "d": "y", "e": 1, "f": [{"swap = False": {"winner": [1]}, "score_1": ["nan"]}]})
def test_any_row_becomes_rows_or_a_reason(kind: str, cells: dict[str, Any]) -> None:
    first = {name: "x" for name in "abcdef"}
    table = read_table(json.dumps([first, cells]).encode(), "a.json")
    facts = staging.facts_of(table, MAPPINGS[kind], agent_id="support", at=now())
    found = [one for _, one in staging.readings(table, facts)]
    assert len(found) == 2
    for one in found:
        assert one.reason if isinstance(one, Reject) else isinstance(one, Taken)
        if isinstance(one, Taken):
            json.dumps([one.shown, [values for _, values in one.rows]], default=str, allow_nan=False).encode()


@examples(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
@example(parquet({"comment": ["a"]})[:-9])
def test_any_parquet_is_read_or_refused(rest: bytes) -> None:
    try:
        read_table(b"PAR1" + rest, "a.parquet")
    except ImportRejected as error:
        assert str(error).endswith("othing was stored.")


def test_choices_are_read_as_files_write_them() -> None:
    assert [choice_of(value) for value in (1, "2", 0, "Tie", 1.0, "model_b", True, None, "3")] == [
        "first", "second", "tie", "tie", "first", "second", None, None, None,
    ]  # fmt: skip


# -- real files ---------------------------------------------------------------------------------------------------


def imported(store: Store, folder: Path, name: str) -> Import:
    path = folder / name
    return run(store, path.read_bytes(), path.name)


def test_the_bug_reports_come_in_whole(store: Store, shared: Path) -> None:
    stored = imported(store, shared / "data" / "gitbugs", "hadoop_bugs.csv")
    assert counts(stored) == (2503, 0, 0)
    with store.read() as session:
        assert {(row.form_type, "Priority" in row.raw) for row in session.exec(select(Feedback))} == {("bug", True)}
    assert counts(imported(store, shared / "data" / "gitbugs", "hadoop_bugs.csv")) == (0, 2503, 0)
    with pytest.raises(ImportRejected, match="ids that refer to each other"):
        imported(store, shared / "data" / "gitbugs", "hadoop_duplicates.csv")


def test_three_annotators_and_two_judges_meet_on_the_same_pairs(store: Store, shared: Path) -> None:
    folder = shared / "data" / "pandalm"
    stored = imported(store, folder, "testset-v1.json")
    assert (counts(stored), stored.counts) == ((839, 106, 54), {"preference_pairs": 839, "pair_labels": 2517})
    assert counts(imported(store, folder, "testset-v1.json")) == (0, 945, 54)
    for judge in ("gpt-3.5-turbo", "pandalm-7b"):
        assert counts(imported(store, folder, f"judge_{judge}.json")) == (839, 0, 160)
    with store.read() as session:
        unscored = session.exec(select(PairEvaluation.judge).where(col(PairEvaluation.choice).is_(None))).all()
    assert Counter(unscored) == {"gpt-3.5-turbo": 17}
    assert counts(imported(store, folder, "judge_pandalm-7b.json")) == (0, 839, 160)


def test_every_judge_of_the_instruction_pairs_is_read(store: Store, shared: Path) -> None:
    folder = shared / "data" / "llmbar"
    assert counts(imported(store, folder, "LLMBar_Natural.json")) == (100, 0, 0)
    assert counts(imported(store, folder, "LLMBar_Adversarial_GPTInst.json")) == (92, 0, 0)
    for path in sorted((folder / "judges").iterdir()):
        stored = imported(store, folder / "judges", path.name)
        assert set(stored.counts) == {"pair_evaluations"}, path.name
        assert stored.counts["pair_evaluations"] == 2 * stored.accepted
    assert counted(store) == {"preference_pairs": 192, "pair_labels": 192, "pair_evaluations": 2 * (5 * 100 + 2 * 92)}


def test_the_ranked_trees_give_answers_thumbs_and_pairs(store: Store, shared: Path) -> None:
    stored = imported(store, shared / "data" / "oasst_sample", "en_100_tree.jsonl")
    assert counts(stored) == (100, 0, 0)
    assert stored.counts == {"interactions": 687, "feedback": 1226, "preference_pairs": 680}
    assert counted(store)["rewards"] == 687
    assert counts(imported(store, shared / "data" / "oasst_sample", "en_100_tree.jsonl")) == (0, 100, 0)


def test_a_packed_json_file_of_judged_pairs_is_recognised(store: Store) -> None:
    packed = gzip.compress(json.dumps([ITEM]).encode())
    table = read_table(packed, "a.json.gz")
    found = suggest(table, "a.json.gz")
    assert found is not None
    assert found.kind == "judged"
