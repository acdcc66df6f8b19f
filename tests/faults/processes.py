"""Processes that work on a store and can be killed: for the tests of faults, and for ``benchmarks.kills``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from itertools import islice
from uuid import UUID

from core.settings import Settings
from tests.conftest import REPOSITORY

LONGEST_S = 120.0
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n")


class Child:
    """A process of ``tests.faults.children``."""

    def __init__(self, settings: Settings, *arguments: str, **more: str) -> None:
        named = {"HONE_HOME": str(settings.home), "HONE_DB": settings.db, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.children", *arguments],
            cwd=REPOSITORY,
            env=os.environ | named | more,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []

    def says(self, word: str) -> None:
        """Wait until it says so. Raises AssertionError when it ends before."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.strip())
            if line.strip() == word:
                return
        raise AssertionError(f"it ended without saying “{word}”: {self.lines}")

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait(LONGEST_S)

    def acknowledged(self, most: int | None = None) -> set[UUID]:
        """The ids it has printed that nobody has read yet: the first ``most``, or all until its end."""
        assert self.process.stdout is not None
        return {UUID(line.strip()) for line in islice(self.process.stdout, most) if _ID.match(line)}

    def terminate(self) -> float:
        """SIGTERM; the seconds until it had ended."""
        asked = time.monotonic()
        self.process.terminate()
        self.process.wait(LONGEST_S)
        return time.monotonic() - asked

    def let_go(self) -> None:
        """Let one that holds something go on, and end."""
        self.process.communicate("\n", timeout=LONGEST_S)
