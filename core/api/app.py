"""The HTTP application and the life of the server process.

    uvicorn app:app      serves pages at /, these routes at /api, the description at /api/docs

The description page is built here from the OpenAPI document: the usual one loads its scripts from a CDN, and
no page of this app makes the browser ask anybody else.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import sqlalchemy as sa
from fastapi import FastAPI, Request
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse, Response

from core.api import (
    chat,
    datasets,
    docs,
    errors,
    exports,
    feedback,
    imports,
    interactions,
    jobs,
    learning,
    lineage,
    plans,
    process,
    rate,
    statistics,
)
from core.api.guards import BodyLimit, Door
from core.errors import HoneError

_log = logging.getLogger(__name__)
NOUNS = (
    interactions,
    feedback,
    chat,
    plans,
    learning,
    statistics,
    lineage,
    imports,
    jobs,
    datasets,
    exports,
)  # in the order the description shows them


def create_api(*, guarded: bool = False) -> FastAPI:
    """The routes. ``guarded``: others than this machine can reach them, so a token is a must."""
    api = FastAPI(
        title="Hone",
        version="1",
        description="Send what your agent answered and what people said of it.",
        docs_url=None,
        redoc_url=None,
        middleware=[Middleware(Door), Middleware(BodyLimit)],
    )
    api.state.guarded = guarded
    api.state.plan_buckets = rate.Buckets(rate.PLAN_FEEDBACK)
    errors.install(api)
    for noun in NOUNS:
        api.include_router(noun.router)

    @api.get("/docs", include_in_schema=False)
    def description() -> HTMLResponse:
        return HTMLResponse(docs.page(api.openapi()), headers={"Content-Security-Policy": docs.POLICY})

    return api


async def healthz(_request: Request) -> Response:
    """200 while the database answers, 503 with the sentence when it does not."""
    try:
        await anyio.to_thread.run_sync(_touch)
    except HoneError as error:
        return JSONResponse({"status": "error", "error": str(error)}, status_code=503)
    return JSONResponse({"status": "ok", "database": "ok"})


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[dict[str, Any]]:
    """Bring the process up and down. Raises what the store raises: a server without its store does not start."""
    await anyio.to_thread.run_sync(process.start)
    gc.collect()
    gc.freeze()  # what the imports left behind is never garbage; collections after this are short
    try:
        yield {}
    finally:
        await anyio.to_thread.run_sync(process.stop)


def _touch() -> None:
    with process.current().store.read() as session:
        session.connection().execute(sa.text("SELECT 1"))
