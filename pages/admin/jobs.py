"""Jobs: what runs now, what waits for its turn, what ended and how; and the buttons that stop it or let it go on."""

from __future__ import annotations

import streamlit as st

from core.jobs import kinds, table
from core.tables import Job, JobStatus, Worker
from pages.admin import job_card
from pages.shared import context, layout
from pages.shared.literal import escape_label
from pages.shared.words import ago, counted, exact

SIZE = 20
ACTIVE = (JobStatus.RUNNING, JobStatus.QUEUED, JobStatus.PAUSED, JobStatus.INTERRUPTED)
VIEWS = {"all": "All", "active": "Under way", "completed": "Completed", "stopped": "Failed or cancelled"}
_STATES: dict[str, tuple[JobStatus, ...]] = {
    "active": ACTIVE,
    "completed": (JobStatus.COMPLETED,),
    "stopped": (JobStatus.FAILED, JobStatus.CANCELLED),
}


def draw() -> None:
    layout.header(
        "Jobs", "Long work: what runs now, what waits, and what ended. Close the page; it goes on without you."
    )
    with context.store().read() as session:
        any_yet = table.count(session)
        alarms = table.alarms(session)
        workers = table.workers(session)
    if not any_yet:
        layout.empty(
            "manufacturing",
            "Imports, triage, judging, mining and training run here as jobs, with their progress and a way to stop "
            "them.",
            "Import your data",
            to="import",
            title="Nothing has been asked for yet",
        )
        return
    for alarm in alarms:
        st.warning(f"{kinds.kind(alarm.job.kind).title}: {alarm.why}", icon=":material/notification_important:")
    with layout.filters():
        view = layout.choice("State", VIEWS, key="state")
        names = {entry.name: entry.title for entry in kinds.all_kinds().values()}
        kind = st.selectbox(
            "Kind",
            ["", *names],
            format_func=lambda name: names.get(name, "All kinds"),
            key="kind",
            bind="query-params",
            label_visibility="collapsed",
            width=200,
        )
    _watch(view, kind or None)
    _workers(list(workers))


def _watch(view: str, kind: str | None) -> None:
    """The list; looked at again every two seconds while something is under way, and left alone otherwise."""
    with context.store().read() as session:
        busy = table.count(session, statuses=(JobStatus.RUNNING, JobStatus.QUEUED))
    (st.fragment(_list, run_every=2) if busy else _list)(view, kind)


def _list(view: str, kind: str | None) -> None:
    statuses = _STATES.get(view, ())
    with context.store().read() as session:
        total = table.count(session, kind=kind, statuses=statuses)
        cards = st.container(gap="xsmall")
        page = layout.paging(total, size=SIZE)
        jobs = table.listing(session, kind=kind, statuses=statuses, limit=SIZE, offset=layout.offset(page, size=SIZE))
    if not jobs:
        st.caption("No job is in this state.")
    chosen = layout.id_in(st.query_params.get("job"))
    with cards:
        for job in jobs:
            job_card.draw(job, opened=job.id == chosen)
    if chosen is not None and chosen not in {job.id for job in jobs}:
        _elsewhere(chosen)


def _elsewhere(job_id: object) -> None:
    """The job the address names, when it is not on this page of the list."""
    with context.store().read() as session:
        job = session.get(Job, job_id)
    if job is None:
        st.caption("There is no such job; it may belong to another store.")
    else:
        job_card.draw(job, opened=True)


def _workers(workers: list[Worker]) -> None:
    if not workers:
        return
    with st.expander(f"{counted(len(workers), 'process', 'processes')} at work", icon=":material/memory:"):
        for worker in workers:
            host, since = escape_label(worker.host, limit=60), ago(worker.started_at)
            st.caption(
                f"{host}, since {since}, last sign of life {ago(worker.heartbeat_at)}", help=exact(worker.started_at)
            )


draw()
