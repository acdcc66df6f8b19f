"""What is being done right now, as thin lines in the frame of every page, each one click from its own page."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import streamlit as st

from core.jobs import kinds, table
from core.tables import Job, JobStatus
from pages.shared import context, layout
from pages.shared.literal import escape_label
from pages.shared.words import duration

SHOWN = 2  # lines; more would push the page down
QUIET = ("backup",)  # nobody waits for it


@dataclass(frozen=True)
class Doing:
    """A job under way in numbers; shared by all viewers for a moment."""

    job_id: UUID
    kind: str
    title: str
    subject_id: UUID | None
    done: int
    total: int | None
    unit: str
    note: str
    left_s: float | None
    waits: bool
    name: str = ""  # of what it is about; foreign
    unattended: bool = False  # it waits and no process does jobs

    @property
    def share(self) -> float | None:
        return min(1.0, self.done / self.total) if self.total else None


@st.cache_data(ttl=1.5, refresh_mode="foreground", show_spinner=False)
def now() -> list[Doing]:
    """The running jobs and those that wait, in their order. Two small reads through an index."""
    with context.store().read() as session:
        jobs = [job for job in table.under_way(session) if job.kind not in QUIET]
        stuck = {alarm.job.id for alarm in table.alarms(session)} if jobs else set()
        return [_doing(job, unattended=job.id in stuck) for job in jobs]


def busy(kind: str) -> bool:
    """Whether such a job is under way: its button then says so instead of asking again."""
    return any(one.kind == kind for one in now())


def draw(shown: tuple[UUID, ...]) -> None:
    """The lines; the whole page is drawn anew when a job has begun or ended since it was."""
    doing = now()
    present = tuple(one.job_id for one in doing)
    if present != shown:
        _forget_counts(present)
        st.rerun()
    with st.container(gap="xxsmall", key="running_jobs"):
        for one in doing[:SHOWN]:
            _line(one)
        if len(doing) > SHOWN:
            layout.link("jobs", f"and {len(doing) - SHOWN} more", icon=":material/more_horiz:")


_lately: list[tuple[UUID, ...]] = [()]


def _forget_counts(present: tuple[UUID, ...]) -> None:
    """Counts kept for some seconds are those from before it ended; of all who look on, one clears them."""
    if _lately[0] != present:
        _lately[0] = present
        st.cache_data.clear()


def in_words(one: Doing) -> str:
    """ "Triage · 1,200 of 5,000 comments · 24 % · 40 s left"; foreign names are escaped."""
    words = [f"{one.title} {escape_label(one.name, limit=40)}".strip()]
    if one.unattended and one.waits:
        words.append("nothing does jobs now: start `hone worker`, or the app with HONE_WORKER=true")
    elif one.waits:
        words.append("waits for its turn")
    elif one.total:
        words += [f"{one.done:,} of {one.total:,} {one.unit}", f"{100 * (one.share or 0):.0f} %"]
    elif one.done:
        words.append(f"{one.done:,} {one.unit}")
    elif one.note and one.note.lower() != one.title.lower():  # "Training · training" says it twice
        words.append(one.note)
    if one.left_s is not None and one.left_s >= 1:
        words.append(f"{duration(one.left_s)} left")
    return " · ".join(words)


def page_of(kind: str, subject_id: UUID | None, job_id: UUID) -> tuple[str, dict[str, str]]:
    """The page that shows such a job, and what its address says."""
    if subject_id is not None and kind == "train":
        return "runs", {"run": str(subject_id)}
    if subject_id is not None and kind == "import":
        return "import", {"import": str(subject_id)}
    return "jobs", {"job": str(job_id)}


def _line(one: Doing) -> None:
    name, query = page_of(one.kind, one.subject_id, one.job_id)
    layout.link(name, in_words(one), icon=":material/autorenew:", **query)
    st.progress(one.share or 0.0)


def _doing(job: Job, *, unattended: bool) -> Doing:
    entry = kinds.kind(job.kind)
    return Doing(
        job_id=job.id,
        kind=job.kind,
        title=entry.title,
        subject_id=job.subject_id,
        done=job.done,
        total=job.total,
        unit=job.unit,
        note=job.note,
        left_s=table.pace(job).left_s,
        waits=job.status is JobStatus.QUEUED,
        name=str(job.input.get("name", "")),
        unattended=unattended,
    )
