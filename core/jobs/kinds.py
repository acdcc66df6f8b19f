"""The kinds of long work: what each counts, what it must have to itself, and what a stop means for it.

A kind's ``run`` does the work and returns how it ended (None: completed). It may be called again for the same job and
goes on from ``work.cursor``; it raises Stopped when asked to stop, and whatever else it raises is a failed attempt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlmodel import Session

from core.settings import Settings
from core.store import Store
from core.tables import Job, JobStatus
from core.work import Work

MOST_FAILURES = 4

Write = Callable[[Session], None]


def _nothing(session: Session, job: Job) -> None:
    """What most kinds have to do."""


def _no_words(result: Mapping[str, Any]) -> str:
    return ""


def _nothing_more(session: Session, job: Job, why: str) -> None:
    """What most kinds have to do."""


@dataclass(frozen=True)
class Ending:
    """How a job ended; ``write`` is stored in the same transaction."""

    status: JobStatus = JobStatus.COMPLETED
    result: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    detail: str | None = None
    write: Write | None = None


@dataclass(frozen=True)
class Kind:
    name: str
    title: str  # as a person reads it
    unit: str  # what is counted, in the plural
    resource: str  # one running job at a time for each
    run: Callable[[Store, Settings, Job, Work], Ending | None]
    lane: str = "steps"  # a thread of the worker's own
    needs_files: bool = False  # only a worker with the same home folder can do it
    goes_on_by_itself: bool = True  # after its process was lost; otherwise a person lets it go on
    can_pause: bool = False
    stuck_after_s: float = 600.0  # without progress
    told: Callable[[Mapping[str, Any]], str] = _no_words  # what came of it, from its result
    on_cancelled: Callable[[Session, Job], None] = _nothing
    on_failed: Callable[[Session, Job], None] = _nothing
    on_stopped: Callable[[Session, Job, str], None] = _nothing_more  # paused, interrupted or shut down
    on_resumed: Callable[[Session, Job], None] = _nothing


@cache
def all_kinds() -> dict[str, Kind]:
    """Every kind by its name. Gathered at the first call: their modules know this one."""
    from core.jobs import backup, imports, steps, training

    return {entry.name: entry for entry in (*steps.KINDS, imports.KIND, training.KIND, backup.KIND)}


def chores() -> tuple[Callable[[Store, Settings], None], ...]:
    """What a worker sees to once an hour: a backup a day, files that nobody needs any more."""
    from core.jobs import backup, imports, training

    return (backup.see_to, training.sweep, imports.sweep)


def kind(name: str) -> Kind:
    """Raises KeyError for a name that is none."""
    return all_kinds()[name]


def lanes() -> dict[str, list[str]]:
    """The kinds each thread of a worker takes."""
    found: dict[str, list[str]] = {}
    for entry in all_kinds().values():
        found.setdefault(entry.lane, []).append(entry.name)
    return found
