"""All settings, as one frozen object read from ``HONE_*`` variables (or a ``.env`` file) when a face starts.

Nothing else in core reads the environment, and no path lives in a module: the object is handed on.
"""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

# What lies directly in a home folder.
DATABASE = "hone.db"
HOME_ID = "id"  # made by the first process that works there
BACKUPS = "backups"


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a user entry
        return "local"


class Settings(BaseSettings):
    """Every field is documented in the README's table of settings; a test holds that."""

    model_config = SettingsConfigDict(env_prefix="HONE_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(Path(".hone"), description="Folder for the database, models, runs and adapters.")
    db: str = Field("", description="Database URL; empty means an SQLite file in the home folder.")
    user: str = Field(
        default_factory=_login_name,
        description="Name written beside your labels and verdicts when nobody is logged in.",
    )
    api_token: SecretStr = Field(
        SecretStr(""), description="Bearer token the HTTP routes ask for; empty asks for none on localhost."
    )
    feedback_key: SecretStr = Field(
        SecretStr(""), description="Key that feedback on plans must bring as `X-Feedback-Key`; empty asks for none."
    )
    rate_per_minute: int = Field(
        600, ge=0, le=1_000_000, description="HTTP requests a minute one client may make; 0 sets no limit."
    )
    proxy_user_header: str = Field(
        "", description="Header in which a trusted proxy passes the logged-in user; allows a non-local bind."
    )
    allow_hub: bool = Field(False, description="Let a run fetch its base model from the Hugging Face hub.")
    busy_timeout_s: float = Field(
        10.0, gt=0, le=600, description="How long a write waits for another process's write lock."
    )
    executor: Literal["thread", "process"] = Field(
        "thread", description="Where a run trains: in a thread of the app, or in a supervised process of its own."
    )
    worker: bool = Field(True, description="Whether the app does jobs itself; `hone worker` does them anywhere.")
    min_pairs: int = Field(50, ge=10, description="Usable pairs a run by hand needs at least.")
    min_dwell_ms: int = Field(
        300, ge=0, le=10_000, description="A label sooner than this after its pair was shown is ignored."
    )
    lease_s: float = Field(300.0, gt=0, description="How long a pair stays with the person it was shown to.")
    max_import_mb: int = Field(20, ge=1, le=500, description="Largest file the import takes.")
    max_import_rows: int = Field(200_000, ge=1, description="Most rows one import takes.")

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.db or f"sqlite:///{(self.home / DATABASE).resolve()}"
