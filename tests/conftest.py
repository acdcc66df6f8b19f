"""What most tests need: a fresh store in a temporary folder, and the place of the shared real data."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import Settings
from core.store import Store

REPOSITORY = Path(__file__).parent.parent


OURS = ("HONE_SHARED", "HONE_REQUIRE_BROWSER")  # the only settings meant for the tests themselves


@pytest.fixture(scope="session", autouse=True)
def no_settings_of_this_machine() -> Iterator[None]:
    """A developer's own HONE_DB must never be what a test writes to."""
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("HONE_") and name not in OURS}
    yield
    os.environ.update(kept)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", user="ada", _env_file=None)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the newest schema and nothing in it: migrated once, copied by every test."""
    settings = Settings(home=tmp_path_factory.mktemp("migrated"), _env_file=None)
    Store.open(settings).close()
    return settings.home / "hone.db"


@pytest.fixture
def store(settings: Settings, migrated: Path) -> Iterator[Store]:
    settings.home.mkdir(parents=True)
    shutil.copy(migrated, settings.home / "hone.db")
    store = Store.open(settings)
    yield store
    store.close()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and cases; HONE_SHARED names it, beside the repository by default."""
    folder = Path(os.environ.get("HONE_SHARED", REPOSITORY.parent / "shared"))
    if folder.is_dir():
        return folder
    if os.environ.get("CI"):
        pytest.fail(f"the shared data is missing: {folder} (set HONE_SHARED)")
    pytest.skip(f"the shared data is not here: {folder} (set HONE_SHARED)")
