"""The forty worst texts as comment, prompt, answer and agent: every page opens, and shows them letter by letter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlmodel import Session, col, select
from streamlit.testing.v1 import AppTest

from core.feedback import intake
from core.rewards import chat
from core.settings import Settings
from core.store import Store
from core.tables import Evaluation, Feedback, Interaction, PairStatus, PreferencePair, TriageResult
from core.untrusted import clean, visible
from core.workspace import bring_up
from pages.shared import layout
from tests.core.preference_rows import pair
from tests.hostile.corpus import WORST
from tests.pages.conftest import OpenPage

WORDS = "The export crashes. "  # so that a form is a complaint, whatever stands behind it


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with all of them. SQLite alone: what databases do with these texts is tried in test_texts."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), user="ada", min_dwell_ms=0, _env_file=None)
    store = Store.open(settings)
    with store.write() as session:
        for number, text in enumerate(WORST.values()):
            put(session, number, text)
    bring_up(store)
    store.close()
    return settings


@pytest.fixture
def settings(filled: Settings) -> Settings:
    return filled


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    store = Store.open(settings)
    yield store
    store.close()


def put(session: Session, number: int, text: str) -> None:
    """The text in every place where a person or an agent can put one."""
    agent = clean(text[:60], limit=200)[:100] or "agent"
    intake.store_site_form(session, form_type="bug", rating=1, comment=(WORDS + text)[:20_000])
    row = intake.store_interaction(session, agent_id=agent, prompt=text, response=text, intent=agent).row
    intake.store_message_feedback(session, row.id, feedback_type="rating_1", comment=text[:900], user_id=agent)
    chat.update_reward(session, row)
    decided = PairStatus.ACCEPTED if number % 2 else PairStatus.NEEDS_LABEL
    pair(session, f"{number} {row.prompt[:19_000]}", row.response, "another answer", status=decided, agent_id=agent)


@dataclass(frozen=True)
class Item:
    """A page with one item open, and the text that item holds."""

    page: str
    query: dict[str, str]
    text: str


def items(session: Session) -> list[Item]:
    said = select(TriageResult.id, Feedback.comment).join(Feedback, col(Feedback.id) == TriageResult.feedback_id)
    judged = select(Evaluation.id, Interaction.prompt).join(
        Interaction, col(Interaction.id) == Evaluation.interaction_id
    )
    pairs = select(PreferencePair.id, PreferencePair.answer_a)
    return [
        *(Item("triage", {"item": str(key)}, text or "") for key, text in session.exec(said)),
        *(Item("evaluations", {"evaluation": str(key)}, text) for key, text in session.exec(judged)),
        *(Item("pairs", {"tab": "curate", "pair": str(key)}, text) for key, text in session.exec(pairs)),
    ]


def shown(page: AppTest) -> list[str]:
    """All text that is shown letter by letter."""
    return [text.value for text in page.text]


def interpreted(page: AppTest) -> list[str]:
    """Everything that goes through markdown, without what is escaped in it."""
    found = (*page.markdown, *page.caption, *page.title, *page.subheader, *page.expander, *page.button)
    return [re.sub(r"\\.", "", str(getattr(one, "value", "") or getattr(one, "label", ""))) for one in found]


def assert_harmless(page: AppTest) -> None:
    assert not page.exception
    for text in interpreted(page):
        for dangerous in ("<script", "<img", "<svg", "<!--", "](", "$$", "```", ":smile:", "=cmd|"):
            assert dangerous not in text, text[:300]


@pytest.mark.parametrize("name", layout.PAGES)
def test_t03_every_page_opens_on_the_worst_texts(open_page: OpenPage, name: str) -> None:
    assert_harmless(open_page(name))


def test_t03_every_item_shows_its_text_letter_by_letter(open_page: OpenPage, store: Store) -> None:
    with store.read() as session:
        found = items(session)
    assert len(found) >= 3 * len(WORST)
    pages = {name: open_page(name) for name in ("triage", "evaluations", "pairs")}
    for item in found:
        page = pages[item.page]
        for key, value in item.query.items():
            page.query_params[key] = value
        page.run()
        assert_harmless(page)
        assert visible(item.text).strip() in shown(page), item
