"""What a run logs, on its way out: buffered, renamed, checked for numbers that are none.

In: the trainer's log rows and steps. Out: rows with RunMetric's column names about once a second. It also asks, at
every step, whether somebody wants the run to stop. What it counts outlives the process: its state goes into every
checkpoint, so that a resumed run counts on. Knows nothing of torch.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import Diverged
from core.training.spec import Control, Sink
from core.work import Stopped

FLUSH_S = 1.0
COLUMNS = {  # TRL's name → RunMetric's
    "loss": "loss",
    "rewards/margins": "reward_margin",
    "rewards/accuracies": "reward_accuracy",
    "rewards/chosen": "chosen_reward",
    "rewards/rejected": "rejected_reward",
    "logps/chosen": "chosen_logp",
    "logps/rejected": "rejected_logp",
    "entropy": "entropy",
    "grad_norm": "grad_norm",
    "learning_rate": "learning_rate",
    "epoch": "epoch",
}


@dataclass(frozen=True)
class MeterState:
    """What was counted up to a step."""

    steps: int = 0
    tokens: int = 0
    elapsed_s: float = 0.0
    loss_sum: float = 0.0  # one loss a step


class Meter:
    """Stands between one trainer and its sink and control."""

    def __init__(self, sink: Sink, control: Control, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._sink, self._control, self._clock = sink, control, clock
        self._rows: list[dict[str, Any]] = []
        self._began = self._flushed = clock()
        self._earlier = MeterState()
        self._tokens = 0
        self._loss_sum = 0.0
        self.steps = 0
        self.stopped: str | None = None

    @property
    def train_loss(self) -> float | None:
        """Mean loss of all steps, whichever process made them; None before the first."""
        return self._loss_sum / self.steps if self.steps else None

    def state(self) -> MeterState:
        """What is counted so far, to go on from in another process."""
        elapsed_s = self._earlier.elapsed_s + self._clock() - self._began
        return MeterState(self.steps, self._tokens, elapsed_s, self._loss_sum)

    def restore(self, state: MeterState) -> None:
        """Count on from where another process stopped; its time between then and now is not counted."""
        self._earlier = state
        self.steps, self._tokens, self._loss_sum = state.steps, state.tokens, state.loss_sum

    def check(self) -> None:
        """Raises Stopped when somebody asked; for the work before and after the steps."""
        self.stopped = self.stopped or self._control.stop_requested()
        if self.stopped:
            raise Stopped(self.stopped)

    def began(self, total: int) -> None:
        """The trainer starts stepping, at the first step or after the last one of a checkpoint."""
        self._began = self._flushed = self._clock()
        self._sink.progress(self.steps, total)

    def stepped(self, step: int, total: int) -> bool:
        """One optimizer step is done; True when it was the last one to do because somebody asked."""
        self.steps = step
        self._sink.progress(step, total)
        self.stopped = self.stopped or self._control.stop_requested()
        return self.stopped is not None

    def logged(self, step: int, logs: Mapping[str, Any]) -> None:
        """One log row. Raises Diverged when the loss or its gradient is no number any more."""
        if "loss" not in logs:
            return  # the summary at the end: averages of a part of a window
        for name in ("loss", "grad_norm"):
            if not math.isfinite(logs.get(name, 0.0)):
                what = "loss" if name == "loss" else "gradient of the loss"
                raise Diverged(
                    f"The {what} was no longer a number at step {step}, so training stopped and no adapter was "
                    "written. Train with a lower learning rate, or look for broken pairs in the dataset."
                )
        row: dict[str, Any] = {"step": step}
        row |= {column: _finite(logs[name]) for name, column in COLUMNS.items() if name in logs}
        if "num_tokens" in logs:
            self._tokens = self._earlier.tokens + int(logs["num_tokens"])  # the trainer starts at 0 when it resumes
            row["tokens"] = self._tokens
        self._loss_sum += logs["loss"]
        now = self._clock()
        row["elapsed_s"] = round(self._earlier.elapsed_s + now - self._began, 3)
        self._rows.append(row)
        if now - self._flushed >= FLUSH_S:
            self.flush()

    def flush(self) -> None:
        """Hand on what has gathered."""
        self._flushed = self._clock()
        if self._rows:
            rows, self._rows = self._rows, []
            self._sink.metrics(rows)


def _finite(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
