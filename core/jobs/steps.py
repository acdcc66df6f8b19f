"""Jobs that bring a step of the loop up to date: triage what is new, judge it, mine pairs from what people said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.jobs.kinds import Ending, Kind
from core.settings import Settings
from core.store import Store
from core.tables import Job
from core.work import Work


def _triage(store: Store, settings: Settings, job: Job, work: Work) -> Ending:
    from core.triage import inbox

    return Ending(result={"triaged": inbox.triage_all(store, work, agent_id=job.input.get("agent_id"))})


def _judge(store: Store, settings: Settings, job: Job, work: Work) -> Ending:
    from core.judging import evaluations

    return Ending(result={"evaluated": evaluations.evaluate_all(store, work, agent_id=job.input.get("agent_id"))})


def _mine(store: Store, settings: Settings, job: Job, work: Work) -> Ending:
    from core.preferences import mining

    mined = mining.mine(store, work, agent_id=job.input.get("agent_id"))
    funnel = {"by_origin": mined.by_origin, "promoted": mined.promoted, "skipped": mined.skipped}
    return Ending(result=funnel | {"added": mined.added, "candidates": mined.candidates})


def _triaged(result: Mapping[str, Any]) -> str:
    return f"{result['triaged']:,} read"


def _judged(result: Mapping[str, Any]) -> str:
    return f"{result['evaluated']:,} judged"


def _mined(result: Mapping[str, Any]) -> str:
    return f"{result['added']:,} new of {result['candidates']:,} candidates"


KINDS = (
    Kind("triage", "Triage", "comments", resource="triage", run=_triage, can_pause=True, told=_triaged),
    Kind("judge", "Judging", "answers", resource="judging", run=_judge, can_pause=True, told=_judged),
    Kind("mine", "Mining pairs", "candidates", resource="pairs", run=_mine, can_pause=True, told=_mined),
)
