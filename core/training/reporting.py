"""Between a trainer and the store: what it reports goes in, what people command comes out.

The trainer's thread never waits for more than one busy timeout: reports gather until the database takes them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from sqlmodel import Session

from core.errors import HoneError, StoreError
from core.store import Store
from core.tables import Moment, RunCommand, RunEvaluation, RunPhase, RunSample
from core.training import records, runs
from core.training.evaluation import Accuracy
from core.training.spec import Sample

HEARTBEAT_S = 5.0
COMMAND_POLL_S = 0.5
BUILDING_EVERY_S = 1.0  # a page looks every two seconds

OnProgress = Callable[[str, int, int], None]
"""Called with (phase, step, total) for a face that waits beside the run."""


class StoreSink:
    """Receives what the trainer reports. Every report is a small write, kept until a transaction took it."""

    def __init__(self, store: Store, run_id: UUID, *, on_progress: OnProgress | None = None) -> None:
        self._store, self._run_id = store, run_id
        self._on_progress = on_progress or (lambda phase, step, total: None)
        self._phase = RunPhase.STARTING
        self._waiting: list[Callable[[Session], None]] = []
        self._progress: tuple[int, int] | None = None
        self._built: float | None = None
        self._built_at = -BUILDING_EVERY_S

    def building(self, done: int, total: int) -> None:
        """Progress of making the demo base model, before any training step: stored about once a second.

        When it is made the run stands at 0 % again: what follows is the run's own.
        """
        self._on_progress("building the demo model", done, total)
        made = done >= total
        if made or time.monotonic() - self._built_at >= BUILDING_EVERY_S:
            self._built = 0.0 if made else 100 * done / total
            self._built_at = time.monotonic()
            self.flush()

    def phase(self, name: str) -> None:
        self._phase = RunPhase(name)
        phase = self._phase
        self._report(lambda session: records.record_phase(session, self._run_id, phase))

    def progress(self, step: int, total: int) -> None:
        """Stored with the next report: the trainer calls this at every step."""
        self._progress = (step, total)
        self._on_progress(self._phase.value, step, total)

    def metrics(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._report(lambda session: records.record_metrics(session, self._run_id, rows))

    def event(self, kind: str, message: str, step: int | None = None) -> None:
        self._report(lambda session: runs.event(session, self._run_id, kind=kind, message=message, step=step))

    def evaluation(self, moment: str, split: str, accuracy: Accuracy) -> None:
        row = RunEvaluation(
            run_id=self._run_id,
            moment=Moment(moment),
            split=split,
            n=accuracy.n,
            correct=accuracy.correct,
            accuracy=accuracy.accuracy,
            low=accuracy.low,
            high=accuracy.high,
            mean_margin=accuracy.mean_margin,
            preference_loss=accuracy.preference_loss,
        )
        self._report(lambda session: records.record_evaluation(session, row))

    def samples(self, samples: Sequence[Sample]) -> None:
        self._report(
            lambda session: records.record_samples(
                session,
                self._run_id,
                [
                    RunSample(
                        run_id=self._run_id,
                        position=position,
                        prompt=sample.prompt,
                        before=sample.before,
                        after=sample.after,
                        chosen=sample.chosen,
                        rejected=sample.rejected,
                    )
                    for position, sample in enumerate(samples)
                ],
            )
        )

    def _report(self, write: Callable[[Session], None]) -> None:
        self._waiting.append(write)
        self.flush()

    def flush(self) -> None:
        """Store what has gathered, in order; what a busy or full database refuses stays for the next time."""
        with suppress(StoreError):
            with self._store.write() as session:
                for write in self._waiting:
                    write(session)
                if self._built is not None:
                    records.record_building(session, self._run_id, percentage=self._built)
                if self._progress is not None:
                    records.record_progress(session, self._run_id, step=self._progress[0], total=self._progress[1])
            self._waiting, self._progress, self._built = [], None, None


class Watch:
    """Beats for the run and listens for commands, so that the trainer's own thread only looks at a flag."""

    def __init__(self, store: Store, run_id: UUID, shutdown: threading.Event) -> None:
        self._store, self._run_id = store, run_id
        self._shutdown = shutdown
        self._cancel = threading.Event()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="training-watch", daemon=True)

    def stop_requested(self) -> str | None:
        """ "cancel", "shutdown" or None; costs two flag reads."""
        if self._cancel.is_set():
            return "cancel"
        return "shutdown" if self._shutdown.is_set() else None

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join(5)

    def _listen(self) -> None:
        beats_every = max(1, round(HEARTBEAT_S / COMMAND_POLL_S))
        tick = 0
        while not self._done.wait(COMMAND_POLL_S):
            tick += 1
            with suppress(HoneError):  # the next tick asks again
                with self._store.read() as session:
                    if runs.get(session, self._run_id).command is RunCommand.CANCEL:
                        self._cancel.set()
                if tick % beats_every == 0:
                    with self._store.write() as session:
                        records.beat(session, self._run_id)
