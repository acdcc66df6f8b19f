"""What tests of faults share: processes that can be killed, a server of their own, and how the store is found after."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Protocol
from uuid import UUID

import pytest

from core.settings import Settings
from core.store import Store
from tests.core.conftest import model_folders
from tests.faults.processes import LONGEST_S, Child
from tests.frozen_pairs import freeze_sixty

__all__ = ["model_folders"]


class Start(Protocol):
    """What it shall do, and settings (HONE_…) of its own."""

    def __call__(self, *arguments: str, **more: str) -> Child: ...


@pytest.fixture
def start(settings: Settings) -> Iterator[Start]:
    """Start processes on the test's store; whatever still runs at its end is killed."""
    started: list[Child] = []

    def start(*arguments: str, **more: str) -> Child:
        started.append(Child(settings, *arguments, **more))
        return started[-1]

    yield start
    for child in started:
        if child.process.poll() is None:
            child.kill()
        for stream in (child.process.stdin, child.process.stdout):
            if stream is not None:
                stream.close()


@pytest.fixture
def dataset_id(store: Store) -> UUID:
    """Sixty frozen pairs."""
    with store.write() as session:
        return freeze_sixty(session)


def wait_for(holds: Callable[[], bool], what: str) -> None:
    """Another process decides when; there is nothing to wait on but what it stores."""
    deadline = time.monotonic() + LONGEST_S
    while not holds():
        assert time.monotonic() < deadline, f"it never came: {what}"
        time.sleep(0.02)


def healthy(store: Store) -> bool:
    """Whether every page of an SQLite file is whole; PostgreSQL sees to that itself."""
    if store.url.get_backend_name() != "sqlite":
        return True
    with store.read() as session:
        return session.connection().exec_driver_sql("PRAGMA quick_check").scalar() == "ok"
