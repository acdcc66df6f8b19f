"""Back from an adapter of 10,000 pairs, in a store of 100,000 feedback; opponent: the ORM, kind by kind."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, select

from benchmarks.report import head, spread, verdict
from benchmarks.scale import fill
from core.lineage import Kind, back
from core.settings import Settings
from core.store import Store
from core.tables import (
    Adapter,
    DatasetPair,
    Evaluation,
    Feedback,
    Interaction,
    LabelChoice,
    PairEvaluation,
    PairLabel,
    PairOrigin,
    PairStatus,
    PreferencePair,
    Reward,
    RunStatus,
    Side,
    Split,
    TrainingDataset,
    TrainingRun,
    TrainingType,
    TriageResult,
    new_id,
    now,
)

ROWS, PAIRS, REPEATS = 100_000, 10_000, 9
LIMIT_MS = 200.0
CHUNK = 5_000


def main() -> bool:
    head(f"back from an adapter of {PAIRS:,} pairs, in a store of {ROWS:,} interactions and {ROWS:,} feedback, CPU")
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Settings(home=Path(folder), db="", _env_file=None))
        fill(store, rows=ROWS)
        adapter_id = teach(store, pairs=PAIRS)
        with store.read() as session:
            counts = {kind.value: found.count for kind, found in back(session, Kind.ADAPTER, adapter_id).found.items()}
        print(f"   {', '.join(f'{n:,} {kind}' for kind, n in counts.items())}")
        ours = _timed(store, lambda session: back(session, Kind.ADAPTER, adapter_id))
        theirs = _timed(store, lambda session: by_kind(session, adapter_id), repeats=3)
        with store.read() as session:
            same = all(counts[kind] == n for kind, n in by_kind(session, adapter_id).items())
        store.close()
    print(f"   one statement            {spread(ours, 'ms')}")
    print(f"   the ORM, kind by kind    {spread(theirs, 'ms')}, ratio {median(theirs) / median(ours):.0f}")
    figure = f"at most {LIMIT_MS:.0f} ms, with the same counts as the opponent"
    return verdict(figure, met=median(ours) <= LIMIT_MS and same)


def _timed(store: Store, walk: Callable[[Session], object], *, repeats: int = REPEATS) -> list[float]:
    """CPU milliseconds of each walk (the database runs in this process), after one that warms the caches."""
    took = []
    for _ in range(repeats + 1):
        with store.read() as session:
            started = time.process_time()
            walk(session)
            took.append((time.process_time() - started) * 1000)
    return took[1:]


def by_kind(session: Session, adapter_id: UUID) -> dict[str, int]:
    """The same walk as one would write it with objects: each kind's rows are loaded to know the ids of the next."""
    run = session.get_one(TrainingRun, session.get_one(Adapter, adapter_id).run_id)
    copies = session.exec(select(DatasetPair.pair_id).where(DatasetPair.dataset_id == run.dataset_id)).all()
    pairs = list(_loaded(session, PreferencePair, PreferencePair.id, set(copies)))
    sides = {side for pair in pairs for side in (pair.interaction_a_id, pair.interaction_b_id) if side}
    feedback = {row.id for row in _loaded(session, Feedback, Feedback.interaction_id, sides)}
    feedback |= {pair.feedback_id for pair in pairs if pair.feedback_id}
    counted = {
        "interaction": len(list(_loaded(session, Interaction, Interaction.id, sides))),
        "feedback": len(list(_loaded(session, Feedback, Feedback.id, feedback))),
        "triage": len(list(_loaded(session, TriageResult, TriageResult.feedback_id, feedback))),
        "evaluation": len(list(_loaded(session, Evaluation, Evaluation.interaction_id, sides))),
        "reward": len(list(_loaded(session, Reward, Reward.interaction_id, sides))),
        "pair": len(pairs),
        "label": len(list(_loaded(session, PairLabel, PairLabel.pair_id, set(copies)))),
        "pair_evaluation": len(list(_loaded(session, PairEvaluation, PairEvaluation.pair_id, set(copies)))),
    }
    return {kind: n for kind, n in counted.items() if n}


def _loaded(session: Session, table: Any, column: Any, ids: set[UUID]) -> Iterator[Any]:
    wanted = sorted(ids)
    for start in range(0, len(wanted), CHUNK):
        yield from session.exec(select(table).where(column.in_(wanted[start : start + CHUNK])))


def teach(store: Store, *, pairs: int) -> UUID:
    """Make an adapter of ``pairs`` pairs, each of two answers of the store with feedback on both; returns its id."""
    with store.write() as session:
        answers = list(session.exec(select(Interaction.id).order_by(Interaction.id).limit(2 * pairs)))
        said = list(session.exec(select(Feedback.id).order_by(Feedback.id).limit(2 * pairs)))
        about = [{"b_id": one, "b_about": answer} for one, answer in zip(said, answers, strict=True)]
        table = sa.inspect(Feedback).local_table
        session.connection().execute(
            sa.update(table).where(table.c.id == sa.bindparam("b_id")).values(interaction_id=sa.bindparam("b_about")),
            about,
        )
        made = [_pair(at, answers[2 * at], answers[2 * at + 1], said[2 * at]) for at in range(pairs)]
        _insert(session, PreferencePair, made)
        _insert(session, PairLabel, (_label(pair["id"]) for pair in made))
        dataset = TrainingDataset(name="benchmark", agent_ids=["agent-0"], total_examples=pairs, frozen_at=now())
        session.add(dataset)
        session.flush()
        _insert(session, DatasetPair, (_copy(dataset.id, at, pair) for at, pair in enumerate(made)))
        return _trained(session, dataset.id)


def _insert(session: Session, table: Any, rows: Iterable[dict[str, Any]]) -> None:
    session.connection().execute(sa.insert(table), list(rows))


def _pair(at: int, one: UUID, other: UUID, feedback_id: UUID) -> dict[str, Any]:
    return {
        "id": new_id(),
        "agent_id": "agent-0",
        "prompt": f"How do I change schedule {at}?",
        "prompt_group": f"group-{at}",
        "answer_a": f"Open the schedule and choose entry {at}. " * 5,
        "answer_b": f"Have a look at the handbook, chapter {at}. " * 5,
        "preferred": Side.A,
        "status": PairStatus.ACCEPTED,
        "origin": PairOrigin.RATING,
        "content_key": hashlib.sha256(f"taught {at}".encode()).hexdigest(),
        "interaction_a_id": one,
        "interaction_b_id": other,
        "feedback_id": feedback_id,
        "created_at": now(),
    }


def _label(pair_id: UUID) -> dict[str, Any]:
    given = {"annotator": "ada", "choice": LabelChoice.A, "left_side": Side.A, "shown_ms": 900}
    return {"id": new_id(), "pair_id": pair_id, **given, "created_at": now()}


def _copy(dataset_id: UUID, at: int, pair: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": new_id(),
        "dataset_id": dataset_id,
        "pair_id": pair["id"],
        "position": at,
        "split": Split.TRAIN,
        "prompt_group": pair["prompt_group"],
        "messages": [{"role": "user", "content": pair["prompt"]}],
        "chosen": pair["answer_a"],
        "rejected": pair["answer_b"],
        "created_at": now(),
    }


def _trained(session: Session, dataset_id: UUID) -> UUID:
    run = TrainingRun(
        agent_id="agent-0", dataset_id=dataset_id, training_type=TrainingType.DPO, status=RunStatus.COMPLETED
    )
    session.add(run)
    session.flush()
    made = {"base_model": "demo", "path": f"adapters/{run.id}", "size_bytes": 1, "parameters": 1}
    adapter = Adapter(run_id=run.id, agent_id="agent-0", version=1, **made)
    session.add(adapter)
    session.flush()
    return adapter.id
