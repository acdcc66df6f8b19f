"""What a user says of one message of a chat (rules section 1b): one current feedback per message and user.

Read first, then added, as in ``core.feedback.intake``, which gathers the door's functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from core.errors import NotAllowed, NotFound
from core.feedback.corrections import learn_from
from core.feedback.fields import counted, flag, moment, name, plain, stars, text
from core.feedback.fields import feedback_type as checked_type
from core.feedback.payload import payload
from core.feedback.stored import ANONYMOUS
from core.tables import Feedback, FeedbackKind, Interaction, now

COMMENT_LIMIT = 1000  # characters


@dataclass(frozen=True)
class MessageFeedbackRead:
    """Feedback ready to be added: ``facts`` are what was said, ``about`` where it came from."""

    user_id: str
    facts: dict[str, Any]
    about: dict[str, Any]


def read_message_feedback(
    *,
    feedback_type: str,
    rating: int | None = None,
    comment: str | None = None,
    helpful: bool | None = None,
    accurate: bool | None = None,
    complete: bool | None = None,
    correction: str | None = None,
    user_id: str | None = ANONYMOUS,
    source: str = "api",
    created_at: datetime | None = None,
    raw: object = None,
) -> MessageFeedbackRead:
    """What was said, cleaned and redacted.

    Raises InputRejected: "Invalid feedback_type: …", a rating that contradicts ``rating_N``, a comment over 1000
    characters.
    """
    kind = checked_type(feedback_type)
    said, corrected = text(comment, "comment", limit=COMMENT_LIMIT), text(correction, "correction")
    facts: dict[str, Any] = {
        "feedback_type": kind,
        "rating": stars(kind, rating),
        "comment": said.text or None,
        "correction": corrected.text or None,
        "helpful": flag(helpful, "helpful"),
        "accurate": flag(accurate, "accurate"),
        "complete": flag(complete, "complete"),
    }
    about = {
        "pii": counted(said, corrected),
        "source": name(source, "source", limit=100),
        "raw": payload(raw),
        "created_at": moment(created_at) or now(),
    }
    return MessageFeedbackRead(plain(user_id, "user_id", limit=200) or ANONYMOUS, facts, about)


def add_message_feedback(session: Session, interaction_id: UUID | str, read: MessageFeedbackRead) -> Feedback:
    """The current feedback of (message, user); earlier ones become history.

    The same feedback again is the same row. A correction makes one pending learning example. All anonymous users of
    a message count as one user. Raises NotFound ("Message not found"), NotAllowed for another user's conversation.
    """
    message = _message(session, interaction_id, read.user_id)
    earlier = _current(session, message.id, read.user_id)
    if earlier and all(getattr(earlier, fact) == value for fact, value in read.facts.items()):
        return earlier
    if earlier:
        earlier.is_current = False
        session.flush()  # the database holds one current row, so the old one goes first
    row = Feedback(
        kind=FeedbackKind.CHAT_MESSAGE,
        agent_id=message.agent_id,
        interaction_id=message.id,
        user_id=read.user_id,
        **read.facts,
        **read.about,
    )
    session.add(row)
    session.flush()
    if row.correction and not (earlier and earlier.correction == row.correction):
        learn_from(session, row, message)
    return row


def store_message_feedback(session: Session, interaction_id: UUID | str, **values: Any) -> Feedback:
    """``read_message_feedback`` and ``add_message_feedback`` in one."""
    return add_message_feedback(session, interaction_id, read_message_feedback(**values))


def _message(session: Session, interaction_id: UUID | str, user: str) -> Interaction:
    try:
        key = interaction_id if isinstance(interaction_id, UUID) else UUID(interaction_id)
    except (ValueError, AttributeError, TypeError):
        raise NotFound("Message", str(interaction_id)[:100]) from None
    message = session.get(Interaction, key)
    if message is None:
        raise NotFound("Message", key)
    if message.user_id is not None and message.user_id != user:
        raise NotAllowed("This message belongs to another user's conversation; your feedback was not stored.")
    return message


def _current(session: Session, interaction_id: UUID, user: str) -> Feedback | None:
    return session.exec(
        select(Feedback).where(
            Feedback.interaction_id == interaction_id,
            Feedback.user_id == user,
            Feedback.kind == FeedbackKind.CHAT_MESSAGE,
            col(Feedback.is_current),
        )
    ).first()
