"""Import: a file's rows become feedback or pairs. One sees what would happen before anything is stored."""

from __future__ import annotations

import streamlit as st

from core.errors import HoneError
from pages.admin import import_examples, import_form, import_report, import_run
from pages.shared import context, layout
from pages.shared.literal import escape_label

TYPES = ["csv", "tsv", "jsonl", "ndjson", "json", "parquet", "gz"]


def draw() -> None:
    layout.header(
        "Import",
        "Take in comments, pairs, verdicts or conversations from a file. You see what would happen before anything is "
        "stored.",
    )
    import_id = layout.id_in(st.query_params.get("import"))
    if import_id is not None:
        import_run.draw(import_id)
        return
    file = st.file_uploader(
        "File",
        type=TYPES,
        key="import_file",
        max_upload_size=context.settings().max_import_mb,
        label_visibility="collapsed",
    )
    if file is None:
        import_examples.draw()
        import_report.recent()
        return
    try:
        import_form.draw(file.getvalue(), file.name, file_id=file.file_id)
    except HoneError as error:
        st.error(escape_label(str(error), limit=600), icon=":material/error:")


draw()
