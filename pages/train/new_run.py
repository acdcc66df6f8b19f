"""The form that starts a run: five fields, the rest in a fold, and beside it what will happen, kept up to date.

In: a frozen dataset (``?new=<its id>`` chooses it). Out: one queued run; its id is made when the form is drawn, so
a double click starts one. Nothing is loaded here: a base model's folder is looked at, not opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import streamlit as st
from sqlmodel import col, select

from core.errors import HoneError, InputRejected
from core.inference.folder import DEMO
from core.jobs import training
from core.tables import DatasetKind, DatasetStatus, TrainingDataset, new_id
from core.training.presets import PRESETS, preset_name
from core.training.spec import TrainSpec
from pages.shared import context, layout
from pages.shared.literal import one_line
from pages.shared.words import ago
from pages.train import preflight, run_detail, spec_fields

_RUN_ID = "new_run_id"
_PRESETS = {"demo": "For the demo model", "default": "For any other model"}
_KINDS = {DEMO: "Demo model", "folder": "Model folder"}


def draw(dataset_id: str) -> None:
    run_detail.back()
    layout.header("New run", "Trains a LoRA adapter on a frozen dataset, and measures it before and after.")
    datasets = _datasets()
    if not datasets:
        layout.empty(
            "dataset",
            "There is no frozen dataset yet. Freeze one, then come back.",
            "Freeze a dataset",
            to="datasets",
        )
        return
    form, facts = st.columns([3, 2], gap="large")
    with form:
        dataset = _dataset(datasets, dataset_id)
        base = _base()
        values = _settings(base)
    spec, wrong = _spec(values, base, dataset)
    with facts:
        ready = preflight.draw(dataset, spec, wrong)
        _start(dataset, spec if ready else None)


def _datasets() -> Sequence[TrainingDataset]:
    usable = col(TrainingDataset.status).in_((DatasetStatus.READY, DatasetStatus.IN_USE))
    query = select(TrainingDataset).where(usable, TrainingDataset.kind == DatasetKind.PAIRS)
    with context.store().read() as session:
        return session.exec(query.order_by(col(TrainingDataset.id).desc()).limit(100)).all()


def _dataset(datasets: Sequence[TrainingDataset], wanted: str) -> TrainingDataset:
    by_id = {str(dataset.id): dataset for dataset in datasets}
    ids = list(by_id)
    chosen = st.selectbox(
        "Dataset",
        ids,
        index=ids.index(wanted) if wanted in by_id else 0,
        format_func=lambda key: _dataset_name(by_id[key]),
        key="new_dataset",
    )
    return by_id[chosen]


def _dataset_name(dataset: TrainingDataset) -> str:
    when = ago(dataset.frozen_at or dataset.created_at)
    return f"{one_line(dataset.name, limit=60)} · {dataset.total_examples:,} pairs · {when}"


def _base() -> str:
    kind = st.segmented_control(
        "Base model",
        list(_KINDS),
        format_func=lambda key: _KINDS[key],
        default=DEMO,
        required=True,
        key="new_base_kind",
        help="The demo model is tiny and made here: it shows the loop, not what a real model can do.",
    )
    if kind != "folder":
        return DEMO
    hub = " or a hub id" if context.settings().allow_hub else ""
    path = st.text_input(
        f"Path of a Hugging Face model folder{hub}",
        key="new_base_path",
        placeholder="/models/my-model",
        max_chars=500,
        help="The folder holds config.json, a tokenizer and weights as safetensors.",
    )
    return (path or "").strip()


def _settings(base: str) -> dict[str, Any]:
    """What the fields say, whole: the preset's values with what was changed."""
    names = list(_PRESETS)
    suits = preset_name(base)
    preset = st.selectbox(
        "Preset",
        names,
        index=names.index(suits),
        format_func=lambda name: _PRESETS[name],
        key=f"new_preset_{suits}",  # another base begins with the preset that suits it
    )
    values = PRESETS[preset].model_dump(mode="json")
    epochs, seed = st.columns(2)
    with epochs:
        values["num_epochs"] = spec_fields.number("num_epochs", values["num_epochs"], preset)
    with seed:
        values["seed"] = spec_fields.number("seed", values["seed"], preset)
    with st.expander("All settings", icon=":material/tune:", key="new_all_settings"):
        values |= spec_fields.draw(values, preset)
    return values


def _spec(values: dict[str, Any], base: str, dataset: TrainingDataset) -> tuple[TrainSpec | None, str | None]:
    """The bounded spec, or the one sentence that says what is wrong."""
    if not base:
        return None, "Give the path of the base model's folder."
    known = {
        "base": base,
        "agent_id": _agent(dataset),
        "dataset_id": str(dataset.id),
        "dataset_sha256": dataset.content_hash or "",
    }
    try:
        return TrainSpec.parse(values | known), None
    except InputRejected as error:
        return None, spec_fields.sentence(error)
    except HoneError as error:
        return None, str(error)


def _agent(dataset: TrainingDataset) -> str:
    return str(dataset.agent_ids[0]) if dataset.agent_ids else ""


def _start(dataset: TrainingDataset, spec: TrainSpec | None) -> None:
    run_id: UUID = st.session_state.setdefault(_RUN_ID, new_id())
    st.button(
        "Start training",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        disabled=spec is None,
        key=f"start_{run_id}",
        on_click=_do_start,
        args=(run_id, dataset.id, _agent(dataset), spec),
    )
    st.caption("Pressing it is your approval. You can close this page: the run goes on, and this page finds it again.")


def _do_start(run_id: UUID, dataset_id: UUID, agent_id: str, spec: TrainSpec) -> None:
    """Queue the run that was drawn with this button; a second click finds it queued already."""
    with context.action() as act, context.store().write() as session:
        training.request_run(
            session,
            dataset_id,
            spec=spec,
            agent_id=agent_id,
            requested_by=context.me(),
            min_pairs=context.settings().min_pairs,
            home=context.settings().home,
            run_id=run_id,
        )
    if act.ok:
        st.session_state.pop(_RUN_ID, None)
        context.wake()
        st.query_params.from_dict({"run": str(run_id)})
