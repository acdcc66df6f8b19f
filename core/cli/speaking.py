"""How a command speaks: lines for a person, or one JSON object; progress and failures beside them.

Progress goes to stderr, so that stdout stays a clean stream of lines, one JSON object, or the rows of an export.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from typing import Any, Never

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from core.errors import HoneError


class Speaker:
    """Says lines to a person, or gathers facts for one JSON object at the end."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._facts: dict[str, Any] = {}
        self._out = Console(highlight=False, soft_wrap=True)
        self._side = Console(stderr=True, quiet=as_json)

    def aside_all(self) -> None:
        """From here on say everything on stderr: stdout is taken by rows."""
        self._out = Console(stderr=True, highlight=False, soft_wrap=True)

    def say(self, name: str, sentence: str, **facts: Any) -> None:
        self._facts[name] = facts
        if not self._as_json:
            self._out.print(f"[bold]{name:<10}[/bold] ", end="")
            self._out.print(sentence, markup=False)

    def aside(self, name: str, sentence: str) -> None:
        """A line for a person only; its facts are in the JSON of the line it belongs to."""
        if not self._as_json:
            self._out.print(f"  {name:<8} {sentence}", style="dim", markup=False)

    def finish(self) -> None:
        if self._as_json:
            self._out.print_json(json.dumps(self._facts, default=str))

    def fail(self, error: HoneError) -> Never:
        if self._as_json:
            self._out.print_json(json.dumps(self._facts | {"error": str(error)}, default=str))
        else:
            Console(stderr=True).print(str(error), style="red", markup=False)
        raise typer.Exit(1)

    def progress(self, label: str) -> ProgressBar:
        return ProgressBar(self._side, label)


class ProgressBar(AbstractContextManager["ProgressBar"]):
    """A bar on stderr; call it with (done, total)."""

    def __init__(self, console: Console, label: str) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console, transient=True)
        self._task = self._bar.add_task(label, total=None)

    def __enter__(self) -> ProgressBar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, done: int, total: int) -> None:
        self._bar.update(self._task, completed=done, total=total or None)

    def phase(self, label: str, done: int, total: int) -> None:
        self._bar.update(self._task, description=label, completed=done, total=total or None)
