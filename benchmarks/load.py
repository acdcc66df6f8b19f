"""Twenty people label pairs in a store of 100,000 feedback: idle, and while a run trains in the app or beside it.

A real server; each person is a websocket session of their own that presses a button, waits for the next pair, and
thinks for five seconds. The opponent of the loaded trainer is the same run with nobody on the pages; of training in a
thread, training in a process. The people share the machine's cores with the server: what is measured is pessimistic.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from unittest import mock
from uuid import UUID

import psutil
import sqlalchemy as sa

from benchmarks.report import head, verdict
from benchmarks.scale import fill
from benchmarks.server import REPOSITORY, served, wait_until_healthy
from benchmarks.visitor import Visitor
from core import workspace
from core.datasets import freeze
from core.inference.folder import resolve_base
from core.jobs import training
from core.settings import Settings
from core.store import Store
from core.tables import PairLabel, RunPhase, RunStatus, TrainingRun
from core.training import runs
from core.training.presets import PRESETS

ROWS, SEED = 100_000, 5
PEOPLE, THINK_S, PHASE_S, ALONE_S = 20, 5.0, 60.0, 20.0
AGAIN_S = 8.0  # nobody looks at an unchanged screen for longer
LIMIT_IDLE_S, LIMIT_TRAINING_S, LEAST_SHARE = 1.0, 2.0, 0.5
USER = "X-User"


@dataclass
class Met:
    """What twenty people met in one phase."""

    took_s: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    stood_still: int = 0  # presses after which the old pair stayed on the screen until it was pressed again
    own_reruns: int = 0

    @property
    def p95(self) -> float:
        return quantiles(self.took_s, n=20)[-1] if len(self.took_s) > 1 else float("inf")

    def __str__(self) -> str:
        middle = quantiles(self.took_s, n=2)[0] if len(self.took_s) > 1 else float("inf")
        told = f", {len(self.errors)} errors ({self.errors[0]})" if self.errors else ", no errors"
        beside = f", {self.own_reruns} reruns of live parts beside" if self.own_reruns else ""
        times = f"p50 {1000 * middle:,.0f} ms, p95 {1000 * self.p95:,.0f} ms, {self.stood_still} stood still"
        return f"n = {len(self.took_s)} labels, {times}{told}{beside}"


@dataclass
class Speed:
    """Steps a second of the trainer with nobody there and with twenty people."""

    alone: float
    loaded: float

    @property
    def share(self) -> float:
        return self.loaded / self.alone if self.alone else 0.0

    def __str__(self) -> str:
        return f"trainer {self.alone:.1f} steps/s alone, {self.loaded:.1f} beside them, ratio {self.share:.2f}"


def main() -> bool:
    head(f"{PEOPLE} people label, {THINK_S:.0f} s think time, {ROWS:,} feedback, {PHASE_S:.0f} s a phase, seed {SEED}")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), db="", _env_file=None)
        store = Store.open(settings)
        dataset_id = _prepare(store, settings)
        with _server(settings, "thread") as (address, process):
            idle = asyncio.run(_phase(address))
            print(f"   idle:                   {idle}; {_megabytes(process)}", flush=True)
            in_thread, thread_speed = _while_training(store, settings, dataset_id, address)
            print(f"   training in a thread:   {in_thread}; {_megabytes(process)}\n{'':27}{thread_speed}", flush=True)
        with _server(settings, "process") as (address, process):
            beside, process_speed = _while_training(store, settings, dataset_id, address)
            print(f"   training in a process:  {beside}; {_megabytes(process)}\n{'':27}{process_speed}", flush=True)
        done = sum(len(met.took_s) for met in (idle, in_thread, beside))
        with store.read() as session:
            kept = session.scalar(sa.select(sa.func.count()).select_from(PairLabel)) or 0
        store.close()
    print(f"   ratio of p95, thread to process: {in_thread.p95 / beside.p95:.1f}")
    return _judge(idle, (in_thread, thread_speed), (beside, process_speed), done=done, kept=kept)


def _judge(idle: Met, thread: tuple[Met, Speed], process: tuple[Met, Speed], *, done: int, kept: int) -> bool:
    phases = (idle, thread[0], process[0])
    none = not any(people.errors for people in phases)
    still = sum(people.stood_still for people in phases)
    met = [
        verdict(f"idle: p95 at most {LIMIT_IDLE_S:.0f} s", met=idle.p95 <= LIMIT_IDLE_S),
        verdict(f"no error; {kept:,} labels stored for {done:,} answered", met=none and kept == done),
        verdict(f"every press brought the next pair ({still} of {done:,} did not at once)", met=still == 0),
    ]
    for name, (people, speed) in (("thread", thread), ("process", process)):
        within = people.p95 <= LIMIT_TRAINING_S
        met.append(verdict(f"training in a {name}: p95 at most {LIMIT_TRAINING_S:.0f} s", met=within))
        enough = speed.share >= LEAST_SHARE
        met.append(verdict(f"training in a {name}: trainer keeps at least {LEAST_SHARE:.0%} of its speed", met=enough))
    return all(met)


# -- people -------------------------------------------------------------------------------------------------------


async def _phase(address: str, *, seconds: float = PHASE_S) -> Met:
    """Everybody opens the page, then labels for a while."""
    met = Met()
    until = time.monotonic() + THINK_S + seconds
    await asyncio.gather(*(_person(address, at, until, met) for at in range(PEOPLE)))
    return met


async def _person(address: str, at: int, until: float, met: Met) -> None:
    draw = random.Random(SEED * 1000 + at)
    try:
        async with Visitor(address, headers={USER: f"annotator-{at}"}) as visitor:
            await asyncio.sleep(draw.uniform(0, THINK_S))  # nobody comes at the same moment
            await visitor.open("pairs")
            while time.monotonic() < until:
                await asyncio.sleep(draw.uniform(0.8, 1.2) * THINK_S)
                met.took_s.append(await _label(visitor, draw.choice(("Left is better", "Right is better")), met))
            met.own_reruns += visitor.own_reruns
    except Exception as error:  # whatever a session meets is counted, and the others go on
        met.errors.append(f"{type(error).__name__}: {error}")


async def _label(visitor: Visitor, words: str, met: Met) -> float:
    """Press once, and once more where the screen stands still; the seconds until the next pair."""
    try:
        return await visitor.press(words, patience_s=AGAIN_S)
    except TimeoutError:
        met.stood_still += 1
        return AGAIN_S + await visitor.press(words)


# -- training -----------------------------------------------------------------------------------------------------


def _while_training(store: Store, settings: Settings, dataset_id: UUID, address: str) -> tuple[Met, Speed]:
    """A phase beside a run that trains in the server's hands; the run is cancelled afterwards."""
    run_id = _start(store, settings, dataset_id)
    _wait(store, run_id, lambda run: run.phase is RunPhase.TRAINING and run.current_step > 20)
    alone = _steps_per_s(store, run_id, lambda: time.sleep(ALONE_S))
    met: list[Met] = []
    loaded = _steps_per_s(store, run_id, lambda: met.append(asyncio.run(_phase(address))))
    with store.write() as session:
        training.cancel_run(session, run_id, by="benchmark")
    _wait(store, run_id, lambda run: run.status is RunStatus.CANCELLED)
    return met[0], Speed(alone, loaded)


def _start(store: Store, settings: Settings, dataset_id: UUID) -> UUID:
    """A run longer than any phase."""
    asked = {"agent_id": workspace.SAMPLE_AGENT, "requested_by": "benchmark", "min_pairs": 50}
    spec = PRESETS["demo"].changed(num_epochs=100)
    with store.write() as session:
        return training.request_run(session, dataset_id, spec=spec, home=settings.home, **asked).id  # type: ignore[arg-type]


def _wait(store: Store, run_id: UUID, holds: Callable[[TrainingRun], bool]) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        with store.read() as session:
            run = runs.get(session, run_id)
        if holds(run):
            return
        if run.status in (RunStatus.FAILED, RunStatus.COMPLETED):
            raise RuntimeError(f"the run is {run.status.value}: {run.error}")
        time.sleep(0.2)
    raise TimeoutError("the run does not get on")


def _steps_per_s(store: Store, run_id: UUID, meanwhile: Callable[[], None]) -> float:
    before, began = _step(store, run_id), time.monotonic()
    meanwhile()
    return (_step(store, run_id) - before) / (time.monotonic() - began)


def _step(store: Store, run_id: UUID) -> int:
    with store.read() as session:
        return runs.get(session, run_id).current_step


# -- the server ---------------------------------------------------------------------------------------------------


def _prepare(store: Store, settings: Settings) -> UUID:
    """The sample workspace frozen, its base model made, and 100,000 rows of everything beside it."""
    workspace.load_sample(store, settings)
    dataset = freeze.freeze_now(store, agent_id=workspace.SAMPLE_AGENT, frozen_by="benchmark")
    resolve_base("demo", models_dir=settings.home / "models", allow_hub=False)
    fill(store, rows=ROWS, seed=SEED)
    return dataset.id


@contextmanager
def _server(settings: Settings, executor: str) -> Iterator[tuple[str, int]]:
    named = {"HONE_EXECUTOR": executor, "HONE_PROXY_USER_HEADER": USER}
    with mock.patch.dict(os.environ, named), served(REPOSITORY / "app.py", home=settings.home) as (address, process):
        wait_until_healthy(address)
        yield address, process.pid


def _megabytes(pid: int) -> str:
    return f"server {psutil.Process(pid).memory_info().rss / 1e6:,.0f} MB"
