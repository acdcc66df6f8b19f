"""A finger that rests on a key decides one item, not one after another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from core.feedback import intake
from core.settings import Settings
from core.store import Store
from core.triage import inbox
from tests.browser.conftest import visiting


def test_a_held_key_decides_the_item_it_was_pressed_for(chromium: Any, home: Path) -> None:
    store = Store.open(Settings(home=home, _env_file=None))
    with store.write() as session:
        for number in range(6):
            intake.store_site_form(session, form_type="bug", comment=f"The export crashes, case {number}")
        inbox.triage_new(session)
    with visiting(chromium, home) as visit:
        page = visit.page
        visit.goto("/triage")
        expect(page.get_by_text("1 of 6")).to_be_visible()
        page.wait_for_timeout(500)  # longer than the dwell guard
        for _ in range(20):  # the first is the press, the others carry `repeat`
            page.keyboard.down("a")
            page.wait_for_timeout(100)
        page.keyboard.up("a")
        expect(page.get_by_text("1 of 5")).to_be_visible()
        page.keyboard.press("a")
        expect(page.get_by_text("1 of 4")).to_be_visible()
    with store.read() as session:
        assert inbox.count(session) == 4
    store.close()
