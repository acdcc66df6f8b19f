"""The commands. Each opens the store, does its steps, says one line per step, and can answer in JSON.

Those of one noun have a module of their own; what they share is in ``running`` and ``speaking``.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from core.cli import evaluating, exporting, importing, steps
from core.cli.running import AsJson, Database, run, settings_for
from core.cli.speaking import ProgressBar, Speaker
from core.store import Store

__all__ = ["ProgressBar", "Speaker", "app"]

app = typer.Typer(
    help="Turn what people say about your AI agent into a better agent, and prove it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

STEPS = {
    "feedback": "{waiting} not read by any analyzer",
    "triage": "{waiting} to review",
    "evaluation": "{waiting} answers not judged",
    "pairs": "{waiting} to label",
    "datasets": "{waiting} not trained on",
    "runs": "{waiting} queued or running",
    "adapters": "{waiting} to approve",
}


@app.command()
def demo(
    db: Database = "",
    as_json: AsJson = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the split and of the training.")] = 42,
) -> None:
    """Walk the whole loop on the sample workspace, to a trained adapter and what it changed."""
    from core.cli.demo import walk

    run(as_json, lambda speaker: walk(speaker, settings_for(db), seed=seed))


app.command("import")(importing.import_command)
app.command()(steps.triage)
app.command()(steps.judge)
app.command()(steps.mine)
app.command()(steps.freeze)


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
    resume: Annotated[str | None, typer.Option(help="Id of a paused or interrupted run, to let it go on.")] = None,
) -> None:
    """Train an adapter on a frozen dataset, in this process. Ctrl-C leaves a run that can go on."""
    from core.cli.training import run_on, run_training

    if resume is not None:
        run(as_json, lambda speaker: run_on(speaker, settings_for(db), run_id=resume))
        return
    run(
        as_json,
        lambda speaker: run_training(
            speaker, settings_for(db), dataset_id=dataset, base=base, epochs=epochs, seed=seed
        ),
    )


app.command()(evaluating.evaluate)


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

    run(as_json, show)


app.command()(exporting.export)


@app.command()
def worker(
    db: Database = "",
    as_json: AsJson = False,
    lane: Annotated[
        list[str] | None, typer.Option(help="Only these: steps, imports, training; all of them when left out.")
    ] = None,
) -> None:
    """Do jobs on this database without the app, until Ctrl-C."""
    from core.cli.worker import run_worker

    run(as_json, lambda speaker: run_worker(speaker, settings_for(db), only=lane or []))
