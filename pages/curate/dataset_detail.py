"""One frozen dataset: its hash, its splits, what changed since the last, its lineage drawn, its rows, its export."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any, BinaryIO
from uuid import UUID

import streamlit as st

from core.datasets import export, freeze, lineage, table
from core.datasets.lineage import Lineage
from core.datasets.table import DatasetDetail
from core.errors import HoneError, NotFound
from core.tables import DatasetStatus, Split
from pages.curate.dataset_recipe import SPLIT_WORDS
from pages.curate.pair_words import ORIGIN
from pages.shared import context, layout
from pages.shared.literal import escape_label, one_line
from pages.shared.words import ago, counted, exact

_ROWS = 20


def draw(dataset_id: UUID) -> None:
    try:
        with context.store().read() as session:
            detail = table.detail(session, dataset_id)
            ancestry = lineage.lineage(session, dataset_id)
    except NotFound:
        layout.header("Dataset", "There is no such dataset; it may belong to another store.")
        _back()
        return
    _back()
    _title(detail)
    _integrity(detail)
    with st.grid(4, min_column_width=120):
        st.metric("Pairs", f"{detail.dataset.total_examples:,}", border=True)
        for split, words in SPLIT_WORDS.items():
            st.metric(words, f"{detail.by_split[split]:,}", border=True)
    _about(detail)
    _lineage(ancestry, detail)
    _rows(dataset_id, detail)


def _back() -> None:
    if st.button("All datasets", icon=":material/arrow_back:", type="tertiary", key="all_datasets"):
        layout.go("datasets")


def _title(detail: DatasetDetail) -> None:
    dataset = detail.dataset
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        with st.container(gap="xxsmall", width="stretch"):
            st.title(escape_label(dataset.name, limit=120), anchor=False)
            agent = escape_label(", ".join(map(str, dataset.agent_ids)), limit=60)
            st.caption(
                f"{agent} · version {escape_label(dataset.version)} · frozen by "
                f"{escape_label(dataset.frozen_by or '')} {ago(dataset.frozen_at)}",
                help=exact(dataset.frozen_at),
            )
        with st.container(horizontal=True, width="content"):
            st.download_button(
                "Export as JSONL",
                data=lambda: _jsonl(dataset.id),
                file_name=f"dataset-{str(dataset.id)[-12:]}.jsonl",
                mime="application/jsonl",
                icon=":material/download:",
                on_click="ignore",
                key="export_dataset",
            )
            usable = dataset.status in (DatasetStatus.READY, DatasetStatus.IN_USE)
            if st.button("Train on this", type="primary", icon=":material/model_training:", disabled=not usable):
                layout.go("runs", new=str(dataset.id))


def _jsonl(dataset_id: UUID) -> BinaryIO:
    """Made when the button is pressed, beside the page's script; line by line, so that it is in memory once."""
    lines = BytesIO()
    with context.store().read() as session:
        lines.writelines(line.encode() for line in export.export_jsonl(session, dataset_id))
    lines.seek(0)
    return lines


def _integrity(detail: DatasetDetail) -> None:
    wrong = _changed(str(detail.dataset.id))
    if wrong:
        st.error(escape_label(wrong, limit=600), icon=":material/gpp_bad:")
        return
    st.markdown(
        f":green[:material/verified:] :small[:gray[Its rows have the hash they were frozen with:] "
        f"`{detail.dataset.content_hash}`]"
    )


@st.cache_data(ttl=300, show_spinner="Checking the hash")
def _changed(dataset_id: str) -> str | None:
    """The sentence that says the rows are no longer what was frozen; None while they are."""
    try:
        with context.store().read() as session:
            freeze.verify(session, UUID(dataset_id))
    except HoneError as error:
        return str(error)
    return None


def _about(detail: DatasetDetail) -> None:
    origins = ", ".join(f"{n:,} from {ORIGIN[origin].lower()}" for origin, n in detail.by_origin.items() if n)
    verified = detail.dataset.human_verified_percentage
    compared = f" People compared or wrote {verified:.0f} % of them themselves." if verified is not None else ""
    st.caption(f"{origins}.{compared}")
    if detail.diff is not None:
        diff = detail.diff
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(
                f"Since the one before: {diff.added:,} added, {diff.removed:,} removed, {diff.kept:,} kept.",
                width="content",
            )
            if st.button(escape_label(diff.previous_name, limit=60), type="tertiary", key="previous"):
                layout.go("datasets", dataset=str(diff.previous_id))


# -- lineage ------------------------------------------------------------------------------------------------------


def _lineage(found: Lineage, detail: DatasetDetail) -> None:
    """Boxes from what people said to what was trained, joined by arrows; they wrap on a narrow screen."""
    st.subheader("Lineage", anchor=False)
    labels = sum(found.labels_by_annotator.values())
    said = [
        (found.interactions.count, "answer", "answers"),
        (found.feedback.count, "feedback", "feedback"),
        (found.learning_examples.count, "correction", "corrections"),
        (found.imports.count, "import", "imports"),
    ]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="lineage"):
        _box("People said", [counted(*row) for row in said if row[0]] or ["nothing kept"])
        _arrow()
        people = f"by {counted(len(found.labels_by_annotator), 'person', 'people')}"
        _box("Labels", [counted(labels, "label"), people] if labels else ["none by hand"])
        _arrow()
        _box("Pairs", [counted(found.pairs.count, "pair")])
        _arrow()
        _box("This dataset", [counted(detail.dataset.total_examples, "row")], here=True)
        _arrow()
        _box("Runs", _runs(found))
        _arrow()
        _box("Adapters", _adapters(found))


def _box(title: str, lines: Sequence[str | tuple[str, str, str]], *, here: bool = False) -> None:
    with st.container(border=True, width="content", gap="xxsmall"):
        st.markdown(f":primary[**{title}**]" if here else f"**{title}**")
        for line in lines:
            if isinstance(line, str):
                st.caption(line)
            else:
                page, words, row_id = line
                layout.link(page, words, **{page.removesuffix("s"): row_id})


def _arrow() -> None:
    st.markdown(":gray[:material/arrow_forward:]", width="content")


def _runs(found: Lineage) -> list[str | tuple[str, str, str]]:
    shown: list[Any] = [("runs", f"Run {at}, {run.status.value}", str(run.id)) for at, run in enumerate(found.runs, 1)]
    return [*shown[-3:], *([f"and {len(shown) - 3} more"] if len(shown) > 3 else [])] or ["none yet"]


def _adapters(found: Lineage) -> list[str | tuple[str, str, str]]:
    shown: list[Any] = [
        ("adapters", f"Version {one.version}, {one.status.value}", str(one.id)) for one in found.adapters
    ]
    return [*shown[-3:], *([f"and {len(shown) - 3} more"] if len(shown) > 3 else [])] or ["none yet"]


# -- rows ---------------------------------------------------------------------------------------------------------


def _rows(dataset_id: UUID, detail: DatasetDetail) -> None:
    st.subheader("Rows", anchor=False)
    with layout.filters():
        words = layout.choice("Split", {"all": "All"} | {s.value: w for s, w in SPLIT_WORDS.items()}, key="split")
    split = Split(words) if words != "all" else None
    total = detail.by_split[split] if split else detail.dataset.total_examples
    body = st.container()  # the pages stand below the rows, but say first which rows
    page = layout.paging(total, size=_ROWS)
    with context.store().read() as session:
        rows = table.examples(session, dataset_id, split=split, limit=_ROWS, offset=layout.offset(page, size=_ROWS))
    body.dataframe(
        [
            {
                "Split": SPLIT_WORDS[row.split],
                "Prompt": one_line(row.messages[-1]["content"], limit=300),
                "Chosen": one_line(row.chosen, limit=300),
                "Rejected": one_line(row.rejected, limit=300),
                "Origin": ORIGIN[row.origin],
            }
            for row in rows
        ],
        hide_index=True,
        column_config={
            "Split": st.column_config.TextColumn(width=90),
            "Prompt": st.column_config.TextColumn(width=260),
            "Chosen": st.column_config.TextColumn(width=280),
            "Rejected": st.column_config.TextColumn(width=280),
            "Origin": st.column_config.TextColumn(width=110),
        },
        alt="Rows of the dataset as they were frozen",
    )
