"""What most tests need: a fresh store in a temporary folder, on both databases, and the place of the shared real data.

A test that asks for ``store`` or ``settings`` runs twice, on SQLite and on a real PostgreSQL; ``--database sqlite``
narrows that down, and the mark ``sqlite`` says why a test is about one of them alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import Settings
from core.store import Store
from tests import databases as kinds
from tests.databases import BACKENDS, Databases

REPOSITORY = Path(__file__).parent.parent


OURS = ("HONE_SHARED", "HONE_REQUIRE_BROWSER")  # the only settings meant for the tests themselves


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=BACKENDS, help="run the tests of the store on this database alone")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "backend" in metafunc.fixturenames:
        only = metafunc.config.getoption("--database")
        both = [only] if only else list(BACKENDS)
        if metafunc.definition.get_closest_marker("sqlite"):
            both = [name for name in both if name == "sqlite"]
        metafunc.parametrize("backend", both, scope="session", indirect=True)


@pytest.fixture(scope="session", autouse=True)
def no_settings_of_this_machine() -> Iterator[None]:
    """A developer's own HONE_DB must never be what a test writes to."""
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("HONE_") and name not in OURS}
    yield
    os.environ.update(kept)


@pytest.fixture(scope="session")
def backend(request: pytest.FixtureRequest) -> str:
    """The database this test runs on."""
    return str(request.param)


@pytest.fixture(scope="session")
def databases(backend: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """Migrated once, copied by every test."""
    found = kinds.start(backend, tmp_path_factory.mktemp("migrated"))
    yield found
    found.stop()


@pytest.fixture
def settings(tmp_path: Path, databases: Databases) -> Iterator[Settings]:
    """Settings of a test's own home and migrated database."""
    home = tmp_path / "home"
    url = databases.fresh(home)
    yield Settings(home=home, db=url, user="ada", _env_file=None)
    databases.drop(url)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
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
