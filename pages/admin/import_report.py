"""What became of a file's rows: counts, the rejected rows with their reasons (all as CSV), and where to go next."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st
from sqlmodel import col, select

from core.feedback import importing, rejects
from core.store import Store
from core.tables import Import, ImportStatus
from pages.admin import import_columns
from pages.shared import context, layout
from pages.shared.literal import escape_label, one_line
from pages.shared.words import ago, counted

SHOWN = 1_000
_TABLES = {  # rows that were added, as people call them
    "feedback": "piece of feedback",
    "interactions": "interaction",
    "preference_pairs": "pair",
    "pairs_decided": "pair decided that waited",
    "pair_labels": "label",
    "pair_evaluations": "verdict",
}
_PLURALS = {"feedback": "pieces of feedback", "pairs_decided": "pairs decided that waited"}


def draw(row: Import) -> None:
    checked = row.status is ImportStatus.CHECKED
    noun = next((words[1] for kind, words in import_columns.WORDS.items() if kind == row.kind), "row")
    would = " would be" if checked else ""
    with st.container(border=True, key="import_done", gap="small"):
        st.subheader(
            f"{counted(row.accepted, noun)}{would} accepted, {row.rejected:,}{would} rejected",
            anchor=False,
            icon=":material/rule:" if checked else ":material/check_circle:",
        )
        st.caption(_sentence(row, checked=checked))
        _rejects(row)
        if not checked:
            with st.container(horizontal=True):
                _next(row.kind)


def _sentence(row: Import, *, checked: bool) -> str:
    counts = {name: n for name, n in row.counts.items() if name in _TABLES and isinstance(n, int)}
    added = [counted(n, _TABLES[name], _PLURALS.get(name)) for name, n in counts.items()]
    verb = "would be" if checked else "was" if list(counts.values()) == [1] else "were"
    listed = " and ".join(filter(None, (", ".join(added[:-1]), *added[-1:])))
    words = f"{listed} {verb} added." if added else "Nothing is new in it."
    if row.duplicates:
        there = "row was" if row.duplicates == 1 else "rows were"
        words += f" {row.duplicates:,} {there} here already and added nothing."
    return words


def _next(kind: str) -> None:
    if kind in ("pairs", "judged", "verdicts", "trees"):
        if st.button("See the pairs", type="primary", icon=":material/compare_arrows:"):
            layout.go("pairs", tab="curate")
        if st.button("Freeze a dataset", icon=":material/dataset:"):
            layout.go("datasets")
    elif layout.exists("triage") and st.button("Go to triage", type="primary", icon=":material/inbox:"):
        layout.go("triage")


def notes(row: Import) -> None:
    """What was decided about the file."""
    with st.container(gap="xxsmall"):
        for note in row.notes:
            st.caption(f":material/info: {escape_label(str(note), limit=400)}")


def _rejects(row: Import) -> None:
    if not row.rejected:
        return
    with context.store().read() as session:
        found = [(one.line, one.reason) for one in importing.rejected(session, row.id, limit=SHOWN)]
    if found:
        _fold(found, total=max(row.rejected, len(found)), data=partial(_all, context.store(), row), key=str(row.id))


def listed(rows: Sequence[tuple[int, str]]) -> None:
    """The rows a plan would reject."""
    if rows:
        _fold(rows[:SHOWN], total=len(rows), data=partial(rejects.listed_csv, rows), key="plan")


def _fold(rows: Sequence[tuple[int, str]], *, total: int, data: partial[bytes], key: str) -> None:
    """The rejected rows, folded, with a CSV of all of them that no spreadsheet takes for formulas."""
    with st.expander(f"{counted(total, 'rejected row')} with the reason", icon=":material/rule:", type="compact"):
        shown = [{"Line": line, "Reason": one_line(reason, limit=300)} for line, reason in rows]
        st.dataframe(
            shown,
            hide_index=True,
            height=min(320, 38 + 35 * len(shown)),
            column_config={"Line": st.column_config.NumberColumn(width=80)},
            alt="Rejected rows",
        )
        if total > len(rows):
            st.caption(f"The first {len(rows):,} are shown; the file has them all.")
        st.download_button(
            "Download as CSV",
            data=data,
            file_name="rejected-rows.csv",
            mime="text/csv",
            icon=":material/download:",
            key=f"rejects_{key}",
            on_click="ignore",
        )


def _all(store: Store, row: Import) -> bytes:
    return b"".join(rejects.as_csv(store, row.id))


def recent() -> None:
    """The last imports of everybody, each one click from its own view."""
    from pages.admin.import_run import badge

    with context.store().read() as session:
        rows = session.exec(select(Import).order_by(col(Import.created_at).desc()).limit(8)).all()
    if not rows:
        return
    st.subheader("Recent imports", anchor=False)
    for row in rows:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"recent_{row.id}"):
            st.text(one_line(row.filename, limit=60), width=260)
            st.markdown(badge(row), width="content")
            st.caption(" · ".join([*_took(row), escape_label(row.imported_by, limit=40), ago(row.created_at)]))
            st.space("stretch")
            if st.button("Open", type="tertiary", key=f"open_{row.id}"):
                layout.go("import", **{"import": str(row.id)})


def _took(row: Import) -> list[str]:
    """What became of the rows; nothing of those of an import that was given up."""
    if row.status is ImportStatus.CANCELLED:
        return []
    accepted = f"{row.accepted:,} {'would be ' if row.status is ImportStatus.CHECKED else ''}accepted"
    return [f"{accepted}, {row.duplicates:,} here already, {row.rejected:,} rejected"]
