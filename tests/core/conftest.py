"""Fixtures of the tests of core: a store shared by a file's tests, and small models made when first asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlmodel import Session

from core.settings import Settings
from core.store import Store
from tests.api_client import client
from tests.databases import Databases
from tests.training_runs import first_run, model_folders

__all__ = ["client", "first_run", "model_folders", "session", "shared_store"]


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Iterator[Store]:
    home = tmp_path_factory.mktemp("home")
    url = databases.fresh(home)
    store = Store.open(Settings(home=home, db=url, _env_file=None))
    yield store
    store.close()
    databases.drop(url)


@pytest.fixture
def session(shared_store: Store) -> Iterator[Session]:
    """What a test writes here is thrown away after it."""
    with shared_store.read() as session:
        yield session
