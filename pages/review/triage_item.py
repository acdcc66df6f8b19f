"""One piece of feedback as the triage page shows it: the words themselves, what the rules read, the answer it is about.

Everything foreign is shown literally; nothing here acts.
"""

from __future__ import annotations

import streamlit as st

from core.lineage import Kind
from core.tables import Feedback, TriageQueue
from core.triage.inbox import InboxItem
from pages.review.triage_words import CATEGORIES, FORMS, QUEUES, SOURCES
from pages.shared import lineage, words
from pages.shared.literal import chip, escape_label, literal

MOST_SIGNALS = 12


def heading(opened: InboxItem) -> None:
    feedback, result = opened.feedback, opened.result
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(CATEGORIES[result.category], color="gray")
        if result.queue != TriageQueue.REVIEW:
            st.badge(QUEUES[result.queue.value], color="red" if result.queue == TriageQueue.HOSTILE else "violet")
        if feedback.rating:
            st.caption("★" * feedback.rating + "☆" * (5 - feedback.rating), width="content")
        source = FORMS[feedback.form_type] if feedback.form_type else SOURCES[feedback.kind]
        st.caption(
            f"{source} · {escape_label(feedback.agent_id, limit=40)} · {words.ago(feedback.created_at)}",
            help=words.exact(feedback.created_at),
            width="content",
        )


def said(feedback: Feedback) -> None:
    with st.container(border=True):
        literal(feedback.comment, key=f"said_{feedback.id}")
        if feedback.pii:
            with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
                for kind, n in feedback.pii.items():
                    st.badge(chip(f"{kind} × {n}"), icon=":material/visibility_off:", color="violet")
                st.caption("replaced before it was stored", width="content")
        if feedback.correction:
            literal(feedback.correction, label="What it should have said", key=f"correction_{feedback.id}")


def reading(opened: InboxItem) -> None:
    result = opened.result
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown("**What the rules read**", width="content")
            st.caption(f"Rule-based, version {escape_label(result.analyzer_version, limit=20)}", width="content")
        st.text(result.suggested_action)
        with st.container(horizontal=True, gap="large"):
            _fact("Priority", f"{result.priority:g} of 10")
            _fact("Confidence", f"{result.confidence:.2f}", "not sure" if result.needs_review else "")
        st.caption("Why")
        st.text(result.reasoning)
        by_words = {str(signal.get("words")): signal for signal in result.signals if signal.get("weight")}
        if by_words:
            with st.container(horizontal=True, gap="xsmall"):
                for spoken, signal in list(by_words.items())[:MOST_SIGNALS]:
                    towards = escape_label(str(signal.get("points_to")), limit=60)
                    st.badge(chip(spoken), color="gray", help=f"Speaks for {towards}, weight {signal.get('weight'):g}")


def about(opened: InboxItem) -> None:
    if opened.interaction is not None:
        with st.expander("The answer it is about", expanded=True, icon=":material/forum:"):
            literal(opened.interaction.prompt, label="Question", key=f"prompt_{opened.interaction.id}")
            literal(opened.interaction.response, label="Answer", key=f"response_{opened.interaction.id}")
    lineage.fold(Kind.FEEDBACK, opened.feedback.id)


def _fact(label: str, value: str, note: str = "") -> None:
    with st.container(gap=None, width="content"):
        st.caption(label)
        st.text(f"{value} · {note}" if note else value)
