"""What the offline readers have not read yet, a few seconds old at most and shared by all viewers.

The buttons that start them show these counts; both fall to 0 once there is nothing left to read.
"""

from __future__ import annotations

import streamlit as st

from core.judging import evaluations
from core.store import Store
from core.triage import inbox


@st.cache_data(ttl=5, refresh_mode="background", show_spinner=False, max_entries=50)
def lately_untriaged(url: str, _store: Store) -> int:
    """Comments without a reading. ``url`` is there for the cache's key."""
    with _store.read() as session:
        return inbox.waiting(session)


@st.cache_data(ttl=5, refresh_mode="background", show_spinner=False, max_entries=50)
def lately_unjudged(url: str, _store: Store) -> int:
    """Answers without a verdict, as ``lately_untriaged``."""
    with _store.read() as session:
        return evaluations.waiting(session)
