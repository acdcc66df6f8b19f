"""Turns feedback and imports into preference pairs. Doing it again adds nothing.

In come interactions, rewards, corrections and imported pairs; out go rows of ``preference_pairs`` and an account of
what was left out and why. Only people decide: a rating, a regeneration, a correction or an imported preference makes
an accepted pair, a judge's verdict never does, and answers nobody compared wait for a label.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session

from core.feedback.fields import prompt_key
from core.feedback.records import ImportedPair, PairCounts, Reject
from core.preferences.candidates import PAIRS_A_PROMPT, UNRATED_A_PROMPT
from core.preferences.ledger import Draft, Ledger, Skip
from core.preferences.sources import answers, corrections
from core.tables import PairOrigin

_LIMITS = {PairOrigin.RATING: PAIRS_A_PROMPT, PairOrigin.UNRATED: UNRATED_A_PROMPT}
# The strongest evidence comes first: what it decides, later evidence may repeat but not turn round.
_SOURCES = (corrections, answers)
_AGAIN = frozenset({Skip.KNOWN, Skip.EXCLUDED, Skip.NO_PREFERENCE})


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


def mine(session: Session, *, agent_id: str | None = None) -> Mined:
    """Propose every pair the feedback allows (rules section 7); of one agent, or of all.

    Two rated answers to one prompt need a difference of 0.3 in explicit chat reward and give at most ten pairs a
    prompt; unrated ones at most three, which wait for a label.
    """
    ledger = Ledger(session, agent_id=agent_id, limits=_LIMITS)
    for source in _SOURCES:
        for draft in source(session, agent_id):
            ledger.offer(draft)
    ledger.close()
    return Mined(
        by_origin={origin.value: ledger.taken[origin] for origin in PairOrigin if origin is not PairOrigin.IMPORT},
        promoted=ledger.promoted,
        skipped={reason.value: n for reason, n in ledger.skipped.items()},
        candidates=ledger.taken.total() + ledger.promoted + ledger.skipped.total(),
    )


def store_imported(session: Session, pairs: list[ImportedPair], import_id: UUID, agent_id: str) -> PairCounts:
    """Store pairs read from a file. Those there already are counted as duplicates; unusable ones give their line.

    The texts are taken as cleaned by the importer. A pair that turns an earlier preference round is rejected.
    """
    ledger = Ledger(session, agent_id=agent_id)
    accepted = duplicates = 0
    rejects = []
    for pair in pairs:
        reason = ledger.offer(_imported(pair, import_id, agent_id))
        if reason is None:
            accepted += 1
        elif reason in _AGAIN:
            duplicates += 1
        else:
            rejects.append(Reject(line=pair.line, reason=reason.value))
    ledger.close()
    return PairCounts(accepted=accepted, duplicates=duplicates, rejects=rejects)


def _imported(pair: ImportedPair, import_id: UUID, agent_id: str) -> Draft:
    lone = not pair.messages or pair.messages == [{"role": "user", "content": pair.prompt}]
    messages = None if lone else pair.messages
    return Draft(
        agent_id=agent_id,
        prompt=pair.prompt,
        messages=messages,
        prompt_group=prompt_key(pair.prompt),
        first=pair.chosen,
        second=pair.rejected,
        decided=True,
        origin=PairOrigin.IMPORT,
        reason="The imported file prefers the chosen answer.",
        import_id=import_id,
    )
