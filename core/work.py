"""What a long step asks of whoever runs it: where to go on, may I go on, this much is done.

A step takes ``work`` and does its rows in short transactions of its own; each ends with ``work.saved(session, …)``
inside it, so that the rows, the progress and the place to go on are stored together or not at all:

    def read_all(store: Store, work: Work) -> None:
        done = work.cursor.get("done", 0)
        for batch in batches(start=done):
            work.check()
            with store.write() as session:
                insert(session, batch)
                done += len(batch)
                work.saved(session, done, total, unit="rows", cursor={"done": done})

A job stands behind it (``core.jobs``) or nobody does (``Alone``), as in a command that is waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sqlmodel import Session

OnProgress = Callable[[int, int], None]


class Stopped(Exception):
    """Somebody asked the work to stop; ``why`` is "cancel", "pause" or "shutdown"."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Work(Protocol):
    """One long piece of work under way."""

    @property
    def cursor(self) -> Mapping[str, Any]:
        """Where an earlier attempt got to; empty at the first."""
        ...

    def check(self) -> None:
        """Between batches. Raises Stopped when somebody asked."""
        ...

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
        """Store how far it is, in the transaction that got there.

        Raises Stopped("lost") when the work is in somebody else's hands: the transaction is to be given up.
        """
        ...

    def said(self, done: int, total: int | None, *, unit: str = "rows", note: str = "") -> None:
        """How far it is where nothing is stored yet; outside of any transaction, cheap to call often."""
        ...


class Alone:
    """Work with no job behind it: somebody waits beside it, and nothing is resumed."""

    def __init__(self, on_progress: OnProgress | None = None) -> None:
        self._on_progress = on_progress
        self.cursor: Mapping[str, Any] = {}

    def check(self) -> None:
        """Nobody can ask."""

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
        self.said(done, total)

    def said(self, done: int, total: int | None, *, unit: str = "rows", note: str = "") -> None:
        if self._on_progress is not None:
            self._on_progress(done, total or 0)
