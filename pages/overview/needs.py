"""What waits for me, the most useful thing first as the one primary button."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import streamlit as st

from core.overview import LoopCounts
from pages.shared import context, layout
from pages.shared.words import counted

CATCH_UP = "catch_up"
STOPPED = "Stopped"  # as the list of runs calls its filter in the address


@dataclass(frozen=True)
class Need:
    """A verb with its object, why, and where it leads (a page's name, or CATCH_UP for the button's own work)."""

    label: str
    why: str
    icon: str
    to: str
    query: Mapping[str, str] = field(default_factory=dict)  # what that page's address shall say

    @property
    def key(self) -> str:
        """The button's own name; several needs may lead to one page."""
        return "_".join(("need", self.to, *self.query.values()))


def needs(counts: LoopCounts, *, min_pairs: int, busy: bool) -> list[Need]:
    """In the order a person should take them: what is finished first, then what feeds the loop."""
    found: list[Need] = []
    if counts.adapters.waiting:
        label = f"Approve {counted(counts.adapters.waiting, 'adapter')}"
        found.append(Need(label, "A run made it; a person releases it.", "extension", "adapters"))
    if counts.runs_stopped:
        label = f"Resume {counted(counts.runs_stopped, 'run')}"
        why = "Paused or interrupted; it goes on from its last checkpoint."
        found.append(Need(label, why, "resume", "runs", {"state": STOPPED}))
    unread, unjudged = counts.feedback.waiting, counts.evaluation.waiting
    if unread or unjudged:
        new = [f"{counted(unread, 'comment')} not triaged"] if unread else []
        new += [f"{counted(unjudged, 'answer')} not judged"] if unjudged else []
        why = f"{', '.join(new)}."
        found.append(Need("Triage and judge what is new", why, "bolt", CATCH_UP))
    if counts.datasets.waiting and not busy:
        why = f"{counted(counts.datasets.waiting, 'frozen dataset')} not trained on yet."
        found.append(Need("Start training", why, "model_training", "runs"))
    elif not counts.datasets.total and counts.pairs.total >= min_pairs:
        why = f"{counted(counts.pairs.total, 'usable pair')}, enough to train on."
        found.append(Need("Freeze a dataset", why, "dataset", "datasets"))
    if counts.pairs.waiting:
        why = "Which of two answers is better: one key each."
        found.append(Need(f"Label {counted(counts.pairs.waiting, 'pair')}", why, "compare_arrows", "pairs"))
    if counts.triage.waiting:
        label = f"Review {counted(counts.triage.waiting, 'comment')}"
        found.append(Need(label, "The rules have read them; you decide.", "inbox", "triage"))
    return [need for need in found if need.to == CATCH_UP or layout.exists(need.to)]


def panel(counts: LoopCounts, *, min_pairs: int, busy: bool, refresh: Callable[[], None]) -> None:
    """Draw the list; the first is the page's primary button."""
    with st.container(border=True, height="stretch", gap="small"):
        st.markdown("**Waits for you**")
        found = needs(counts, min_pairs=min_pairs, busy=busy)
        if not found:
            st.caption("Nothing waits for you. New feedback arrives by import or over HTTP.")
        for number, need in enumerate(found):
            _row(need, first=number == 0, refresh=refresh)


def _row(need: Need, *, first: bool, refresh: Callable[[], None]) -> None:
    with st.container(gap="xxsmall"):
        pressed = st.button(
            need.label,
            icon=f":material/{need.icon}:",
            type="primary" if first else "secondary",
            width="stretch",
            key=need.key,
        )
        st.caption(need.why)
    if pressed and need.to == CATCH_UP:
        catch_up(refresh)
    elif pressed:
        layout.go(need.to, **need.query)


def catch_up(refresh: Callable[[], None]) -> None:
    """Queue triage, judging and mining of what came in since the last time; their progress is in the frame."""
    if all([context.ask(kind, "Triage, judging and mining are under way") for kind in ("triage", "judge", "mine")]):
        refresh()
        st.rerun()
