"""What a row came from, or what came of it: the whole walk over the loop, in either direction."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from core.api import process
from core.api.shapes import row_id
from core.lineage import LISTED, Direction, Found, Kind, back, forward

router = APIRouter(prefix="/v1/lineage", tags=["Lineage"])


class FoundOut(BaseModel):
    count: int
    ids: list[UUID] = Field(description=f"The first {LISTED}, the oldest first.")


class LineageOut(BaseModel):
    """``found`` names the kinds that have rows, in the loop's order."""

    kind: Kind
    id: UUID
    direction: Direction
    found: dict[Kind, FoundOut]


@router.get(
    "/{kind}/{id}",
    summary="Where a row came from, or what came of it",
    description=f"Kinds: {', '.join(Kind)}. Back leads to what people said, forward to adapters and experiments.",
)
def lineage(
    kind: Kind,
    id: str,
    direction: Annotated[Direction, Query(description=" or ".join(Direction))] = Direction.BACK,
) -> LineageOut:
    walk = back if direction is Direction.BACK else forward
    with process.current().store.read() as session:
        walked = walk(session, kind, row_id(id, kind.noun))
    found = {each: _out(one) for each, one in walked.found.items()}
    return LineageOut(kind=kind, id=walked.id, direction=direction, found=found)


def _out(found: Found) -> FoundOut:
    return FoundOut(count=found.count, ids=list(found.ids))
