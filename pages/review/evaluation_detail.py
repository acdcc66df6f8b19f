"""One evaluation in three columns, and the rubric it rests on.

Question and what the judge understood; the answer, or the plan drawn; the verdict with its parts, what is missing and
what would be better. Everything foreign is shown literally; nothing here writes.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.judging import rule_based
from core.judging.evaluations import EvaluationDetail
from core.lineage import Kind
from core.tables import Evaluation, Rating
from pages.review.bars import scores
from pages.review.item_list import Tone, set_in_url
from pages.review.plan_board import plan_board
from pages.shared import lineage, words
from pages.shared.literal import chip, escape_label, literal, one_line

VERDICTS: dict[Rating | None, tuple[str, Tone, str]] = {
    Rating.UP: ("Good", "green", "✓"),
    Rating.DOWN: ("Poor", "red", "✕"),
    None: ("Unscored", "gray", "–"),
}


def columns(found: EvaluationDetail) -> None:
    """Draw the three columns, and under them where the answer came from and what was made of it."""
    question, answer, verdict = st.columns([3, 4, 4], gap="medium")
    with question:
        _question(found)
    with answer:
        _answer(found)
    with verdict:
        _verdict(found)
    lineage.fold(Kind.INTERACTION, found.interaction.id)


def judge_name(judge: str) -> str:
    """ "rule-based" everywhere as "Rule-based"; another judge by its own name."""
    return "Rule-based" if judge == rule_based.JUDGE else one_line(judge, limit=60)


def _question(found: EvaluationDetail) -> None:
    interaction = found.interaction
    with st.container(border=True):
        st.markdown("**Question**")
        literal(interaction.prompt, key=f"question_{interaction.id}")
        if found.evaluation.query_understanding:
            literal(found.evaluation.query_understanding, label="What the judge understood")
    st.caption(
        f"{escape_label(interaction.agent_id, limit=60)}, {words.ago(interaction.created_at)}",
        help=words.exact(interaction.created_at),
    )
    if interaction.intent:
        st.caption(f"Recognised intent: {escape_label(interaction.intent, limit=80)}")


def _answer(found: EvaluationDetail) -> None:
    with st.container(border=True):
        if found.plan is None:
            st.markdown("**Answer**")
            literal(found.interaction.response, key=f"answer_{found.interaction.id}")
            return
        st.markdown("**Plan**")
        plan_board(
            found.plan.heading, found.plan.widgets, parts=found.evaluation.parts, key=f"plan_{found.evaluation.id}"
        )
        if found.interaction.response:
            literal(found.interaction.response, label="What was said with it", key=f"said_{found.interaction.id}")


def _verdict(found: EvaluationDetail) -> None:
    evaluation = found.evaluation
    name, colour, _ = VERDICTS[evaluation.overall_rating]
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.badge(name, color=colour)
            st.badge(chip(judge_name(evaluation.judge)), color="gray")
            if evaluation.score is not None and evaluation.confidence is not None:
                st.caption(f"score {evaluation.score:.2f}, confidence {evaluation.confidence:.2f}", width="content")
        if evaluation.unscored_reason:
            literal(evaluation.unscored_reason, label="Why there is no score")
        if evaluation.reasoning:
            literal(evaluation.reasoning, key=f"reasoning_{evaluation.id}")
        scored = [part for part in evaluation.parts if isinstance(part, dict) and _score(part) is not None]
        if scored:
            scores([_part(part) for part in scored], key=f"parts_{evaluation.id}")
        _listed("What is missing", evaluation.missing)
        _listed("What would make it better", evaluation.suggested_improvements)
        st.caption(
            f"{escape_label(evaluation.prompt_version, limit=40)}, judged {words.ago(evaluation.created_at)}",
            help=f"{words.exact(evaluation.created_at)}; hash {escape_label(evaluation.prompt_hash[:12])}",
        )
    for other in found.others:
        _other(other)


def _score(part: dict[str, Any]) -> float | None:
    score = part.get("score", part.get("appropriateness_score"))
    ok = isinstance(score, int | float) and not isinstance(score, bool) and 0 <= score <= 1
    return float(score) if ok and score is not None else None


def _part(part: dict[str, Any]) -> tuple[str, float, str]:
    name = one_line(str(part.get("name") or part.get("widget_type") or "part"), limit=60).replace("_", " ")
    index = part.get("widget_index")
    name = f"{index + 1}. {name}" if isinstance(index, int) else name.capitalize()
    said = part.get("why") or " ".join(str(one) for key in ("strengths", "issues") for one in part.get(key) or [])
    return name, _score(part) or 0.0, one_line(str(said), limit=300)


def _listed(label: str, items: list[Any]) -> None:
    if items:
        st.caption(label)
        st.markdown("\n".join(f"- {escape_label(str(one), limit=300)}" for one in items[:20]))


def _other(other: Evaluation) -> None:
    name = VERDICTS[other.overall_rating][0]
    score = f" {other.score:.2f}" if other.score is not None else ""
    st.button(
        f"{escape_label(judge_name(other.judge))} · {name}{score}",
        key=f"other_{other.id}",
        icon=":material/gavel:",
        type="tertiary",
        on_click=set_in_url,
        args=("evaluation", str(other.id)),
        help="Another verdict on the same answer",
    )


def rubric() -> None:
    """The rubric of the offline judge, in a fold that reads nothing while it is closed."""
    fold = st.expander("The rubric of the rule-based judge", icon=":material/rule:", on_change="rerun", key="rubric")
    if not fold.open:
        return
    with fold:
        st.caption(
            f"Each criterion scores from 0 to 1. Their weighted mean is the score, good from {rule_based.THRESHOLD}. "
            f"It sees words, not truth. Version {rule_based.PROMPT_VERSION}, hash {rule_based.prompt_hash()[:12]}."
        )
        st.dataframe(
            [
                {
                    "Criterion": one.name.replace("_", " ").capitalize(),
                    "Of": one.applies_to,
                    "Weight": one.weight,
                    "What it asks": one.question,
                    "What would be better": one.advice,
                    "At 0 it is poor": one.decides,
                }
                for one in rule_based.RUBRIC
            ],
            hide_index=True,
            alt="The criteria of the rubric",
        )
