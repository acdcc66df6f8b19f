"""Feedback on one execution of an agent, and how much of it there was (rules section 1d).

Texts are cleaned and redacted at this door. Any correction text makes one pending learning example.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from core.errors import InputRejected, NotFound
from core.feedback.clicks import QUICK
from core.feedback.corrections import learn_from_execution
from core.feedback.fields import counted, member, moment, name, plain, text, whole
from core.feedback.payload import payload
from core.feedback.stored import ANONYMOUS, Stored
from core.tables import AgentFeedback, AgentFeedbackType, Interaction, now

ISSUES = ("incorrect", "incomplete", "unclear", "hallucination", "outdated", "formatting", "tone", "other")
PARTS = ("accuracy_rating", "helpfulness_rating", "clarity_rating", "completeness_rating")
DAYS = 30


@dataclass(frozen=True)
class AgentFeedbackStats:
    """``avg_rating`` is over the rated ones, None when there are none; ``corrections`` counts rows of that type."""

    total_feedback: int
    avg_rating: float | None
    thumbs_up: int
    thumbs_down: int
    corrections: int


@dataclass(frozen=True)
class AgentFeedbackRead:
    """Feedback ready to be added: ``facts`` are what was said, ``about`` where it came from."""

    facts: dict[str, Any]
    about: dict[str, Any]
    agent_input: str | None
    interaction_id: UUID | None


def read_agent_feedback(
    *,
    execution_id: str,
    agent_id: str,
    feedback_type: str,
    user_id: str | None = ANONYMOUS,
    rating: int | None = None,
    accuracy_rating: int | None = None,
    helpfulness_rating: int | None = None,
    clarity_rating: int | None = None,
    completeness_rating: int | None = None,
    feedback_text: str | None = None,
    correction_text: str | None = None,
    issue_categories: object = (),
    agent_output: str | None = None,
    agent_input: str | None = None,
    interaction_id: UUID | None = None,
    source: str = "api",
    created_at: datetime | None = None,
    raw: object = None,
) -> AgentFeedbackRead:
    """What somebody says of one execution, cleaned and redacted. A thumb without a rating counts as 5 or 1.

    ``agent_input`` is what the agent was asked. Raises InputRejected for a value outside its set or range.
    """
    kind = member(AgentFeedbackType, feedback_type, "feedback_type")
    said, corrected = text(feedback_text, "feedback_text"), text(correction_text, "correction_text")
    asked, answered = text(agent_input, "agent_input"), text(agent_output, "agent_output")
    parts = (accuracy_rating, helpfulness_rating, clarity_rating, completeness_rating)
    facts: dict[str, Any] = {
        "execution_id": name(execution_id, "execution_id", limit=200),
        "agent_id": name(agent_id, "agent_id", limit=100),
        "user_id": plain(user_id, "user_id", limit=200) or ANONYMOUS,
        "feedback_type": kind,
        "rating": whole(QUICK.get(kind) if rating is None else rating, "rating", 1, 5),
        **{field: whole(value, field, 1, 5) for field, value in zip(PARTS, parts, strict=True)},
        "feedback_text": said.text or None,
        "correction_text": corrected.text or None,
        "issue_categories": issues(issue_categories),
        "agent_output": answered.text or None,
    }
    about = {
        "pii": counted(said, corrected, asked, answered),
        "source": name(source, "source", limit=100),
        "raw": payload(raw),
        "created_at": moment(created_at) or now(),
    }
    return AgentFeedbackRead(facts, about, asked.text or None, interaction_id)


def add_agent_feedback(session: Session, read: AgentFeedbackRead) -> Stored[AgentFeedback]:
    """The same again, by the same user, is the row that is there already; any correction text makes one example.

    What the agent was asked and answered goes before what the interaction holds. An ``execution_id`` that is an
    interaction's id refers to it. Raises NotFound for an ``interaction_id`` nobody knows, InputRejected for one of
    another agent.
    """
    facts = read.facts
    interaction = _interaction(session, read.interaction_id, facts["execution_id"], facts["agent_id"])
    if same := _same(session, facts):
        return Stored(same, False)
    row = AgentFeedback(**facts, **read.about, interaction_id=interaction.id if interaction else None)
    session.add(row)
    session.flush()
    if row.correction_text:
        learn_from_execution(session, row, agent_input=read.agent_input, interaction=interaction)
    return Stored(row, True)


def issues(given: object) -> list[str]:
    """Issue categories of the closed set, each once, in the order of the set. Raises InputRejected."""
    if given is None:
        return []
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise InputRejected("issue_categories must be a list; nothing was stored.", field="issue_categories")
    named = list(given)
    if any(issue not in ISSUES for issue in named):
        taken = ", ".join(ISSUES)
        raise InputRejected(
            f"An issue category is unknown. Use some of {taken}; nothing was stored.", field="issue_categories"
        )
    return [issue for issue in ISSUES if issue in named]


def agent_feedback_stats(session: Session, *, agent_id: str | None = None, days: int = DAYS) -> AgentFeedbackStats:
    """Feedback of the last ``days`` days, of one agent or all, counted by the database."""
    kind = col(AgentFeedback.feedback_type)

    def of(wanted: AgentFeedbackType) -> Any:
        return sa.func.count().filter(kind == wanted)

    query = sa.select(
        sa.func.count(),
        sa.func.avg(col(AgentFeedback.rating)),
        of(AgentFeedbackType.THUMBS_UP),
        of(AgentFeedbackType.THUMBS_DOWN),
        of(AgentFeedbackType.CORRECTION),
    ).where(col(AgentFeedback.created_at) >= now() - timedelta(days=days))
    if agent_id is not None:
        query = query.where(col(AgentFeedback.agent_id) == agent_id)
    total, average, up, down, corrections = session.execute(query).one()
    return AgentFeedbackStats(total, None if average is None else float(average), up, down, corrections)


def _interaction(session: Session, interaction_id: UUID | None, execution_id: str, agent_id: str) -> Interaction | None:
    """The interaction that is meant, and of this agent."""
    if interaction_id is None:
        try:
            found = session.get(Interaction, UUID(execution_id))
        except ValueError:
            return None
        return found if found and found.agent_id == agent_id else None
    found = session.get(Interaction, interaction_id)
    if found is None:
        raise NotFound("Interaction", interaction_id)
    if found.agent_id != agent_id:
        raise InputRejected("That interaction is another agent's; nothing was stored.", field="interaction_id")
    return found


def _same(session: Session, facts: dict[str, Any]) -> AgentFeedback | None:
    """The last word of this user on this execution, when it says just the same."""
    last = session.exec(
        select(AgentFeedback)
        .where(*(getattr(AgentFeedback, field) == facts[field] for field in ("execution_id", "agent_id", "user_id")))
        .order_by(col(AgentFeedback.created_at).desc(), col(AgentFeedback.id).desc())
    ).first()
    return last if last and all(getattr(last, field) == value for field, value in facts.items()) else None
