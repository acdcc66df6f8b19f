"""What the tests of importing share: one call that imports, and what is stored then."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from core import workspace
from core.feedback import importing, uploads
from core.feedback.records import Mapping
from core.settings import Settings
from core.store import Store
from core.tables import STAGED, Feedback, Import, PreferencePair, new_id

_TABLES = (
    "pair_evaluations",
    "pair_labels",
    "preference_pairs",
    "rewards",
    "feedback",
    "interactions",
    "import_rejects",
    "imports",
)
VISIBLE = ("feedback", "interactions", "preference_pairs", "pair_labels", "pair_evaluations", "rewards")


def empty(store: Store) -> None:
    with store.write() as session:
        for table in (*STAGED, *(SQLModel.metadata.tables[name] for name in _TABLES)):
            session.execute(sa.delete(table))


def settings_in(home: Path, **more: Any) -> Settings:
    return Settings(home=home, user="ada", _env_file=None, **more)


def run(store: Store, content: bytes | str, filename: str = "file.csv", **more: Any) -> Import:
    """Import it whole, as a face does while somebody waits."""
    data = content.encode() if isinstance(content, str) else content
    given: dict[str, Any] = {"agent_id": "support", "imported_by": "ada"} | more
    with TemporaryDirectory() as home:
        return workspace.import_file(store, settings_in(Path(home)), data, filename, **given)


def asked(
    store: Store,
    settings: Settings,
    content: bytes,
    filename: str,
    *,
    mapping: Mapping | None = None,
    dry_run: bool = False,
) -> Import:
    """An import that nobody has begun to read."""
    own = new_id()
    upload = uploads.keep(settings, own, uploads.pieces_of(content))
    with store.write() as session:
        return importing.request(
            session,
            filename=filename,
            upload=upload,
            agent_id="support",
            imported_by="ada",
            mapping=mapping,
            dry_run=dry_run,
            import_id=own,
        )


def counts(row: Import) -> tuple[int, int, int]:
    return row.accepted, row.duplicates, row.rejected


def reasons(store: Store, row: Import) -> dict[int, str]:
    with store.read() as session:
        return {one.line: one.reason for one in importing.rejected(session, row.id, limit=10_000)}


def comments(store: Store) -> list[Feedback]:
    with store.read() as session:
        return sorted(session.exec(select(Feedback)), key=lambda row: (row.comment or "", str(row.raw)))


def pairs(store: Store) -> list[PreferencePair]:
    with store.read() as session:
        return list(session.exec(select(PreferencePair).order_by(col(PreferencePair.id))))


def rows(session: Session, *names: str) -> dict[str, int]:
    """How many rows the tables hold; those that hold none are left out."""
    tables = [SQLModel.metadata.tables[name] for name in names or VISIBLE]
    found = {table.name: session.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in tables}
    return {name: count for name, count in found.items() if count}
