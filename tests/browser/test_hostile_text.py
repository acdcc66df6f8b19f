"""T3, T4, T9: forty scripts and beacons users wrote are shown literally on every page, however one comes there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlmodel import col, select

from core.feedback import intake
from core.rewards import chat
from core.settings import Settings
from core.store import Store
from core.tables import Evaluation
from core.workspace import bring_up
from tests.browser.conftest import visiting
from tests.hostile.corpus import SCRIPTS

LINKS = ("see www.evil.example/x", "http://evil.example", "write to someone@evil.invalid-host.x", "a -> b")
HOSTILE = (*LINKS, *SCRIPTS.values())
# What one of them would leave in the page, were it ever interpreted.
INTERPRETED = ", ".join(
    f"[data-testid=stMain] {node}"
    for node in (
        *(
            "script",
            "iframe",
            "object",
            "embed",
            "base",
            "meta",
            "link",
            "form",
            "marquee",
            "math",
            "details[ontoggle]",
        ),
        *("[onerror]", "[onload]", "[onfocus]", "[onbegin]", "[src*=evil]", "[srcset*=evil]", "[style*=evil]"),
        *("[href*=evil]", "[href*='javascript:']", "[href*='mailto:']", "[href^='data:']"),
    )
)
PAGES = ("", "triage", "evaluations", "rewards", "pairs", "pairs?tab=curate", "datasets", "runs", "adapters", "import")


def fill(store: Store) -> list[str]:
    """The addresses of single verdicts, whose agents have the names that look like links."""
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
    with store.read() as session:
        agents = [f"agent {text}" for text in LINKS]
        ids = session.exec(select(Evaluation.id).where(col(Evaluation.agent_id).in_(agents))).all()
    return [f"evaluations?evaluation={key}" for key in ids[::2]]


@pytest.fixture
def items(home: Path) -> list[str]:
    store = Store.open(Settings(home=home, _env_file=None))
    try:
        return fill(store)
    finally:
        store.close()


def test_cold_deep_links_show_hostile_text_literally_and_ask_nobody_else(
    chromium: Any, home: Path, items: list[str]
) -> None:
    with visiting(chromium, home) as visit:
        for path in (*PAGES, *items):
            visit.goto(f"/{path}")
            # The frame ran: its menu is there whichever page came first (T9).
            expect(visit.page.get_by_role("link", name="Overview").first).to_be_visible()
            expect(visit.page.locator("h1").first).to_be_visible()
            left = visit.page.locator(INTERPRETED)
            assert left.count() == 0, (path, left.first.evaluate("node => node.outerHTML"))
        visit.goto("/triage")
        expect(visit.page.get_by_text("<script>alert('script')</script>").first).to_be_visible()
        visit.goto("/pairs")
        expect(visit.page.get_by_text("answer").first).to_be_visible()
        assert visit.scripts_run == []
        assert visit.outside == []
