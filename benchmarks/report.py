"""How a benchmark says what it measured."""

from __future__ import annotations

import os
import platform
from statistics import median


def head(title: str) -> None:
    print(
        f"\n== {title}  ({os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()})", flush=True
    )


def spread(values: list[float], unit: str) -> str:
    return f"median {median(values):.2f} {unit} (n = {len(values)}, {min(values):.2f}–{max(values):.2f})"


def verdict(sentence: str, *, met: bool) -> bool:
    print(f"   {'met' if met else 'NOT MET'}: {sentence}", flush=True)
    return met
