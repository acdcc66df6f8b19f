"""Settings to start from: one for the embedded demo model, one for every other base."""

from __future__ import annotations

from core.inference.folder import DEMO
from core.training.spec import ALL_LINEAR, TrainSpec

PRESETS: dict[str, TrainSpec] = {
    # A tiny model unlearns to write when only the preference is trained: the SFT term keeps its answers whole.
    "demo": TrainSpec(
        base=DEMO,
        lora_r=8,
        lora_alpha=16,
        lora_dropout=0.0,
        target_modules=ALL_LINEAR,
        loss_type=("sigmoid", "sft"),
        loss_weights=(1.0, 1.0),
        beta=0.3,
        learning_rate=1e-3,
        num_epochs=3,
        batch_size=8,
        gradient_accumulation_steps=1,
        max_length=256,
        warmup_ratio=0.0,
        weight_decay=0.0,
    ),
    "default": TrainSpec(),
}


def preset_name(base: str) -> str:
    """The preset that suits a base model."""
    return "demo" if base == DEMO else "default"


def preset_for(base: str) -> TrainSpec:
    """The settings to start from for a base model. Raises InputRejected when its name is empty or too long."""
    return PRESETS[preset_name(base)].changed(base=base)
