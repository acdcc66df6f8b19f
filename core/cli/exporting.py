"""``hone export``: a list of the store as a file, or on stdout for whatever reads along."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from core.cli.running import AsJson, Database, OneAgent, run, settings_for
from core.cli.speaking import Speaker
from core.errors import HoneError, InputRejected
from core.exporting import Chosen, Format, choose, count, format_named, stream
from core.store import Store

_UNFINISHED = ".part"
Since = Annotated[str | None, typer.Option(help="From this day or moment on, like 2026-03-01.")]
Until = Annotated[str | None, typer.Option(help="Before this day or moment.")]


def export(
    name: Annotated[
        str, typer.Argument(metavar="LIST", help="pairs, feedback, runs …; any other word names them all.")
    ],
    file: Annotated[Path | None, typer.Argument(dir_okay=False, help="Where to; stdout when left out.")] = None,
    db: Database = "",
    as_json: AsJson = False,
    form: Annotated[
        str | None, typer.Option("--format", help="csv, jsonl or parquet; by the file's ending when left out.")
    ] = None,
    agent: OneAgent = None,
    since: Since = None,
    until: Until = None,
    status: Annotated[str | None, typer.Option(help="Only rows of this state; several with commas.")] = None,
) -> None:
    """Export a list as CSV, JSON lines or Parquet."""

    def work(speaker: Speaker) -> None:
        if file is None:
            speaker.aside_all()
        chosen = choose(name, {"agent_id": agent, "since": since, "until": until, "status": status})
        _export(speaker, Store.open(settings_for(db)), chosen, _format(form, file), file)

    run(as_json, work)


def _export(speaker: Speaker, store: Store, chosen: Chosen, form: Format, file: Path | None) -> None:
    with store.read() as session:
        total = count(session, chosen)
    done = 0
    with speaker.progress(f"exporting {chosen.list.name}") as bar:

        def on_rows(read: int) -> None:
            nonlocal done
            done = read
            bar(read, total)

        chunks = stream(store, chosen, form, on_rows=on_rows)
        try:
            size = _to_stdout(chunks) if file is None else _to_file(chunks, file)
        finally:
            chunks.close()
    where = "stdout" if file is None else str(file)
    facts = {"list": chosen.list.name, "format": form.value, "rows": done, "bytes": size, "file": where}
    speaker.say("export", f"{done:,} rows of {chosen.list.name} as {form.value} to {where}", **facts)


def _format(name: str | None, file: Path | None) -> Format:
    """The format that was named, else the one the file's ending names, else JSON lines."""
    ending = file.suffix[1:].lower() if file is not None else ""
    form = format_named(name) if name else Format(ending) if ending in set(Format) else Format.JSONL
    if form is Format.PARQUET and file is None and sys.stdout.isatty():
        raise InputRejected("Parquet is no text for a terminal: name a file or a program to read it.")
    return form


def _to_stdout(chunks: Iterable[bytes]) -> int:
    size = 0
    for chunk in chunks:
        size += sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()  # now, so that a reader that has gone is noticed here
    return size


def _to_file(chunks: Iterable[bytes], file: Path) -> int:
    """Write beside the file and put it in place once it is whole: an export that fails leaves what was there."""
    unfinished = file.with_name(file.name + _UNFINISHED)
    try:
        with unfinished.open("wb") as out:
            size = sum(out.write(chunk) for chunk in chunks)
        os.replace(unfinished, file)
    except OSError as error:
        raise HoneError(
            f"{file} cannot be written ({error.strerror}). Choose another place; nothing was left."
        ) from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return size
