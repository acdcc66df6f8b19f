"""Adapters as a person decides on them: approve, reject, take back."""

from __future__ import annotations

from core.settings import Settings
from core.store import Store
from core.tables import (
    AdapterStatus,
)
from tests.pages.conftest import OpenPage
from tests.pages.training_rows import (
    adapter,
    press,
    status_of,
    words_of,
)


def test_without_an_adapter_the_page_says_what_makes_one(open_page: OpenPage) -> None:
    page = open_page("adapters")
    assert not page.exception
    assert "No adapter yet" in [s.value for s in page.subheader]


def test_a_card_says_what_it_was_taught_on_and_what_changed(
    open_page: OpenPage, store: Store, settings: Settings
) -> None:
    made = adapter(store, settings)
    page = open_page("adapters", adapter=str(made.id))
    assert not page.exception
    assert "50 % (40–60 %, n = 100) before and 90 % (83–94 %, n = 100) after" in words_of(page)
    assert "Better than the base model" in words_of(page)


def test_approving_deploys_and_rolling_back_takes_it_back(
    open_page: OpenPage, store: Store, settings: Settings
) -> None:
    made = adapter(store, settings)
    page = open_page("adapters")
    press(page, "Approve adapter")
    assert status_of(store, made.id) is AdapterStatus.DEPLOYED
    page.button(key=f"roll_back_{made.id}").click().run()
    assert not page.exception
    assert status_of(store, made.id) is AdapterStatus.RETIRED


def test_rejecting_is_final(open_page: OpenPage, store: Store, settings: Settings) -> None:
    made = adapter(store, settings)
    page = open_page("adapters")
    press(page, "Reject")
    assert status_of(store, made.id) is AdapterStatus.REJECTED
    assert "Approve adapter" not in [b.label for b in page.button]


def test_an_adapter_whose_files_were_changed_cannot_be_approved(
    open_page: OpenPage, store: Store, settings: Settings
) -> None:
    made = adapter(store, settings)
    (settings.home / made.path / "adapter_config.json").write_bytes(b"tampered")
    page = open_page("adapters")
    assert any("adapter" in w.value and "no longer what training wrote" in w.value for w in page.warning)
    assert next(b for b in page.button if b.label == "Approve adapter").disabled
