"""A correction makes one pending learning example, wherever it was given (rules section 1d).

The example keeps what was asked, what the agent answered and what it should have answered, and points to the feedback
it came from. When the same person corrects the same answer again, the example that nobody reviewed yet makes room.
"""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, select

from core.tables import (
    AgentFeedback,
    ExampleType,
    Feedback,
    Interaction,
    LearningExample,
    ReviewStatus,
    SourceType,
)

AGAIN = "The same user corrected the answer again."


def learn_from(session: Session, feedback: Feedback, message: Interaction) -> LearningExample:
    """The example of a correction of one message."""
    by_this_user = (
        select(LearningExample)
        .join(Feedback, col(LearningExample.source_feedback_id) == Feedback.id)
        .where(LearningExample.source_interaction_id == message.id, Feedback.user_id == feedback.user_id)
    )
    return _learn(
        session,
        by_this_user,
        agent_id=message.agent_id,
        input_text=message.prompt,
        original_output=message.response,
        expected_output=feedback.correction or "",
        source_interaction_id=message.id,
        source_feedback_id=feedback.id,
    )


def learn_from_execution(
    session: Session, feedback: AgentFeedback, *, agent_input: str | None, interaction: Interaction | None
) -> LearningExample:
    """The example of a correction of one execution of an agent.

    The original output is what the caller sent with the feedback, or else the interaction's response.
    """
    by_this_user = (
        select(LearningExample)
        .join(AgentFeedback, col(LearningExample.source_agent_feedback_id) == AgentFeedback.id)
        .where(
            AgentFeedback.execution_id == feedback.execution_id,
            AgentFeedback.agent_id == feedback.agent_id,
            AgentFeedback.user_id == feedback.user_id,
        )
    )
    return _learn(
        session,
        by_this_user,
        agent_id=feedback.agent_id,
        input_text=agent_input or (interaction.prompt if interaction else None),
        original_output=feedback.agent_output or (interaction.response if interaction else None),
        expected_output=feedback.correction_text or "",
        source_interaction_id=interaction.id if interaction else None,
        source_agent_feedback_id=feedback.id,
    )


def _learn(session: Session, earlier: Any, **values: Any) -> LearningExample:
    waiting = (LearningExample.review_status == ReviewStatus.PENDING, col(LearningExample.is_active))
    for example in session.exec(earlier.where(*waiting)):
        example.is_active = False
        example.notes = AGAIN
    example = LearningExample(example_type=ExampleType.CORRECTION, source_type=SourceType.USER_FEEDBACK, **values)
    session.add(example)
    session.flush()
    return example
