"""``hone …``: the same steps without a screen. Every command takes --db and --json."""

from core.cli.main import app

__all__ = ["app"]
