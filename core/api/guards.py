"""What stands before every route: how often, who, how much, and who may reach the server at all.

On this machine alone no token is needed; then a foreign web page must not be able to speak through the
browser, so the Host has to be local (no DNS rebinding) and a body has to be JSON (which makes a browser ask
first, and nothing here answers that question). As soon as others can reach the server, the token is a must.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from starlette.exceptions import HTTPException

from core.api import process, rate
from core.api.errors import Refused, route_path
from core.settings import Settings

MAX_BODY = 1024 * 1024
UPLOADS = "/v1/imports"  # the routes that take whole files
OPEN = ("/docs", "/openapi.json")  # what is described to anybody

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def authorise(request: Request, *, guarded: bool | None = None) -> None:
    """Raise Refused (401 or 403) unless the request may use the routes.

    ``guarded``: others than this machine can reach the server; without it, what the request's application says.
    """
    settings: Settings = process.current().settings
    token = settings.api_token.get_secret_value()
    if token:
        if not rate.bears(request, token):
            raise Refused(401, "Send the API token as `Authorization: Bearer …`; nothing was stored.")
    elif request.app.state.guarded if guarded is None else guarded:
        raise Refused(401, "This server is reachable by others: set HONE_API_TOKEN to open its HTTP routes.")
    elif not is_local(_host(request)):
        raise Refused(403, "Without an API token only localhost may call; nothing was stored.")


def _host(request: Request) -> str:
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:  # half an IPv6 address
        return ""


def is_local(address: str) -> bool:
    """Whether a host name or address means this machine alone. An empty one binds every interface."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


class Door:
    """How often and who, asked before a byte of the body is read: 429, 401 or 403."""

    def __init__(self, app: Application) -> None:
        self.app = app
        self._buckets: rate.Buckets | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        try:
            self._ask(Request(scope))
        except Refused as refused:
            return await refused.response()(scope, receive, send)
        return await self.app(scope, receive, send)

    def _ask(self, request: Request) -> None:
        per_minute = process.current().settings.rate_per_minute
        if per_minute:
            if self._buckets is None or self._buckets.per_minute != per_minute:
                self._buckets = rate.Buckets(per_minute)
            rate.spend(self._buckets, request)
        if route_path(request.scope) not in OPEN:
            authorise(request)


class BodyLimit:
    """Answer 413 to a body above the limit, counted as it passes: a missing or false length fools nobody.

    Nothing is kept here: each piece goes on to the route, which learns of the limit when it asks for one too many.
    """

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        limit = body_limit(route_path(scope))
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > limit:
            return await Refused(413, too_large(limit)).response()(scope, receive, send)
        came = 0

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > limit:
                raise HTTPException(413, too_large(limit))  # the one kind the framework's body reader lets through
            return message

        return await self.app(scope, counted, send)


def body_limit(path: str) -> int:
    """The most bytes a body may have on a route; a file is sent with some words around it."""
    if path == UPLOADS or path.startswith(UPLOADS + "/"):
        return (process.current().settings.max_import_mb + 1) * MAX_BODY
    return MAX_BODY


def too_large(limit: int) -> str:
    """The sentence of a 413."""
    return f"The body is larger than {limit // MAX_BODY} MiB; nothing was stored. Send it in smaller parts."


class LocalOnly:
    """The last line: refuse a connection that came in over another interface while nobody has to log in.

    The start refuses a non-local bind already; this covers servers started in a way the start cannot see.
    """

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        server = scope.get("server")
        if scope["type"] not in ("http", "websocket") or not server or _unix(server) or is_local(str(server[0])):
            return await self.app(scope, receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})
        sentence = "This server answers on this machine only, because no login is configured."
        return await Refused(403, sentence).response()(scope, receive, send)


def _unix(server: Any) -> bool:
    return server[1] is None
