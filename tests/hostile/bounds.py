"""How many examples are tried, and how much memory a hostile input may take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck
from hypothesis import settings as examples

MOST_MB = 400  # a file of 20 MB with all its rows as Python values takes less
MANY = examples(
    max_examples=max(100, examples().max_examples),  # the chosen profile's, when it asks for more
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
FEW = examples(MANY, max_examples=MANY.max_examples // 4)  # of what costs a request or a file


@contextmanager
def in_bounds(most_mb: int = MOST_MB) -> Iterator[None]:
    """What happens inside takes no more than ``most_mb`` at once; where the system cannot tell, nothing is asked."""
    try:
        Path("/proc/self/clear_refs").write_text("5")  # the highest figure begins anew
    except OSError:
        yield
        return
    before = _highest_mb()
    yield
    grown = _highest_mb() - before
    assert grown <= most_mb, f"{grown} MB were taken at once"


def _highest_mb() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024
