"""One LoRA DPO run from pairs to an adapter's files. Pure: it knows neither the store nor a screen.

In: a spec, a base model's folder, rows by split. Out: a folder with the adapter, and what was measured, told to a
sink on the way. The same seed on the same machine gives the same adapter, paused, killed and resumed or not. One run
at a time in a process: seeds and threads are torch's globals.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.datasets.rows import PairRow
from core.errors import TrainingError
from core.inference.folder import ModelFolder, inspect_folder
from core.inference.libraries import quiet_libraries
from core.inference.local import LocalModel, load_base, torch_dtype_and_device
from core.tables.runs import RunOutcome, RunPhase
from core.training import artifacts, card, folders, loop, memory, space
from core.training.checkpoints import Checkpoints
from core.training.evaluation import Accuracy
from core.training.fingerprint import fingerprint, library_versions, rows_sha256
from core.training.finished import finished_before
from core.training.held_out import SPLITS, HeldOut
from core.training.meter import Meter, MeterState
from core.training.selection import Selection, select, worth_encoding
from core.training.spec import ALL_LINEAR, GATE, MIN_ROWS, Control, Sample, Sink, TrainResult, TrainSpec
from core.work import Stopped

__all__ = ["Accuracy", "Control", "Sample", "Sink", "TrainResult", "train"]


def train(
    spec: TrainSpec,
    *,
    base_folder: Path,
    rows: Mapping[str, Sequence[PairRow]],
    out: Path,
    sink: Sink,
    control: Control,
    checkpoints: Path | None = None,
) -> TrainResult:
    """Train an adapter on ``rows["train"]``, judge it on ``rows["validation"]`` and ``rows["test"]``.

    ``out`` must not exist; it does afterwards exactly when the result names it. ``checkpoints`` is a folder of this
    run's own: with it, a run that was paused, shut down or killed goes on from its newest whole checkpoint when it is
    trained again with the same arguments, and ends with the same files. It is removed once the adapter is written.
    Raises BaseModelRejected, Diverged, or TrainingError (no memory, no disk, nothing held out); nothing is left in
    ``out`` then, and checkpoints stay.
    """
    meter = Meter(sink, control)
    kept = Checkpoints(Path(checkpoints) if checkpoints else None, asked=spec.checkpoint_steps, sink=sink)
    run = _Run(spec, Path(base_folder), rows, Path(out), sink, meter, kept)
    try:
        return run.go()
    except Stopped as stop:
        at = kept.step if stop.why != "cancel" else None
        return TrainResult(outcome=None, steps=meter.steps, stopped=stop.why, checkpoint_step=at)
    except (MemoryError, RuntimeError) as error:
        if not memory.out_of_memory(error):
            raise
        raise memory.refusal(spec, error) from error
    except OSError as error:
        if not folders.disk_full(error):
            raise
        raise TrainingError(
            "The disk filled up with training's temporary files, so it stopped and no adapter was written. Free some "
            "space and start again; earlier adapters are untouched."
        ) from error
    finally:
        memory.free(run.parameters)


@dataclass
class _Run:
    """One call of ``train``, with what its steps hand to each other."""

    spec: TrainSpec
    base_folder: Path
    rows: Mapping[str, Sequence[PairRow]]
    out: Path
    sink: Sink
    meter: Meter
    kept: Checkpoints
    notes: list[str] = field(default_factory=list)
    parameters: int | None = None  # of the base
    made_of: dict[str, str] = field(default_factory=dict)  # the run's fingerprint

    def go(self) -> TrainResult:
        self.sink.phase(RunPhase.STARTING)
        worth = worth_encoding(self.rows.get("train", ()))
        if worth < MIN_ROWS:
            return self._too_few(worth)
        base = self._base()
        if self.out.exists():
            return self._finished_before()
        self._look_back()
        self.meter.check()
        model = self._load()
        splits = self._select(model)
        if len(splits["train"].rows) < MIN_ROWS:
            return self._too_few(len(splits["train"].rows))
        held_out = HeldOut(self.spec, splits, self.sink, self.meter)
        targets = self._targets(model)
        held_out.look_before(model)
        model = self._fit(model, splits["train"], targets)
        self.meter.check()
        held_out.look_after(model)
        self.meter.check()
        return self._finish(base, model, splits, held_out)

    def _base(self) -> ModelFolder:
        """The base model's folder, looked at; now it is known what this run is made of."""
        base = inspect_folder(self.base_folder)
        self.parameters = base.parameters
        quiet_libraries()
        dtype, device = torch_dtype_and_device()
        self.made_of = fingerprint(self.spec, self.rows, base_sha256=base.sha256, device=f"{device} {dtype}")
        return base

    def _finished_before(self) -> TrainResult:
        """What this very run had made when its process ended. Raises TrainingError when another one made it."""
        result = finished_before(self.out, self.made_of, self.sink) if self.kept.folder is not None else None
        if result is None:
            raise TrainingError(f"There is an adapter “{self.out.name}” already; nothing was trained.")
        self.kept.remove()
        return result

    def _look_back(self) -> None:
        """Clear what a killed process was writing, and count on from its newest checkpoint."""
        folders.discard(self.out)
        found = self.kept.find(self.made_of)
        if found is not None:
            self.meter.restore(MeterState(**found.state()["meter"]))

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

    def _targets(self, model: LocalModel) -> list[str] | str:
        """The layers to adapt. Raises TrainingError when the disk has no room for what comes of it."""
        targets = loop.targets_in(model.model, self.spec.target_modules)
        if targets == ALL_LINEAR != self.spec.target_modules:
            self._note("targets", "This base has no module of the names asked for; every linear layer is trained.")
        space.require(
            self.out.parent, space.lora_numbers(model.model, targets, self.spec.lora_r), checkpoints=self.kept.folder
        )
        return targets

    def _fit(self, model: LocalModel, selection: Selection, targets: list[str] | str) -> LocalModel:
        """The model with its trained adapter on."""
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
                kept=self.kept,
            )
        return LocalModel(trained, model.chat.tokenizer, device=model.device, max_length=length)

    def _finish(
        self, base: ModelFolder, model: LocalModel, splits: Mapping[str, Selection], held_out: HeldOut
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
        self.kept.remove()
        return TrainResult(
            outcome=RunOutcome.OK if facts.passed else RunOutcome.EVAL_GATE_FAILED,
            steps=facts.steps,
            adapter_dir=self.out,
            files=files,
            parameters=facts.parameters,
            train_loss=facts.train_loss,
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
            rows_sha256=rows_sha256({name: selection.rows for name, selection in splits.items()}),
            pairs={name: len(selection.rows) for name, selection in splits.items()},
            steps=self.meter.steps,
            parameters=sum(weights.numel() for weights in model.model.parameters() if weights.requires_grad),
            device=model.device,
            versions=library_versions(),
            fingerprint=self.made_of,
            notes=self.notes,
            train_loss=self.meter.train_loss,
            before=held_out.before,
            after=held_out.after,
            gate_split=held_out.gate_split,
            gate_loss=held_out.gate_loss,
            passed=held_out.gate_loss <= GATE,
        )

    def _note(self, kind: str, sentence: str) -> None:
        """Say it to whoever watches, and keep it for the card."""
        self.notes.append(sentence)
        self.sink.event(kind, sentence)


def _gate_sentence(loss: float, split: str, *, passed: bool) -> str:
    verdict = "the adapter passed the gate" if passed else "the adapter did not pass the gate and is not deployable"
    return f"Preference loss on {split}: {loss:.3f} (at most {GATE:.3f} is let through): {verdict}."
