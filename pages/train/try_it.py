"""Ask the base model and the adapter the same thing, side by side; only for a base that lies on this machine.

The model is loaded on the first question and kept. While a run trains nothing is generated here: the two would
slow each other down.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from uuid import UUID

import streamlit as st

from core.adapters import registry
from core.errors import HoneError
from core.inference.folder import resolve_base
from core.tables import Adapter
from core.training import runs
from core.untrusted import clean
from pages.shared import context
from pages.shared.literal import literal

if TYPE_CHECKING:
    from core.inference.local import LocalModel

TOKENS = 64
_one_at_a_time = Lock()  # a loaded model answers one thread at a time


def draw(adapter: Adapter) -> None:
    # The body runs only while it is open: a closed one costs nothing.
    fold = st.expander("Try it", icon=":material/chat:", key=f"try_{adapter.id}", on_change="rerun", type="compact")
    if fold.open:
        with fold:
            _form(adapter)


def _form(adapter: Adapter) -> None:
    with st.form(f"try_form_{adapter.id}", border=False):
        prompt = st.text_input("Prompt", max_chars=1_000, placeholder="What would a user ask?", key=f"ask_{adapter.id}")
        asked = st.form_submit_button("Ask both", icon=":material/send:")
    if not asked or not (prompt or "").strip():
        return
    with context.action() as act:
        before, after = _answers(adapter, clean(prompt, limit=1_000))
    if act.ok:
        left, right = st.columns(2)
        with left, st.container(border=True, height="stretch"):
            st.markdown(":gray-badge[Base model]")
            literal(before)
        with right, st.container(border=True, height="stretch"):
            st.markdown(":primary-badge[With the adapter]")
            literal(after)


def _answers(adapter: Adapter, prompt: str) -> tuple[str, str]:
    """(the base model's answer, the adapter's answer), both greedy. Raises HoneError."""
    with context.store().read() as session:
        if runs.running(session) is not None:
            raise HoneError("A run is training on this machine. Try the adapter when it has ended.")
    conversation = [[{"role": "user", "content": prompt}]]
    with st.spinner("Loading the model; the first time takes some seconds"):
        model = _model(str(adapter.id))
        with _one_at_a_time:
            after = model.generate(conversation, max_new_tokens=TOKENS)[0]
            with model.base_only():
                before = model.generate(conversation, max_new_tokens=TOKENS)[0]
    return before, after


@st.cache_resource(max_entries=2, ttl=900, show_spinner=False)
def _model(adapter_id: str) -> LocalModel:
    from core.inference.local import LocalModel

    settings = context.settings()
    with context.store().read() as session:
        adapter = registry.get(session, UUID(adapter_id))
    if registry.damaged_files(settings, adapter):
        raise HoneError("The adapter's files are missing or were changed. Train it again.")
    base: Path = resolve_base(adapter.base_model, models_dir=settings.home / "models", allow_hub=False)
    return LocalModel.load(base, adapter=settings.home / adapter.path)
