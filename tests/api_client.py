"""A client of the HTTP routes on a test's own store, and what tests send with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from core.settings import Settings
from core.store import Store
from core.tables import AgentFeedback, Evaluation, Feedback, IdempotencyKey, Interaction, LearningExample, Plan, Reward

ANSWER: dict[str, Any] = {
    "agent_id": "support",
    "prompt": "Where are my invoices?",
    "response": "Open Billing. " * 10,
}
QUERY_ID = "3f2b6c1e-8a57-4f0e-9a52-0d3c1b7e2f11"
PLAN: dict[str, Any] = {
    "query_id": QUERY_ID,
    "transcript": "Show pump 2 temperature",
    "heading": "Pump 2",
    "widgets": [{"scenario": "trend", "size": "hero"}, {"scenario": "kpi", "size": "compact"}],
    "parsed_intent": {"type": "query", "domains": ["industrial"], "entities": {"device": "pump-2"}, "confidence": 0.9},
    "processing_ms": 1200,
}
LOCAL = "http://localhost:8501"
WRITTEN = (Interaction, Plan, Feedback, AgentFeedback, LearningExample, Evaluation, Reward, IdempotencyKey)


@pytest.fixture
def client(store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    from core.api import create_api, process  # here: most tests that share this file need no routes

    monkeypatch.setattr(process, "_current", process.Process(settings, store))
    with TestClient(create_api(), base_url=LOCAL, raise_server_exceptions=False) as client:
        yield client


def with_settings(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """The same store under other settings."""
    from core.api import process

    present = process.current()
    settings = Settings(home=present.settings.home, db=present.settings.db, _env_file=None, **changes)
    monkeypatch.setattr(process, "_current", process.Process(settings, present.store))


def stored(client: TestClient, **changes: Any) -> str:
    """The id of a new interaction."""
    answer = client.post("/v1/interactions", json=ANSWER | changes)
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["id"])


def rows(store: Store) -> dict[str, int]:
    """How many rows there are in every table a route writes to."""
    with store.read() as session:
        return {
            str(table.__tablename__): session.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in WRITTEN
        }
