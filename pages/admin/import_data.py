"""Import: a file's rows become feedback or pairs. One sees what would happen before anything is stored."""

from __future__ import annotations

import streamlit as st

from core.errors import HoneError
from pages.admin import import_examples, import_form, import_report
from pages.shared import context, layout
from pages.shared.literal import escape_label


def draw() -> None:
    layout.header(
        "Import", "Take in comments or pairs from a file. You see what would happen before anything is stored."
    )
    file = st.file_uploader(
        "File",
        type=["csv", "tsv", "jsonl", "ndjson", "json", "gz"],
        key="import_file",
        max_upload_size=context.settings().max_import_mb,
        label_visibility="collapsed",
    )
    if file is None:
        import_report.forget()
        import_examples.draw()
        import_report.recent()
        return
    if import_report.of(file.file_id) is not None:
        import_report.draw(file.file_id)
        return
    try:
        import_form.draw(file.getvalue(), file.name, file_id=file.file_id)
    except HoneError as error:
        st.error(escape_label(str(error), limit=600), icon=":material/error:")


draw()
