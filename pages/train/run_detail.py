"""One run's page: what is moving (run_live), then sampled answers, events, settings, and the buttons that ask once."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import streamlit as st
from sqlmodel import col, select

from core.errors import NotFound
from core.jobs import queue
from core.lineage import Kind
from core.sample.texts import is_intact
from core.tables import Adapter, Job, RunEvent, RunSample, RunStatus, TrainingDataset, TrainingRun
from core.training import records, runs
from pages.curate.pair_words import CHOSEN, REJECTED
from pages.shared import context, layout, lineage
from pages.shared.literal import escape_label, literal
from pages.shared.words import ago, counted, exact
from pages.train import effect, run_actions, run_live, run_words

_AT_ONCE = 4  # samples shown before the fold
_MARKS = (CHOSEN, REJECTED)


def draw(run_id: UUID) -> None:
    try:
        with context.store().read() as session:
            run = runs.get(session, run_id)
            dataset = session.get_one(TrainingDataset, run.dataset_id)
            adapter = session.exec(select(Adapter).where(Adapter.run_id == run_id)).first()
            detail = records.detail(session, run)
            job = queue.of_subject(session, run_id)
    except NotFound:
        layout.header("Run", "There is no such run; it may belong to another store.")
        back()
        return
    back()
    _title(run, dataset, adapter, job)
    _why_it_stopped(run)
    run_live.watch(run)
    lineage.fold(Kind.RUN, run_id, expanded=True)
    effect.draw(run_id)
    _samples(detail.samples)
    _events(detail.events)
    _settings(run)


def back() -> None:
    """To the list; a button, because a link to the page one is on looks pressed."""
    if st.button("All runs", icon=":material/arrow_back:", type="tertiary", key="all_runs"):
        layout.go("runs")


def _title(run: TrainingRun, dataset: TrainingDataset, adapter: Adapter | None, job: Job | None) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        with st.container(gap="xxsmall", width=640):
            st.title("Training run", anchor=False)
            st.caption(
                f"{escape_label(dataset.name)} · {counted(dataset.total_examples, 'pair')} · "
                f"{escape_label(run_words.base(run.base_model))} · asked for by {escape_label(run.requested_by)} "
                f"{ago(run.created_at)}",
                help=exact(run.created_at),
            )
        with st.container(horizontal=True, width="content"):
            run_actions.draw(run, job)
            if adapter is not None and st.button("See the adapter", type="primary", icon=":material/extension:"):
                layout.go("adapters", adapter=str(adapter.id))


def _why_it_stopped(run: TrainingRun) -> None:
    if run.status in (RunStatus.FAILED, RunStatus.INTERRUPTED) and run.error:
        show = st.error if run.status is RunStatus.FAILED else st.warning
        show(escape_label(run.error, limit=800), icon=f":material/{run_words.state(run)[1]}:")
    if run.status is RunStatus.CANCELLED:
        st.caption("This run was cancelled; no adapter was made and its pairs can be used again.")
    if run.error_detail:
        with st.expander("Error detail", icon=":material/bug_report:"):
            st.code(run.error_detail, language=None, wrap_lines=True)


def _samples(samples: Sequence[RunSample]) -> None:
    if not samples:
        return
    st.subheader("Sampled answers", anchor=False)
    st.caption(
        "The same held-out prompts, answered by the base model and by the adapter. Numbers miss a lot: read a few."
        + _intact(samples)
    )
    for sample in samples[:_AT_ONCE]:
        _sample(sample)
    if len(samples) > _AT_ONCE:
        with st.expander(f"{len(samples) - _AT_ONCE} more"):
            for sample in samples[_AT_ONCE:]:
                _sample(sample)


def _intact(samples: Sequence[RunSample]) -> str:
    """How many answers are whole sentences: known for the sample workspace's own answers, of no others."""
    if not all(is_intact(sample.chosen) for sample in samples):
        return ""
    said = f" {sum(is_intact(sample.before) for sample in samples)} of {len(samples)} are whole sentences before"
    answered = [sample.after for sample in samples if sample.after is not None]
    if answered:
        said += f", {sum(map(is_intact, answered))} of {len(answered)} after"
    return f"{said}."


def _sample(sample: RunSample) -> None:
    with st.container(border=True, gap="small", key=f"sample_{sample.position}"):
        literal(sample.prompt, label="Prompt")
        # While it trains there is no second answer, and no empty column for it.
        columns = st.columns(2 if sample.after is not None else 1, gap="medium")
        with columns[0]:
            st.markdown(":gray-badge[Before] :small[:gray[base model]]")
            literal(sample.before)
        if sample.after is not None:
            with columns[1]:
                st.markdown(":primary-badge[After] :small[:gray[with the adapter]]")
                literal(sample.after)
        with st.expander("What people preferred", type="compact"):
            for column, mark, answer in zip(st.columns(2), _MARKS, (sample.chosen, sample.rejected), strict=True):
                with column:
                    st.markdown(f":small[{mark}]")
                    literal(answer)


def _events(events: Sequence[RunEvent]) -> None:
    with st.expander(f"Events ({len(events)})", icon=":material/list:"):
        for event in reversed(events):
            with st.container(horizontal=True, gap="small"):
                st.caption(ago(event.created_at), width=90, help=exact(event.created_at))
                st.text(event.message if event.step is None else f"{event.message} (step {event.step:,})")


def _settings(run: TrainingRun) -> None:
    with st.expander("Settings", icon=":material/tune:"):
        other = _other(run)
        if other is None:
            rows = [{"Setting": name, "Value": _shown(value)} for name, value in sorted(run.config.items())]
            st.dataframe(rows, hide_index=True, alt="The run's settings")
            return
        found = [
            {"Setting": name, "This run": _shown(here), "The other run": _shown(there)}
            for name, here, there in runs.differences(run.config, other.config)
        ]
        if found:
            st.dataframe(found, hide_index=True, alt="Settings in which the two runs differ")
        else:
            st.caption("The two runs have the same settings.")


def _other(run: TrainingRun) -> TrainingRun | None:
    with context.store().read() as session:
        near = session.exec(
            select(TrainingRun).where(TrainingRun.id != run.id).order_by(col(TrainingRun.id).desc()).limit(50)
        ).all()
    by_id = {str(one.id): one for one in near}
    chosen = st.selectbox(
        "Compare with",
        ["", *by_id],
        format_func=lambda key: _name(by_id[key]) if key else "No other run",
        key="compare",
        width=420,
    )
    return by_id.get(chosen or "")


def _name(run: TrainingRun) -> str:
    return f"{exact(run.created_at)}, {run_words.state(run)[0].lower()}, {run_words.base(run.base_model)}"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "–" if value is None else str(value)
