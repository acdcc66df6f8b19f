"""Which column of a file means what, and what the rows are: a form that begins with the suggestion."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.errors import InputRejected
from core.feedback.records import KINDS, Kind, Mapping, Preview, mapping_from
from core.tables import FormType
from core.untrusted import clean
from pages.shared.literal import one_line

WORDS: dict[Kind, tuple[str, str]] = {  # what the rows are, and what one accepted row is called
    "survey": ("Comments of a survey", "comment"),
    "pairs": ("Pairs to prefer from", "pair"),
    "judged": ("Pairs with labels", "pair"),
    "verdicts": ("Verdicts of a judge", "verdict"),
    "trees": ("Conversations", "conversation"),
}
# A field of the mapping with its words, and whether the kind cannot do without it.
_COLUMNS: dict[Kind, tuple[tuple[str, str, bool], ...]] = {
    "survey": (("comment", "Comment", True), ("title", "Title above it", False), ("rating", "Rating", False)),
    "pairs": (("prompt", "Prompt", False), ("chosen", "Chosen", True), ("rejected", "Rejected", True)),
    "judged": (
        ("prompt", "Prompt", True),
        ("input", "Input below it", False),
        ("first", "First answer", True),
        ("second", "Second answer", True),
        ("results", "A judge's results", False),
    ),
    "verdicts": (("verdict", "Verdict", True), ("reasoning", "Reasoning", False), ("reference", "Reference", False)),
    "trees": (("tree", "First message", True),),
}
_NONE = ""


@dataclass(frozen=True)
class _Form:
    """What every control needs: the columns there are, the suggestion, and a name for this very file."""

    preview: Preview
    file_id: str

    def key(self, name: str) -> str:
        return f"import_{name}_{self.file_id}"


def draw(preview: Preview, *, file_id: str) -> Mapping:
    """The mapping as it stands now."""
    form = _Form(preview, file_id)
    kind = _kind(form)
    suggested = preview.suggested if preview.suggested.kind == kind else Mapping(kind)
    given: dict[str, str | None] = {}
    with st.grid(4, min_column_width=170):
        for name, words, needed in _COLUMNS[kind]:
            given[name] = _column(form, name, words, getattr(suggested, name), needed=needed)
        if kind == "survey":
            return _survey(form, suggested, given)
        given["row_id"] = _column(form, "row_id", "Id", suggested.row_id, needed=kind == "verdicts")
        if kind == "verdicts" or given.get("results"):
            given["judge"] = _text(form, "judge", "Judge", suggested.judge, limit=100)
            given["prompt_version"] = _text(form, "version", "Prompt version", suggested.prompt_version, limit=40)
    annotators = list(_annotators(form, suggested)) if kind == "judged" else []
    return mapping_from({"kind": kind, "annotators": annotators, **given})


def _kind(form: _Form) -> Kind:
    suggested = form.preview.suggested.kind
    chosen = st.segmented_control(
        "What the rows are",
        list(KINDS),
        format_func=lambda kind: WORDS[kind][0],
        default=suggested,
        required=True,
        key=form.key("kind"),
    )
    return chosen or suggested


def _survey(form: _Form, suggested: Mapping, given: dict[str, str | None]) -> Mapping:
    best = st.segmented_control(
        "Best rating",
        [5, 1],
        default=suggested.best_rating,
        required=True,
        key=form.key("best"),
        disabled=given["rating"] is None,
        help="Which end of the scale is the best. Stars are stored with 5 as the best.",
    )
    given["row_id"] = _column(form, "row_id", "Id", suggested.row_id)
    given["date"] = _column(form, "date", "Date", suggested.date)
    kinds = [kind.value for kind in FormType]
    form_type = st.selectbox(
        "Type",
        kinds,
        index=kinds.index(suggested.form_type or FormType.GENERAL.value),
        format_func=lambda kind: kind.replace("_", " ").capitalize(),
        key=form.key("type"),
        help="The type of form the comments are stored as; triage chooses its categories by it.",
    )
    given["form_type"] = None if form_type == FormType.GENERAL.value else form_type
    return mapping_from({"kind": "survey", "best_rating": 1 if best == 1 else 5, **given})


def _annotators(form: _Form, suggested: Mapping) -> tuple[str, ...]:
    chosen = st.multiselect(
        "Annotators",
        form.preview.columns,
        default=list(suggested.annotators),
        format_func=lambda name: one_line(name, limit=50),
        key=form.key("annotators"),
        help="A column for each: 1 and 2 name an answer, 0 is a tie. Their majority decides the pair.",
    )
    return tuple(chosen)


def _column(form: _Form, name: str, words: str, suggested: str | None, *, needed: bool = False) -> str | None:
    options = form.preview.columns if needed else [_NONE, *form.preview.columns]
    chosen = st.selectbox(
        words,
        options,
        index=options.index(suggested) if suggested in options else 0,
        format_func=lambda name: one_line(name, limit=50) if name else "None",
        key=form.key(f"{form.preview.suggested.kind}_{name}"),
    )
    return chosen or None


def _text(form: _Form, name: str, words: str, suggested: str | None, *, limit: int) -> str | None:
    given = st.text_input(words, value=suggested or "", max_chars=limit, key=form.key(name))
    try:
        return clean(given or "", limit=limit) or suggested
    except InputRejected:
        return suggested
