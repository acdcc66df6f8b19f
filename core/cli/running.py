"""What every command shares: its options, its settings, and how it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Annotated
from uuid import UUID

import typer

from core.cli.speaking import Speaker
from core.errors import HoneError, InputRejected
from core.settings import Settings

Database = Annotated[str, typer.Option("--db", help="Database URL; the configured one when left out.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer with one JSON object instead of lines.")]
OneAgent = Annotated[str | None, typer.Option("--agent", help="Only this agent; all of them when left out.")]

_PIPE_CLOSED = 141  # 128 + SIGPIPE: how a program ends whose reader has gone


def settings_for(db: str) -> Settings:
    return Settings(db=db) if db else Settings()


def run(as_json: bool, work: Callable[[Speaker], None]) -> None:
    """Do the work and end: 0, or 1 with one sentence. A reader that has seen enough (``| head``) is no error."""
    speaker = Speaker(as_json=as_json)
    try:
        work(speaker)
        speaker.finish()
    except HoneError as error:
        speaker.fail(error)
    except BrokenPipeError:
        # What is still in the buffer goes nowhere, or the interpreter would complain about it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(_PIPE_CLOSED) from None


def id_of(noun: str, text: str | None) -> UUID | None:
    """The id in an option. Raises InputRejected for text that is none."""
    try:
        return UUID(text) if text else None
    except ValueError:
        raise InputRejected(f"The id of {noun} is a UUID; `hone export` and the pages show it.") from None
