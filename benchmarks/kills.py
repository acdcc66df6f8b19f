"""A hundred SIGKILLs at random moments of imports, freezes, decisions and training; ten more with PostgreSQL behind.

Counted after each: databases that are damaged, writes that were acknowledged and are gone, rows of half an import or
freeze, adapters that are not whole. A run killed again and again must end in the very adapter of one that never was.
The opponents are the figures promised: none of each, and eight seconds from a start to a usable page.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import select

from benchmarks.import_speed import ask, survey
from benchmarks.report import head, spread, verdict
from benchmarks.server import REPOSITORY, served, wait_until_healthy
from benchmarks.visitor import Visitor
from core.adapters import registry
from core.jobs import queue, training
from core.jobs.worker import Worker, do_here
from core.settings import Settings
from core.store import Store
from core.tables import Adapter, DatasetPair, Feedback, Job, PairLabel, RunStatus, TrainingDataset
from core.training import runs
from tests import databases
from tests.core.preference_rows import accepted, pair
from tests.faults.processes import LONGEST_S, Child
from tests.frozen_pairs import freeze_sixty
from tests.small_models import qwen3
from tests.training_runs import SMALL

SEED, EACH, EACH_POSTGRES = 20, 25, (3, 3, 4)
SERVED = 3  # kills of each kind after which a real server is started
RUNS, KILLS_A_RUN, EPOCHS = 5, 5, 10
STEPS = 12 * EPOCHS
LIMIT_S = 8.0
IMPORTED, PAIRS = 800, 2_000


@dataclass
class Tally:
    kills: int = 0
    corrupt: int = 0
    lost: int = 0  # acknowledged and not there
    torn: int = 0  # a part of what is all or nothing
    half: int = 0  # adapters that are not whole
    usable_s: list[float] = field(default_factory=list)
    same: int = 0  # runs that ended in the adapter of one that was never killed
    ended: int = 0


@dataclass
class Ground:
    """One store on which things are killed."""

    store: Store
    settings: Settings
    tally: Tally
    draw: random.Random

    def start(self, *arguments: str) -> Child:
        return Child(self.settings, *arguments)

    def killed(self, child: Child, *, after_s: float = 0.0, serve: bool = False) -> None:
        """Kill it and see what state the database is in, and how soon a page is usable again."""
        time.sleep(after_s)
        child.kill()
        self.tally.kills += 1
        if self.store.url.get_backend_name() == "sqlite":
            with self.store.read() as session:
                found = session.connection().exec_driver_sql("PRAGMA quick_check").scalar()
            self.tally.corrupt += found != "ok"
        if serve:
            self.tally.usable_s.append(usable(self.settings))

    def worked(self, child: Child, *, after_s: float | None, serve: bool) -> float:
        """Seconds it worked until it was through, or (with ``after_s``) was killed."""
        child.says("ready")
        began = time.monotonic()
        if after_s is None:
            child.says("done")
        else:
            self.killed(child, after_s=after_s, serve=serve)
        return time.monotonic() - began

    def n(self, table: Any) -> int:
        with self.store.read() as session:
            return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def main() -> bool:
    head(f"{4 * EACH} random kills on SQLite, {sum(EACH_POSTGRES)} on PostgreSQL, seed {SEED}")
    began, tally = time.monotonic(), Tally()
    with _ground(tally, "sqlite") as ground:
        for kill in (imports, freezes, decisions):
            _timed(kill, ground, EACH)
        _timed(trainings, ground, RUNS)
    on_postgres = Tally()
    with _ground(on_postgres, "postgresql") as ground:
        for kill, n in zip((imports, freezes, decisions), EACH_POSTGRES, strict=True):
            _timed(kill, ground, n)
    print(f"   {time.monotonic() - began:.0f} s in all")
    return _judge(tally, on_postgres)


def _judge(tally: Tally, on_postgres: Tally) -> bool:
    both = (tally, on_postgres)
    kills = " + ".join(f"{one.kills}" for one in both)
    print(
        f"   n = {kills} kills: {sum(one.corrupt for one in both)} damaged databases, "
        f"{sum(one.lost for one in both)} acknowledged writes lost, {sum(one.torn for one in both)} half imports or "
        f"freezes, {sum(one.half for one in both)} half adapters"
    )
    whole = not any(one.corrupt or one.lost or one.torn or one.half for one in both)
    print(f"   from the start of the server to a usable page: {spread(tally.usable_s, 's')}")
    print(f"   runs killed {KILLS_A_RUN} times each: {tally.same} of {tally.ended} ended in the same adapter")
    met = [
        verdict("nothing damaged, lost, torn or half", met=whole),
        verdict(f"a usable page within {LIMIT_S:.0f} s, every time", met=max(tally.usable_s) <= LIMIT_S),
        verdict("the same adapter, every run", met=tally.same == tally.ended == RUNS),
    ]
    return all(met)


def usable(settings: Settings) -> float:
    """Seconds from the start of a real server until the overview is drawn."""
    began = time.monotonic()
    with served(REPOSITORY / "app.py", home=settings.home) as (address, _):
        wait_until_healthy(address)
        asyncio.run(_visit(address))
        return time.monotonic() - began


async def _visit(address: str) -> None:
    async with Visitor(address) as visitor:
        await visitor.open("")
        assert any("Overview" in text for text in visitor.texts), visitor.texts


# -- imports, freezes, decisions ----------------------------------------------------------------------------------


def imports(ground: Ground, n: int) -> None:
    """Killed at a random moment of its reading or publishing; all of it is there afterwards, once."""
    whole_s = _import(ground, 0, after_s=None)
    for at in range(1, n + 1):
        _import(ground, at, after_s=ground.draw.uniform(0, whole_s), serve=at <= SERVED and n == EACH)


def _import(ground: Ground, at: int, *, after_s: float | None, serve: bool = False) -> float:
    content = survey(IMPORTED, seed=SEED + at).replace(b" (", f" of file {at} (".encode())
    before = ground.n(Feedback)
    job_id = ask(ground.store, ground.settings, content, f"survey-{at}.csv")
    child = ground.start("job", str(job_id), "-")
    took_s = ground.worked(child, after_s=after_s, serve=serve)
    ground.tally.torn += (ground.n(Feedback) - before) not in (0, IMPORTED)
    do_here(ground.store, ground.settings, job_id)
    ground.tally.torn += ground.n(Feedback) - before != IMPORTED
    return took_s


def freezes(ground: Ground, n: int) -> None:
    """Killed at a random moment; a dataset is there with all its rows, or not at all."""
    with ground.store.write() as session:
        accepted(session, PAIRS, agent_id="freezer")
    whole_s = _freeze(ground, after_s=None)
    for at in range(1, n + 1):
        _freeze(ground, after_s=ground.draw.uniform(0, whole_s), serve=at <= SERVED and n == EACH)


def _freeze(ground: Ground, *, after_s: float | None, serve: bool = False) -> float:
    child = ground.start("freeze", "freezer", "-")
    took_s = ground.worked(child, after_s=after_s, serve=serve)
    with ground.store.read() as session:
        said = session.exec(select(sa.func.coalesce(sa.func.sum(TrainingDataset.total_examples), 0))).one()
    ground.tally.torn += said != ground.n(DatasetPair)
    return took_s


def decisions(ground: Ground, n: int) -> None:
    """Killed between or within decisions; whatever was acknowledged is there."""
    for at in range(1, n + 1):
        with ground.store.write() as session:
            for number in range(200):
                pair(session, f"round {at}, question {number}", f"good {number}", f"bad {number}")
        child = ground.start("label", f"annotator-{at}")
        child.says("ready")
        ground.killed(child, after_s=ground.draw.uniform(0, 1.0), serve=at <= SERVED and n == EACH)
        acknowledged = child.acknowledged()
        with ground.store.read() as session:
            kept = set(session.exec(select(PairLabel.id)))
        ground.tally.lost += len(acknowledged - kept)


# -- training -----------------------------------------------------------------------------------------------------


def trainings(ground: Ground, n: int) -> None:
    """Each run is killed again and again, let go on each time, and compared with one that never was."""
    base = qwen3(ground.settings.home / "base")
    with ground.store.write() as session:
        dataset_id = freeze_sixty(session)
    straight = _ask(ground, dataset_id, base)
    _finish(ground, straight)
    for at in range(n):
        run_id = _ask(ground, dataset_id, base)
        steps = sorted(ground.draw.sample(range(2, STEPS - 20), KILLS_A_RUN))
        for nth, step in enumerate(steps):
            _kill_at(ground, run_id, step, serve=at == 0 and nth < SERVED)
        _finish(ground, run_id)
        ground.tally.ended += 1
        ground.tally.same += _weights(ground, run_id) == _weights(ground, straight) is not None


def _ask(ground: Ground, dataset_id: UUID, base: Path) -> UUID:
    spec = SMALL.changed(base=str(base), num_epochs=EPOCHS, checkpoint_steps=10)
    asked = {"spec": spec, "agent_id": "support", "requested_by": "benchmark", "min_pairs": 50}
    with ground.store.write() as session:
        return training.request_run(session, dataset_id, home=ground.settings.home, **asked).id  # type: ignore[arg-type]


def _kill_at(ground: Ground, run_id: UUID, step: int, *, serve: bool) -> None:
    child = ground.start("worker", "training")
    deadline = time.monotonic() + LONGEST_S
    while True:
        with ground.store.read() as session:
            run = runs.get(session, run_id)
        if run.current_step >= step and run.status is RunStatus.RUNNING:
            break
        assert time.monotonic() < deadline, f"the run is {run.status.value} at step {run.current_step}, not at {step}"
        time.sleep(0.02)
    ground.killed(child, serve=serve)
    ground.tally.half += _half_adapters(ground)
    _take_back(ground)
    with ground.store.write() as session:
        training.resume_run(session, run_id, by="benchmark", home=ground.settings.home)


def _take_back(ground: Ground) -> None:
    """What a start of the app does first."""
    worker = Worker(ground.store, ground.settings, only=["imports"])
    worker.start()
    worker.stop()


def _finish(ground: Ground, run_id: UUID) -> None:
    with ground.store.read() as session:
        job = queue.of_subject(session, run_id)
    assert job is not None
    ended: Job = do_here(ground.store, ground.settings, job.id)
    assert ended.error is None, ended.error


def _half_adapters(ground: Ground) -> int:
    """Adapters that are listed and not whole, and folders that look like one and were never finished."""
    with ground.store.read() as session:
        listed = session.exec(select(Adapter)).all()
    damaged = sum(bool(registry.damaged_files(ground.settings, adapter)) for adapter in listed)
    folders = [path for path in (ground.settings.home / "adapters").glob("*") if not path.name.startswith(".")]
    return damaged + sum(not (path / "COMPLETE.json").exists() for path in folders)


def _weights(ground: Ground, run_id: UUID) -> str | None:
    with ground.store.read() as session:
        adapter = session.exec(select(Adapter).where(Adapter.run_id == run_id)).first()
    return None if adapter is None else str(adapter.files["adapter_model.safetensors"]["sha256"])


# -- where --------------------------------------------------------------------------------------------------------


@contextmanager
def _ground(tally: Tally, backend: str) -> Iterator[Ground]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        found = databases.start(backend, Path(folder) / "migrated")
        settings = Settings(home=home, db=found.fresh(home), _env_file=None)
        store = Store.open(settings)
        yield Ground(store, settings, tally, random.Random(SEED))
        store.close()
        found.stop()


def _timed(kill: Callable[[Ground, int], None], ground: Ground, n: int) -> None:
    began = time.monotonic()
    kill(ground, n)
    on = ground.store.url.get_backend_name()
    print(f"   {kill.__name__} on {on}: {time.monotonic() - began:.0f} s", flush=True)
