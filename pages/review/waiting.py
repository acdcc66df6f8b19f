"""What the offline readers have not read yet: comments without a reading, answers without a verdict.

Counted as ``inbox.triage_new`` and ``evaluations.evaluate_new`` choose what they take, so that the button which starts
them goes away once they are done. ``lately_`` is the same, a few seconds old at most and shared by all viewers: the
counts walk over every row.
"""

from __future__ import annotations

import sqlalchemy as sa
import streamlit as st
from sqlmodel import Session, col, select

from core.judging import rule_based
from core.store import Store
from core.tables import Evaluation, Feedback, Interaction, InteractionKind, Plan, TriageResult
from core.triage.rules import ANALYZER, VERSION


def untriaged(session: Session) -> int:
    """Comments that this version of the rules has not read."""
    read = sa.exists().where(
        col(TriageResult.feedback_id) == col(Feedback.id),
        col(TriageResult.analyzer) == ANALYZER,
        col(TriageResult.analyzer_version) == VERSION,
    )
    unread = select(sa.func.count()).where(col(Feedback.comment).is_not(None), col(Feedback.is_current), ~read)
    return session.exec(unread).one()


def unjudged(session: Session) -> int:
    """Answers, and plans that have widgets, without a verdict of this rubric."""
    judged = sa.exists().where(
        col(Evaluation.interaction_id) == col(Interaction.id),
        col(Evaluation.judge) == rule_based.JUDGE,
        col(Evaluation.prompt_version) == rule_based.PROMPT_VERSION,
    )
    empty = sa.cast(col(Plan.widgets), sa.Text).in_(("[]", "null"))
    drawn = sa.exists().where(col(Plan.interaction_id) == col(Interaction.id), ~empty)
    new = select(sa.func.count()).where(~judged, sa.or_(col(Interaction.kind) != InteractionKind.PLAN, drawn))
    return session.exec(new).one()


@st.cache_data(ttl=5, refresh_mode="background", show_spinner=False, max_entries=50)
def lately_untriaged(url: str, stamp: int, _store: Store) -> int:
    """``url`` and ``stamp`` (which grows with each press of the button) are there for the cache's key."""
    with _store.read() as session:
        return untriaged(session)


@st.cache_data(ttl=5, refresh_mode="background", show_spinner=False, max_entries=50)
def lately_unjudged(url: str, stamp: int, _store: Store) -> int:
    """As ``lately_untriaged``."""
    with _store.read() as session:
        return unjudged(session)
