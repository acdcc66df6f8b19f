"""T3, T4, T9: whatever users wrote is shown literally on every page, however one gets there, and nothing leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from core.feedback import intake
from core.preferences import mining
from core.rewards import chat
from core.settings import Settings
from core.store import Store
from core.workspace import bring_up
from tests.browser.conftest import visiting

HOSTILE = (
    "<script>alert('script')</script>",
    "<img src=x onerror=alert('img')>",
    "![beacon](http://evil.example/pixel.png?q=1)",
    "[click](javascript:alert('link'))",
    "$$\\href{javascript:alert('latex')}{x}$$ :red[coloured]",
)
PAGES = ("", "triage", "evaluations", "rewards", "pairs", "pairs?tab=curate", "datasets", "runs", "adapters", "import")


def fill(store: Store) -> None:
    with store.write() as session:
        for number, text in enumerate(HOSTILE):
            intake.store_site_form(session, form_type="bug", rating=1, comment=f"{text} is broken, it crashes")
            for side in ("first", "second"):
                row = intake.store_interaction(
                    session,
                    agent_id=f"agent {text}"[:100],
                    prompt=f"{text} asks {number}",
                    response=f"{text} {side} answer",
                ).row
                kind = "rating_5" if side == "first" and number < 3 else "rating_1" if number < 3 else None
                if kind:
                    intake.store_message_feedback(session, row.id, feedback_type=kind, comment=text)
                chat.update_reward(session, row)
    bring_up(store)
    with store.write() as session:
        mining.mine(session)


@pytest.fixture
def filled(home: Path) -> Path:
    store = Store.open(Settings(home=home, _env_file=None))
    fill(store)
    store.close()
    return home


def test_cold_deep_links_show_hostile_text_literally_and_ask_nobody_else(chromium: Any, filled: Path) -> None:
    with visiting(chromium, filled) as visit:
        for path in PAGES:
            visit.goto(f"/{path}")
            # The frame ran: its menu is there whichever page came first (T9).
            expect(visit.page.get_by_role("link", name="Overview").first).to_be_visible()
            expect(visit.page.locator("h1").first).to_be_visible()
            assert visit.page.locator("main script, main img[src*='evil']").count() == 0, path
        visit.goto("/triage")
        expect(visit.page.get_by_text("<script>alert('script')</script>").first).to_be_visible()
        visit.goto("/pairs")
        expect(visit.page.get_by_text("answer").first).to_be_visible()
        assert visit.scripts_run == []
        assert visit.outside == []
