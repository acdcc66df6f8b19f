"""The heart of the loop in a browser: keys decide pairs, a button trains, a refresh disturbs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import expect
from sqlmodel import col, select

from core.settings import Settings
from core.store import Store
from core.tables import PairLabel, PairOrigin, PairStatus, PreferencePair, RunStatus, TrainingRun
from tests.browser.conftest import Visit, visiting
from tests.frozen_pairs import freeze_sixty

LABELS = 5


def fill(store: Store) -> None:
    """Sixty decided pairs to train on, and a few nobody has compared yet."""
    with store.write() as session:
        freeze_sixty(session)
        session.add_all(
            PreferencePair(
                agent_id="support",
                prompt=f"Where is schedule {number}?",
                prompt_group=f"schedule-{number}",
                answer_a=f"Under Plant, entry {number}.",
                answer_b=f"Ask the night shift about {number}.",
                origin=PairOrigin.UNRATED,
                content_key=f"{number:064d}",
            )
            for number in range(LABELS + 1)
        )


def label_by_keyboard(visit: Visit) -> None:
    page = visit.page
    for number in range(LABELS):
        prompt = page.get_by_text("Where is schedule").first
        before = prompt.inner_text()
        # The dwell guard ignores a key before a person can have read the pair, so press until it was taken.
        for _ in range(20):
            page.keyboard.press("1" if number % 2 else "2")
            try:
                expect(page.get_by_text(before, exact=True)).to_have_count(0, timeout=1_000)
                break
            except AssertionError:
                continue
        visit.settle()


def test_label_by_keyboard_then_train_to_the_end_with_a_refresh_in_between(chromium: Any, home: Path) -> None:
    store = Store.open(Settings(home=home, _env_file=None))
    fill(store)
    with visiting(chromium, home) as visit:
        page = visit.page
        visit.goto("/pairs")
        label_by_keyboard(visit)
        with store.read() as session:
            labels = session.exec(select(PairLabel)).all()
            decided = session.exec(
                select(PreferencePair).where(
                    PreferencePair.origin == PairOrigin.UNRATED, PreferencePair.status == PairStatus.ACCEPTED
                )
            ).all()
        assert (len(labels), len(decided)) == (LABELS, LABELS)

        visit.goto("/runs")
        page.get_by_role("button", name="New run").first.click()
        visit.settle()
        page.get_by_role("button", name="Start training").click()
        page.wait_for_url("**/runs?run=*", timeout=30_000)
        expect(page.get_by_text("step", exact=False).first).to_be_visible(timeout=120_000)
        page.reload()
        visit.settle()
        expect(page.get_by_role("button", name="See the adapter")).to_be_visible(timeout=300_000)
        with store.read() as session:
            run = session.exec(select(TrainingRun).order_by(col(TrainingRun.id))).one()
        assert run.status is RunStatus.COMPLETED, run.error
        page.get_by_role("button", name="See the adapter").click()
        visit.settle()
        expect(page.get_by_role("heading", name="Adapters")).to_be_visible()
        assert visit.outside == []
    store.close()
