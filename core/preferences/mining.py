"""Turns feedback into preference pairs. Doing it again adds nothing.

In come interactions, rewards and corrections; out go rows of ``preference_pairs`` and an account of what was left out
and why. Only people decide: a rating, a regeneration or a correction makes an accepted pair, a judge's verdict never
does, and answers nobody compared wait for a label. Pairs out of files come in by ``core.preferences.imported``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.preferences.candidates import PAIRS_A_PROMPT, UNRATED_A_PROMPT
from core.preferences.ledger import Offered, Skip, offer
from core.preferences.sources import drafts, find
from core.store import Store
from core.tables import PairOrigin
from core.work import Work

BATCH = 500  # candidates a transaction
_LIMITS = {PairOrigin.RATING: PAIRS_A_PROMPT, PairOrigin.UNRATED: UNRATED_A_PROMPT}
_MINED = tuple(origin for origin in PairOrigin if origin is not PairOrigin.IMPORT)


@dataclass(frozen=True, slots=True)
class Mined:
    """What one round of mining did. ``candidates`` = new pairs + promoted + skipped.

    What the limits per prompt cut off beforehand is not among the candidates.
    """

    by_origin: dict[str, int]  # new pairs
    promoted: int  # pairs that waited for a label and are decided now
    skipped: dict[str, int]  # reason → candidates
    candidates: int

    @property
    def added(self) -> int:
        return sum(self.by_origin.values())


def mine(store: Store, work: Work, *, agent_id: str | None = None, batch: int = BATCH) -> Mined:
    """Propose every pair the feedback allows (rules section 7); of one agent, or of all.

    Two rated answers to one prompt need a difference of 0.3 in explicit chat reward and give at most ten pairs a
    prompt; unrated ones at most three, which wait for a label. ``batch`` candidates are stored in one transaction; a
    stop between two loses nothing, and several may mine at once. Raises Stopped.
    """
    work.said(0, None, unit="candidates", note="Comparing the answers")
    with store.read() as session:
        found = find(session, agent_id)
    account = _Account.taken_up(work.cursor)
    for start in range(0, len(found), batch):
        work.check()
        some = found[start : start + batch]
        with store.read() as session:
            proposed = drafts(session, some)
        with store.write() as session:
            account.add(offer(session, proposed, limits=_LIMITS))
            work.saved(session, start + len(some), len(found), unit="candidates", cursor=account.cursor())
    return account.total()


class _Account:
    """What the batches did so far, and what an earlier attempt at the same work had added before it was stopped."""

    def __init__(self, added: Counter[str], promoted: int) -> None:
        self._added, self._promoted = added, promoted
        self._skipped: Counter[str] = Counter()
        # The candidates that were taken then are offered again, and are known already.
        self._again = added.total() + promoted

    @classmethod
    def taken_up(cls, cursor: Mapping[str, Any]) -> _Account:
        return cls(Counter(cursor.get("added", {})), cursor.get("promoted", 0))

    def cursor(self) -> dict[str, Any]:
        return {"added": dict(self._added), "promoted": self._promoted}

    def add(self, offered: Offered) -> None:
        self._added.update({origin.value: n for origin, n in offered.taken.items()})
        self._promoted += offered.promoted
        self._skipped.update({reason.value: n for reason, n in offered.skipped.items()})

    def total(self) -> Mined:
        skipped = self._skipped - Counter({Skip.KNOWN.value: self._again})  # drops what is not above zero
        by_origin = {origin.value: self._added[origin.value] for origin in _MINED}
        candidates = sum(by_origin.values()) + self._promoted + skipped.total()
        return Mined(by_origin, self._promoted, dict(skipped), candidates)
