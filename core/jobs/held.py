"""A job in a worker's hands: the ``Work`` a step is given, and the watch that hears what people command."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from sqlmodel import Session

from core.errors import StoreError
from core.jobs import queue
from core.store import Store
from core.tables import Job
from core.work import OnProgress, Stopped

SAID_EVERY_S = 1.0


class HeldJob:
    """``core.work.Work`` with a job behind it. Its progress is fenced: only its worker can store any.

    ``on_progress`` is called inside open transactions: it shows, it never writes.
    """

    def __init__(
        self,
        store: Store,
        job: Job,
        worker_id: UUID,
        *,
        on_progress: OnProgress | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.job_id, self.worker_id = job.id, worker_id
        self._cursor: Mapping[str, Any] = job.cursor
        self._store, self._clock = store, clock
        self._on_progress = on_progress
        self._said_at = -SAID_EVERY_S
        self._asked: str | None = None
        self._lock = threading.Lock()

    @property
    def cursor(self) -> Mapping[str, Any]:
        return self._cursor

    @property
    def asked(self) -> str | None:
        """ "cancel", "pause", "shutdown", "lost" or None; costs one read of a flag."""
        return self._asked

    def ask(self, why: str) -> None:
        """Ask the work to stop; "lost" and "cancel" are not taken back by a later, softer wish."""
        with self._lock:
            if self._asked not in ("lost", "cancel"):
                self._asked = why

    def check(self) -> None:
        if self._asked is not None:
            raise Stopped(self._asked)

    def saved(
        self,
        session: Session,
        done: int,
        total: int | None,
        *,
        unit: str = "rows",
        cursor: Mapping[str, Any] | None = None,
        note: str = "",
    ) -> None:
        values: dict[str, Any] = {"done": done, "total": total, "unit": unit, "note": note[:300]}
        if cursor is not None:
            values["cursor"] = self._cursor = dict(cursor)
        queue.progress(session, self.job_id, self.worker_id, **values)
        self._tell(done, total)

    def said(self, done: int, total: int | None, *, unit: str = "rows", note: str = "") -> None:
        self._tell(done, total)
        if self._clock() - self._said_at < SAID_EVERY_S:
            return
        self._said_at = self._clock()
        with suppress(StoreError), self._store.write() as session:  # it is said again soon
            values: dict[str, Any] = {"done": done, "total": total, "unit": unit, "note": note[:300]}
            queue.progress(session, self.job_id, self.worker_id, **values)

    def _tell(self, done: int, total: int | None) -> None:
        if self._on_progress is not None:
            self._on_progress(done, total or 0)
