"""What a run is asked to do, what it reports while it works, and what it hands back.

``TrainSpec`` is bounded: a value outside its bounds is refused before anything is queued. Its defaults are the
settings for a real model; ``core.training.presets`` has those of the demo model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import InputRejected
from core.tables.runs import RunOutcome
from core.training.evaluation import Accuracy
from core.training.folders import Files

MIN_ROWS = 10  # fewer usable training pairs are not trained on at all
GATE = 0.7  # highest preference loss on held-out pairs that is let through; ln 2 = 0.693 is "learned nothing"
MAX_ROWS_AT_ONCE = 4096

LossTerm = Literal["sigmoid", "hinge", "ipo", "robust", "apo_zero", "sigmoid_norm", "sft"]
Module = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_]+$")]
ALL_LINEAR = "all-linear"

_ABOUT = {"base", "agent_id", "dataset_id", "dataset_sha256", "purpose", "samples", "sample_tokens", "seed"}
_ABOUT |= {"checkpoint_steps"}  # how often a run can be picked up again shapes no adapter


class TrainSpec(BaseModel):
    """One LoRA DPO run. Frozen; unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # what is trained, on what
    base: str = Field("demo", min_length=1, max_length=500)  # "demo", a folder or a hub id
    agent_id: str = Field("", max_length=100)
    dataset_id: str = Field("", max_length=100)
    dataset_sha256: str = Field("", max_length=64, pattern=r"^[0-9a-f]*$")
    purpose: str = Field("", max_length=500)  # in a person's words, for the adapter's card
    # the adapter
    lora_r: int = Field(16, ge=1, le=512)
    lora_alpha: int = Field(32, ge=1, le=1024)
    lora_dropout: float = Field(0.05, ge=0, le=0.5)
    target_modules: Annotated[tuple[Module, ...], Field(min_length=1, max_length=20)] | Literal["all-linear"] = (
        "q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
        "gate_proj",
        "up_proj",
        "down_proj",
    )
    # the loss: a weighted sum of terms, of which at least one compares the two answers
    loss_type: Annotated[tuple[LossTerm, ...], Field(min_length=1, max_length=3)] = ("sigmoid",)
    loss_weights: tuple[Annotated[float, Field(gt=0, le=100)], ...] = (1.0,)
    beta: float = Field(0.1, gt=0, le=10)
    label_smoothing: float = Field(0.0, ge=0, lt=0.5)  # read by "robust" only
    # the steps
    learning_rate: float = Field(5e-5, gt=0, le=0.1)
    num_epochs: int = Field(3, ge=1, le=100)
    batch_size: int = Field(4, ge=1, le=256)
    gradient_accumulation_steps: int = Field(4, ge=1, le=256)
    max_length: int = Field(2048, ge=16, le=131_072)  # tokens of prompt and answer together
    warmup_ratio: float = Field(0.1, ge=0, le=0.5)
    lr_scheduler: Literal["linear", "cosine", "constant"] = "linear"
    weight_decay: float = Field(0.01, ge=0, le=1)
    max_grad_norm: float = Field(1.0, gt=0, le=100)
    gradient_checkpointing: bool = False  # less memory, slower; on a GPU only
    seed: int = Field(42, ge=0, le=2**31 - 1)
    # what is shown of it
    samples: int = Field(8, ge=0, le=64)  # held-out prompts answered before and after
    sample_tokens: int = Field(64, ge=1, le=1024)
    # where it can be picked up again
    checkpoint_steps: int = Field(0, ge=0, le=100_000)  # steps between; 0 is a twentieth of the run, at least 10

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(self.loss_weights) != len(self.loss_type):
            raise ValueError(f"{len(self.loss_type)} loss terms need as many weights, not {len(self.loss_weights)}")
        if len(set(self.loss_type)) != len(self.loss_type):
            raise ValueError("a loss term is named twice")
        if set(self.loss_type) == {"sft"}:
            raise ValueError("“sft” alone learns nothing from the rejected answers; add “sigmoid”")
        if self.batch_size * self.gradient_accumulation_steps > MAX_ROWS_AT_ONCE:
            raise ValueError(f"batch size times accumulation steps may be at most {MAX_ROWS_AT_ONCE:,}")
        return self

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """Like the constructor, with InputRejected (``field``, one sentence) for what a person may see."""
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            name = ".".join(str(part) for part in first["loc"][:1]) or None
            said = first["msg"].removeprefix("Value error, ")
            raise InputRejected(f"{name or 'These settings'}: {said}. Nothing was started.", field=name) from None

    def changed(self, **values: Any) -> Self:
        """A copy with other values, checked again. Raises InputRejected."""
        return self.parse(self.model_dump() | values)

    def hyperparameters(self) -> dict[str, Any]:
        """The values that shape the adapter, as JSON, without what names the base and the data."""
        return self.model_dump(mode="json", exclude=_ABOUT)

    @property
    def base_name(self) -> str:
        """The base as it may be written into files that leave this machine: a folder's name, never its path."""
        if re.fullmatch(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", self.base):
            return self.base
        return PureWindowsPath(self.base).name or "base"  # takes / and \ alike


@dataclass(frozen=True)
class Sample:
    """One held-out prompt, answered greedily before and (once it is known) after training."""

    prompt: str
    before: str
    after: str | None
    chosen: str
    rejected: str


class Sink(Protocol):
    """Hears what happens. Called from the training thread; ``metrics`` about once a second."""

    def phase(self, name: str) -> None:
        """A RunPhase value."""

    def progress(self, step: int, total: int) -> None:
        """Called at every step, so it must be cheap."""

    def metrics(self, rows: list[dict[str, Any]]) -> None:
        """Logged steps, with the column names of RunMetric."""

    def event(self, kind: str, message: str, step: int | None = None) -> None: ...

    def evaluation(self, moment: str, split: str, accuracy: Accuracy) -> None:
        """``moment`` before or after; ``split`` validation, test, or held_out for both together."""

    def scores(self, moment: str, split: str, pair_ids: Sequence[str], margins: Sequence[float]) -> None:
        """How each held-out pair fares: log p(chosen) − log p(rejected), summed over the answers' tokens, in nats.

        ``moment`` before or after; ``split`` validation or test. Above zero the pair is right. Both moments name the
        same pairs in the same order; a resumed run says ``before`` again, with the same numbers.
        """

    def samples(self, samples: Sequence[Sample]) -> None:
        """All samples, again with ``after`` filled in at the end."""

    def checkpoint(self, step: int, path: Path, files: Files) -> None:
        """A checkpoint is complete on the disk, and every metric up to ``step`` was handed on before.

        At most two are kept: once this is called, only the one before it is left beside it.
        """


class Control(Protocol):
    """Says whether to go on. Asked at every step, so it must be cheap."""

    def stop_requested(self) -> str | None:
        """None to go on; "pause" or "shutdown" to stop where one can go on later; "cancel" to stop for good."""


@dataclass(frozen=True)
class TrainResult:
    """How a run ended. ``outcome`` is None when it was ``stopped`` (by "pause", "shutdown" or "cancel")."""

    outcome: RunOutcome | None
    steps: int = 0
    adapter_dir: Path | None = None
    files: Files = field(default_factory=dict)
    parameters: int = 0  # trained numbers
    train_loss: float | None = None  # mean of the steps' losses, those before a pause included
    gate_loss: float | None = None
    stopped: str | None = None
    checkpoint_step: int | None = None  # where a paused or shut down run goes on; None is its beginning

    @property
    def deployable(self) -> bool:
        return self.outcome is RunOutcome.OK
