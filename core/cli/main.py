"""The commands. Each opens the store, does its steps, says one line per step, and can answer in JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Never

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from core.errors import HoneError
from core.settings import Settings
from core.store import Store

app = typer.Typer(
    help="Turn what people say about your AI agent into a better agent, and prove it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Database = Annotated[str, typer.Option("--db", help="Database URL; the configured one when left out.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer with one JSON object instead of lines.")]


STEPS = {
    "feedback": "{waiting} not read by any analyzer",
    "triage": "{waiting} to review",
    "evaluation": "{waiting} answers not judged",
    "pairs": "{waiting} to label",
    "datasets": "{waiting} not trained on",
    "runs": "{waiting} queued or running",
    "adapters": "{waiting} to approve",
}


class Speaker:
    """Says lines to a person, or gathers facts for one JSON object at the end."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._facts: dict[str, Any] = {}
        self._out = Console(highlight=False, soft_wrap=True)
        # Progress goes to stderr: stdout stays a clean stream of lines or one JSON object.
        self._side = Console(stderr=True, quiet=as_json)

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
        self._bar.update(self._task, completed=done, total=total)

    def phase(self, label: str, done: int, total: int) -> None:
        self._bar.update(self._task, description=label, completed=done, total=total or None)


def settings_for(db: str) -> Settings:
    return Settings(db=db) if db else Settings()


@app.command()
def demo(
    db: Database = "",
    as_json: AsJson = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the split and of the training.")] = 42,
) -> None:
    """Walk the whole loop on the sample workspace, to a trained adapter and what it changed."""
    from core.cli.demo import walk

    _run(as_json, lambda speaker: walk(speaker, settings_for(db), seed=seed))


@app.command("import")
def import_command(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV, JSON or JSONL, also .gz.")
    ],
    db: Database = "",
    as_json: AsJson = False,
    agent: Annotated[str, typer.Option(help="Agent the rows belong to.")] = "imported",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen and store nothing.")] = False,
    comment: Annotated[str | None, typer.Option(help="Column that holds the comment.")] = None,
    rating: Annotated[str | None, typer.Option(help="Column that holds the rating.")] = None,
    best: Annotated[int | None, typer.Option(help="Which rating is the best one, 1 or 5.", min=1, max=5)] = None,
) -> None:
    """Import feedback or preference pairs."""
    from core.cli.importing import run_import

    chosen = {"comment": comment, "rating": rating, "best_rating": best}
    overrides = {name: value for name, value in chosen.items() if value is not None}
    _run(
        as_json,
        lambda speaker: run_import(
            speaker, settings_for(db), file, agent_id=agent, dry_run=dry_run, overrides=overrides
        ),
    )


@app.command()
def train(
    db: Database = "",
    as_json: AsJson = False,
    dataset: Annotated[str | None, typer.Option(help="Id of a frozen dataset; the newest when left out.")] = None,
    base: Annotated[
        str, typer.Option(help="'demo', a local model folder, or a hub id where the hub is allowed.")
    ] = "demo",
    epochs: Annotated[
        int | None, typer.Option(min=1, max=100, help="Passes over the pairs; the preset's when left out.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 42,
) -> None:
    """Train an adapter on a frozen dataset, in this process."""
    from core.cli.training import run_training

    _run(
        as_json,
        lambda speaker: run_training(
            speaker, settings_for(db), dataset_id=dataset, base=base, epochs=epochs, seed=seed
        ),
    )


@app.command()
def status(db: Database = "", as_json: AsJson = False) -> None:
    """Say where the loop stands."""

    def show(speaker: Speaker) -> None:
        from core.overview import loop_counts

        store = Store.open(settings_for(db))
        with store.read() as session:
            counts = loop_counts(session)
        for name, sentence in STEPS.items():
            step = getattr(counts, name)
            waiting = sentence.format(waiting=f"{step.waiting:,}") if step.waiting else "nothing waits"
            speaker.say(name, f"{step.total:,} ({step.week:+,} this week), {waiting}", **asdict(step))

    _run(as_json, show)


def _run(as_json: bool, work: Callable[[Speaker], None]) -> None:
    speaker = Speaker(as_json=as_json)
    try:
        work(speaker)
    except HoneError as error:
        speaker.fail(error)
    speaker.finish()
