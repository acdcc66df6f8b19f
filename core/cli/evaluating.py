"""``hone evaluate``: how often a model prefers what people prefer, on pairs it was not trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.running import AsJson, Database, id_of, run, settings_for
from core.cli.speaking import Speaker
from core.errors import InputRejected
from core.store import Store
from core.tables import Split

if TYPE_CHECKING:
    from core.adapters.measuring import Measured, Question


def evaluate(
    db: Database = "",
    as_json: AsJson = False,
    adapter: Annotated[str | None, typer.Option(help="Id of an adapter, measured on the base it was made for.")] = None,
    base: Annotated[str | None, typer.Option(help="A base alone: 'demo', a model folder, or a hub id.")] = None,
    dataset: Annotated[
        str | None, typer.Option(help="Id of a frozen dataset; the adapter's own or the newest when left out.")
    ] = None,
    split: Annotated[Split, typer.Option(help="Which of its pairs.")] = Split.TEST,
) -> None:
    """Measure held-out preference accuracy of a base, or of a base with an adapter."""

    def work(speaker: Speaker) -> None:
        from core.adapters import measuring

        if adapter and base:
            raise InputRejected("An adapter is measured on its own base: give --adapter or --base, not both.")
        ids = {"adapter_id": id_of("an adapter", adapter), "dataset_id": id_of("a dataset", dataset)}
        settings = settings_for(db)
        with Store.open(settings).read() as session:
            question = measuring.ask(session, base=base or "demo", split=split, **ids)
        with speaker.progress("evaluating") as bar:
            measured = measuring.measure(settings, question, on_progress=bar)
        _report(speaker, question, measured)

    run(as_json, work)


def _report(speaker: Speaker, question: Question, measured: Measured) -> None:
    found = measured.accuracy
    what = f"{question.base} with the adapter" if question.adapter is not None else f"{question.base} alone"
    speaker.say(
        "held-out",
        f"{100 * found.accuracy:.1f} % ({100 * found.low:.0f}–{100 * found.high:.0f}) on {found.n:,} {question.split} "
        f"pairs of {question.dataset.name}, {what}",
        **_facts(question, measured),
    )
    for note in measured.notes:
        speaker.aside("note", note)


def _facts(question: Question, measured: Measured) -> dict[str, Any]:
    found = measured.accuracy
    return {
        "n": found.n,
        "correct": found.correct,
        "accuracy": found.accuracy,
        "low": found.low,
        "high": found.high,
        "mean_margin": found.mean_margin,
        "left_out": measured.left_out,
        "notes": measured.notes,
        "base": question.base,
        "adapter_id": question.adapter.id if question.adapter is not None else None,
        "dataset_id": question.dataset.id,
        "split": question.split,
    }
