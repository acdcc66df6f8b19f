"""The loop as a face drives it: load the sample workspace, import a file, bring each step up to date, train.

Every step is one short transaction (or a few) of its own, idempotent, and can be pressed again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from sqlmodel import Session

from core.errors import InputRejected
from core.feedback import importing, intake, uploads
from core.judging import evaluations
from core.preferences import imported, mining
from core.rewards import chat as chat_rewards
from core.rewards import imported as import_rewards
from core.sample import workspace as sample
from core.settings import Settings
from core.store import Store
from core.tables import (
    Feedback,
    FeedbackKind,
    Import,
    ImportStatus,
    Interaction,
    InteractionKind,
    MessageFeedbackType,
    new_id,
    now,
)
from core.triage import inbox
from core.work import Alone, Work

BATCH = 50  # rows a transaction: nobody else waits long for the write lock
SAMPLE = "sample"
SAMPLE_AGENT = sample.SUPPORT_AGENT

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Loaded:
    """What the sample workspace added; all zeros when it was there already."""

    interactions: int = 0
    feedback: int = 0
    site_forms: int = 0
    plans: int = 0

    def __add__(self, other: Loaded) -> Loaded:
        return Loaded(
            self.interactions + other.interactions,
            self.feedback + other.feedback,
            self.site_forms + other.site_forms,
            self.plans + other.plans,
        )


@dataclass(frozen=True)
class BroughtUp:
    """What one pass over the steps before training added."""

    triaged: int
    evaluated: int
    mined: mining.Mined


def load_sample(store: Store, settings: Settings, on_progress: Progress | None = None) -> Loaded:
    """Add the sample workspace and bring every step up to date, so that each page has something to show."""
    loaded = add_sample_rows(store, on_progress)
    bring_up(store)
    return loaded


def add_sample_rows(store: Store, on_progress: Progress | None = None) -> Loaded:
    """Add the sample workspace's interactions, feedback, site forms and plans. A second call adds nothing."""
    content = sample.sample_workspace(now=now())
    additions: list[Callable[[Session], Loaded]] = [
        *(partial(_add_interaction, interaction=interaction) for interaction in content.interactions),
        *(partial(_add_form, form=form) for form in content.site_forms),
        *(partial(_add_plan, plan=plan) for plan in content.plans),
    ]
    loaded = Loaded()
    for start in range(0, len(additions), BATCH):
        with store.write() as session:
            for add in additions[start : start + BATCH]:
                loaded += add(session)
        if on_progress is not None:
            on_progress(min(start + BATCH, len(additions)), len(additions))
    return loaded


def _add_interaction(session: Session, *, interaction: sample.SampleInteraction) -> Loaded:
    stored = _store(
        session,
        interaction,
        prompt_group=interaction.prompt_group,
        context_sources=interaction.context_sources,
        suggested_actions=interaction.suggested_actions,
    )
    if not stored.created:
        return Loaded()
    for said in interaction.feedback:
        _add_reaction(session, stored.row, said)
    chat_rewards.update_reward(session, stored.row)
    return Loaded(interactions=1, feedback=len(interaction.feedback))


def _store(
    session: Session, item: sample.SampleInteraction | sample.SamplePlan, **more: Any
) -> intake.Stored[Interaction]:
    return intake.store_interaction(
        session,
        agent_id=item.agent_id,
        prompt=item.prompt,
        response=item.response,
        source=SAMPLE,
        external_id=item.external_id,
        conversation_id=item.conversation_id,
        user_id=item.user_id,
        intent=item.intent,
        intent_confidence=item.intent_confidence,
        response_ms=item.response_ms,
        created_at=item.created_at,
        **more,
    )


def _add_reaction(session: Session, row: Interaction, said: sample.SampleFeedback) -> None:
    intake.store_message_feedback(
        session,
        row.id,
        feedback_type=said.feedback_type,
        rating=said.rating,
        comment=said.comment,
        correction=said.correction,
        user_id=said.user_id,
        source=SAMPLE,
        created_at=said.created_at,
    )


def _add_form(session: Session, *, form: sample.SampleForm) -> Loaded:
    stored = intake.store_site_form(
        session,
        form_type=form.form_type,
        agent_id="site",
        rating=form.rating,
        comment=form.comment,
        page=form.page,
        user_id=form.user_id,
        source=SAMPLE,
        dedupe_key=form.external_id,
        created_at=form.created_at,
    )
    return Loaded(site_forms=int(stored.created))


def _add_plan(session: Session, *, plan: sample.SamplePlan) -> Loaded:
    stored = _store(session, plan, kind=InteractionKind.PLAN, plan=plan.plan)
    if not stored.created:
        return Loaded()
    if plan.rating is not None:
        session.add(_plan_rating(stored.row, up=plan.rating == "up"))
    if plan.evaluation is not None:
        evaluations.store_evaluation(
            session, stored.row, plan.evaluation, judge=SAMPLE, prompt_version="1", prompt_hash=SAMPLE
        )
    return Loaded(plans=1)


def _plan_rating(row: Interaction, *, up: bool) -> Feedback:
    return Feedback(
        kind=FeedbackKind.PLAN,
        agent_id=row.agent_id,
        interaction_id=row.id,
        user_id=row.user_id or intake.ANONYMOUS,
        feedback_type=MessageFeedbackType.THUMBS_UP if up else MessageFeedbackType.THUMBS_DOWN,
        helpful=up,
        source=SAMPLE,
        created_at=row.created_at,
    )


def bring_up(store: Store, work: Work | None = None) -> BroughtUp:
    """Triage and judge what is new, and mine pairs from what people have said. Raises Stopped."""
    work = work or Alone()
    return BroughtUp(
        triaged=inbox.triage_all(store, work),
        evaluated=evaluations.evaluate_all(store, work),
        mined=mining.mine(store, work),
    )


def plan_file(
    store: Store,
    settings: Settings,
    content: bytes,
    filename: str,
    *,
    mapping: importing.Mapping | None = None,
    agent_id: str = "imported",
    on_progress: Progress | None = None,
) -> importing.ImportPlan:
    """What ``import_file`` would do now; nothing is stored. Raises ImportRejected."""
    return importing.plan(
        store,
        content,
        filename,
        mapping=mapping,
        agent_id=agent_id,
        pairs=imported.STEPS,
        settings=settings,
        on_progress=on_progress,
    )


def import_file(
    store: Store,
    settings: Settings,
    content: bytes | Iterable[bytes],
    filename: str,
    *,
    mapping: importing.Mapping | None = None,
    agent_id: str = "imported",
    imported_by: str | None = None,
    on_progress: Progress | None = None,
    import_id: UUID | None = None,
) -> Import:
    """Import a file, or the pieces it is read in, while somebody waits; all of it or nothing. Twice adds nothing.

    Raises InputRejected and ImportRejected, and the file is not kept then. When it is stopped, ``carry_out_import``
    with the same id goes on where it was.
    """
    own = import_id or new_id()
    pieces = uploads.pieces_of(content) if isinstance(content, bytes) else content
    upload = uploads.keep(settings, own, pieces)
    try:
        with store.write() as session:
            importing.request(
                session,
                filename=filename,
                upload=upload,
                agent_id=agent_id,
                imported_by=imported_by or settings.user,
                mapping=mapping,
                import_id=own,
            )
        return carry_out_import(store, settings, own, Alone(on_progress))
    except InputRejected:
        uploads.drop(settings, own)
        raise


def carry_out_import(store: Store, settings: Settings, import_id: UUID, work: Work) -> Import:
    """Read the file of an import, and publish it unless it is a dry run; rewards follow. Goes on after a stop.

    Raises ImportRejected, Stopped, NotFound and what the store raises.
    """
    importing.read(store, settings, import_id, work, pairs=imported.STEPS)
    with store.write() as session:
        row = importing.get(session, import_id)
        if row.status is ImportStatus.CHECKED and row.dry_run:
            return row
        row = importing.publish(session, import_id, pairs=imported.STEPS)
    uploads.drop(settings, import_id)
    import_rewards.reward_imported(store, import_id, work)
    return row
