"""A chosen file before it is imported: how it is read, which column means what, what would be stored.

In: the file's bytes. What was read of a small file is kept for this browser session, by file and mapping, so that a
rerun does not read it again. All rows of a larger one are checked by a job.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time
from typing import Any, TypeVar

import streamlit as st

from core.feedback import importing
from core.feedback.records import ImportPlan, Mapping, Preview
from core.untrusted import clean
from pages.admin import import_columns, import_report
from pages.shared import context, layout
from pages.shared.literal import escape_label, one_line
from pages.shared.words import counted

AT_ONCE = 2_000  # rows that are checked while one waits
_READ = "import_read"
Found = TypeVar("Found")


def draw(content: bytes, filename: str, *, file_id: str) -> None:
    """Raises ImportRejected when the file as a whole cannot be read."""
    first = _once(("preview", file_id), lambda: _preview(content, filename, None))
    _title(first, filename)
    with st.container(border=True, key="import_mapping"):
        mapping = import_columns.draw(first, file_id=file_id)
        agent = st.text_input(
            "Agent",
            value="imported",
            max_chars=100,
            key=f"import_agent_{file_id}",
            help="Whose feedback or pairs these are. A dataset holds the pairs of one agent.",
            width=300,
        )
    agent_id = clean(agent or "imported", limit=100) or "imported"
    preview = first
    if mapping != first.suggested:
        preview = _once(("preview", file_id, mapping), lambda: _preview(content, filename, mapping))
    ask = _Ask(content, filename, mapping, agent_id)
    notes = preview.notes
    if first.total <= AT_ONCE:
        plan = _once(("plan", file_id, mapping, agent_id), ask.plan)
        _planned(plan, ask)
        notes = [*plan.notes, *(preview.notes[-1:] if preview.recalled and preview is first else [])]
    else:
        _unchecked(first.total, ask)
    _tables(preview)
    _notes(notes)


def _title(preview: Preview, filename: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{escape_label(filename, limit=80)}**", width="content")
        st.badge(preview.format.upper(), color="gray")
        if preview.recalled:
            st.badge("Read as before", icon=":material/history:", color="blue")
        st.caption(f"{counted(preview.total, 'row')}, {counted(len(preview.columns), 'column')}")


def _preview(content: bytes, filename: str, mapping: Mapping | None) -> Preview:
    settings = context.settings()
    limits = {"max_mb": settings.max_import_mb, "max_rows": settings.max_import_rows}
    with context.store().read() as session:
        return importing.preview(content, filename, mapping=mapping, session=session, **limits)


def _once(key: tuple[Any, ...], read: Callable[[], Found]) -> Found:
    """What was read of this file under this mapping; reading a large file again would be felt."""
    kept: dict[tuple[Any, ...], Any] = st.session_state.setdefault(_READ, {})
    if key not in kept:
        if any(known[1] != key[1] for known in kept):  # another file: forget the one before
            kept.clear()
        with st.spinner("Reading the file"):
            kept[key] = read()
    return kept[key]  # type: ignore[no-any-return]


# -- asking for it ------------------------------------------------------------------------------------------------


class _Ask:
    """A file with what was decided about it, ready to be planned or queued."""

    def __init__(self, content: bytes, filename: str, mapping: Mapping, agent_id: str) -> None:
        self._content, self._filename = content, filename
        self._mapping, self._agent_id = mapping, agent_id

    def plan(self) -> ImportPlan:
        from core import workspace  # it brings every step with it: a page that only shows a file needs none of them

        return workspace.plan_file(
            context.store(),
            context.settings(),
            self._content,
            self._filename,
            mapping=self._mapping,
            agent_id=self._agent_id,
        )

    def queue(self, *, dry_run: bool) -> None:
        """Keep the file, put the import into the queue, and go to its own view."""
        from core.feedback import uploads
        from core.jobs import imports
        from core.tables import new_id

        own = new_id()
        with context.action() as act:
            upload = uploads.keep(context.settings(), own, uploads.pieces_of(self._content))
            with context.store().write() as session:
                imports.request_import(
                    session,
                    context.settings(),
                    filename=self._filename,
                    upload=upload,
                    import_id=own,
                    agent_id=self._agent_id,
                    requested_by=context.me(),
                    mapping=self._mapping,
                    dry_run=dry_run,
                )
        if not act.ok:
            uploads.drop(context.settings(), own)
            return
        context.wake()
        st.session_state.pop(_READ, None)
        layout.go("import", **{"import": str(own)})


def _planned(plan: ImportPlan, ask: _Ask) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(_dry_run(plan), width="content")
        pressed = st.button("Import rows", type="primary", icon=":material/download_done:", disabled=not plan.accepted)
    import_report.listed([(reject.line, reject.reason) for reject in plan.rejected])
    if pressed:
        ask.queue(dry_run=False)


def _unchecked(total: int, ask: _Ask) -> None:
    """A file too large to wait for: its rows are checked by a job, or imported without a look."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"{total:,} rows take a while. They go on when you close this page.", width="content")
        st.space("stretch")
        if st.button("Check all rows", icon=":material/rule:"):
            ask.queue(dry_run=True)
        if st.button("Import rows", type="primary", icon=":material/download_done:"):
            ask.queue(dry_run=False)


def _dry_run(plan: ImportPlan) -> str:
    noun = import_columns.WORDS[plan.kind][1]
    words = [f"**{counted(plan.accepted, noun)} would be accepted**"]
    if plan.duplicates:
        words.append(f"{plan.duplicates:,} {'is' if plan.duplicates == 1 else 'are'} here already")
    words.append(f"{len(plan.rejected):,} would be rejected")
    return ", ".join(words) + "."


# -- what would happen --------------------------------------------------------------------------------------------


def _notes(notes: list[str]) -> None:
    with st.container(gap="xxsmall"):
        for note in notes:
            st.caption(f":material/info: {escape_label(note, limit=400)}")


# What is left of the width goes to all columns alike, so the comment asks for much of it.
_WIDTHS = {name: st.column_config.TextColumn(width=90) for name in ("Line", "Rating", "Date")}
_WIDTHS["Comment"] = st.column_config.TextColumn(width=560)


def _tables(preview: Preview) -> None:
    shown = len(preview.rows)
    first = "The row as it would be stored" if shown == 1 else f"First {shown:,} rows as they would be stored"
    stored, file = st.tabs([first, "As they stand in the file"])
    with stored:
        rows = [{name.capitalize(): value for name, value in _cells(row).items()} for row in preview.readings]
        st.dataframe(rows, hide_index=True, column_config=_WIDTHS, alt="Rows as they would be stored")
    with file:
        st.dataframe([_cells(row) for row in preview.rows], hide_index=True, alt="Rows as they stand in the file")


def _cells(row: dict[str, Any]) -> dict[str, str]:
    return {one_line(str(name), limit=60): one_line(_cell(value), limit=300) for name, value in row.items()}


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}" if value.time() == time() else f"{value:%Y-%m-%d %H:%M}"
    return "" if value is None else str(value)
