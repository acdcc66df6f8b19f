"""A page as a browser session would run it, on a store of its own.

    def test_something(open_page, store):
        with store.write() as session: ...            # what the page shall find
        page = open_page("rewards", queue="hostile")  # a name of layout.PAGES and what stands in the URL
        assert not page.exception
        page.button(key="…").click().run()
        page = page.switch_page(…)                    # as in AppTest

``at_work`` makes ``store`` and ``settings`` those of this process, without a browser session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.api import process
from core.jobs import table
from core.jobs.worker import do_here
from core.settings import Settings
from core.store import Store
from pages.shared import layout

OpenPage = Callable[..., AppTest]


@pytest.fixture
def at_work(store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[process.Process]:
    """This process, holding the test's store; nothing is started beside it."""
    present = process.Process(settings, store)
    monkeypatch.setattr(process, "_current", present)
    st.cache_data.clear()
    yield present
    st.cache_data.clear()
    if present._worker is not None:
        present._worker.stop()


@pytest.fixture
def open_page(at_work: process.Process) -> OpenPage:
    """Open a page by its name, through app.py and its frame like every visitor."""

    def open_page(name: str = "overview", **query: str) -> AppTest:
        app = AppTest.from_file(str(layout.ROOT / "app.py"), default_timeout=30)
        app.run()
        if name != "overview":
            app.switch_page(layout.PAGES[name][0])
        for key, value in query.items():
            app.query_params[key] = value
        return app.run() if name != "overview" or query else app

    return open_page


@pytest.fixture
def finish_jobs(store: Store, settings: Settings) -> Callable[[], None]:
    """Do what waits in the queue, in this thread: what the app's worker would do beside the page."""

    def finish() -> None:
        with store.read() as session:
            waiting = [job.id for job in table.under_way(session)]
        for job_id in waiting:
            do_here(store, settings, job_id)
        st.cache_data.clear()

    return finish
