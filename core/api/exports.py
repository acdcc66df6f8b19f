"""Any list as a file, written while it is read.

Ask for less with ``agent_id``, ``since``, ``until``, ``status`` and what else the list has. The rows of one file are of
one moment. A caller that goes away ends the reading.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import chain
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Query, Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from core.api import process
from core.exporting import LISTS, Format, choose, file_name, format_named, stream

router = APIRouter(prefix="/v1/export", tags=["Export"])
_NOT_FILTERS = {"format"}
_Word = Annotated[str | None, Query(max_length=200)]


class Rows(StreamingResponse):
    """A streamed file whose reading ends with the answer, however the answer ends."""

    def __init__(self, chunks: Generator[bytes, None, None], *, form: Format, name: str) -> None:
        self._chunks = chunks
        # The first piece is made before the answer begins, so that what goes wrong there still has a code.
        first: Iterator[bytes] = iter([next(chunks, b"")])
        headers = {
            "Content-Disposition": f'attachment; filename="{file_name(name, form)}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
        super().__init__(chain(first, chunks), media_type=form.mime, headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._chunks.close)


@router.get(
    "/{name}",
    summary="Download a list",
    description=f"One of: {', '.join(LISTS)}. `until` itself is not included; `status` may hold several with commas.",
    response_class=StreamingResponse,
)
def export(
    request: Request,
    name: str,
    format: Annotated[str, Query(description=f"{', '.join(Format)}")] = Format.JSONL.value,
    agent_id: _Word = None,
    since: _Word = None,
    until: _Word = None,
    status: _Word = None,
) -> Any:
    chosen = choose(name, {key: value for key, value in request.query_params.items() if key not in _NOT_FILTERS})
    form = format_named(format)
    return Rows(stream(process.current().store, chosen, form), form=form, name=name)
