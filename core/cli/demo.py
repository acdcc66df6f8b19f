"""``hone demo``: the whole loop on the sample workspace, one line per step, to the before and after."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import select

from core import workspace
from core.cli.main import Speaker
from core.cli.training import train_and_report
from core.datasets import freeze
from core.rewards.distribution import statistics
from core.sample.texts import is_intact
from core.settings import Settings
from core.store import Store
from core.tables import DatasetPair, PairOrigin, RunSample, Split, TrainingDataset
from core.training.presets import PRESETS

ORIGINS = {
    PairOrigin.RATING: "from ratings",
    PairOrigin.CORRECTION: "from corrections",
    PairOrigin.REGENERATION: "from regenerations",
    PairOrigin.UNRATED: "that wait for a label",
}
SAMPLES = 48  # held-out prompts answered before and after: enough to speak of a share


def walk(speaker: Speaker, settings: Settings, *, seed: int) -> None:
    store = Store.open(settings)
    _load(speaker, store)
    _bring_up(speaker, store)
    dataset = _freeze(speaker, store, settings, seed=seed)
    spec = PRESETS["demo"].changed(seed=seed, samples=SAMPLES)
    run_id = train_and_report(speaker, store, settings, dataset, spec)
    with store.read() as session:
        samples = session.exec(select(RunSample).where(RunSample.run_id == run_id)).all()
    _answers(speaker, samples)


def _load(speaker: Speaker, store: Store) -> None:
    with speaker.progress("loading the sample workspace") as bar:
        loaded = workspace.add_sample_rows(store, bar)
    speaker.say(
        "feedback",
        f"{loaded.interactions} interactions, {loaded.feedback} reactions, {loaded.site_forms} site forms and "
        f"{loaded.plans} plans added",
        interactions=loaded.interactions,
        feedback=loaded.feedback,
        site_forms=loaded.site_forms,
        plans=loaded.plans,
    )


def _bring_up(speaker: Speaker, store: Store) -> None:
    done = workspace.bring_up(store)
    speaker.say("triage", f"{done.triaged} readings by rules", readings=done.triaged)
    speaker.say("evaluation", f"{done.evaluated} rule-based verdicts", verdicts=done.evaluated)
    with store.read() as session:
        rewards = statistics(session)
    speaker.say(
        "rewards",
        f"{rewards.total_interactions} interactions, average {rewards.avg_reward:.2f}",
        interactions=rewards.total_interactions,
        average=rewards.avg_reward,
    )
    pairs = done.mined
    origins = ", ".join(f"{count} {ORIGINS[PairOrigin(origin)]}" for origin, count in pairs.by_origin.items() if count)
    speaker.say("pairs", origins or "none new", by_origin=pairs.by_origin, skipped=pairs.skipped)


def _freeze(speaker: Speaker, store: Store, settings: Settings, *, seed: int) -> TrainingDataset:
    agent_id = workspace.SAMPLE_AGENT
    dataset = freeze.freeze_now(store, agent_id=agent_id, frozen_by=settings.user, seed=seed)
    with store.read() as session:
        splits = session.exec(select(DatasetPair.split).where(DatasetPair.dataset_id == dataset.id)).all()
    counts = {split.value: splits.count(split) for split in Split}
    speaker.say(
        "dataset",
        f"{dataset.name} frozen: {counts['train']} training, {counts['validation']} validation and "
        f"{counts['test']} test pairs",
        dataset_id=dataset.id,
        sha256=dataset.content_hash,
        **counts,
    )
    return dataset


def _answers(speaker: Speaker, samples: Sequence[RunSample]) -> None:
    before = sum(is_intact(sample.before) for sample in samples)
    after = sum(is_intact(sample.after or "") for sample in samples)
    speaker.say(
        "answers",
        f"{before} of {len(samples)} sampled answers intact before, {after} of {len(samples)} after",
        n=len(samples),
        intact_before=before,
        intact_after=after,
    )
