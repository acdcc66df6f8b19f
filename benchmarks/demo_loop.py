"""``hone demo`` from nothing, three seeds: time, memory, and held-out accuracy before against after.

The opponent of the trained adapter is the untrained base on the same held-out pairs.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from typing import Any

from benchmarks.report import head, spread, verdict
from benchmarks.server import REPOSITORY

SEEDS = (42, 1, 2)
LIMIT_S = 120.0
LIMIT_GB = 1.5


def main() -> bool:
    head("hone demo from an empty folder")
    walls, peaks, rises = [], [], []
    for seed in SEEDS:
        wall, peak, facts = _once(seed)
        before, after, intact = facts["held-out"]["before"], facts["held-out"]["after"], facts["answers"]
        rises.append(after["low"] > before["high"])
        walls.append(wall)
        peaks.append(peak)
        print(
            f"   seed {seed}: {wall:.0f} s, {peak:.2f} GB; held-out n = {after['n']}: "
            f"{_percent(before)} before, {_percent(after)} after; "
            f"intact answers {intact['intact_before']} of {intact['n']} before, "
            f"{intact['intact_after']} of {intact['n']} after",
            flush=True,
        )
    print(f"   wall: {spread(walls, 's')}; peak memory: {spread(peaks, 'GB')}")
    fast = verdict(f"at most {LIMIT_S:.0f} s and {LIMIT_GB} GB", met=max(walls) <= LIMIT_S and max(peaks) <= LIMIT_GB)
    rose = verdict("after's interval lies above before's, each seed", met=all(rises))
    return fast and rose


def _once(seed: int) -> tuple[float, float, dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        command = [sys.executable, "-m", "core.cli", "demo", "--json", "--seed", str(seed)]
        done = subprocess.run(
            command, cwd=REPOSITORY, env=os.environ | {"HONE_HOME": folder}, stdout=subprocess.PIPE, check=True
        )
        wall = time.monotonic() - started
    # Of all children so far: the largest, so a later seed can only repeat or raise it.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    return wall, peak, json.loads(done.stdout)


def _percent(evaluation: dict[str, float]) -> str:
    low, high = (100 * evaluation[bound] for bound in ("low", "high"))
    return f"{100 * evaluation['accuracy']:.1f} % [{low:.0f}, {high:.0f}]"
