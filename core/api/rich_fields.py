"""The six fields of a rich evaluation that may come with feedback on a plan (rules sections 1c, 5 and 12).

They are an outside judge's word, so they become an evaluation of the judge "external", beside the user's feedback and
untouched by later ratings. Each time they come they are appended; a field left out keeps what was said last. Widget
indices count from 0 from here on. What makes no whole verdict is kept as unscored, with the reason.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from core.api.shapes import Body, Name, Share, Text
from core.feedback.payload import payload
from core.judging.evaluations import store_evaluation
from core.judging.verdict import Verdict, read_verdict
from core.rewards.widgets import zero_based
from core.tables import Evaluation, Interaction, Plan, Rating

JUDGE, VERSION = "external", "feedback"
MOST = 50  # widgets, or lines of a list; together they stay below what one payload may hold
Lines = Annotated[list[Annotated[str, Field(max_length=2_000)]], Field(max_length=MOST)]
Few = Annotated[list[Annotated[str, Field(max_length=2_000)]], Field(max_length=20)]


class WidgetFeedback(BaseModel):
    """What the judge said of one widget."""

    model_config = ConfigDict(extra="ignore")

    widget_index: Annotated[int, Field(ge=0, le=1_000, strict=True)]
    widget_type: Name | None = None
    appropriateness_score: Share | None = None
    size_appropriate: bool | None = None
    issues: Few | None = None
    strengths: Few | None = None


class RichFields(Body):
    """The six fields, all of them optional."""

    evaluation_confidence: Share | None = None
    evaluation_reasoning: Text | None = None
    query_understanding: Text | None = None
    per_widget_feedback: Annotated[list[WidgetFeedback], Field(max_length=MOST)] | None = Field(
        None, description="One object for each widget; indices from 1, or from 0 when one of them is 0."
    )
    missing_widgets: Lines | None = None
    suggested_improvements: Lines | None = None

    def told(self) -> dict[str, Any]:
        """The fields that are there, cleaned and without personal data."""
        return payload(self.model_dump(include=set(RichFields.model_fields), exclude_none=True))


def store_rich_fields(
    session: Session, interaction: Interaction, told: dict[str, Any], *, rating: Rating | None
) -> Evaluation | None:
    """Append one evaluation of the plan; None when nothing was told, or nothing new.

    ``rating`` is what the plan is rated with now: without one there is no verdict.
    """
    last = latest(session, interaction)
    before = json.loads(last.raw_answer) if last and last.raw_answer else {}
    whole = {**before, **told}
    if not told or (last and whole == before and last.overall_rating == rating):
        return None
    data = _rich_evaluation(session, interaction, whole, rating)
    verdict = read_verdict(data)
    scored = verdict.unscored_reason is None
    row = store_evaluation(
        session,
        interaction,
        verdict if scored else _unscored(whole, verdict.unscored_reason or "", rating),
        judge=JUDGE,
        prompt_version=VERSION,
        prompt_hash=VERSION,
        repeat_index=last.repeat_index + 1 if last else 0,
        raw_answer=json.dumps(whole),
    )
    if row and not scored:
        row.parts = _parts(data["widget_feedback"])
        session.flush()
    return row


def latest(session: Session, interaction: Interaction) -> Evaluation | None:
    """What the outside judge said last of a plan."""
    return session.exec(
        select(Evaluation)
        .where(
            Evaluation.interaction_id == interaction.id,
            Evaluation.judge == JUDGE,
            Evaluation.prompt_version == VERSION,
        )
        .order_by(col(Evaluation.repeat_index).desc())
    ).first()


def _rich_evaluation(
    session: Session, interaction: Interaction, whole: dict[str, Any], rating: Rating | None
) -> dict[str, Any]:
    """The fields under the names a judge uses; a widget without a type is the one that stands in the plan."""
    plan = session.get(Plan, interaction.id)
    shown = [widget.get("scenario") if isinstance(widget, dict) else None for widget in plan.widgets] if plan else []
    widgets = whole.get("per_widget_feedback", [])
    indices = zero_based([widget["widget_index"] for widget in widgets])
    data = {
        "overall_rating": rating.value if rating else None,
        "confidence": whole.get("evaluation_confidence"),
        "reasoning": whole.get("evaluation_reasoning"),
        "query_understanding": whole.get("query_understanding"),
        "missing_widgets": whole.get("missing_widgets"),
        "suggested_improvements": whole.get("suggested_improvements"),
    }
    named = [
        {"widget_type": (shown[index : index + 1] or [None])[0] or "widget", **widget}
        for widget, index in zip(widgets, indices, strict=True)
    ]
    return {name: value for name, value in data.items() if value is not None} | {"widget_feedback": named}


def _unscored(whole: dict[str, Any], reason: str, rating: Rating | None) -> Verdict:
    return Verdict(
        overall_rating=None,
        unscored_reason=reason if rating else "the plan was not rated",
        confidence=whole.get("evaluation_confidence"),
        reasoning=whole.get("evaluation_reasoning", ""),
        query_understanding=whole.get("query_understanding", ""),
        missing=tuple(whole.get("missing_widgets", ())),
        suggested_improvements=tuple(whole.get("suggested_improvements", ())),
    )


def _parts(widgets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was said of the widgets, as far as it goes: a score nobody gave stays None."""
    indices = zero_based([widget["widget_index"] for widget in widgets])
    return [
        {
            "name": widget["widget_type"],
            "score": widget.get("appropriateness_score"),
            "why": " ".join([*widget.get("strengths", ()), *widget.get("issues", ())]),
            **widget,
            "widget_index": index,
        }
        for widget, index in zip(widgets, indices, strict=True)
    ]
