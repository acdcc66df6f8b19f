"""``hone triage``, ``judge``, ``mine``, ``freeze``: bring one step up to date and wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.running import AsJson, Database, OneAgent, run, settings_for
from core.cli.speaking import Speaker
from core.errors import InputRejected
from core.store import Store
from core.work import Alone

if TYPE_CHECKING:
    from sqlmodel import Session

Seed = Annotated[int, typer.Option(min=0, help="Seed of the split.")]


def triage(db: Database = "", as_json: AsJson = False, agent: OneAgent = None) -> None:
    """Read new comments by the rules: category, severity, what to do."""

    def work(speaker: Speaker) -> None:
        from core.triage import inbox

        store = Store.open(settings_for(db))
        with speaker.progress("triage") as bar:
            readings = inbox.triage_all(store, Alone(bar), agent_id=agent)
        with store.read() as session:
            waiting = sum(inbox.count_by_queue(session).values())
        sentence = f"{readings:,} readings by rules, {waiting:,} wait for review"
        speaker.say("triage", sentence, readings=readings, waiting=waiting)

    run(as_json, work)


def judge(db: Database = "", as_json: AsJson = False, agent: OneAgent = None) -> None:
    """Judge new answers and plans by the rule-based rubric."""

    def work(speaker: Speaker) -> None:
        from core.judging import evaluations

        store = Store.open(settings_for(db))
        with speaker.progress("judging") as bar:
            verdicts = evaluations.evaluate_all(store, Alone(bar), agent_id=agent)
        with store.read() as session:
            of = evaluations.totals(session)
        sentence = f"{verdicts:,} rule-based verdicts; of all {of.total:,}: {of.up:,} good, {of.down:,} poor"
        speaker.say("evaluation", sentence, verdicts=verdicts, total=of.total, up=of.up, down=of.down)

    run(as_json, work)


def mine(db: Database = "", as_json: AsJson = False, agent: OneAgent = None) -> None:
    """Mine preference pairs from what people said of the answers."""

    def work(speaker: Speaker) -> None:
        from core.preferences import mining

        store = Store.open(settings_for(db))
        with speaker.progress("mining pairs") as bar:
            mined = mining.mine(store, Alone(bar), agent_id=agent)
        sentence = f"{mined.added:,} new pairs, {mined.promoted:,} decided, {sum(mined.skipped.values()):,} left out"
        facts = {"added": mined.added, "by_origin": mined.by_origin, "promoted": mined.promoted}
        speaker.say("pairs", sentence, **facts, skipped=mined.skipped, candidates=mined.candidates)
        for reason, count in mined.skipped.items():
            speaker.aside("", f"{count:,} left out: {reason}")

    run(as_json, work)


def freeze(
    db: Database = "",
    as_json: AsJson = False,
    agent: Annotated[str | None, typer.Option(help="Whose pairs; may be left out when only one agent has any.")] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the dataset; made from agent and day when left out.")
    ] = None,
    seed: Seed = 42,
) -> None:
    """Freeze the accepted pairs of one agent into a dataset."""

    def work(speaker: Speaker) -> None:
        from core.datasets import freeze as freezing

        settings = settings_for(db)
        store = Store.open(settings)
        with store.read() as session:
            whose = agent or _only_agent(session)
        dataset = freezing.freeze_now(store, agent_id=whose, frozen_by=settings.user, name=name, seed=seed)
        counts = dataset.recipe["by_split"]
        sentence = (
            f"{dataset.name} frozen: {counts['train']:,} training, {counts['validation']:,} validation and "
            f"{counts['test']:,} test pairs"
        )
        speaker.say("dataset", sentence, dataset_id=dataset.id, sha256=dataset.content_hash, agent_id=whose, **counts)
        speaker.aside("", f"id {dataset.id}")

    run(as_json, work)


def _only_agent(session: Session) -> str:
    """The agent that has pairs. Raises InputRejected when none or several have."""
    from core.preferences.table import agents

    found = agents(session)
    if len(found) != 1:
        said = f"Several agents have pairs: {', '.join(found)}. Name one with --agent." if found else ""
        raise InputRejected(f"{said or 'No agent has pairs yet. Import or mine some first.'} Nothing was frozen.")
    return found[0]
