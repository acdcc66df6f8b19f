"""One frozen dataset: its hash, its splits, what changed since the last, its lineage drawn, its rows, its export."""

from __future__ import annotations

from uuid import UUID

import streamlit as st

from core.datasets import freeze, table
from core.datasets.table import DatasetDetail
from core.errors import HoneError, NotFound
from core.lineage import Kind
from core.tables import DatasetStatus, Split
from pages.curate.dataset_recipe import SPLIT_WORDS
from pages.curate.pair_words import ORIGIN
from pages.shared import context, export, layout, lineage
from pages.shared.literal import escape_label, one_line
from pages.shared.words import ago, exact
from pages.train import effect

_ROWS = 20


def draw(dataset_id: UUID) -> None:
    try:
        with context.store().read() as session:
            detail = table.detail(session, dataset_id)
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
    st.subheader("Lineage", anchor=False)
    effect.taught(dataset_id)
    lineage.draw(Kind.DATASET, dataset_id)
    _rows(dataset_id, detail)


def _back() -> None:
    if st.button("All datasets", icon=":material/arrow_back:", type="tertiary", key="all_datasets"):
        layout.go("datasets")


def _title(detail: DatasetDetail) -> None:
    dataset = detail.dataset
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        with st.container(gap="xxsmall", width=640):
            st.title(escape_label(dataset.name, limit=120), anchor=False)
            agent = escape_label(", ".join(map(str, dataset.agent_ids)), limit=60)
            st.caption(
                f"{agent} · version {escape_label(dataset.version)} · frozen by "
                f"{escape_label(dataset.frozen_by or '')} {ago(dataset.frozen_at)}",
                help=exact(dataset.frozen_at),
            )
        with st.container(horizontal=True, width="content"):
            usable = dataset.status in (DatasetStatus.READY, DatasetStatus.IN_USE)
            if st.button("Train on this", type="primary", icon=":material/model_training:", disabled=not usable):
                layout.go("runs", new=str(dataset.id))


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


# -- rows ---------------------------------------------------------------------------------------------------------


def _rows(dataset_id: UUID, detail: DatasetDetail) -> None:
    st.subheader("Rows", anchor=False)
    with layout.filters():
        words = layout.choice("Split", {"all": "All"} | {s.value: w for s, w in SPLIT_WORDS.items()}, key="split")
        split = Split(words) if words != "all" else None
        total = detail.by_split[split] if split else detail.dataset.total_examples
        export.popover("dataset_pairs", {"dataset_id": dataset_id, "split": split}, total=total)
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
