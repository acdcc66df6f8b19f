"""What a person can do to a run: pause, resume, cancel, give up, start again. Each asks once and is harmless twice."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import streamlit as st
from sqlmodel import Session

from core.jobs import training
from core.tables import Job, JobCommand, RunPhase, RunStatus, TrainingRun, new_id
from core.training import runs
from core.training.spec import TrainSpec
from pages.shared import context, layout

# What the button says, asks, and has done: a run that stopped by itself still holds its pairs.
_STOP = (
    "Cancel run",
    "Stop this run? What it has learned so far is not kept; its pairs can be used again.",
    "The run stops after its present step",
)
_GIVE_BACK = (
    "Put its pairs back",
    "Count this run as cancelled? Its pairs can then be frozen into another dataset.",
    "The run's pairs can be used again",
)
_ENDED_EARLY = (RunStatus.FAILED, RunStatus.CANCELLED)


def draw(run: TrainingRun, job: Job | None) -> None:
    """The buttons that fit where the run stands; the most likely next one is the primary."""
    command = job.command if job is not None else None
    if run.status is RunStatus.RUNNING and run.phase in (RunPhase.TRAINING, RunPhase.PAUSING):
        _pause(run, asked=command is not None)
    if run.status in (RunStatus.PENDING, RunStatus.RUNNING, RunStatus.INTERRUPTED):
        _cancel(run, asked=command is JobCommand.CANCEL)
    if runs.is_stuck(run):
        _give_up(run)
    if run.status is RunStatus.INTERRUPTED:
        _resume(run)
    if run.status in _ENDED_EARLY:
        _again(run)


def _pause(run: TrainingRun, *, asked: bool) -> None:
    words = "Pausing" if asked else "Pause"
    if st.button(words, icon=":material/pause:", key=f"pause_{run.id}", disabled=asked):
        _act(lambda session: training.pause_run(session, run.id, by=context.me()), "The run pauses after this step")


def _resume(run: TrainingRun) -> None:
    if st.button("Resume training", type="primary", icon=":material/play_arrow:", key=f"resume_{run.id}"):
        home = context.settings().home
        _act(lambda session: training.resume_run(session, run.id, by=context.me(), home=home), "The run goes on")


def _give_up(run: TrainingRun) -> None:
    """No sign of life for a day: nobody would hear that it was cancelled."""
    if st.button("Mark as failed", icon=":material/flag:", key=f"give_up_{run.id}"):
        _act(
            lambda session: training.give_up_run(session, run.id, by=context.me()), "The run's pairs can be used again"
        )


def _act(change: Callable[[Session], object], done: str) -> None:
    with context.action(done) as act, context.store().write() as session:
        change(session)
    if act.ok:
        context.wake()
        st.rerun()


def _cancel(run: TrainingRun, *, asked: bool) -> None:
    words, why, done = _STOP if run.status is not RunStatus.INTERRUPTED else _GIVE_BACK
    with st.popover("Cancelling" if asked else words, icon=":material/stop_circle:", disabled=asked):
        st.text(why)
        st.button(words, key=f"cancel_{run.id}", type="primary", on_click=_do_cancel, args=(run.id, done))


def _do_cancel(run_id: UUID, done: str) -> None:
    with context.action(done), context.store().write() as session:
        training.cancel_run(session, run_id, by=context.me())


def _again(run: TrainingRun) -> None:
    # The new run's id is made when the button is drawn: pressing twice asks for one run.
    following: UUID = st.session_state.setdefault(f"again_{run.id}", new_id())
    if st.button("Start again with the same settings", type="primary", icon=":material/replay:", key="again"):
        with context.action() as act, context.store().write() as session:
            training.request_run(
                session,
                run.dataset_id,
                spec=TrainSpec.model_validate(run.config),
                agent_id=run.agent_id,
                requested_by=context.me(),
                min_pairs=context.settings().min_pairs,
                home=context.settings().home,
                run_id=following,
            )
        if act.ok:
            context.wake()
            st.session_state.pop(f"again_{run.id}", None)
            layout.go("runs", run=str(following))
