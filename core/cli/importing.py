"""``hone import``: look at a file, import it, or go on with an import that was stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from core.cli.running import AsJson, Database, id_of, run, settings_for
from core.cli.speaking import ProgressBar, Speaker
from core.errors import HoneError, ImportRejected, InputRejected
from core.feedback import importing, rejects, uploads
from core.feedback.records import FIELDS, Mapping, mapping_from
from core.jobs import imports, worker
from core.settings import Settings
from core.store import Store
from core.tables import Import, ImportStatus, Job, JobStatus, new_id

SHOWN_REJECTS = 10
LISTED_REJECTS = 1_000  # in the JSON answer
_PIECE = 256 * 1024

Overrides = dict[str, Any]


def import_command(
    file: Annotated[
        Path | None,
        typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV, JSON, JSONL or Parquet, also .gz."),
    ] = None,
    db: Database = "",
    as_json: AsJson = False,
    agent: Annotated[str, typer.Option(help="Agent the rows belong to.")] = "imported",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen and store nothing.")] = False,
    mapped: Annotated[
        list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="Which column a field is; repeatable.")
    ] = None,
    comment: Annotated[str | None, typer.Option(help="Column that holds the comment.")] = None,
    rating: Annotated[str | None, typer.Option(help="Column that holds the rating.")] = None,
    best: Annotated[int | None, typer.Option(help="Which rating is the best one, 1 or 5.", min=1, max=5)] = None,
    rejects_to: Annotated[
        Path | None, typer.Option("--rejects", help="Write the rejected lines and their reasons there, as CSV.")
    ] = None,
    go_on: Annotated[str | None, typer.Option("--continue", help="Id of an import that was stopped.")] = None,
) -> None:
    """Import feedback, preference pairs, judges' verdicts or conversations. Ctrl-C stops where it can go on."""
    named = {"comment": comment, "rating": rating, "best_rating": best}
    chosen = {name: value for name, value in named.items() if value is not None}

    def work(speaker: Speaker) -> None:
        overrides = chosen | _mapped(mapped or [])
        settings = settings_for(db)
        if go_on:
            continue_import(speaker, settings, go_on, rejects_to=rejects_to)
        elif file is None:
            raise InputRejected("Name the file to import, or an import to go on with: hone import --continue ID.")
        else:
            run_import(
                speaker,
                settings,
                file,
                agent_id=agent,
                overrides=overrides,
                rejects_to=rejects_to,
                dry_run=dry_run,
            )

    run(as_json, work)


def run_import(
    speaker: Speaker,
    settings: Settings,
    file: Path,
    *,
    agent_id: str,
    overrides: Overrides,
    rejects_to: Path | None = None,
    dry_run: bool = False,
) -> None:
    """Store the file's rows, all or none, and say what became of them; or what would, and keep nothing."""
    store, own = Store.open(settings), new_id()
    mapping = _mapping(store, settings, file, overrides)
    upload = uploads.keep(settings, own, _pieces(file))
    with store.write() as session:
        row, job = imports.request_import(
            session,
            settings,
            filename=file.name,
            upload=upload,
            import_id=own,
            agent_id=agent_id,
            requested_by=settings.user,
            mapping=mapping,
            dry_run=dry_run,
        )
    _follow(speaker, store, settings, row, job, rejects_to)


def continue_import(speaker: Speaker, settings: Settings, import_id: str, *, rejects_to: Path | None = None) -> None:
    """Go on where an import was stopped. Raises NotFound, InvalidTransition for one that was given up."""
    store = Store.open(settings)
    own = id_of("an import", import_id)
    if own is None:
        raise InputRejected("Name the import to go on with by its id.")
    with store.write() as session:
        row, job = imports.publish_import(session, settings, own, by=settings.user)
    _follow(speaker, store, settings, row, job, rejects_to)


def _follow(speaker: Speaker, store: Store, settings: Settings, row: Import, job: Job, rejects_to: Path | None) -> None:
    """Do its job here, or watch whoever does it, and report. A file that cannot be read is not kept."""
    with speaker.progress(f"importing {row.filename}") as bar:
        ended = _until_stopped(lambda: worker.do_here(store, settings, job.id, on_progress=bar), bar, speaker, row.id)
    with store.read() as session:
        row = importing.get(session, row.id)
        first = [
            importing.Reject(one.line, one.reason) for one in importing.rejected(session, row.id, limit=LISTED_REJECTS)
        ]
    if ended.status is not JobStatus.COMPLETED:
        _give_up(store, settings, row)
        raise HoneError(ended.error or f"The import is {ended.status.value}; nothing of it is visible.")
    if rejects_to is not None:
        with rejects_to.open("wb") as file:
            file.writelines(rejects.as_csv(store, row.id))
    would = "would be " if row.status is ImportStatus.CHECKED else ""
    _report(speaker, "dry run" if would else "import", row, first, would=would)
    if would:
        _give_up(store, settings, row)


def _give_up(store: Store, settings: Settings, row: Import) -> None:
    with store.write() as session:
        imports.cancel_import(session, row.id, by=settings.user)
    uploads.drop(settings, row.id)


def _until_stopped(work: Callable[[], Job], bar: ProgressBar, speaker: Speaker, import_id: UUID) -> Job:
    """Ctrl-C loses nothing that was read: it says how to go on."""
    try:
        return work()
    except KeyboardInterrupt:
        bar.__exit__()
        speaker.say(
            "stopped",
            "Nothing of the file is visible yet. A running app goes on with it, and so does: "
            f"hone import --continue {import_id}",
            import_id=str(import_id),
        )
        speaker.finish()
        raise typer.Exit(130) from None


def _mapped(given: Sequence[str]) -> Overrides:
    """``field=column`` as a mapping's fields. Raises InputRejected, naming the fields there are."""
    overrides: Overrides = {}
    for one in given:
        field, found, column = one.partition("=")
        if not found or field not in FIELDS:
            raise InputRejected(f"--map takes FIELD=COLUMN; the fields are {', '.join(sorted(FIELDS))}.")
        overrides[field] = int(column) if field == "best_rating" and column in ("1", "5") else column
        if field == "annotators":
            overrides[field] = [name.strip() for name in column.split(",")]
    return overrides


def _mapping(store: Store, settings: Settings, file: Path, overrides: Overrides) -> Mapping | None:
    """The suggested mapping with what the command line changed; None leaves the suggestion to the importer."""
    if not overrides:
        return None
    content = b"".join(_within(_pieces(file), settings))
    with store.read() as session:
        seen = importing.preview(
            content,
            file.name,
            rows=1,
            session=session,
            max_mb=settings.max_import_mb,
            max_rows=settings.max_import_rows,
        )
    suggested = seen.suggested
    if overrides.get("kind", suggested.kind) != suggested.kind:
        return mapping_from(overrides)
    return mapping_from(suggested.as_dict() | overrides)


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            yield piece


def _within(pieces: Iterator[bytes], settings: Settings) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > settings.max_import_mb * 1024 * 1024:
            raise ImportRejected(
                f"The file is larger than {settings.max_import_mb} MB; raise HONE_MAX_IMPORT_MB or split it. "
                "Nothing was stored."
            )
        yield piece


def _report(speaker: Speaker, name: str, found: Import, shown: Sequence[importing.Reject], *, would: str = "") -> None:
    speaker.say(
        name,
        f"{found.accepted:,} {would}accepted, {found.rejected:,} {would}rejected, {found.duplicates:,} already there",
        accepted=found.accepted,
        rejected=found.rejected,
        duplicates=found.duplicates,
        counts=found.counts,
        rejects=[{"line": reject.line, "reason": reject.reason} for reject in shown],
        notes=list(found.notes),
        **({} if would else {"import_id": str(found.id)}),
    )
    for note in found.notes:
        speaker.aside("note", note)
    for reject in shown[:SHOWN_REJECTS]:
        speaker.aside(f"line {reject.line}", reject.reason)
    if found.rejected > SHOWN_REJECTS:
        speaker.aside("", f"and {found.rejected - SHOWN_REJECTS:,} more; --rejects FILE writes them all")
