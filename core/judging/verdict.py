"""What a judge says of one answer or plan, whoever the judge is.

``read_verdict`` is the door for a rich evaluation from outside (rules section 5). What cannot be read becomes
``unscored`` with a reason: never a zero, never a guess. Widget indices in a ``Verdict`` count from 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from core.errors import InputRejected
from core.rewards.widgets import zero_based
from core.tables import Rating
from core.untrusted import clean

MAX_REASON = 200


@dataclass(frozen=True)
class Part:
    """One thing that was judged: a criterion of the rubric, or a widget (then ``widget_index`` is set)."""

    name: str
    score: float  # 0–1
    why: str = ""
    weight: float = 1.0
    widget_index: int | None = None  # from 0
    size_appropriate: bool | None = None
    issues: tuple[str, ...] = ()
    strengths: tuple[str, ...] = ()

    def row(self) -> dict[str, Any]:
        """As stored in ``Evaluation.parts``; a widget carries the names of the rich evaluation as well."""
        row: dict[str, Any] = {"name": self.name, "score": self.score, "why": self.why, "weight": self.weight}
        if self.widget_index is not None:
            row |= {
                "widget_index": self.widget_index,
                "widget_type": self.name,
                "appropriateness_score": self.score,
                "size_appropriate": self.size_appropriate,
                "issues": list(self.issues),
                "strengths": list(self.strengths),
            }
        return row


@dataclass(frozen=True)
class Verdict:
    """Either a rating, or the reason why there is none."""

    overall_rating: Rating | None
    unscored_reason: str | None = None
    score: float | None = None  # weighted mean of the parts
    confidence: float | None = None  # 0–1
    reasoning: str = ""
    query_understanding: str = ""
    parts: tuple[Part, ...] = ()
    missing: tuple[str, ...] = ()
    suggested_improvements: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.overall_rating is None) == (self.unscored_reason is None):
            raise ValueError("a verdict has either a rating or a reason why it has none")


def unscored(reason: str) -> Verdict:
    return Verdict(overall_rating=None, unscored_reason=reason[:MAX_REASON])


def mean_score(parts: tuple[Part, ...]) -> float | None:
    total = sum(part.weight for part in parts)
    return round(sum(part.score * part.weight for part in parts) / total, 6) if total else None


_Text = Annotated[str, BeforeValidator(clean)]
_Name = Annotated[str, BeforeValidator(clean), StringConstraints(min_length=1, max_length=200)]
_Unit = Annotated[float, Field(ge=0, le=1, strict=True, allow_inf_nan=False)]


class _Widget(BaseModel):
    model_config = ConfigDict(extra="ignore")

    widget_index: Annotated[int, Field(ge=0, le=1000, strict=True)]
    widget_type: _Name
    appropriateness_score: _Unit
    size_appropriate: bool | None = None
    issues: list[_Text] = []
    strengths: list[_Text] = []


class _Criterion(BaseModel):
    model_config = ConfigDict(extra="ignore")

    name: _Name
    score: _Unit
    why: _Text = ""


class _Rich(BaseModel):
    model_config = ConfigDict(extra="ignore")

    overall_rating: _Name
    confidence: _Unit
    reasoning: _Text = ""
    query_understanding: _Text = ""
    widget_feedback: list[_Widget] = []
    parts: list[_Criterion] = []
    missing_widgets: list[_Text] = []
    suggested_improvements: list[_Text] = []


_RATINGS = {"good": Rating.UP, "up": Rating.UP, "poor": Rating.DOWN, "down": Rating.DOWN}


def read_verdict(data: object) -> Verdict:
    """A rich evaluation as a ``Verdict``; its widget indices are turned to count from 0 here, once.

    Never raises: anything that does not fit gives ``unscored``.
    """
    if not isinstance(data, Mapping):
        return unscored(f"expected an object, got {type(data).__name__}")
    try:
        rich = _Rich.model_validate(dict(data))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        return unscored(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
    except InputRejected as error:
        return unscored(str(error))
    rating = _RATINGS.get(rich.overall_rating.lower())
    if rating is None:
        return unscored("overall_rating is none of GOOD, POOR, up and down")
    indices = zero_based([widget.widget_index for widget in rich.widget_feedback])
    parts = tuple(_part(widget, index) for widget, index in zip(rich.widget_feedback, indices, strict=True))
    parts += tuple(Part(each.name, each.score, each.why) for each in rich.parts)
    return Verdict(
        overall_rating=rating,
        score=mean_score(parts),
        confidence=rich.confidence,
        reasoning=rich.reasoning,
        query_understanding=rich.query_understanding,
        parts=parts,
        missing=tuple(rich.missing_widgets),
        suggested_improvements=tuple(rich.suggested_improvements),
    )


def _part(widget: _Widget, index: int) -> Part:
    return Part(
        name=widget.widget_type,
        score=widget.appropriateness_score,
        why=" ".join([*widget.strengths, *widget.issues]),
        widget_index=index,
        size_appropriate=widget.size_appropriate,
        issues=tuple(widget.issues),
        strengths=tuple(widget.strengths),
    )
