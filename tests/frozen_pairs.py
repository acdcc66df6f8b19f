"""Sixty pairs of one agent, imported and frozen: enough to train on."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from core.datasets import freeze
from core.feedback.records import ImportedPair
from core.preferences import mining
from core.tables import Import

PAIRS = 60
AGENT = "support"


def freeze_sixty(session: Session) -> UUID:
    """The id of the frozen dataset."""
    pairs = [
        ImportedPair(
            prompt=f"Where is invoice {number}?",
            messages=None,
            chosen=f"Open billing and choose invoice {number}.",
            rejected=f"I cannot say where {number} is.",
            line=number,
        )
        for number in range(PAIRS)
    ]
    imported = Import(filename="pairs.jsonl", sha256="0" * 64, format="jsonl", imported_by="ada")
    session.add(imported)
    session.flush()
    mining.store_imported(session, pairs, imported.id, AGENT)
    return freeze.freeze(session, agent_id=AGENT, frozen_by="ada").id
