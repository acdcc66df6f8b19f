"""A real server on a fresh home, and a real Chromium whose every request is watched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from benchmarks.server import CHROMIUM, REPOSITORY, SETTLED, served, wait_until_healthy


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")  # not the session: Playwright's event loop would stay in the way of other tests
def chromium() -> Iterator[Any]:
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        message = "no Chromium is installed, so the browser tests cannot run"
        if os.environ.get("HONE_REQUIRE_BROWSER"):
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(CHROMIUM))
        yield browser
        browser.close()


@dataclass
class Visit:
    """One browser page on one server; ``outside`` gathers every request that left for another host."""

    page: Any
    address: str
    outside: list[str] = field(default_factory=list)
    scripts_run: list[str] = field(default_factory=list)

    def goto(self, path: str = "/") -> None:
        self.page.goto(self.address + path)
        self.settle()

    def settle(self) -> None:
        self.page.wait_for_function(SETTLED, timeout=60_000)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@contextmanager
def visiting(chromium: Any, home: Path) -> Iterator[Visit]:
    """Start the app on ``home`` and open a watched page on it; both end with the block."""
    with served(REPOSITORY / "app.py", home=home) as (address, _):
        wait_until_healthy(address)
        context = chromium.new_context(viewport={"width": 1440, "height": 1000})
        page = context.new_page()
        page.set_default_timeout(30_000)
        visit = Visit(page, address)

        def watch(route: Any) -> None:
            if route.request.url.startswith((address, "data:", "blob:")):
                route.continue_()
            else:
                visit.outside.append(route.request.url)
                route.abort()

        def refuse(dialog: Any) -> None:
            visit.scripts_run.append(dialog.message)
            dialog.dismiss()

        page.route("**/*", watch)
        page.on("dialog", refuse)
        yield visit
        context.close()
