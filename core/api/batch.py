"""Many items in one request: the good ones are stored, each bad one is named with its reason, in the order sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session

from core.api.errors import sentence_of
from core.errors import HoneError

MOST = 500
Item = TypeVar("Item", bound=BaseModel)
Read = TypeVar("Read")
Result = TypeVar("Result")

# Anything at all: what an item is no object for is said of that item, not of the batch.
Items = Annotated[list[Any], Field(min_length=1, max_length=MOST)]


class Batch(BaseModel):
    """A request of many; how deep an item may be nested is asked of each by itself."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Bad:
    """An item that was not taken."""

    error: str


class Counted(BaseModel):
    """What a batch came to; ``duplicates`` were there already."""

    created: int
    duplicates: int
    rejected: int


def read(model: type[Item], raw: Sequence[Any], reader: Callable[[Item], Read]) -> list[Read | Bad]:
    """Each item as ``model`` and then read by ``reader``, or the sentence that says what is wrong with it.

    This is what takes the time, so it comes before the transaction.
    """
    return [_read(model, item, reader) for item in raw]


def stored(session: Session, items: Sequence[Read | Bad], add: Callable[[Session, Read], Result]) -> list[Result | Bad]:
    """Add each item by itself: one that is refused takes nothing of the others with it."""
    return [item if isinstance(item, Bad) else _stored(session, item, add) for item in items]


def counts(found: Sequence[Any]) -> dict[str, int]:
    """The numbers of ``Counted``; what was stored says of itself whether it was ``created``."""
    rejected = sum(isinstance(one, Bad) for one in found)
    created = sum(not isinstance(one, Bad) and one.created for one in found)
    return {"created": created, "duplicates": len(found) - created - rejected, "rejected": rejected}


def _read(model: type[Item], raw: Any, reader: Callable[[Item], Read]) -> Read | Bad:
    try:
        return reader(model.model_validate(raw))
    except ValidationError as error:
        problems = [{**problem, "loc": ("item", *problem["loc"])} for problem in error.errors()]
        if problems[0]["type"] in ("model_type", "model_attributes_type"):
            return Bad("This item is no JSON object; it was not stored.")
        return Bad(sentence_of(problems))
    except HoneError as error:
        return Bad(str(error))


def _stored(session: Session, item: Read, add: Callable[[Session, Read], Result]) -> Result | Bad:
    try:
        with session.begin_nested():
            return add(session, item)
    except HoneError as error:
        return Bad(str(error))
