"""One transaction per request, and a request that is sent again acts once.

A POST may carry an ``Idempotency-Key``. The answer is stored under it in the transaction that does what was asked,
so there is never one without the other. The same key with the same request within a day gets the stored answer
again, marked ``Idempotent-Replayed: true``; with another request it is refused. Two at once wait for each other at
the write lock, and the second one finds the first one's answer. A refused request stores no answer: it did nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

import sqlalchemy as sa
from fastapi import Depends, Header, Request
from pydantic import BaseModel
from sqlmodel import Session, col
from starlette.responses import JSONResponse

from core.api import process
from core.api.errors import Refused, route_path
from core.api.rate import caller
from core.errors import InputRejected
from core.tables import IdempotencyKey, now

KEPT = timedelta(hours=24)
REPLAYED = {"Idempotent-Replayed": "true"}
_KEY = re.compile(r"[!-~]{1,200}\Z")  # what a header may hold without trouble


@dataclass(frozen=True)
class Answer:
    """What a route says, and its code."""

    body: BaseModel
    code: int = 200


@dataclass(frozen=True)
class Once:
    """A request's key, or None; ``request_sha256`` is the same for the same request alone."""

    caller: str = ""
    key: str | None = None
    route: str = ""
    request_sha256: str = ""

    def run(self, act: Callable[[Session], Answer], *, content_sha256: str = "") -> JSONResponse:
        """Do ``act`` in one write transaction and answer, or answer as before.

        ``content_sha256`` stands for content that is not part of a JSON body, such as an uploaded file. Raises
        Refused (422) when the key came with another request, and whatever ``act`` raises; then nothing is stored.
        """
        with process.current().store.write() as session:
            if self.key is not None and (before := self._before(session, content_sha256)):
                return before
            answer = act(session)
            shown = answer.body.model_dump(mode="json")
            if self.key is not None and answer.code < 400:
                self._keep(session, shown, answer.code, content_sha256)
        return JSONResponse(shown, status_code=answer.code)

    def _before(self, session: Session, content: str) -> JSONResponse | None:
        kept = session.get(IdempotencyKey, (self.caller, self.key))
        if kept is None or kept.created_at < now() - KEPT:
            return None
        if (kept.route, kept.body_sha256) != (self.route, self._fingerprint(content)):
            raise Refused(
                422,
                "This Idempotency-Key was sent with another request before; nothing was stored."
                " Take a new key for a new request.",
            )
        return JSONResponse(kept.answer, status_code=kept.status_code, headers=REPLAYED)

    def _keep(self, session: Session, answer: dict[str, object], code: int, content: str) -> None:
        old = sa.delete(IdempotencyKey).where(col(IdempotencyKey.created_at) < now() - KEPT)
        session.execute(old.execution_options(synchronize_session="fetch"))
        session.add(
            IdempotencyKey(
                caller=self.caller,
                key=self.key or "",
                route=self.route,
                body_sha256=self._fingerprint(content),
                status_code=code,
                answer=answer,
            )
        )
        session.flush()

    def _fingerprint(self, content: str) -> str:
        return (
            hashlib.sha256(f"{self.request_sha256} {content}".encode()).hexdigest() if content else self.request_sha256
        )


async def _once(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(description="Any text of yours; the same request with the same key acts once in 24 hours."),
    ] = None,
) -> Once:
    if idempotency_key is None:
        return Once()
    if not _KEY.match(idempotency_key):
        raise InputRejected("The Idempotency-Key must be 1 to 200 visible ASCII characters; nothing was stored.")
    return Once(
        caller=caller(request),
        key=idempotency_key,
        route=f"{request.method} {route_path(request.scope)}"[:200],
        request_sha256=await _request_sha256(request),
    )


async def _request_sha256(request: Request) -> str:
    """Of the query, the user it speaks for, and the body when it is JSON; an upload is told apart by its route."""
    told = hashlib.sha256(f"{request.url.query}\n{request.headers.get('x-user-id', '')}\n".encode(errors="replace"))
    if "json" in request.headers.get("content-type", ""):
        told.update(await request.body())
    return told.hexdigest()


OnceOnly = Annotated[Once, Depends(_once)]
