"""A new user's first minutes: an empty store, the sample workspace, a file of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import visiting


def test_from_an_empty_store_to_the_sample_workspace_and_a_real_file(chromium: Any, home: Path, shared: Path) -> None:
    with visiting(chromium, home) as visit:
        page = visit.page
        visit.goto("/")
        page.get_by_role("button", name="Load the sample workspace").click()
        expect(page.get_by_role("button", name="Load the sample workspace")).to_have_count(0, timeout=90_000)
        visit.settle()

        visit.goto("/import")
        file = shared / "data" / "nhs_feedback" / "phase1_text_data.csv"
        page.locator("input[type=file]").set_input_files(str(file))
        page.get_by_role("button", name="Import rows").click(timeout=90_000)
        expect(page.get_by_text("accepted").first).to_be_visible(timeout=90_000)
        page.get_by_role("button", name="Go to triage").click()
        visit.settle()
        expect(page.get_by_role("heading", name="Triage")).to_be_visible()
        assert visit.outside == []
