"""One job as a card: where it stands, how fast, how long still, what happened to it, and what one can do."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import streamlit as st
from sqlmodel import Session

from core.jobs import kinds, queue, table, training
from core.tables import Job, JobCommand, JobStatus
from pages.shared import context, layout
from pages.shared.literal import escape_label
from pages.shared.words import ago, duration, exact, when
from pages.shared.working import page_of

_STATE: dict[JobStatus, tuple[str, str, str]] = {
    JobStatus.QUEUED: ("Waiting", "schedule", "gray"),
    JobStatus.RUNNING: ("Running", "autorenew", "blue"),
    JobStatus.PAUSED: ("Paused", "pause_circle", "gray"),
    JobStatus.INTERRUPTED: ("Interrupted", "motion_photos_paused", "orange"),
    JobStatus.COMPLETED: ("Completed", "check", "green"),
    JobStatus.FAILED: ("Failed", "error", "red"),
    JobStatus.CANCELLED: ("Cancelled", "block", "gray"),
}
_WAITS = (JobStatus.PAUSED, JobStatus.INTERRUPTED)


def draw(job: Job, *, opened: bool = False) -> None:
    entry = kinds.kind(job.kind)
    words, icon, colour = _STATE[job.status]
    with st.container(border=True, key=f"job_{job.id}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            name = escape_label(str(job.input.get("name", "")), limit=60)
            st.markdown(f"**{entry.title}** {name}", width="content")
            st.markdown(f":{colour}-badge[:material/{icon}: {words}]", width="content")
            st.markdown(f":small[:gray[{_about(job, entry)}]]", width="stretch", help=exact(job.created_at))
            _buttons(job, entry)
        if job.status is JobStatus.RUNNING:
            st.progress(min(1.0, job.done / job.total) if job.total else 0.0)
        if job.error and job.status is not JobStatus.COMPLETED:
            st.text(job.error)
        _more(job, opened=opened)


def _about(job: Job, entry: kinds.Kind) -> str:
    words = []
    if job.status is JobStatus.COMPLETED and job.result:
        words.append(escape_label(entry.told(job.result)))
    elif job.total:
        words.append(f"{job.done:,} of {job.total:,} {job.unit}")
    elif job.done:
        words.append(f"{job.done:,} {job.unit}")
    pace = table.pace(job)
    if pace.per_s is not None:
        words.append(f"{pace.per_s:,.1f} {job.unit} a second")
    if pace.left_s is not None:
        words.append(f"{duration(pace.left_s)} left")
    if job.status is JobStatus.RUNNING and job.note:
        words.append(escape_label(job.note))
    if job.status is JobStatus.QUEUED and job.not_before is not None:
        words.append(f"tried again {ago(job.not_before)}")
    if job.ended_at is not None and job.started_at is not None:
        took_s = (job.ended_at - job.started_at).total_seconds()
        words.append(f"took {duration(took_s)}" if took_s >= 1 else "took under a second")
    by = f" by {escape_label(job.requested_by, limit=60)}" if job.requested_by else ""
    return " · ".join([*filter(None, words), f"asked for {ago(job.created_at)}{by}"])


def _buttons(job: Job, entry: kinds.Kind) -> None:
    name, query = page_of(job.kind, job.subject_id, job.id)
    if name != "jobs" and layout.exists(name) and st.button("Open", type="tertiary", key=f"open_{job.id}"):
        layout.go(name, **query)
    asked = job.command is not None
    if job.status is JobStatus.QUEUED:
        with context.store().read() as session:
            later = table.behind(session, job) > 0
        if later:
            _button(job, "Move up", "arrow_upward", lambda session: queue.move(session, job.id, places=-1))
    if job.status is JobStatus.RUNNING and entry.can_pause:
        _button(job, "Pause", "pause", _pause(job), disabled=asked)
    if job.status in (JobStatus.QUEUED, JobStatus.RUNNING, *_WAITS):
        _button(
            job,
            "Cancelling" if job.command is JobCommand.CANCEL else "Cancel",
            "stop_circle",
            _cancel(job),
            disabled=job.command is JobCommand.CANCEL,
        )
    if job.status in _WAITS:
        _button(job, "Resume", "play_arrow", _resume(job), primary=True)
    if job.status is JobStatus.FAILED and job.kind != training.NAME:
        _button(job, "Try again", "replay", _resume(job), primary=True)


def _pause(job: Job) -> Callable[[Session], object]:
    if job.kind == training.NAME and job.subject_id is not None:
        run_id: UUID = job.subject_id
        return lambda session: training.pause_run(session, run_id, by=context.me())
    return lambda session: queue.request_pause(session, job.id, by=context.me())


def _cancel(job: Job) -> Callable[[Session], object]:
    if job.kind == training.NAME and job.subject_id is not None:
        run_id: UUID = job.subject_id
        return lambda session: training.cancel_run(session, run_id, by=context.me())
    return lambda session: queue.request_cancel(session, job.id, by=context.me())


def _resume(job: Job) -> Callable[[Session], object]:
    return lambda session: queue.resume(session, job.id, by=context.me())


def _button(
    job: Job,
    words: str,
    icon: str,
    change: Callable[[Session], object],
    *,
    primary: bool = False,
    disabled: bool = False,
) -> None:
    key = f"{icon}_{job.id}_{job.version}"
    kind = "primary" if primary else "secondary"
    if st.button(words, icon=f":material/{icon}:", key=key, type=kind, disabled=disabled):
        with context.action() as act, context.store().write() as session:
            change(session)
        if act.ok:
            context.wake()
            st.rerun()


def _more(job: Job, *, opened: bool) -> None:
    """What happened, read only when somebody looks."""
    fold = st.expander("What happened", key=f"more_{job.id}", expanded=opened, on_change="rerun", type="compact")
    if not (opened or fold.open):
        return
    with context.store().read() as session:
        happened = table.events(session, job)
    with fold:
        for one in happened:
            with st.container(horizontal=True, gap="small"):
                with st.container(width=110):
                    when(one.created_at)
                st.text(one.message)
        if job.error_detail:
            st.code(job.error_detail, language=None, wrap_lines=True)
        if job.result:
            st.json(job.result, expanded=False)
