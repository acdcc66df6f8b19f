"""Beside the form of a new run: what it will do, and what stands in its way, as one says what is typed.

The base model's folder is looked at (names, sizes, headers, hashes), never opened; no torch is needed for that.
"""

from __future__ import annotations

from math import ceil
from pathlib import Path

import sqlalchemy as sa
import streamlit as st
from sqlmodel import Session, col, select

from core.errors import HoneError
from core.inference.demo_base import MARKER, demo_folder
from core.inference.folder import DEMO, inspect_folder, resolve_base
from core.tables import DatasetPair, RunStatus, Split, TrainingDataset, TrainingRun
from core.training.spec import MIN_ROWS, TrainSpec
from pages.shared import context
from pages.shared.literal import escape_label
from pages.shared.words import counted


def draw(dataset: TrainingDataset, spec: TrainSpec | None, wrong: str | None) -> bool:
    """Draw the facts; True when nothing stands in the way."""
    with context.store().read() as session:
        splits = pairs_by_split(session, dataset)
        before_it = _active(session)
    problems = [wrong] if wrong else []
    problems += _too_few(dataset, splits)
    with st.container(border=True, gap="small", key="preflight"):
        st.subheader("Before it starts", anchor=False)
        _fact("stacks", _pairs(splits))
        about, problem = _base(spec) if spec else ("", None)
        problems += [problem] if problem else []
        if about:
            _fact("neurology", about)
        if spec is not None:
            _fact("steps", _steps(splits[Split.TRAIN], spec))
        _fact("memory", _device())
        _fact("schedule", f"Waits for {counted(before_it, 'run')} before it" if before_it else "Starts at once")
        for sentence in problems:
            _fact(":red[:material/error:]", f":red[{escape_label(sentence, limit=600)}]")
    return not problems


def pairs_by_split(session: Session, dataset: TrainingDataset) -> dict[Split, int]:
    query = select(DatasetPair.split, sa.func.count()).where(DatasetPair.dataset_id == dataset.id)
    found = dict(session.exec(query.group_by(DatasetPair.split)).all())
    return {split: found.get(split, 0) for split in Split}


def _active(session: Session) -> int:
    busy = col(TrainingRun.status).in_((RunStatus.PENDING, RunStatus.RUNNING))
    return session.exec(select(sa.func.count()).select_from(TrainingRun).where(busy)).one()


def _too_few(dataset: TrainingDataset, splits: dict[Split, int]) -> list[str]:
    least = context.settings().min_pairs
    if dataset.total_examples < least:
        return [
            f"This dataset has {counted(dataset.total_examples, 'pair')}; a run needs at least {least}. "
            "Label or import more, then freeze again."
        ]
    if splits[Split.TRAIN] < MIN_ROWS:
        return [f"Only {counted(splits[Split.TRAIN], 'pair')} to train on; at least {MIN_ROWS} are needed."]
    return []


def _fact(icon: str, sentence: str) -> None:
    mark = icon if icon.startswith(":") else f":gray[:material/{icon}:]"
    with st.container(horizontal=True, gap="small", wrap=False):
        st.markdown(mark, width="content")
        st.markdown(sentence, width="stretch")


def _pairs(splits: dict[Split, int]) -> str:
    train, validation, test = (splits[split] for split in (Split.TRAIN, Split.VALIDATION, Split.TEST))
    return f"{counted(train, 'pair')} to train on, {validation:,} to validate, {test:,} to test"


def _steps(train: int, spec: TrainSpec) -> str:
    batch = spec.batch_size * spec.gradient_accumulation_steps
    a_pass = ceil(train / batch) if train else 0
    passes = counted(spec.num_epochs, "pass", "passes")
    return f"About {counted(a_pass * spec.num_epochs, 'step')}: {passes} of {a_pass:,}, {batch:,} pairs a step"


def _device() -> str:
    if Path("/dev/nvidiactl").exists():
        return "On the GPU in bfloat16, if the installed PyTorch can use it"
    return "On the CPU in float32, with one thread, so that the pages stay quick"


@st.cache_data(show_spinner=False)
def _demo_folder(models_dir: str) -> str:
    """Its name is a hash over the texts it is taught, which takes a tenth of a second."""
    return str(demo_folder(Path(models_dir)))


def _base(spec: TrainSpec) -> tuple[str, str | None]:
    """(what the base model is, what is wrong with it)."""
    settings = context.settings()
    if spec.base == DEMO:
        made = (Path(_demo_folder(str(settings.home / "models"))) / MARKER).is_file()
        return "The demo model" + ("" if made else ": made on first use, which takes about half a minute"), None
    try:
        if settings.allow_hub and not Path(spec.base).expanduser().exists():
            return f"{escape_label(spec.base)} from the hub, fetched when the run starts", None
        folder = resolve_base(spec.base, models_dir=settings.home / "models", allow_hub=False)
        model = inspect_folder(folder)
    except HoneError as error:
        return "", str(error)
    size = f"{model.parameters:,} parameters" if model.parameters else "unknown size"
    template = "its own chat template" if model.has_chat_template else "no chat template, so a plain one is used"
    return f"{escape_label(model.architecture)}, {size}, {template}", None
