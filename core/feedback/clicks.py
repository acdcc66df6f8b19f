"""What a click on a thumb, a star or the copy button says by itself (rules sections 1b and 1d)."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import InputRejected
from core.tables import AgentFeedbackType, MessageFeedbackType

# An execution's thumb is a rating too.
QUICK = {AgentFeedbackType.THUMBS_UP: 5, AgentFeedbackType.THUMBS_DOWN: 1}


@dataclass(frozen=True)
class MessageClick:
    """What a click on a message sends; ``opens_comment``: the box for words opens."""

    feedback_type: MessageFeedbackType
    rating: int | None = None
    helpful: bool | None = None
    accurate: bool | None = None
    complete: bool | None = None
    opens_comment: bool = False


@dataclass(frozen=True)
class ExecutionClick:
    """What a thumb on an execution sends; ``opens_detail``: ratings, issues and correction are asked for."""

    feedback_type: AgentFeedbackType
    rating: int
    opens_detail: bool


def message_thumb(*, up: bool) -> MessageClick:
    if up:
        return MessageClick(MessageFeedbackType.THUMBS_UP, helpful=True)
    return MessageClick(MessageFeedbackType.THUMBS_DOWN, helpful=False, opens_comment=True)


def message_stars(stars: int) -> MessageClick:
    """``stars`` from 1 to 5; helpful from 4 on, accurate and complete from 3 on. Raises InputRejected."""
    if isinstance(stars, bool) or not isinstance(stars, int) or not 1 <= stars <= 5:
        raise InputRejected("There are 1 to 5 stars; nothing was stored.", field="stars")
    return MessageClick(
        MessageFeedbackType(f"rating_{stars}"), stars, helpful=stars >= 4, accurate=stars >= 3, complete=stars >= 3
    )


def message_copied() -> MessageClick:
    return MessageClick(MessageFeedbackType.COPY, helpful=True)


def execution_thumb(*, up: bool) -> ExecutionClick:
    kind = AgentFeedbackType.THUMBS_UP if up else AgentFeedbackType.THUMBS_DOWN
    return ExecutionClick(kind, QUICK[kind], opens_detail=not up)
