"""Between a trainer and the store: what it reports goes in, in the name of the job that holds the run.

The trainer's thread never waits for more than one busy timeout: reports gather until the database takes them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from sqlmodel import Session

from core.errors import StoreError
from core.store import Store
from core.tables import Moment, RunEvaluation, RunPhase, RunSample
from core.training import records, runs
from core.training.evaluation import Accuracy
from core.training.folders import Files
from core.training.spec import Sample
from core.work import Stopped

BUILDING_EVERY_S = 1.0  # a page looks every two seconds

OnProgress = Callable[[str, int, int], None]
"""Called with (phase, step, total) for a face that waits beside the run."""


class Held(Protocol):
    """The run's job, in this process's hands."""

    @property
    def asked(self) -> str | None:
        """ "cancel", "pause", "shutdown", "lost" or None."""
        ...

    def saved(self, session: Session, done: int, total: int | None, *, unit: str, note: str) -> None:
        """Store how far it is. Raises Stopped when the job is in other hands: then nothing is stored."""
        ...


class StoreSink:
    """Receives what the trainer reports. Every report is a small write, kept until a transaction took it."""

    def __init__(
        self, store: Store, run_id: UUID, *, held: Held, home: Path, on_progress: OnProgress | None = None
    ) -> None:
        self._store, self._run_id, self._held, self._home = store, run_id, held, home
        self._at = (0, 0)
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
        if self._held.asked is not None:
            raise Stopped(self._held.asked)
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
        self._progress = self._at = (step, total)
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

    def scores(self, moment: str, split: str, pair_ids: Sequence[str], margins: Sequence[float]) -> None:
        """How each held-out pair fares, so that a page can say which complaints the run fixed."""
        found = dict(zip((UUID(pair_id) for pair_id in pair_ids), margins, strict=True))
        at = Moment(moment)
        self._report(
            lambda session: records.record_scores(session, self._run_id, split=split, moment=at, margins=found)
        )

    def checkpoint(self, step: int, path: Path, files: Files) -> None:
        place = str(path.relative_to(self._home)) if path.is_relative_to(self._home) else path.name
        self._report(lambda session: records.record_checkpoint(session, self._run_id, step, path=place, files=files))

    def _report(self, write: Callable[[Session], None]) -> None:
        self._waiting.append(write)
        self.flush()

    def flush(self) -> None:
        """Store what has gathered, in order; what a busy or full database refuses stays for the next time."""
        with suppress(StoreError):
            with self._store.write() as session:
                self._held.saved(session, *self._at, unit="steps", note=self._phase.value)
                for write in self._waiting:
                    write(session)
                if self._built is not None:
                    records.record_building(session, self._run_id, percentage=self._built)
                if self._progress is not None:
                    records.record_progress(session, self._run_id, step=self._progress[0], total=self._progress[1])
            self._waiting, self._progress, self._built = [], None, None
