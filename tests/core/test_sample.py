"""The sample workspace: the same every time, honest about its difficulty, complete for every page."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from statistics import fmean

import pytest

from core.feedback.redaction import redact
from core.rewards.chat import explicit_reward
from core.rewards.widgets import WIDGETS
from core.sample.answers import side_of
from core.sample.texts import demo_dialogues, is_intact
from core.sample.workspace import SampleInteraction, SampleWorkspace, sample_workspace
from core.tables import FormType

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def workspace() -> SampleWorkspace:
    return sample_workspace(now=NOW)


def rated(workspace: SampleWorkspace) -> dict[str, list[tuple[SampleInteraction, float]]]:
    """Answers with their explicit reward, by prompt."""
    answers = defaultdict(list)
    for row in workspace.interactions:
        if row.feedback:
            answers[row.prompt].append((row, fmean(explicit_reward(said.feedback_type, {}) for said in row.feedback)))
    return answers


def test_the_same_seed_gives_the_same_workspace(workspace: SampleWorkspace) -> None:
    assert sample_workspace(now=NOW) == workspace
    assert sample_workspace(8, now=NOW) != workspace


def test_all_of_it_lies_before_now(workspace: SampleWorkspace) -> None:
    rows = [*workspace.interactions, *workspace.site_forms, *workspace.plans]
    assert max(row.created_at for row in rows) <= NOW


def test_several_answers_to_one_prompt_differ_enough_to_make_hundreds_of_pairs(workspace: SampleWorkspace) -> None:
    clear = [
        answers
        for answers in rated(workspace).values()
        if max(reward for _, reward in answers) - min(reward for _, reward in answers) >= 0.3
    ]
    assert len(clear) >= 340


def test_a_prompt_belongs_to_one_group(workspace: SampleWorkspace) -> None:
    groups = defaultdict(set)
    for row in workspace.interactions:
        groups[row.prompt].add(row.prompt_group)
    assert {len(names) for names in groups.values()} == {1}


def test_length_does_not_tell_the_liked_answer_from_the_disliked(workspace: SampleWorkspace) -> None:
    lengths = defaultdict(list)
    for row in workspace.interactions:
        if (side := side_of(row.response)) is not None:
            lengths[side].append(len(row.response))
    assert fmean(lengths["good"]) == pytest.approx(fmean(lengths["bad"]), rel=0.05)


def test_the_demo_model_never_reads_a_prompt_of_the_workspace(workspace: SampleWorkspace) -> None:
    read = {prompt for prompt, _ in demo_dialogues(2000)}
    assert read.isdisjoint(row.prompt for row in workspace.interactions)


def test_the_demo_model_reads_both_sides_equally_often() -> None:
    sides = [side_of(answer) for _, answer in demo_dialogues(400)]
    assert (sides.count("good"), sides.count("bad")) == (200, 200)


def test_every_answer_of_the_grammar_is_intact_and_a_garbled_one_is_not() -> None:
    answers = [answer for _, answer in demo_dialogues(200)]
    assert all(is_intact(answer) for answer in answers)
    assert not any(is_intact(" ".join(answer.split()[1:])) for answer in answers)
    assert not is_intact("tell tell tell tell")
    assert not is_intact("")


def test_site_forms_of_every_type_are_there(workspace: SampleWorkspace) -> None:
    assert {form.form_type for form in workspace.site_forms} == {kind.value for kind in FormType}


def test_plans_use_the_catalogue_and_most_carry_a_rich_evaluation(workspace: SampleWorkspace) -> None:
    widgets = [widget for plan in workspace.plans for widget in plan.plan["widgets"]]
    assert all(widget["size"] in WIDGETS[widget["scenario"]] for widget in widgets)
    assert sum(plan.evaluation is not None for plan in workspace.plans) > len(workspace.plans) / 2


def test_there_is_personal_data_for_the_door_to_take_out(workspace: SampleWorkspace) -> None:
    texts = [form.comment for form in workspace.site_forms] + [row.prompt for row in workspace.interactions]
    found = {kind for text in texts for kind in redact(text).counts}
    assert found == {"email", "phone", "card"}


def test_some_of_it_is_hostile_markup(workspace: SampleWorkspace) -> None:
    texts = [form.comment for form in workspace.site_forms] + [row.prompt for row in workspace.interactions]
    assert any("<script" in text for text in texts)
    assert any("![" in text for text in texts)
