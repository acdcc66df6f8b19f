"""One LoRA DPO run from pairs to an adapter's files. Pure: it knows neither the store nor a screen.

In: a spec, a base model's folder, rows by split. Out: a folder with the adapter, and what was measured, told to a
sink on the way. The same seed on the same machine gives the same adapter. One run at a time in a process: seeds and
threads are torch's globals.
"""

from __future__ import annotations

import gc
import hashlib
import json
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from core.datasets.rows import PairRow
from core.errors import TrainingError
from core.inference.folder import ModelFolder, inspect_folder
from core.inference.libraries import quiet_libraries
from core.inference.local import LocalModel, load_base
from core.tables.runs import RunOutcome, RunPhase
from core.training import artifacts, card, loop
from core.training.evaluation import Accuracy
from core.training.held_out import SPLITS, HeldOut
from core.training.meter import Meter, Stopped
from core.training.selection import Selection, select, worth_encoding
from core.training.spec import ALL_LINEAR, GATE, MIN_ROWS, Control, Sample, Sink, TrainResult, TrainSpec

__all__ = ["Accuracy", "Control", "Sample", "Sink", "TrainResult", "train"]

LARGE = 20_000_000  # parameters; below, looking for what is left of a run costs more than leaving it
LIBRARIES = ("torch", "transformers", "trl", "peft")


def train(
    spec: TrainSpec,
    *,
    base_folder: Path,
    rows: Mapping[str, Sequence[PairRow]],
    out: Path,
    sink: Sink,
    control: Control,
) -> TrainResult:
    """Train an adapter on ``rows["train"]``, judge it on ``rows["validation"]`` and ``rows["test"]``.

    ``out`` must not exist; it does afterwards exactly when the result names it. Raises BaseModelRejected, Diverged,
    or TrainingError (no memory, no disk, nothing held out); nothing is left in ``out`` then.
    """
    meter = Meter(sink, control)
    run = _Run(spec, Path(base_folder), rows, Path(out), sink, meter)
    try:
        return run.go()
    except Stopped as stop:
        return TrainResult(outcome=None, steps=meter.steps, stopped=stop.why)
    except (MemoryError, RuntimeError) as error:
        if not _out_of_memory(error):
            raise
        traceback.clear_frames(error.__traceback__)  # their variables would keep the memory that is missing
        raise TrainingError(
            f"There was not enough memory for {spec.batch_size} pairs of up to {spec.max_length:,} tokens at once, "
            "so training stopped and no adapter was written. Try a smaller batch size (with more accumulation steps), "
            "a shorter maximum length, or gradient checkpointing on a GPU."
        ) from error
    finally:
        run.free_memory()


@dataclass
class _Run:
    """One call of ``train``, with what its steps hand to each other."""

    spec: TrainSpec
    base_folder: Path
    rows: Mapping[str, Sequence[PairRow]]
    out: Path
    sink: Sink
    meter: Meter
    notes: list[str] = field(default_factory=list)
    worth_freeing: bool = False

    def go(self) -> TrainResult:
        self.sink.phase(RunPhase.STARTING)
        worth = worth_encoding(self.rows.get("train", ()))
        if worth < MIN_ROWS:
            return self._too_few(worth)
        if self.out.exists():
            raise TrainingError(f"There is an adapter “{self.out.name}” already; nothing was trained.")
        artifacts.discard(self.out)
        base = inspect_folder(self.base_folder)
        self.worth_freeing = (base.parameters or 0) > LARGE
        self.meter.check()
        model = self._load()
        splits = self._select(model)
        if len(splits["train"].rows) < MIN_ROWS:
            return self._too_few(len(splits["train"].rows))
        held_out = HeldOut(self.spec, splits, self.sink, self.meter)
        held_out.look_before(model)
        model, train_loss = self._fit(model, splits["train"])
        self.meter.check()
        held_out.look_after(model)
        self.meter.check()
        return self._finish(base, model, splits, held_out, train_loss)

    def _too_few(self, count: int) -> TrainResult:
        self._note("skipped", f"Usable training pairs: {count}. At least {MIN_ROWS} are needed; nothing was trained.")
        return TrainResult(outcome=RunOutcome.SKIPPED_TOO_FEW)

    def _load(self) -> LocalModel:
        quiet_libraries()
        from transformers import set_seed

        set_seed(self.spec.seed)
        model, tokenizer, device = load_base(self.base_folder)
        local = LocalModel(model, tokenizer, device=device, max_length=self.spec.max_length)
        if local.max_length != self.spec.max_length:
            self._note("max_length", f"This base model reads {local.max_length:,} tokens; longer texts are cut there.")
        if not local.chat.has_template:
            self._note("template", "This base model has no chat template; conversations are written as plain text.")
        place = "a GPU in bf16" if device.startswith("cuda") else "the CPU in fp32 with one thread"
        self.sink.event("device", f"Training on {place}.")
        return local

    def _select(self, model: LocalModel) -> dict[str, Selection]:
        length = model.max_length or self.spec.max_length
        splits = {
            split: select(self.rows.get(split, ()), model.chat, max_length=length, between=self.meter.check)
            for split in ("train", *SPLITS)
        }
        for split, selection in splits.items():
            for sentence in selection.sentences(split, length):
                self._note("pairs", sentence)
        return splits

    def _fit(self, model: LocalModel, selection: Selection) -> tuple[LocalModel, float]:
        """The model with its trained adapter on, and the mean training loss."""
        targets = loop.targets_in(model.model, self.spec.target_modules)
        if targets == ALL_LINEAR != self.spec.target_modules:
            self._note("targets", "This base has no module of the names asked for; every linear layer is trained.")
        self.meter.check()
        self.sink.phase(RunPhase.TRAINING)
        length = model.max_length or self.spec.max_length
        with tempfile.TemporaryDirectory(prefix="hone-") as scratch:
            trained = loop.fit(
                self.spec,
                model.model,
                model.chat,
                selection,
                targets=targets,
                max_length=length,
                device=model.device,
                scratch=Path(scratch),
                meter=self.meter,
            )
        adapted = LocalModel(trained.model, model.chat.tokenizer, device=model.device, max_length=length)
        return adapted, trained.train_loss

    def _finish(
        self,
        base: ModelFolder,
        model: LocalModel,
        splits: Mapping[str, Selection],
        held_out: HeldOut,
        train_loss: float,
    ) -> TrainResult:
        facts = self._facts(base, model, splits, held_out)
        self.sink.event("gate", _gate_sentence(facts.gate_loss, facts.gate_split, passed=facts.passed))
        files = artifacts.write_adapter(
            self.out,
            weights=artifacts.adapter_weights(model.model),
            config=artifacts.adapter_config(model.model, base_name=self.spec.base_name),
            card=card.model_card(facts),
            record=card.record(facts),
            deployable=facts.passed,
        )
        return TrainResult(
            outcome=RunOutcome.OK if facts.passed else RunOutcome.EVAL_GATE_FAILED,
            steps=facts.steps,
            adapter_dir=self.out,
            files=files,
            parameters=facts.parameters,
            train_loss=train_loss,
            gate_loss=facts.gate_loss,
        )

    def _facts(
        self, base: ModelFolder, model: LocalModel, splits: Mapping[str, Selection], held_out: HeldOut
    ) -> card.Facts:
        return card.Facts(
            spec=self.spec.changed(base=self.spec.base_name),  # a folder's path stays on this machine
            architecture=base.architecture,
            base_sha256=base.sha256,
            licence=card.stated_licence(base.path),
            rows_sha256=_rows_sha256(splits),
            pairs={name: len(selection.rows) for name, selection in splits.items()},
            steps=self.meter.steps,
            parameters=sum(weights.numel() for weights in model.model.parameters() if weights.requires_grad),
            device=model.device,
            versions={name: version(name) for name in LIBRARIES},
            notes=self.notes,
            before=held_out.before,
            after=held_out.after,
            gate_split=held_out.gate_split,
            gate_loss=held_out.gate_loss,
            passed=held_out.gate_loss <= GATE,
        )

    def free_memory(self) -> None:
        """Give back what the run held, so that the next one starts with all of it."""
        if self.worth_freeing:
            import torch

            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def _note(self, kind: str, sentence: str) -> None:
        """Say it to whoever watches, and keep it for the card."""
        self.notes.append(sentence)
        self.sink.event(kind, sentence)


def _gate_sentence(loss: float, split: str, *, passed: bool) -> str:
    verdict = "the adapter passed the gate" if passed else "the adapter did not pass the gate and is not deployable"
    return f"Preference loss on {split}: {loss:.3f} (at most {GATE:.3f} is let through): {verdict}."


def _rows_sha256(splits: Mapping[str, Selection]) -> str:
    """Hash of the pairs as they were used, split by split, in order."""
    digest = hashlib.sha256()
    for name, selection in splits.items():
        for row in selection.rows:
            line = json.dumps([name, row.messages, row.chosen, row.rejected], ensure_ascii=True, sort_keys=True)
            digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def _out_of_memory(error: BaseException) -> bool:
    """A GPU says so by its own type, a CPU allocator in words."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return "can't allocate memory" in str(error) or "out of memory" in str(error).lower()
