"""``python -m benchmarks [name …]``: run all benchmarks, or the named ones, one after another."""

from __future__ import annotations

import importlib
import sys

NAMES = (
    "first_page",
    "page_cost",
    "lineage",
    "import_speed",
    "export_speed",
    "writers",
    "kills",
    "load",
    "demo_loop",
    "training_overhead",
)


def main(names: list[str]) -> int:
    unknown = set(names) - set(NAMES)
    if unknown:
        print(f"No such benchmark: {', '.join(sorted(unknown))}. There are: {', '.join(NAMES)}.")
        return 2
    met = [importlib.import_module(f"benchmarks.{name}").main() for name in names or NAMES]
    print(f"\n{sum(met)} of {len(met)} benchmarks meet their figures.")
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
