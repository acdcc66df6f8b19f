"""Sixty pairs of one agent, accepted and frozen: enough to train on."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from core.datasets import freeze
from core.tables import PairOrigin, PairStatus
from tests.core.preference_rows import AGENT, pair

PAIRS = 60


def freeze_sixty(session: Session) -> UUID:
    """The id of the frozen dataset."""
    for number in range(PAIRS):
        pair(
            session,
            f"Where is invoice {number}?",
            f"Open billing and choose invoice {number}.",
            f"I cannot say where {number} is.",
            status=PairStatus.ACCEPTED,
            origin=PairOrigin.IMPORT,
        )
    return freeze.freeze(session, agent_id=AGENT, frozen_by="ada").id
