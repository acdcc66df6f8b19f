"""What stands before every route: the token, the size of a body, and who may reach the server at all.

On this machine alone no token is needed; then a foreign web page must not be able to speak through the
browser, so the Host has to be local (no DNS rebinding) and a body has to be JSON (which makes a browser ask
first, and nothing here answers that question). As soon as others can reach the server, the token is a must.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request

from core.api import process
from core.api.errors import Refused
from core.settings import Settings

MAX_BODY = 1024 * 1024
TOO_LARGE = "The body is larger than 1 MiB; nothing was stored. Send it in smaller batches."

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def authorise(request: Request) -> None:
    """Raise Refused (401 or 403) unless the request may use the routes."""
    settings: Settings = process.current().settings
    token = settings.api_token.get_secret_value()
    if token:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            raise Refused(401, "Send the API token as `Authorization: Bearer …`; nothing was stored.")
    elif request.app.state.guarded:
        raise Refused(401, "This server is reachable by others: set HONE_API_TOKEN to open its HTTP routes.")
    elif not is_local(urlsplit(f"//{request.headers.get('host', '')}").hostname or ""):
        raise Refused(403, "Without an API token only localhost may call; nothing was stored.")


def is_local(address: str) -> bool:
    """Whether a host name or address means this machine alone. An empty one binds every interface."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


class BodyLimit:
    """Answer 413 to a body above the limit, counted as it arrives: a missing or false length fools nobody."""

    def __init__(self, app: Application, *, limit: int = MAX_BODY) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > self.limit:
            return await Refused(413, TOO_LARGE).response()(scope, receive, send)
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self.limit:
                return await Refused(413, TOO_LARGE).response()(scope, receive, send)
        sent = False

        async def replay() -> Message:
            nonlocal sent
            if sent:
                return await receive()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        return await self.app(scope, replay, send)


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
