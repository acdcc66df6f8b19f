"""Settings: every one is in the README, and none can be changed after the start."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from core.errors import StoreError
from core.settings import Settings
from core.store import Store
from tests.conftest import REPOSITORY


def test_every_setting_is_in_the_readme_with_its_words() -> None:
    readme = (REPOSITORY / "README.md").read_text()
    for name, field in Settings.model_fields.items():
        assert f"| `HONE_{name.upper()}` |" in readme
        assert str(field.description) in readme


def test_settings_are_frozen() -> None:
    settings = Settings(_env_file=None)
    with pytest.raises(ValidationError):
        settings.user = "eve"


def test_t11_the_token_is_not_printed() -> None:
    assert "canary" not in repr(Settings(api_token="canary", _env_file=None))


def test_an_unset_database_is_a_file_in_the_home_folder(tmp_path: Path) -> None:
    assert Settings(home=tmp_path, _env_file=None).database_url == f"sqlite:///{tmp_path.resolve()}/hone.db"


@pytest.mark.parametrize("address", ["mysql://ada@host/hone", "no address", "oracle://x"])
def test_a_database_of_another_kind_is_refused_in_a_sentence(address: str) -> None:
    with pytest.raises(StoreError, match=r"PostgreSQL|postgresql"):
        Store(address)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_team_database_is_named_as_people_write_it(scheme: str) -> None:
    assert Store(f"{scheme}://ada@host/hone").url.drivername == "postgresql+psycopg"
