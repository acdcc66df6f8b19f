"""What the hostile tests share: one store and one client of the routes for a file of tests, and an end to every test.

``pytest tests/hostile --hypothesis-profile=thorough`` tries 10,000 examples of everything.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import FrameType

import pytest
from fastapi.testclient import TestClient
from hypothesis import settings as examples

from core.settings import Settings
from core.store import Store
from tests.api_client import LOCAL
from tests.core.conftest import session, shared_store
from tests.pages.conftest import at_work, open_page

__all__ = ["at_work", "open_page", "session", "shared_store"]

examples.register_profile("thorough", max_examples=10_000, deadline=None)
LONGEST_S = 60  # far above what any test takes; an endless loop ends here, with a traceback of where it was


@pytest.fixture(scope="module")
def routes(shared_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The HTTP routes on the file's store, without a limit on how often they may be asked."""
    from core.api import create_api, process

    settings = Settings(home=tmp_path_factory.mktemp("routes"), rate_per_minute=0, _env_file=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "_current", process.Process(settings, shared_store))
        with TestClient(create_api(), base_url=LOCAL, raise_server_exceptions=False) as client:
            yield client


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    """No hostile input may hold a test for ever."""
    if examples().max_examples > 1_000:  # thoroughness takes as long as it takes
        yield
        return

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"this took more than {LONGEST_S} seconds")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(LONGEST_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
