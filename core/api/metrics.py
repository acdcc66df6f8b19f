"""``/metrics`` for Prometheus: what is in the store, counted by the database when it is asked (rules section 12).

Every number is the present state, so all are gauges whatever their names end in. The registry is made for each
answer: nothing of this process, and nothing stale, gets into it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import anyio
import sqlalchemy as sa
from fastapi import Request
from sqlmodel import Session, col
from starlette.responses import JSONResponse, Response

from core.api import process
from core.api.errors import Refused, code_of
from core.api.guards import authorise
from core.errors import HoneError
from core.feedback.totals import feedback_totals
from core.tables import (
    AgentFeedback,
    ExperimentStatus,
    Feedback,
    Job,
    JobStatus,
    LearningExample,
    LearningExperiment,
    ReviewStatus,
    RunStatus,
    SourceType,
    TrainingRun,
    now,
)

if TYPE_CHECKING:
    from prometheus_client.core import GaugeMetricFamily

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MOST_AGENTS = 100  # those with the most ratings; a label without bound would grow whoever stores it
RATED_WITHIN = timedelta(days=30)

Labelled = Iterable[tuple[tuple[str, ...], float]]


def metrics(*, guarded: bool) -> Callable[[Request], Awaitable[Response]]:
    """The route. It asks for what the other routes ask for: the token, or without one a local host."""

    async def route(request: Request) -> Response:
        try:
            authorise(request, guarded=guarded)
            text = await anyio.to_thread.run_sync(_text)
        except Refused as refused:
            return refused.response()
        except HoneError as error:
            return JSONResponse({"error": str(error)}, status_code=code_of(error))
        return Response(text, media_type=CONTENT_TYPE)

    return route


def _text() -> bytes:
    from prometheus_client import CollectorRegistry, generate_latest

    with process.current().store.read() as session:
        families = list(collected(session))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Fixed(families))
    return bytes(generate_latest(registry))


class _Fixed:
    """What was counted, as the library wants to be given it."""

    def __init__(self, families: list[GaugeMetricFamily]) -> None:
        self._families = families

    def collect(self) -> Iterator[GaugeMetricFamily]:
        return iter(self._families)


def collected(session: Session) -> Iterator[GaugeMetricFamily]:
    """Every number there is; states that nothing is in are 0, so that a graph has no holes."""
    yield _gauge(
        "learning_examples_total",
        "Learning examples by where they came from.",
        ("source",),
        _by(session, col(LearningExample.source_type), SourceType),
    )
    yield _gauge("annotation_queue_depth", "Learning examples that wait for a person.", (), [((), _waiting(session))])
    yield _gauge(
        "training_runs_total", "Training runs by status.", ("status",), _by(session, col(TrainingRun.status), RunStatus)
    )
    yield _gauge("experiments_active_count", "Experiments that run.", (), [((), _running(session))])
    yield _gauge(
        "feedback_rating_avg",
        "Mean of the ratings from 1 to 5 that an agent got in the last 30 days.",
        ("agent_id",),
        _ratings(session),
    )
    yield _gauge("jobs_total", "Background jobs by kind and status.", ("kind", "status"), _jobs(session))
    yield _gauge("feedback_total", "Feedback that counts, by kind.", ("kind",), _feedback(session))


def _gauge(name: str, about: str, labels: tuple[str, ...], rows: Labelled) -> GaugeMetricFamily:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(name, about, labels=labels)
    for values, number in rows:
        family.add_metric(list(values), number)
    return family


def _by(session: Session, column: Any, states: type[SourceType] | type[RunStatus]) -> Labelled:
    query = sa.select(column, sa.func.count()).group_by(column)
    counts = {state: count for state, count in session.execute(query)}
    return [((state.value,), counts.get(state, 0)) for state in states]


def _waiting(session: Session) -> int:
    waiting = (LearningExample.review_status == ReviewStatus.PENDING, col(LearningExample.is_active))
    return _count(session, LearningExample, *waiting)


def _running(session: Session) -> int:
    return _count(session, LearningExperiment, LearningExperiment.status == ExperimentStatus.RUNNING)


def _count(session: Session, table: type, *where: Any) -> int:
    return int(session.execute(sa.select(sa.func.count()).select_from(table).where(*where)).scalar_one())


def _ratings(session: Session) -> Labelled:
    """Message, form and execution feedback together; what was superseded does not count."""
    since = now() - RATED_WITHIN
    rated = sa.union_all(
        sa.select(col(Feedback.agent_id).label("agent_id"), col(Feedback.rating).label("rating")).where(
            col(Feedback.created_at) >= since, col(Feedback.is_current), col(Feedback.rating).is_not(None)
        ),
        sa.select(col(AgentFeedback.agent_id), col(AgentFeedback.rating)).where(
            col(AgentFeedback.created_at) >= since, col(AgentFeedback.rating).is_not(None)
        ),
    ).subquery()
    agent, rating = rated.c.agent_id, rated.c.rating
    query = (
        sa.select(agent, sa.func.avg(rating)).group_by(agent).order_by(sa.func.count().desc(), agent).limit(MOST_AGENTS)
    )
    return [((name,), float(average)) for name, average in session.execute(query)]


def _jobs(session: Session) -> Labelled:
    kind, status = col(Job.kind), col(Job.status)
    counts = {
        (name, state): count
        for name, state, count in session.execute(sa.select(kind, status, sa.func.count()).group_by(kind, status))
    }
    kinds = sorted({name for name, _ in counts})
    return [((name, state.value), counts.get((name, state), 0)) for name in kinds for state in JobStatus]


def _feedback(session: Session) -> Labelled:
    totals = feedback_totals(session)
    return [
        (("site_form",), totals.site_forms),
        (("chat_message",), totals.message_feedback),
        (("plan",), totals.plan_feedback),
        (("execution",), _count(session, AgentFeedback)),
    ]
