"""The dashboard planner's plans: two answers to most questions, one that fits and one that does not, with verdicts."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from core.sample.chat import SampleInteraction
from core.sample.clock import Clock
from core.sample.plan_cases import CASES, PlanCase, Widget
from core.sample.product import ASSETS, PEOPLE, PLANNER_AGENT, SITES, fill

FILLINGS = 2  # times each question is asked, about other equipment
UNRATED = 5  # every fifth plan has no rating
_PERIOD = re.compile(r"today|(this|last) (two )?(week|month|year)s?|at night|right now|Friday morning")
UNJUDGED = 8  # every eighth has no verdict


@dataclass(frozen=True, kw_only=True)
class SamplePlan(SampleInteraction):
    """An interaction that was answered with a plan. ``rating`` is up, down or None; ``evaluation`` a rich verdict."""

    plan: dict[str, Any]
    rating: str | None
    evaluation: dict[str, Any] | None


def sample_plans(rng: random.Random, clock: Clock) -> list[SamplePlan]:
    plans: list[SamplePlan] = []
    for case in CASES:
        for _ in range(FILLINGS):
            asked_by, asked = rng.choice(PEOPLE), clock.moment(rng)
            asset, site = rng.choice(ASSETS), rng.choice(SITES)
            for good in (True, False):
                asked = clock.later(asked, rng.randint(40, 400))
                plan = _plan(case, good, asset, site, number=len(plans) + 1, at=asked, rng=rng)
                plans.append(replace(plan, user_id=asked_by))
    return plans


def _plan(
    case: PlanCase, good: bool, asset: str, site: str, *, number: int, at: datetime, rng: random.Random
) -> SamplePlan:
    def said(template: str) -> str:
        return fill(template, asset=asset, site=site)

    widgets = case.good if good else case.poor
    heading = said(case.good_heading if good else case.poor_heading)
    confidence = round(rng.uniform(0.72, 0.97) if good else rng.uniform(0.45, 0.85), 2)
    return SamplePlan(
        external_id=f"sample-plan-{number:03}",
        agent_id=PLANNER_AGENT,
        conversation_id=f"sample-plan-talk-{(number + 1) // 2:03}",
        user_id=None,
        prompt=said(case.query),
        prompt_group=f"plan-{case.name}",
        response=f"{heading}: {', '.join(scenario for scenario, *_ in widgets)}.",
        intent="action_reminder" if case.name == "remind" else "query",
        intent_confidence=confidence,
        context_sources=(f"site model: {site}",),
        suggested_actions=(),
        response_ms=rng.randint(900, 2900) if good else rng.randint(1800, 7200),
        created_at=at,
        feedback=(),
        plan={
            "heading": heading,
            "widgets": [_widget(widget, good, said(widget[2]), rng) for widget in widgets],
            "parsed_intent": _intent(case, asset, site, said(case.query), confidence),
        },
        rating=None if number % UNRATED == 0 else "up" if good else "down",
        evaluation=None if number % UNJUDGED == 0 else _evaluation(case, good, said, rng),
    )


def _widget(widget: Widget, good: bool, why: str, rng: random.Random) -> dict[str, Any]:
    scenario, size, _, _ = widget
    relevance = round(rng.uniform(0.75, 0.98) if good else rng.uniform(0.3, 0.75), 2)
    return {"scenario": scenario, "size": size, "relevance": relevance, "why": why}


def _intent(case: PlanCase, asset: str, site: str, query: str, confidence: float) -> dict[str, Any]:
    entities = {"device": asset, "site": site}
    return {
        "type": "action_reminder" if case.name == "remind" else "query",
        "domains": list(case.domains),
        "entities": {kind: name for kind, name in entities.items() if name.lower() in query.lower()},
        "parameters": {"period": period[0]} if (period := _PERIOD.search(query)) else {},
        "urgency": case.urgency,
        "primary_characteristic": case.primary,
        "secondary_characteristics": list(case.secondary),
        "confidence": confidence,
        "raw_text": query,
        "parse_method": "model",
    }


def _evaluation(case: PlanCase, good: bool, said: Callable[[str], str], rng: random.Random) -> dict[str, Any]:
    """A verdict as a careful reader would give it: rules section 5, widget indices from 1."""
    widgets = case.good if good else case.poor
    reasoning = (
        f"The plan answers what was asked and leads with the most telling widget. {widgets[0][3]}"
        if good
        else f"The plan does not answer the question. {widgets[0][3]} {widgets[1][3]}"
    )
    return {
        "overall_rating": "GOOD" if good else "POOR",
        "confidence": round(rng.uniform(0.78, 0.96), 2),
        "reasoning": reasoning,
        "query_understanding": case.understanding,
        "widget_feedback": [
            {
                "widget_index": index,
                "widget_type": scenario,
                "appropriateness_score": round(rng.uniform(0.76, 0.97) if good else rng.uniform(0.08, 0.42), 2),
                "size_appropriate": good or scenario not in case.unfit_sizes,
                "issues": [] if good else [remark],
                "strengths": [remark] if good else [],
            }
            for index, (scenario, _, _, remark) in enumerate(widgets, 1)
        ],
        "missing_widgets": [] if good else list(case.missing),
        "suggested_improvements": [] if good else [said(case.improvement)],
    }
