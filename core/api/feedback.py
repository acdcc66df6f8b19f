"""Forms of the site (rules section 1a), one or up to 500 at once, and any feedback read back by its id.

The same ``external_id`` of a ``source`` again stores nothing and says ``created: false``.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session
from starlette.responses import JSONResponse

from core.api import batch, process
from core.api.once import Answer, OnceOnly
from core.api.shapes import AgentName, Body, Moment, Name, Source, Stars, Text, row_id
from core.errors import NotFound
from core.feedback import intake
from core.tables import Feedback, FormType

router = APIRouter(prefix="/v1/feedback", tags=["Feedback"])


class FormIn(Body):
    """What somebody wrote into a form of the site. ``type`` is a text here, so that a wrong one gets its sentence."""

    type: Annotated[str, Field(max_length=200, json_schema_extra={"enum": [kind.value for kind in FormType]})]
    rating: Stars | None = None
    comment: Text | None = None
    page: dict[str, Any] = Field({}, description="Where it was written, such as its URL and title.")
    agent_id: AgentName = "site"
    user_id: Name | None = None
    source: Source = "site"
    external_id: Name | None = Field(None, description="Your id; sending it again stores nothing twice.")
    created_at: Moment | None = Field(None, description="With its zone; now when absent.")


class FormOut(BaseModel):
    feedback_id: UUID
    created: bool


class BatchIn(batch.Batch):
    feedback: batch.Items = Field(description="Each as in the route for one.")


class ItemOut(BaseModel):
    """What became of one form, in the order sent: either its id, or why it was not stored."""

    index: int
    feedback_id: UUID | None = None
    created: bool = False
    error: str | None = None


class BatchOut(batch.Counted):
    results: list[ItemOut]


class FeedbackOut(BaseModel):
    """Feedback as it is stored. ``is_current`` is false for what was superseded."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: str
    agent_id: str
    interaction_id: UUID | None
    user_id: str
    form_type: str | None
    feedback_type: str | None
    rating: int | None
    comment: str | None
    correction: str | None
    helpful: bool | None
    accurate: bool | None
    complete: bool | None
    widget_interactions: list[Any] | None
    page: dict[str, Any]
    is_current: bool
    source: str
    created_at: datetime


@router.post("", status_code=201, response_model=FormOut, summary="Store one form of the site")
def store_one(body: FormIn, once: OnceOnly) -> JSONResponse:
    form = _read(body)

    def act(session: Session) -> Answer:
        stored = _add(session, form)
        return Answer(stored, 201 if stored.created else 200)

    return once.run(act)


@router.post("/batch", response_model=BatchOut, summary="Store up to 500 forms")
def store_batch(body: BatchIn, once: OnceOnly) -> JSONResponse:
    items = batch.read(FormIn, body.feedback, _read)

    def act(session: Session) -> Answer:
        found = batch.stored(session, items, _add)
        return Answer(BatchOut(**batch.counts(found), results=[_item(n, one) for n, one in enumerate(found)]))

    return once.run(act)


@router.get("/{feedback_id}", summary="Read feedback on a message, a plan or the site back")
def read_one(feedback_id: str) -> FeedbackOut:
    key = row_id(feedback_id, "Feedback")
    with process.current().store.read() as session:
        row = session.get(Feedback, key)
    if row is None:
        raise NotFound("Feedback", key)
    return FeedbackOut.model_validate(row)


def _read(body: FormIn) -> Feedback:
    return intake.read_site_form(
        form_type=body.type,
        dedupe_key=_key(body),
        **body.model_dump(exclude={"type", "external_id"}),
    )


def _add(session: Session, form: Feedback) -> FormOut:
    stored = intake.add_site_form(session, form)
    return FormOut(feedback_id=stored.row.id, created=stored.created)


def _key(body: FormIn) -> str | None:
    """What tells this form apart from all others, for the database's own uniqueness."""
    if not body.external_id:
        return None
    return hashlib.sha256(f"form {body.source}\n{body.external_id}".encode()).hexdigest()


def _item(number: int, found: FormOut | batch.Bad) -> ItemOut:
    if isinstance(found, batch.Bad):
        return ItemOut(index=number, error=found.error)
    return ItemOut(index=number, **found.model_dump())
