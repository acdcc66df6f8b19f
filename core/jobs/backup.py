"""A copy of the SQLite file once a day, for the day the file is damaged: the last three are kept.

``VACUUM INTO`` writes a whole, consistent database while others go on reading and writing. PostgreSQL has tools of
its own for that.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.jobs import queue
from core.jobs.kinds import Ending, Kind
from core.settings import BACKUPS, Settings
from core.store import Store
from core.tables import Job, now
from core.work import Work

EVERY_S = 24 * 3600.0
KEPT = 3


def folder(settings: Settings) -> Path:
    return settings.home / BACKUPS


def copies(settings: Settings) -> list[Path]:
    """The backups there are, newest first."""
    return sorted(folder(settings).glob("hone-*.db"), reverse=True)


def see_to(store: Store, settings: Settings) -> None:
    """Queue a backup when the newest is older than a day; for the worker's chores."""
    newest = next(iter(copies(settings)), None)
    if store.url.get_backend_name() != "sqlite" or (newest and time.time() - newest.stat().st_mtime < EVERY_S):
        return
    with store.write() as session:
        queue.enqueue(session, "backup", requested_by="")


def _run(store: Store, settings: Settings, job: Job, work: Work) -> Ending:
    folder(settings).mkdir(parents=True, exist_ok=True)
    target = folder(settings) / f"hone-{now():%Y%m%d-%H%M%S}.db"
    unfinished = target.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    store.copy_to(unfinished)
    unfinished.rename(target)
    for old in copies(settings)[KEPT:]:
        old.unlink()
    return Ending(result={"file": target.name, "bytes": target.stat().st_size})


def _told(result: Mapping[str, Any]) -> str:
    return f"{result['file']}, {result['bytes'] / 1e6:,.1f} MB"


KIND = Kind("backup", "Backup", "files", resource="backup", run=_run, told=_told)
