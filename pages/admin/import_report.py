"""What an import did: counts, the rejected rows with their reasons (also as CSV), and where to go next."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from sqlmodel import col, select

from core.feedback.records import Kind
from core.tables import Import
from core.untrusted import csv_cell
from pages.shared import context, layout
from pages.shared.literal import escape_label, one_line
from pages.shared.words import ago, counted

_DONE = "import_report"


@dataclass(frozen=True)
class Report:
    stored: Import
    kind: Kind


def keep(file_id: str, stored: Import, *, kind: Kind) -> None:
    st.session_state[_DONE] = (file_id, Report(stored, kind))


def of(file_id: str) -> Report | None:
    """The report of this very upload, if it was imported."""
    done = st.session_state.get(_DONE)
    return done[1] if done and done[0] == file_id else None


def forget() -> None:
    st.session_state.pop(_DONE, None)


def draw(file_id: str) -> None:
    report = of(file_id)
    if report is None:
        return
    stored = report.stored
    noun = "pair" if report.kind == "pairs" else "comment"
    with st.container(border=True, key="import_done", gap="small"):
        st.subheader(
            f"{counted(stored.accepted, noun)} accepted, {stored.rejected:,} rejected",
            anchor=False,
            icon=":material/check_circle:",
        )
        st.caption(_sentence(stored))
        rejects([(int(entry["line"]), str(entry["reason"])) for entry in stored.rejects], key="done")
        with st.container(horizontal=True):
            _next(report)
    st.caption("Choose another file above to go on.")


def _sentence(stored: Import) -> str:
    words = f"From {escape_label(stored.filename, limit=80)}, by {escape_label(stored.imported_by)}."
    if stored.duplicates:
        there = "row was" if stored.duplicates == 1 else "rows were"
        words += f" {stored.duplicates:,} {there} here already and added nothing."
    return words


def _next(report: Report) -> None:
    if report.kind == "pairs":
        if st.button("See the pairs", type="primary", icon=":material/compare_arrows:"):
            layout.go("pairs", tab="curate")
        if st.button("Freeze a dataset", icon=":material/dataset:"):
            layout.go("datasets")
    elif layout.exists("triage") and st.button("Go to triage", type="primary", icon=":material/inbox:"):
        layout.go("triage")


def rejects(rows: Sequence[tuple[int, str]], *, key: str) -> None:
    """The rejected rows, folded, with a CSV no spreadsheet takes for formulas."""
    if not rows:
        return
    with st.expander(f"{counted(len(rows), 'rejected row')} with the reason", icon=":material/rule:", type="compact"):
        shown = [{"Line": line, "Reason": one_line(reason, limit=300)} for line, reason in rows[:1_000]]
        st.dataframe(shown, hide_index=True, height=min(320, 38 + 35 * len(shown)), alt="Rejected rows")
        st.download_button(
            "Download as CSV",
            data=_csv(rows),
            file_name="rejected-rows.csv",
            mime="text/csv",
            icon=":material/download:",
            key=f"rejects_{key}",
            on_click="ignore",
        )


def _csv(rows: Sequence[tuple[int, str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["line", "reason"])
    writer.writerows([line, csv_cell(reason)] for line, reason in rows)
    return text.getvalue()


def recent() -> None:
    """The last imports of everybody."""
    with context.store().read() as session:
        rows = session.exec(select(Import).order_by(col(Import.id).desc()).limit(8)).all()
    if not rows:
        return
    st.subheader("Recent imports", anchor=False)
    st.dataframe(
        [
            {
                "File": one_line(row.filename, limit=80),
                "Accepted": row.accepted,
                "Already here": row.duplicates,
                "Rejected": row.rejected,
                "By": one_line(row.imported_by, limit=60),
                "When": ago(row.created_at),
            }
            for row in rows
        ],
        hide_index=True,
        alt="Recent imports",
    )
