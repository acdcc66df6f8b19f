"""The shapes several routes share: names, times with their zone, ids in an address."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from core.errors import NotFound
from core.untrusted import MAX_TEXT, clean

DEEPEST = 60  # levels of nesting in one body; whoever walks through it needs not count


def _zoned(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("needs its time zone, like 2026-03-01T12:00:00Z")
    return value


Name = Annotated[str, Field(max_length=200)]
AgentName = Annotated[str, Field(min_length=1, max_length=100)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]
Source = Annotated[str, Field(min_length=1, max_length=100)]
Moment = Annotated[datetime, AfterValidator(_zoned)]
Stars = Annotated[int, Field(ge=1, le=5, strict=True)]
AgentQuery = Annotated[str, Field(max_length=100), AfterValidator(clean)]  # in an address
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Body(BaseModel):
    """What a request holds: a field nobody knows is refused, not dropped."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _shallow(cls, value: Any) -> Any:
        if _deeper(value, DEEPEST):
            raise ValueError("the body is nested too deeply")
        return value


def _deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects lie more than ``levels`` deep in each other; no call of its own goes deep."""
    layer = [value]
    for _ in range(levels):
        layer = [inner for one in layer for inner in _inside(one)]
        if not layer:
            return False
    return True


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def row_id(given: str, noun: str) -> UUID:
    """The id in an address or a body. Raises NotFound when it is no UUID: there is no such row either."""
    try:
        return UUID(given)
    except ValueError:
        raise NotFound(noun, given[:100]) from None
