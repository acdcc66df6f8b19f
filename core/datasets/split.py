"""Which prompt goes to training, which to validation, which is held out for the test.

In come the rows' groups and prompts, out comes one split per row. The same rows, seed and shares give the same
splits, in whatever order the rows come. Rows of one group never part, nor do groups that share a prompt: a model must
not be tested on what it was trained on.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

from core.errors import InputRejected
from core.tables import Split

SHARES = (0.8, 0.1, 0.1)
Shares = tuple[float, float, float]


def split_rows(rows: Sequence[tuple[str, str]], *, seed: int, shares: Shares = SHARES) -> list[Split]:
    """One split for each (group, prompt). Every wanted split gets a row where there are three groups or more.

    ``shares`` are those of train, validation and test, by rows. With fewer than three groups all rows train.
    Raises InputRejected when the shares are none.
    """
    check_shares(shares)
    group_of = _merged(rows)
    sizes = Counter(group_of[group] for group, _ in rows)
    placed = _place(sizes, seed, shares)
    return [placed[group_of[group]] for group, _ in rows]


def check_shares(shares: Shares) -> None:
    train, *held_out = shares
    if train <= 0 or min(held_out) < 0 or abs(sum(shares) - 1) > 1e-9:
        raise InputRejected(
            "The shares of training, validation and test must add up to 1, with something left to train on; "
            f"these are {', '.join(f'{share:g}' for share in shares)}. Nothing was frozen.",
            field="shares",
        )


def _merged(rows: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Group → the group that stands for it and for all that share a prompt with it."""
    parent: dict[str, str] = {}

    def root(group: str) -> str:
        while parent[group] != group:
            parent[group] = parent[parent[group]]
            group = parent[group]
        return group

    first_with: dict[str, str] = {}
    for group, prompt in rows:
        parent.setdefault(group, group)
        one, other = root(group), root(first_with.setdefault(prompt, group))
        # The smaller name stands for both, so that the order of the rows does not matter.
        parent[max(one, other)] = min(one, other)
    return {group: root(group) for group in parent}


def _place(sizes: Counter[str], seed: int, shares: Shares) -> dict[str, Split]:
    """Draw groups in a random order; each goes where it still fits: test first, then validation, the rest trains."""
    order = sorted(sizes, key=lambda group: hashlib.sha256(f"{seed}:{group}".encode()).digest())
    if len(order) < 3:
        return dict.fromkeys(order, Split.TRAIN)
    total = sizes.total()
    wanted = {Split.TEST: shares[2], Split.VALIDATION: shares[1]}
    room = {split: max(1, round(total * share)) for split, share in wanted.items() if share > 0}
    placed: dict[str, Split] = {}
    for group in order:
        split = next((split for split in room if sizes[group] <= room[split]), Split.TRAIN)
        placed[group] = split
        if split in room:
            room[split] -= sizes[group]
    _fill_empty(placed, sizes, order, [*room, Split.TRAIN])
    return placed


def _fill_empty(placed: dict[str, Split], sizes: Counter[str], order: list[str], wanted: list[Split]) -> None:
    """Where every group was too big for a split, the smallest one of a split that has several moves there."""
    for split in wanted:
        if split in placed.values():
            continue
        groups = Counter(placed.values())
        movable = [group for group in order if groups[placed[group]] > 1]
        placed[min(movable, key=lambda group: sizes[group])] = split
