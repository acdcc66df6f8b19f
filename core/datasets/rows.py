"""A preference pair as it leaves a frozen dataset: plain values, tied to no session."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PairRow:
    """One prompt with its two answers. ``messages`` is the conversation up to the answer, oldest first:
    ``{"role": "system" | "user" | "assistant", "content": text}``, the last one a user's."""

    pair_id: str
    messages: list[dict[str, str]]
    chosen: str
    rejected: str
