"""One import's own view: how far it is, then what became of its rows. It lives in the address, so a reload keeps it.

While the import waits or is read this is a fragment that draws itself every second; at its end the page is drawn once.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import streamlit as st
from sqlmodel import Session

from core.errors import NotFound
from core.feedback import importing
from core.jobs import imports, queue, table
from core.tables import ENDED_JOBS, Import, ImportStatus, Job, JobCommand, JobStatus
from pages.admin import import_report
from pages.shared import context, layout
from pages.shared.literal import escape_label
from pages.shared.words import ago, duration, exact

EVERY_S = 1
_LIVE = (JobStatus.QUEUED, JobStatus.RUNNING)
_STATES: dict[ImportStatus, tuple[str, str, str]] = {
    ImportStatus.READING: ("Reading", "autorenew", "blue"),
    ImportStatus.CHECKED: ("Checked", "rule", "blue"),
    ImportStatus.PUBLISHED: ("Imported", "check", "green"),
    ImportStatus.FAILED: ("Failed", "error", "red"),
    ImportStatus.CANCELLED: ("Cancelled", "block", "gray"),
}


def draw(import_id: UUID) -> None:
    if st.button("Import another file", icon=":material/arrow_back:", type="tertiary", key="import_other"):
        layout.go("import")
    try:
        row, job = _now(import_id)
    except NotFound:
        st.caption("There is no such import; it may belong to another store.")
        return
    _title(row)
    if job is not None and job.status in _LIVE:
        st.fragment(_live, run_every=EVERY_S)(import_id)
    elif row.status in (ImportStatus.CHECKED, ImportStatus.PUBLISHED):
        import_report.draw(row)
        _publish(row)
        import_report.notes(row)
    else:
        _stopped(row, job)


def badge(row: Import) -> str:
    """The state in one word, ours."""
    words, icon, colour = _STATES[row.status]
    return f":{colour}-badge[:material/{icon}: {words}]"


def _now(import_id: UUID) -> tuple[Import, Job | None]:
    with context.store().read() as session:
        return importing.get(session, import_id), queue.of_subject(session, import_id)


def _title(row: Import) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{escape_label(row.filename, limit=80)}**", width="content")
        st.markdown(badge(row), width="content")
        said = f"for the agent {escape_label(row.agent_id, limit=60)}, by {escape_label(row.imported_by, limit=60)}"
        st.caption(f"{said}, {ago(row.created_at)}", help=exact(row.created_at))


def _live(import_id: UUID) -> None:
    row, job = _now(import_id)
    if job is None or job.status not in _LIVE:
        st.rerun()
    with st.container(border=True, key="import_progress", gap="small"):
        st.progress(min(1.0, job.done / job.total) if job.total else 0.0)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(_how_far(row, job))
            st.space("stretch")
            stopping = job.command is JobCommand.CANCEL
            words = "Cancelling" if stopping else "Cancel import"
            if st.button(words, icon=":material/stop_circle:", disabled=stopping, key="import_cancel"):
                _act(lambda session: imports.cancel_import(session, import_id, by=context.me()))


def _how_far(row: Import, job: Job) -> str:
    if job.status is JobStatus.QUEUED:
        error = f" {escape_label(job.error, limit=300)}" if job.error else ""
        return f"It waits for its turn.{error} You may close this page."
    if row.status is not ImportStatus.READING:
        return "All rows are read; they are being stored."
    pace = table.pace(job)
    words = [f"{job.done:,} of {job.total:,} rows" if job.total else "Opening the file"]
    if pace.per_s is not None:
        words.append(f"{pace.per_s:,.0f} rows a second")
    if pace.left_s is not None:
        words.append(f"{duration(pace.left_s)} left")
    words.append("nothing is visible before all of it is read; you may close this page")
    return " · ".join(words)


def _publish(row: Import) -> None:
    """A dry run waits for a decision."""
    if row.status is not ImportStatus.CHECKED:
        return
    with st.container(horizontal=True, gap="small"):
        if st.button(
            "Import rows",
            type="primary",
            icon=":material/download_done:",
            disabled=not row.accepted,
            key="import_publish",
        ):
            _act(lambda session: imports.publish_import(session, context.settings(), row.id, by=context.me()))
        if st.button("Discard", icon=":material/delete:", key="import_discard"):
            _act(lambda session: imports.cancel_import(session, row.id, by=context.me()))


def _stopped(row: Import, job: Job | None) -> None:
    """Cancelled, failed, or waiting for a person."""
    if row.status is ImportStatus.CANCELLED:
        st.caption("This import was cancelled; nothing of it was stored.")
        return
    error = (job.error if job is not None else None) or next(reversed(row.notes or [""]), "")
    if row.status is ImportStatus.FAILED and error:
        st.error(escape_label(str(error), limit=600), icon=":material/error:")
    elif job is None or job.status not in ENDED_JOBS:
        st.caption("It was stopped; nothing of it is visible. It goes on where it was.")
    with st.container(horizontal=True, gap="small"):
        words = "Try again" if row.status is ImportStatus.FAILED else "Go on"
        if st.button(words, type="primary", icon=":material/replay:", key="import_again"):
            _act(lambda session: imports.publish_import(session, context.settings(), row.id, by=context.me()))
        if row.status is not ImportStatus.FAILED and st.button(
            "Give up", icon=":material/delete:", key="import_give_up"
        ):
            _act(lambda session: imports.cancel_import(session, row.id, by=context.me()))


def _act(change: Callable[[Session], object]) -> None:
    with context.action() as act, context.store().write() as session:
        change(session)
    if act.ok:
        context.wake()
        st.rerun()
