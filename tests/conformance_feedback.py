"""The conformance areas of feedback: the routes as a client calls them, statistics, clicks and follow-ups.

A case's rows are stored for it and taken away afterwards, so that the next one finds the store as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from fastapi.testclient import TestClient
from sqlmodel import col, select

from core.feedback import clicks, plan_feedback
from core.feedback.agent_feedback import DAYS, agent_feedback_stats
from core.feedback.fields import prompt_key
from core.feedback.follow_up import Said, classify, corrected_value
from core.settings import Settings
from core.store import Store
from core.tables import (
    AgentFeedback,
    Evaluation,
    Feedback,
    Interaction,
    InteractionKind,
    LearningExample,
    Plan,
    Reward,
    new_id,
    now,
)

AGENT = "conformance"
RICH = (
    "evaluation_confidence",
    "evaluation_reasoning",
    "query_understanding",
    "per_widget_feedback",
    "missing_widgets",
    "suggested_improvements",
)
ONE: dict[str, Any] = {  # of a list that a case only gives the length of
    "interactions": {"widget_index": 0, "action": "click"},
    "per_widget_feedback": {"widget_index": 1},
    "missing_widgets": "kpi",
    "suggested_improvements": "more",
    "issue_categories": "other",
}


def feedback_route(store: Store, given: Mapping[str, Any]) -> dict[str, Any]:
    """A message or a plan as the case describes it, one request, the answer and what is stored after it."""
    body = _lengthened(given["body"])
    existing = given.get("existing")
    plan = "query_id" in body or "known" in given or (existing is not None and "feedback_type" not in body)
    with _served(store, given) as client:
        return (_plan_case if plan else _message_case)(store, client, given, body)


def execution_feedback(store: Store, given: Mapping[str, Any]) -> dict[str, Any]:
    """Feedback on one execution, and the rows it made."""
    with _served(store, given) as client:
        body = {"execution_id": "conformance", **_lengthened(given), "agent_id": AGENT}
        answer = client.post("/learning/feedback", json=body)
        with store.read() as session:
            mine = session.exec(select(AgentFeedback).where(AgentFeedback.agent_id == body["agent_id"])).all()
            made = session.exec(select(LearningExample).where(LearningExample.agent_id == body["agent_id"])).all()
    return {
        "http": answer.status_code,
        "valid": answer.status_code < 400,
        "feedback_rows": len(mine),
        "learning_examples": [row.model_dump(mode="json") for row in made],
    }


def statistics(store: Store, given: Mapping[str, Any]) -> dict[str, Any]:
    """Rows of feedback of a given age in days, and their numbers."""
    with _served(store, given):
        with store.write() as session:
            for number, row in enumerate(given["rows"]):
                values = {"agent_id": AGENT, **{name: value for name, value in row.items() if name != "age_days"}}
                at = now() - timedelta(days=row.get("age_days", 0))
                session.add(AgentFeedback(execution_id=f"conformance-{number}", created_at=at, **values))
        with store.read() as session:
            agent = given.get("agent_id", AGENT)
            return vars(agent_feedback_stats(session, agent_id=agent, days=given.get("days", DAYS)))


def message_click(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a star, a thumb or the copy button sends."""
    if "stars" in given:
        return _told(clicks.message_stars(given["stars"]))
    click = str(next(iter(given.values())))
    if "copy" in given or "copy" in click:
        return _told(clicks.message_copied())
    return _told(clicks.message_thumb(up="up" in click))


def execution_click(given: Mapping[str, Any]) -> dict[str, Any]:
    return _told(clicks.execution_thumb(up="up" in str(given["click"])))


def follow_up(given: Mapping[str, Any]) -> str | None:
    """The type of a follow-up, or the value a correction names."""
    if "text" in given:
        return corrected_value(given["text"])
    previous = Said(given["previous"], given.get("previous_intent") or {})
    return classify(previous, Said(given["current"], given.get("current_intent") or {})).value


# -- one case -----------------------------------------------------------------------------------------------------


def _message_case(store: Store, client: TestClient, given: Mapping[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    message_id = new_id()
    message = given.get("message", {})
    if message is not None:
        _add(store, _message(message_id, _lengthened(message), given.get("conversation_owner")))
    headers = {"X-User-Id": given["current_user"]} if given.get("current_user") else {}
    for earlier in _several(given.get("existing")):
        client.post("/v1/chat/feedback", json={"message_id": str(message_id), **earlier}, headers=headers)
    answer = client.post("/v1/chat/feedback", json={"message_id": str(message_id), **body}, headers=headers)
    shown = answer.json()
    with store.read() as session:
        current = session.exec(
            select(Feedback).where(Feedback.interaction_id == message_id, col(Feedback.is_current))
        ).all()
    return {
        **shown,
        "http": answer.status_code,
        "valid": answer.status_code < 400,
        "json": shown,
        "response_keys": list(shown),
        "stored": current[0].model_dump(mode="json") if current else {},
        "current_feedback": len(current),
    }


def _plan_case(store: Store, client: TestClient, given: Mapping[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    query_id = _uuid(body.get("query_id")) or new_id()
    if given.get("known", True):
        _add(store, *_plan(query_id, given.get("existing") or {}))
    answer = client.post("/layer2/feedback/", json=body, headers=given.get("headers"))
    return {
        "http": answer.status_code,
        "valid": answer.status_code < 400,
        "json": answer.json(),
        "stored": _stored_of(store, query_id),
    }


def _message(message_id: UUID, message: Mapping[str, Any], owner: str | None) -> Interaction:
    return Interaction(
        id=message_id,
        agent_id=AGENT,
        prompt="question",
        response=message.get("content", "a" * 500),
        prompt_key=prompt_key("question"),
        intent=message.get("intent"),
        context_sources=message.get("context_sources") or [],
        user_id=owner,
        source="conformance",
    )


def _plan(query_id: UUID, existing: Mapping[str, Any]) -> list[Any]:
    """The rows of a known plan, with what was said of it before."""
    plan = _message(query_id, {}, None)
    plan.kind = InteractionKind.PLAN
    found: list[Any] = [plan, Plan(interaction_id=query_id, widgets=[{"scenario": "kpi"}, {"scenario": "trend"}])]
    rich = {name: existing[name] for name in RICH if name in existing}
    if rich:
        readable = all(isinstance(one, dict) for one in rich.get("per_widget_feedback") or [])
        found.append(
            Evaluation(
                interaction_id=query_id,
                agent_id=AGENT,
                kind=InteractionKind.PLAN,
                judge="external",
                prompt_version="feedback",
                prompt_hash="feedback",
                unscored_reason="given",
                confidence=rich.get("evaluation_confidence"),
                reasoning=rich.get("evaluation_reasoning") or "",
                query_understanding=rich.get("query_understanding") or "",
                parts=rich.get("per_widget_feedback") or [],
                missing=rich.get("missing_widgets") or [],
                suggested_improvements=rich.get("suggested_improvements") or [],
                raw_answer=json.dumps(rich) if readable else None,
            )
        )
    return found


def _stored_of(store: Store, query_id: UUID) -> dict[str, Any]:
    """What the store says of a plan now, under the names of the record (rules section 1c)."""
    with store.read() as session:
        feedback = plan_feedback.current_plan_feedback(session, query_id, user_id="anonymous")
        said = session.exec(
            select(Evaluation)
            .where(Evaluation.interaction_id == query_id)
            .order_by(col(Evaluation.repeat_index).desc())
        ).first()
    rating = plan_feedback.rating_of(feedback)
    found: dict[str, Any] = {
        "user_rating": rating.value if rating else None,
        "correction": feedback.correction if feedback else None,
        "interactions": (feedback.widget_interactions if feedback else None) or [],
        "evaluation_confidence": said.confidence if said else None,
        "evaluation_reasoning": said.reasoning if said else None,
        "query_understanding": said.query_understanding if said else None,
        "per_widget_feedback": said.parts if said else [],
        "missing_widgets": said.missing if said else [],
        "suggested_improvements": said.suggested_improvements if said else [],
    }
    return found | {f"{name}_len": len(value) for name, value in found.items() if isinstance(value, list | str)}


# -- around it ----------------------------------------------------------------------------------------------------


@contextmanager
def _served(store: Store, given: Mapping[str, Any]) -> Iterator[TestClient]:
    """The routes on this store, and the case's rows taken away at the end."""
    from core.api import process, rate

    key = given.get("feedback_key") or ""
    settings = Settings(home=Path("."), rate_per_minute=0, feedback_key=key, _env_file=None)
    before, process._current = process._current, process.Process(settings, store)
    client = _client()
    client.app.state.plan_buckets = rate.Buckets(rate.PLAN_FEEDBACK)  # type: ignore[attr-defined]
    try:
        yield client
    finally:
        process._current = before
        _clear(store)


@cache
def _client() -> TestClient:
    from core.api import create_api

    return TestClient(create_api(), base_url="http://localhost", raise_server_exceptions=False)


def _add(store: Store, *found: Any) -> None:
    with store.write() as session:
        for row in found:
            session.add(row)
            session.flush()


def _clear(store: Store) -> None:
    mine = sa.select(col(Interaction.id)).where(col(Interaction.agent_id) == AGENT)
    with store.write() as session:
        session.execute(sa.delete(Plan).where(col(Plan.interaction_id).in_(mine)))
        session.execute(sa.delete(AgentFeedback).where(col(AgentFeedback.execution_id).like("conformance-%")))
        for table in (LearningExample, AgentFeedback, Evaluation, Reward, Feedback, Interaction):
            session.execute(sa.delete(table).where(table.agent_id == AGENT))  # type: ignore[attr-defined]


def _lengthened(values: Mapping[str, Any]) -> dict[str, Any]:
    """``comment_len: 3`` as ``comment: "aaa"``, ``interactions_len: 2`` as a list of two."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        plain = name.removesuffix("_len")
        if plain == name:
            found[name] = value
        else:
            found[plain] = [ONE[plain]] * value if plain in ONE else "a" * value
    return found


def _several(value: Any) -> list[Mapping[str, Any]]:
    return [] if value is None else [value] if isinstance(value, Mapping) else list(value)


def _told(click: Any) -> dict[str, Any]:
    return {name: getattr(value, "value", value) for name, value in vars(click).items()}


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None
