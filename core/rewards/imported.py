"""Rewards of what a file brought in: its interactions, and those its feedback is about.

Computed in short batches of their own behind the publishing, so that publishing stays short. Done again, it goes on
with what is still without a reward.
"""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from core.rewards import chat
from core.store import Store
from core.tables import Import, Interaction, InteractionKind, RewardScale
from core.work import Work

BATCH = 100  # interactions a transaction
_tables = SQLModel.metadata.tables
_feedback, _rewards = _tables["feedback"], _tables["rewards"]


def reward_imported(store: Store, import_id: UUID, work: Work) -> int:
    """Bring the rewards of an import up to date; how many were computed. Raises Stopped between two batches."""
    done = 0
    while True:
        work.check()
        with store.write() as session:
            waiting = _waiting(session, import_id)
            for interaction in waiting:
                chat.update_reward(session, interaction)
            done += len(waiting)
            if not waiting:
                return done


def _waiting(session: Session, import_id: UUID) -> list[Interaction]:
    """Chat interactions the import touched whose reward is missing or older than the import."""
    published = select(Import.published_at).where(Import.id == import_id).scalar_subquery()
    told = sa.select(_feedback.c.interaction_id).where(_feedback.c.import_id == import_id)
    rewarded = sa.exists().where(
        _rewards.c.interaction_id == col(Interaction.id),
        _rewards.c.scale == RewardScale.CHAT,
        _rewards.c.updated_at >= published,
    )
    query = (
        select(Interaction)
        .where(sa.or_(col(Interaction.import_id) == import_id, col(Interaction.id).in_(told)), ~rewarded)
        .where(col(Interaction.kind) != InteractionKind.PLAN)
        .order_by(col(Interaction.id))
        .limit(BATCH)
    )
    return list(session.exec(query))
