"""``python -m core.cli`` is ``hone``."""

from core.cli.main import app

app()
