"""Where the loop stands and what happened last, for the overview, the menu and ``hone status``.

    from core import overview

    counts = overview.loop_counts(session)          # each step's total, this week's growth, what waits
    events = overview.latest(session, limit=8)      # newest first

Reads the tables of all steps and writes nothing. What is read in one transaction agrees with itself.
"""

from core.overview.counts import (
    Gain,
    LoopCounts,
    Running,
    Step,
    held_out_gain,
    loop_counts,
    running,
    waiting,
)
from core.overview.events import Happening, Release, latest, releases

__all__ = [
    "Gain",
    "Happening",
    "LoopCounts",
    "Release",
    "Running",
    "Step",
    "held_out_gain",
    "latest",
    "loop_counts",
    "releases",
    "running",
    "waiting",
]
