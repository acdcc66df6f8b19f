"""One quiet button on every list: take the rows away as CSV, JSON lines or Parquet, as they are filtered now.

    export.popover("pairs", {"agent_id": agent, "status": status, "search": words}, total=total)

A file is made when its button is pressed, beside the page's script, into a temporary file.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from typing import Any, BinaryIO

import streamlit as st

from core.exporting import Chosen, Format, choose, count, file_name, stream
from core.store import Store
from pages.shared import context
from pages.shared.words import counted

FORMATS = {
    Format.CSV: ("CSV", "For spreadsheets. A text that could be taken for a formula begins with an apostrophe."),
    Format.JSONL: ("JSON lines", "One object a row; pairs in the shape that trainers and the import read."),
    Format.PARQUET: ("Parquet", "Typed columns, small; for pandas, DuckDB and the like."),
}


def popover(name: str, filters: Mapping[str, Any] | None = None, *, total: int | None = None) -> None:
    """The button; ``total`` is the number of rows where the page has counted the same ones already."""
    chosen = choose(name, filters)
    place = st.popover("Export", icon=":material/download:", type="tertiary", key=f"export_{name}", on_change="rerun")
    if not place.open:  # nothing is counted for a button nobody presses
        return
    with place:
        if total is None:
            with context.store().read() as session:
                total = count(session, chosen)
        _formats(chosen, total)


def _formats(chosen: Chosen, total: int) -> None:
    narrowed = " that the filters leave" if chosen.conditions else ""
    st.caption(f"{counted(total, 'row')}{narrowed}, whole texts, with the ids of what each came from.")
    for form, (words, said) in FORMATS.items():
        st.download_button(
            words,
            data=partial(made, context.store(), chosen, form),
            file_name=file_name(chosen.list.name, form),
            mime=form.mime,
            icon=":material/download:",
            on_click="ignore",
            key=f"export_{chosen.list.name}_{form}",
            help=said,
            width="stretch",
            disabled=not total,
        )


def made(store: Store, chosen: Chosen, form: Format) -> BinaryIO:
    """The file, open for reading; it is gone from the disk once it is closed."""
    descriptor, path = tempfile.mkstemp(prefix="hone-export-")
    try:
        with open(descriptor, "wb") as file, closing(stream(store, chosen, form)) as chunks:
            file.writelines(chunks)
        return open(path, "rb")
    finally:
        os.unlink(path)
