"""What a request that brings a file may look like: a form with the file in it, or JSON with its text or its rows.

A form is the one body a browser sends anywhere without asking, so it is taken from pages of this server alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile

from core import untrusted
from core.api.errors import Refused, sentence_of
from core.errors import InputRejected
from core.feedback.records import Mapping, mapping_from

_PIECE = 256 * 1024
_FIELDS = ("agent_id", "mapping", "dry_run")


class ImportIn(BaseModel):
    """A file, as its text or as rows, and what to do with it."""

    model_config = ConfigDict(extra="forbid")

    filename: Annotated[str, Field(max_length=300)] = "rows.json"
    content: str | None = Field(None, description="The file's text: CSV, JSON or JSONL.")
    rows: list[dict[str, Any]] | None = Field(None, description="The rows themselves, instead of a file's text.")
    agent_id: Annotated[str, Field(min_length=1, max_length=100)] = "imported"
    mapping: dict[str, Any] | None = Field(None, description="Which column means what; suggested when absent.")
    dry_run: bool = False


BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "agent_id": {"type": "string", "default": "imported"},
                        "mapping": {"type": "string", "description": "A mapping as JSON."},
                        "dry_run": {"type": "boolean", "default": False},
                    },
                }
            },
            "application/json": {"schema": ImportIn.model_json_schema()},
        },
    }
}


class Sent:
    """A file that was sent, and what to do with it; ``pieces`` can be read once."""

    def __init__(self, given: ImportIn, file: UploadFile | None) -> None:
        self.given, self._file = given, file
        self.filename = untrusted.clean((file.filename if file else given.filename) or "unnamed", limit=2_000)
        self.mapping: Mapping | None = mapping_from(given.mapping) if given.mapping is not None else None

    def pieces(self) -> Iterator[bytes]:
        if self._file is not None:
            while piece := self._file.file.read(_PIECE):
                yield piece
        elif self.given.rows is not None:
            yield json.dumps(self.given.rows).encode()
        else:
            yield (self.given.content or "").encode(errors="replace")


async def sent_in(request: Request) -> Sent:
    """Raises InputRejected for a body that is neither; Refused (403) for a form that another site's page sends."""
    if "multipart/form-data" not in request.headers.get("content-type", ""):
        return await _as_json(request)
    _same_origin(request)
    form = await request.form(max_files=1, max_fields=len(_FIELDS))
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise InputRejected("Send the file as the form's field `file`; nothing was stored.")
    values: dict[str, Any] = {name: form[name] for name in form if name != "file"}
    if isinstance(values.get("mapping"), str):
        values["mapping"] = _object(values["mapping"])
    return Sent(_parsed(values), file)


async def _as_json(request: Request) -> Sent:
    if "json" not in request.headers.get("content-type", ""):
        raise InputRejected("Send multipart/form-data with a `file`, or JSON; nothing was stored.")
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise InputRejected("The body is no valid JSON; nothing was stored.") from None
    if not isinstance(body, dict):
        raise InputRejected("Send a JSON object; nothing was stored.")
    given = _parsed(body)
    if (given.content is None) == (given.rows is None):
        raise InputRejected("Send either `content`, the text of a file, or `rows`; nothing was stored.")
    return Sent(given, None)


def _parsed(values: dict[str, Any]) -> ImportIn:
    try:
        return ImportIn.model_validate(values)
    except ValidationError as error:
        problems = [{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors()]
        raise InputRejected(_sentence(sentence_of(problems))) from None


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InputRejected("mapping is no JSON object; nothing was stored.")
    return found


def _same_origin(request: Request) -> None:
    """A browser sends a form to anybody without asking first, but says which page sent it."""
    origin = request.headers.get("origin")
    if origin and urlsplit(origin).netloc != request.headers.get("host", ""):
        raise Refused(403, "A page of another site may not send files here; nothing was stored.")
