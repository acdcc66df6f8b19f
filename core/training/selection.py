"""Which pairs a model can learn from: encoded, and counted when they are left out.

TRL drops pairs whose prompt fills the whole length without a word, and trains on pairs whose sides the cut made
equal. Here both are counted, named, and taken out before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from core.datasets.rows import PairRow
from core.errors import InputRejected
from core.inference.chat import Chat, EncodedPair

_WHY = {
    "empty": "an empty prompt or answer",
    "equal": "two equal answers",
    "template": "a conversation the model's chat template does not take",
    "prompt_too_long": "a prompt that fills the maximum length",
    "equal_after_cut": "answers that differ only beyond the maximum length",
}


@dataclass(frozen=True)
class Selection:
    """The pairs of one split that can be used, and why others cannot."""

    rows: list[PairRow] = field(default_factory=list)
    encoded: list[EncodedPair] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    cut: int = 0  # used, with the end of an answer cut off
    shortened: int = 0  # used, with prompt tokens that merge into the answer

    def sentences(self, split: str, max_length: int) -> list[str]:
        """What a person should know about this split; empty when every pair is used whole."""
        said = [f"Left out of {split}: {count} with {_WHY[why]}." for why, count in sorted(self.dropped.items())]
        if self.cut:
            said.append(f"Cut in {split}: {self.cut} with an answer that goes beyond {max_length:,} tokens.")
        if self.shortened:
            said.append(
                f"Joined in {split}: {self.shortened} where the model's tokenizer or template merges the end of the "
                "prompt into the answer; that end is not part of what is learned from."
            )
        return said


def select(rows: Sequence[PairRow], chat: Chat, *, max_length: int, between: Callable[[], None]) -> Selection:
    """Encode rows, keeping those from which a preference can be read within ``max_length`` tokens."""
    chosen = Selection()
    cut = shortened = 0
    for position, row in enumerate(rows):
        if position % 64 == 0:
            between()
        why, pair = _judge(row, chat, max_length)
        if why or pair is None:
            chosen.dropped[why] += 1
            continue
        chosen.rows.append(row)
        chosen.encoded.append(pair)
        cut += max(len(pair.chosen), len(pair.rejected)) + len(pair.prompt) > max_length
        shortened += pair.shortened > 0
    return Selection(chosen.rows, chosen.encoded, chosen.dropped, cut=cut, shortened=shortened)


def worth_encoding(rows: Sequence[PairRow]) -> int:
    """How many rows are pairs at all, before any model has looked at them."""
    return sum(_flaw(row) == "" for row in rows)


def _flaw(row: PairRow) -> str:
    said = [message.get("content", "") for message in row.messages]
    if not said or not said[-1].strip() or not row.chosen.strip() or not row.rejected.strip():
        return "empty"
    return "equal" if row.chosen.strip() == row.rejected.strip() else ""


def _judge(row: PairRow, chat: Chat, max_length: int) -> tuple[str, EncodedPair | None]:
    if flaw := _flaw(row):
        return flaw, None
    try:
        pair = chat.pair(row.messages, row.chosen, row.rejected)
    except InputRejected:
        return "template", None
    room = max_length - len(pair.prompt)
    if room <= 0:
        return "prompt_too_long", None
    if pair.chosen[:room] == pair.rejected[:room]:
        return "equal_after_cut", None
    return "", pair
