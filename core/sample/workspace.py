"""The whole sample workspace as data: the same for the same seed and the same ``now``.

``sample_workspace()`` in, interactions, site forms and plans out; storing them is the caller's business.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime

from core.sample.chat import SampleFeedback, SampleInteraction, sample_chat
from core.sample.clock import Clock
from core.sample.forms import FORMS, PAGES
from core.sample.plans import SamplePlan, sample_plans
from core.sample.product import PEOPLE, PLANNER_AGENT, PRODUCT, SUPPORT_AGENT

__all__ = [
    "PLANNER_AGENT",
    "PRODUCT",
    "SUPPORT_AGENT",
    "SampleFeedback",
    "SampleForm",
    "SampleInteraction",
    "SamplePlan",
    "SampleWorkspace",
    "sample_workspace",
]

ANONYMOUS = 0.6  # share of forms sent without a name


@dataclass(frozen=True, kw_only=True)
class SampleForm:
    external_id: str
    form_type: str
    rating: int | None
    comment: str
    page: dict[str, str]
    user_id: str
    created_at: datetime


@dataclass(frozen=True)
class SampleWorkspace:
    """Everything, each list oldest first."""

    interactions: list[SampleInteraction]
    site_forms: list[SampleForm]
    plans: list[SamplePlan]


def sample_workspace(seed: int = 7, *, now: datetime | None = None) -> SampleWorkspace:
    """The sample workspace, its times spread over the six weeks before ``now`` (zone-aware; the present if None)."""
    clock = Clock(now or datetime.now(UTC))
    rng = random.Random(seed)
    return SampleWorkspace(
        interactions=sample_chat(rng, clock),
        site_forms=_site_forms(rng, clock),
        plans=sorted(sample_plans(rng, clock), key=lambda plan: (plan.created_at, plan.external_id)),
    )


def _site_forms(rng: random.Random, clock: Clock) -> list[SampleForm]:
    forms = []
    for number, (form_type, rating, comment) in enumerate(FORMS, 1):
        path = rng.choice(PAGES[form_type])
        forms.append(
            SampleForm(
                external_id=f"sample-form-{number:03}",
                form_type=form_type,
                rating=rating,
                comment=comment,
                page={"path": path, "title": path.strip("/").split("/")[-1].capitalize() or "Start"},
                user_id="anonymous" if rng.random() < ANONYMOUS else rng.choice(PEOPLE),
                created_at=clock.moment(rng),
            )
        )
    return sorted(forms, key=lambda form: (form.created_at, form.external_id))
