"""``hone import``: the dry run or the import of one file, with its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core import workspace
from core.cli.main import Speaker
from core.errors import ImportRejected
from core.feedback import importing
from core.settings import Settings
from core.store import Store

SHOWN_REJECTS = 10


def run_import(
    speaker: Speaker,
    settings: Settings,
    file: Path,
    *,
    agent_id: str,
    dry_run: bool,
    overrides: dict[str, Any],
) -> None:
    """Read, store unless it is a dry run, and say what became of the rows."""
    if file.stat().st_size > settings.max_import_mb * 1024 * 1024:
        raise ImportRejected(
            f"The file is larger than {settings.max_import_mb} MB; raise HONE_MAX_IMPORT_MB or split it. "
            "Nothing was stored."
        )
    content = file.read_bytes()
    store = Store.open(settings)
    mapping = _mapping(settings, content, file.name, overrides)
    with speaker.progress(f"reading {file.name}") as bar:
        if dry_run:
            plan = workspace.plan_file(
                store, settings, content, file.name, mapping=mapping, agent_id=agent_id, on_progress=bar
            )
            counts, rejects, notes = (plan.accepted, plan.duplicates, len(plan.rejected)), plan.rejected, plan.notes
        else:
            row = workspace.import_file(
                store, settings, content, file.name, mapping=mapping, agent_id=agent_id, on_progress=bar
            )
            counts, notes = (row.accepted, row.duplicates, row.rejected), row.notes
            rejects = [importing.Reject(**reject) for reject in row.rejects]
    _report(speaker, counts, rejects, notes, dry_run=dry_run)


def _mapping(settings: Settings, content: bytes, name: str, overrides: dict[str, Any]) -> importing.Mapping | None:
    """The suggested mapping with what the command line changed; None leaves the suggestion to the importer."""
    if not overrides:
        return None
    seen = importing.preview(content, name, rows=1, max_mb=settings.max_import_mb, max_rows=settings.max_import_rows)
    return replace(seen.suggested, **overrides)


def _report(
    speaker: Speaker,
    counts: tuple[int, int, int],
    rejects: Sequence[importing.Reject],
    notes: Sequence[str],
    *,
    dry_run: bool,
) -> None:
    accepted, duplicates, rejected = counts
    would = "would be " if dry_run else ""
    speaker.say(
        "dry run" if dry_run else "import",
        f"{accepted:,} {would}accepted, {rejected:,} {would}rejected, {duplicates:,} already there",
        accepted=accepted,
        rejected=rejected,
        duplicates=duplicates,
        rejects=[{"line": reject.line, "reason": reject.reason} for reject in rejects[:1000]],
        notes=list(notes),
    )
    for note in notes:
        speaker.aside("note", note)
    for reject in rejects[:SHOWN_REJECTS]:
        speaker.aside(f"line {reject.line}", reject.reason)
    if rejected > SHOWN_REJECTS:
        speaker.aside("", f"and {rejected - SHOWN_REJECTS:,} more; --json lists them")
