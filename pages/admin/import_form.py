"""A chosen file before it is imported: how it is read, which column means what, what would be stored.

In: the file's bytes. Nothing is stored until *Import rows* is pressed; what was read is kept for this browser
session only, by file and mapping, so that a rerun does not read the file again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time
from typing import Any, TypeVar

import streamlit as st

from core.feedback import importing
from core.feedback.records import ImportPlan, Kind, Mapping, Preview
from core.preferences import mining
from core.untrusted import clean
from pages.admin import import_report
from pages.shared import context
from pages.shared.literal import escape_label, one_line
from pages.shared.words import counted

_READ = "import_read"
_NONE = ""
KINDS: dict[Kind, str] = {"survey": "Comments of a survey", "pairs": "Pairs to prefer from"}
Found = TypeVar("Found")


def draw(content: bytes, filename: str, *, file_id: str) -> None:
    """Raises ImportRejected when the file as a whole cannot be read."""
    first = _once(("preview", file_id), lambda: importing.preview(content, filename, **_limits()))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{escape_label(filename, limit=80)}**", width="content")
        st.badge(first.format.upper(), color="gray")
        st.caption(f"{counted(first.total, 'row')}, {counted(len(first.columns), 'column')}")
    with st.container(border=True, key="import_mapping"):
        mapping = _mapping(first, file_id)
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
        changed = ("preview", file_id, mapping)
        preview = _once(changed, lambda: importing.preview(content, filename, mapping=mapping, **_limits()))
    plan = _once(
        ("plan", file_id, mapping, agent_id),
        lambda: importing.plan_import(
            context.store(),
            content,
            filename,
            mapping=mapping,
            agent_id=agent_id,
            store_pairs=mining.store_imported,
            **_limits(),
        ),
    )
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(_dry_run(plan), width="content")
        pressed = st.button("Import rows", type="primary", icon=":material/download_done:", disabled=not plan.accepted)
    import_report.rejects([(reject.line, reject.reason) for reject in plan.rejected], key="plan")
    if pressed:
        _run(content, filename, mapping=mapping, agent_id=agent_id, file_id=file_id)
    _tables(preview)
    _notes(plan.notes or preview.notes)


def _limits() -> dict[str, Any]:
    settings = context.settings()
    return {"max_mb": settings.max_import_mb, "max_rows": settings.max_import_rows}


def _once(key: tuple[Any, ...], read: Callable[[], Found]) -> Found:
    """What was read of this file under this mapping; reading a large file again would be felt."""
    kept: dict[tuple[Any, ...], Any] = st.session_state.setdefault(_READ, {})
    if key not in kept:
        if any(known[1] != key[1] for known in kept):  # another file: forget the one before
            kept.clear()
        with st.spinner("Reading the file"):
            kept[key] = read()
    return kept[key]  # type: ignore[no-any-return]


# -- which column means what --------------------------------------------------------------------------------------


def _mapping(preview: Preview, file_id: str) -> Mapping:
    suggested = preview.suggested
    kind: Kind = (
        st.segmented_control(
            "What the rows are",
            list(KINDS),
            format_func=lambda value: KINDS[value],
            default=suggested.kind,
            required=True,
            key=f"import_kind_{file_id}",
        )
        or suggested.kind
    )
    if kind == "pairs":
        return _pairs(preview, file_id)
    with st.grid(5, min_column_width=150):
        comment = _column("Comment", preview, suggested.comment, file_id, needed=True)
        rating = _column("Rating", preview, suggested.rating, file_id)
        best = st.segmented_control(
            "Best rating",
            [5, 1],
            default=suggested.best_rating,
            required=True,
            key=f"import_best_{file_id}",
            disabled=rating is None,
            help="Which end of the scale is the best. Stars are stored with 5 as the best.",
        )
        row_id = _column("Id", preview, suggested.row_id, file_id)
        date = _column("Date", preview, suggested.date, file_id)
    return Mapping(
        "survey", comment=comment, rating=rating, best_rating=1 if best == 1 else 5, row_id=row_id, date=date
    )


def _pairs(preview: Preview, file_id: str) -> Mapping:
    suggested = preview.suggested
    with st.grid(3, min_column_width=180):
        prompt = _column("Prompt", preview, suggested.prompt, file_id)
        chosen = _column("Chosen", preview, suggested.chosen, file_id, needed=True)
        rejected = _column("Rejected", preview, suggested.rejected, file_id, needed=True)
    return Mapping("pairs", prompt=prompt, chosen=chosen, rejected=rejected)


def _column(words: str, preview: Preview, suggested: str | None, file_id: str, *, needed: bool = False) -> str | None:
    options = preview.columns if needed else [_NONE, *preview.columns]
    chosen = st.selectbox(
        words,
        options,
        index=options.index(suggested) if suggested in options else 0,
        format_func=lambda name: one_line(name, limit=50) if name else "None",
        key=f"import_{words.lower()}_{file_id}",
    )
    return chosen or None


# -- what would happen --------------------------------------------------------------------------------------------


def _notes(notes: list[str]) -> None:
    with st.container(gap="xxsmall"):
        for note in notes:
            st.caption(f":material/info: {escape_label(note, limit=400)}")


_NARROW = {name: st.column_config.TextColumn(width=90) for name in ("Line", "Rating", "Date")}


def _tables(preview: Preview) -> None:
    shown = len(preview.rows)
    stored, file = st.tabs([f"First {counted(shown, 'row')} as they would be stored", "As they stand in the file"])
    with stored:
        rows = [{name.capitalize(): value for name, value in _cells(row).items()} for row in preview.readings]
        st.dataframe(rows, hide_index=True, column_config=_NARROW, alt="Rows as they would be stored")
    with file:
        st.dataframe([_cells(row) for row in preview.rows], hide_index=True, alt="Rows as they stand in the file")


def _cells(row: dict[str, Any]) -> dict[str, str]:
    return {one_line(str(name), limit=60): one_line(_cell(value), limit=300) for name, value in row.items()}


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}" if value.time() == time() else f"{value:%Y-%m-%d %H:%M}"
    return "" if value is None else str(value)


def _dry_run(plan: ImportPlan) -> str:
    noun = "pair" if plan.kind == "pairs" else "comment"
    words = [f"**{counted(plan.accepted, noun)} would be accepted**"]
    if plan.duplicates:
        words.append(f"{plan.duplicates:,} {'is' if plan.duplicates == 1 else 'are'} here already")
    words.append(f"{len(plan.rejected):,} would be rejected")
    return ", ".join(words) + "."


def _run(content: bytes, filename: str, *, mapping: Mapping, agent_id: str, file_id: str) -> None:
    from core import workspace  # it brings every step with it: a page that only shows a file needs none of them

    bar = st.progress(0.0, text="Importing")

    def progress(done: int, total: int) -> None:
        bar.progress(min(1.0, done / max(1, total)), text=f"{done:,} of {counted(total, 'row')}")

    with context.action() as act:
        stored = workspace.import_file(
            context.store(),
            context.settings(),
            content,
            filename,
            mapping=mapping,
            agent_id=agent_id,
            imported_by=context.me(),
            on_progress=progress,
        )
    bar.empty()
    if act.ok:
        import_report.keep(file_id, stored, kind=mapping.kind)
        st.session_state.pop(_READ, None)
        st.rerun()
