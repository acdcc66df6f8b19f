"""TRL's DPO trainer as Hone uses it: built under one lock, quiet, stoppable, resumable, with LoRA on one model.

In: a spec, a loaded model, selected pairs, a meter, the run's checkpoints. Out: the trained PEFT model. Writes no
files but checkpoints; the scratch folder is only there because the trainer insists on one.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.inference.chat import Chat
from core.training.checkpoints import Checkpoints
from core.training.meter import Meter
from core.training.resuming import Resumable
from core.training.selection import Selection
from core.training.spec import ALL_LINEAR, TrainSpec

# Fingerprinting a dataset swaps sys.stdout for the whole process for a moment (dill's capture); two at once would
# leave it a dead buffer.
PREPARING = threading.Lock()


def targets_in(model: Any, wanted: Sequence[str] | str) -> list[str] | str:
    """The modules LoRA goes to: the wanted names if the model has any of them, else every linear layer."""
    if isinstance(wanted, str):
        return wanted
    present = {name.rsplit(".", 1)[-1] for name, _ in model.named_modules()}
    return list(wanted) if present & set(wanted) else ALL_LINEAR


def fit(
    spec: TrainSpec,
    model: Any,
    chat: Chat,
    selection: Selection,
    *,
    targets: Sequence[str] | str,
    max_length: int,
    device: str,
    scratch: Path,
    meter: Meter,
    kept: Checkpoints,
) -> Any:
    """The model with LoRA weights on, trained on the selection's pairs until the steps are done or the meter says stop.

    Goes on from ``kept.newest`` when there is one.
    """
    from transformers import PrinterCallback

    _silence_dropout(model)
    with PREPARING:
        examples = [chat.example(row.messages, row.chosen, row.rejected) for row in selection.rows]
        trainer = _trainer_class(meter, kept)(
            model=model,
            args=arguments(spec, rows=len(examples), max_length=max_length, device=device, scratch=scratch),
            train_dataset=dataset(examples),
            processing_class=chat.tokenizer,
            peft_config=lora(spec, model, targets),
            callbacks=[_callback(meter, kept)],
        )
    trainer.remove_callback(PrinterCallback)
    with _metered(meter):
        trainer.train(resume_from_checkpoint=str(kept.newest.path) if kept.newest is not None else None)
    return trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)


def total_steps(spec: TrainSpec, rows: int) -> int:
    """Optimizer steps of a whole run, counted as the trainer counts them."""
    batches = math.ceil(rows / spec.batch_size)
    return spec.num_epochs * max(1, math.ceil(batches / spec.gradient_accumulation_steps))


@contextmanager
def _metered(meter: Meter) -> Iterator[None]:
    try:
        yield
    finally:
        meter.flush()


def dataset(examples: list[dict[str, Any]]) -> Any:
    """The examples as TRL wants them."""
    import datasets

    datasets.disable_progress_bars()
    return datasets.Dataset.from_list(examples)


def arguments(spec: TrainSpec, *, rows: int, max_length: int, device: str, scratch: Path) -> Any:
    import torch
    from trl import DPOConfig

    cuda = device.startswith("cuda")
    config = DPOConfig(
        output_dir=str(scratch),
        # the loss
        loss_type=list(spec.loss_type),
        loss_weights=list(spec.loss_weights),
        beta=spec.beta,
        label_smoothing=spec.label_smoothing,
        max_length=max_length,
        # One pass over the reference instead of one an epoch.
        precompute_ref_log_probs=spec.num_epochs > 1,
        disable_dropout=False,  # it would take the adapter's dropout too; the base's is off already
        # the steps
        learning_rate=spec.learning_rate,
        num_train_epochs=spec.num_epochs,
        per_device_train_batch_size=spec.batch_size,
        gradient_accumulation_steps=spec.gradient_accumulation_steps,
        lr_scheduler_type=spec.lr_scheduler,
        warmup_steps=math.ceil(spec.warmup_ratio * total_steps(spec, rows)),
        weight_decay=spec.weight_decay,
        max_grad_norm=spec.max_grad_norm,
        seed=spec.seed,
        data_seed=spec.seed,
        # the machine: TRL's defaults are made for a GPU
        use_cpu=not cuda,
        bf16=cuda and torch.cuda.is_bf16_supported(),
        gradient_checkpointing=cuda and spec.gradient_checkpointing,
        dataloader_num_workers=0,
        dataloader_pin_memory=cuda,
        # what is said and kept: everything to the meter, nothing to disk or screen
        logging_steps=1,
        logging_nan_inf_filter=False,  # it would hide the step at which the loss broke
        disable_tqdm=True,
        report_to="none",
        save_strategy="no",  # the callback says when
        eval_strategy="no",
    )
    if config.n_gpu > 1:
        config._n_gpu = 1  # one adapter trains on one GPU
    return config


def lora(spec: TrainSpec, model: Any, targets: Sequence[str] | str) -> Any:
    """The adapter's shape as PEFT's configuration."""
    from peft import LoraConfig
    from transformers.pytorch_utils import Conv1D

    return LoraConfig(
        r=spec.lora_r,
        lora_alpha=spec.lora_alpha,
        lora_dropout=spec.lora_dropout,
        target_modules=targets if isinstance(targets, str) else list(targets),
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),  # GPT-2 stores them turned
        bias="none",
        task_type="CAUSAL_LM",
    )


def _silence_dropout(model: Any) -> None:
    """Turn the base's own dropout off: the reference must answer the same way twice."""
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = 0.0


def _trainer_class(meter: Meter, kept: Checkpoints) -> Any:
    from trl import DPOTrainer

    class Trainer(Resumable, DPOTrainer):  # type: ignore[misc]
        """TRL's, but it sends nothing anywhere, keeps no pickles and can be stopped while it reads the reference."""

        def __init__(self, **how: Any) -> None:
            self.meter, self.kept = meter, kept
            super().__init__(**how)

        def _send_telemetry(self) -> None:
            return None

        def compute_ref_log_probs(self, model: Any, inputs: Any) -> Any:
            meter.check()
            return super().compute_ref_log_probs(model, inputs)

    return Trainer


def _callback(meter: Meter, kept: Checkpoints) -> Any:
    from transformers import TrainerCallback

    class Callback(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            meter.began(state.max_steps)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
            if meter.stepped(state.global_step, state.max_steps):
                control.should_training_stop = True
            if kept.due(state.global_step, state.max_steps, stopped=meter.stopped):
                control.should_save = True  # done once this step is logged
            return control

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            meter.logged(state.global_step, logs or {})
            state.log_history.clear()  # the meter has it, and it would go into every checkpoint

    return Callback()
