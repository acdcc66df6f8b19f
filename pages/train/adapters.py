"""Adapters: what each run made, what it was taught, whether it got better, and whether people let it out."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import sqlalchemy as sa
import streamlit as st
from sqlmodel import Session, select

from core.adapters import registry
from core.adapters.registry import AdapterCard
from core.lineage import Kind
from core.tables import Adapter, AdapterStatus
from pages.shared import context, export, layout, lineage
from pages.shared.literal import escape_label
from pages.shared.words import ago, counted, exact, number
from pages.train import effect, run_words, try_it
from pages.train.before_after import Change, picture

SIZE = 10
BADGES: dict[AdapterStatus, tuple[str, str, Literal["orange", "green", "gray", "red"]]] = {
    AdapterStatus.CANDIDATE: ("Waits for approval", "pending", "orange"),
    AdapterStatus.DEPLOYED: ("Deployed", "check_circle", "green"),
    AdapterStatus.RETIRED: ("Retired", "history", "gray"),
    AdapterStatus.REJECTED: ("Rejected", "block", "red"),
}


def draw() -> None:
    layout.header("Adapters", "What training made. An adapter answers users only after a person has approved it.")
    one = layout.id_in(st.query_params.get("adapter"))
    with context.store().read() as session:
        agents = list(session.exec(select(Adapter.agent_id).distinct().order_by(Adapter.agent_id)).all())
    if not agents:
        layout.empty(
            "extension",
            "Each completed run leaves one adapter here: a small file that changes how the base model answers, with "
            "the pairs it learned from and its accuracy before and after.",
            "Start a run",
            to="runs",
            title="No adapter yet",
        )
        return
    if one is not None and st.button("All adapters", icon=":material/arrow_back:", type="tertiary"):
        layout.go("adapters")
    cards = _one(one) if one is not None else _chosen(agents)
    if not cards:
        st.caption("No adapter is here under that address.")
    for card in cards:
        _card(card, alone=len(cards) == 1)


def _one(adapter_id: UUID) -> list[AdapterCard]:
    """The card the address names; a version is found through its agent's cards."""
    with context.store().read() as session:
        adapter = session.get(Adapter, adapter_id)
        if adapter is None:
            return []
        newer = select(sa.func.count()).select_from(Adapter).where(Adapter.agent_id == adapter.agent_id)
        place = session.exec(newer.where(Adapter.id > adapter_id)).one()
        return registry.cards(session, agent_id=adapter.agent_id, limit=1, offset=place)


def _chosen(agents: list[str]) -> list[AdapterCard]:
    agent = None
    with layout.filters():
        if len(agents) > 1:
            agent = layout.pick("Agent", agents, key="agent")
        export.popover("adapters", {"agent_id": agent})
    with context.store().read() as session:
        count = _count(session, agent)
        page = layout.paging(count, size=SIZE)
        return registry.cards(session, agent_id=agent, limit=SIZE, offset=layout.offset(page, size=SIZE))


def _count(session: Session, agent: str | None) -> int:
    query = select(sa.func.count()).select_from(Adapter)
    return session.exec(query.where(Adapter.agent_id == agent) if agent else query).one()


def _card(card: AdapterCard, *, alone: bool) -> None:
    adapter = card.adapter
    damaged = _damaged(str(adapter.id), adapter.path)
    with st.container(border=True, key=f"adapter_{adapter.id}"):
        _headline(card, damaged)
        if damaged:
            names = ", ".join(escape_label(name, limit=80) for name in damaged)
            st.warning(
                f"These files are missing or are no longer what training wrote: {names}. The adapter cannot be "
                "downloaded or tried; train it again.",
                icon=":material/gpp_maybe:",
            )
        facts, measured = st.columns([2, 3], gap="medium")
        with facts, st.container(gap="xsmall"):
            _facts(card)
        with measured:
            change = Change(card.before, card.after)
            picture(change)
            st.caption(f"{change.long} {change.finding or ''}")
        lineage.fold(Kind.ADAPTER, adapter.id, expanded=alone, key=f"lineage_{adapter.id}")
        effect.on_card(adapter.run_id, alone=alone)
        _files(adapter)
        if not damaged:
            try_it.draw(adapter)


def _headline(card: AdapterCard, damaged: list[str]) -> None:
    adapter = card.adapter
    words, icon, colour = BADGES[adapter.status]
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            st.subheader(f"{escape_label(adapter.agent_id, limit=60)}, version {adapter.version}", anchor=False)
            st.badge(words, icon=f":material/{icon}:", color=colour)
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            _buttons(card, damaged)


def _buttons(card: AdapterCard, damaged: list[str]) -> None:
    adapter = card.adapter
    settings = context.settings()
    st.download_button(
        "Download",
        data=lambda: registry.archive(settings, adapter),
        file_name=f"adapter-v{adapter.version}.zip",
        mime="application/zip",
        icon=":material/download:",
        key=f"download_{adapter.id}",
        disabled=bool(damaged),
        on_click="ignore",
        help="All files of the adapter as one zip; their hashes are checked first.",
    )
    if adapter.status is AdapterStatus.CANDIDATE:
        st.button("Reject", key=f"reject_{adapter.id}", on_click=_reject, args=(adapter.id,))
        st.button(
            "Approve adapter",
            key=f"approve_{adapter.id}",
            type="primary",
            icon=":material/check:",
            disabled=bool(damaged),
            on_click=_approve,
            args=(adapter.id,),
        )
    if adapter.status is AdapterStatus.DEPLOYED:
        with st.popover("Roll back", icon=":material/undo:"):
            st.text("Take this version back? The one before it answers again, or the base model where there is none.")
            st.button(
                "Roll back",
                key=f"roll_back_{adapter.id}",
                type="primary",
                on_click=_roll_back,
                args=(adapter.id, adapter.agent_id),
            )


def _approve(adapter_id: UUID) -> None:
    with context.action("Adapter approved: it is the deployed one now"), context.store().write() as session:
        registry.deploy(session, adapter_id, by=context.me())


def _reject(adapter_id: UUID) -> None:
    with context.action("Adapter rejected"), context.store().write() as session:
        registry.reject(session, adapter_id, by=context.me())


def _roll_back(adapter_id: UUID, agent_id: str) -> None:
    """Take back the version that was on the screen; if another is deployed by now, nothing happens."""
    with context.action("Rolled back"), context.store().write() as session:
        present = registry.deployed(session, agent_id)
        if present is not None and present.id == adapter_id:
            registry.roll_back(session, agent_id, by=context.me())


def _facts(card: AdapterCard) -> None:
    adapter, run, dataset = card.adapter, card.run, card.dataset
    st.caption("Taught on")
    layout.link(
        "datasets", f"{escape_label(dataset.name, limit=60)}", icon=":material/dataset:", dataset=str(dataset.id)
    )
    layout.link(
        "runs",
        f"{counted(dataset.total_examples, 'pair')}, {counted(run.current_step, 'step')}",
        icon=":material/model_training:",
        run=str(run.id),
    )
    effect.taught(adapter.id)
    effect.origins(adapter.id)
    st.caption(
        f"On {escape_label(run_words.base(adapter.base_model))}, {number(adapter.parameters)} trained parameters"
    )
    decided = {AdapterStatus.CANDIDATE: "Made"}.get(adapter.status, BADGES[adapter.status][0])
    moment = adapter.decided_at or adapter.created_at
    by = f" by {escape_label(adapter.decided_by)}" if adapter.decided_by else ""
    st.caption(f"{decided} {ago(moment)}{by}", help=exact(moment))


def _files(adapter: Adapter) -> None:
    with st.expander(
        f"{counted(len(adapter.files), 'file')}, {_size(adapter.size_bytes)}",
        icon=":material/folder_zip:",
        type="compact",
    ):
        rows = [
            {"File": name, "Size": _size(int(entry["bytes"])), "SHA-256": entry["sha256"]}
            for name, entry in sorted(adapter.files.items())
        ]
        st.dataframe(rows, hide_index=True, alt="Files of the adapter with their hashes")


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"


@st.cache_data(ttl=30, show_spinner=False)
def _damaged(adapter_id: str, path: str) -> list[str]:
    """Files that are missing or changed. Hashing them on each rerun would be felt, so it is done twice a minute."""
    with context.store().read() as session:
        return registry.damaged_files(context.settings(), registry.get(session, UUID(adapter_id)))


draw()
