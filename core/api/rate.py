"""How many requests a client may make: a bucket of tokens each, filled evenly, kept in this process's memory.

A client may use a minute's worth at once and then as fast as the bucket fills. Only the clients seen last are
remembered, so that many addresses cost no memory; one that was forgotten begins with a full bucket.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from fastapi import Request

from core.api import process
from core.api.errors import Refused

REMEMBERED = 10_000  # clients
PLAN_FEEDBACK = 20  # a minute, of each client (rules section 12)


class Buckets:
    """One bucket of ``per_minute`` tokens for every client; ``clock`` counts seconds and never goes back."""

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic, most: int = REMEMBERED) -> None:
        self.per_minute, self._clock, self._most = per_minute, clock, most
        self._full: OrderedDict[str, tuple[float, float]] = OrderedDict()  # client → tokens left, and when
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._full)

    def take(self, client: str) -> float:
        """Take one token; 0 when there was one, else the seconds until there is."""
        rate = self.per_minute / 60
        with self._lock:
            at = self._clock()
            left, since = self._full.pop(client, (float(self.per_minute), at))
            left = min(self.per_minute, left + (at - since) * rate)
            wait = 0.0 if left >= 1 else (1 - left) / rate
            self._full[client] = (left if wait else left - 1, at)
            while len(self._full) > self._most:
                self._full.popitem(last=False)
        return wait


def caller(request: Request) -> str:
    """Who calls, as 64 hex digits: the holder of the token, or else the address the request comes from."""
    token = process.current().settings.api_token.get_secret_value()
    if token and bears(request, token):
        return _digest(f"token {token}")
    return _digest(f"address {request.client.host if request.client else 'unknown'}")


def bears(request: Request, token: str) -> bool:
    """Whether the request brings ``token``, compared in constant time."""
    given = request.headers.get("authorization", "")
    return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())


def spend(buckets: Buckets, request: Request) -> None:
    """Count one request. Raises Refused (429, with Retry-After in seconds) when there were too many."""
    if wait := buckets.take(caller(request)):
        seconds = math.ceil(wait)
        raise Refused(
            429,
            f"Only {buckets.per_minute:,} requests a minute are taken here; nothing was stored."
            f" Send it again in {seconds} s.",
            headers={"Retry-After": str(seconds)},
        )


def plan_feedback(request: Request) -> None:
    """The narrower limit of feedback on plans; raises Refused (429)."""
    buckets: Buckets = request.app.state.plan_buckets
    spend(buckets, request)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
