"""The settings of a run as fields, drawn from TrainSpec: its types choose the widget, its bounds are checked there.

A field's key holds the preset's name, so choosing another preset begins with that preset's values.
"""

from __future__ import annotations

from typing import Any, get_args

import streamlit as st

from core.errors import InputRejected
from core.training.spec import ALL_LINEAR, LossTerm, TrainSpec

WORDS: dict[str, tuple[str, str]] = {
    "num_epochs": ("Epochs", "How often every pair is seen."),
    "seed": ("Seed", "The same seed, data and settings give the same adapter on the same machine."),
    "learning_rate": ("Learning rate", "The size of a step; smaller is slower and safer."),
    "beta": ("Beta", "How far the adapter may move from the base: larger keeps it closer."),
    "loss_type": ("Loss terms", "“sigmoid” is DPO; “sft” keeps the chosen answers likely."),
    "loss_weights": ("Their weights", "One number a term, in the same order."),
    "label_smoothing": ("Label smoothing", "The share of labels taken to be wrong; used by “robust” only."),
    "batch_size": ("Batch size", "Pairs at once."),
    "gradient_accumulation_steps": ("Accumulation", "Batches gathered into one step."),
    "max_length": ("Longest text", "Tokens of prompt and answer together; longer pairs are cut or left out."),
    "lora_r": ("LoRA rank", "How much the adapter can learn."),
    "lora_alpha": ("LoRA alpha", "Its strength; often twice the rank."),
    "lora_dropout": ("LoRA dropout", "The share of the adapter that rests in each step."),
    "target_modules": ("Adapted layers", f"Names with commas between, or {ALL_LINEAR}."),
    "lr_scheduler": ("Schedule", "How the learning rate goes down."),
    "warmup_ratio": ("Warm-up", "The share of the steps in which the learning rate rises."),
    "weight_decay": ("Weight decay", "Pulls the adapter's weights towards zero."),
    "max_grad_norm": ("Gradient limit", "Longer gradients are cut to this."),
    "gradient_checkpointing": ("Save memory", "Slower; on a GPU only."),
    "samples": ("Sampled answers", "Held-out prompts answered before and after."),
    "sample_tokens": ("Their length", "Tokens an answer may have."),
    "checkpoint_steps": ("Checkpoints", "Steps between two; 0 takes about twenty in a run."),
}
_GROUPS = {
    "Learning": ("learning_rate", "lr_scheduler", "warmup_ratio", "batch_size", "gradient_accumulation_steps"),
    "Preference": ("loss_type", "loss_weights", "beta", "label_smoothing"),
    "Adapter": ("lora_r", "lora_alpha", "lora_dropout", "target_modules"),
    "Limits": ("max_length", "weight_decay", "max_grad_norm", "gradient_checkpointing"),
    "What is kept": ("samples", "sample_tokens", "checkpoint_steps"),
}


def draw(values: dict[str, Any], preset: str) -> dict[str, Any]:
    """All fields but the five of the form, grouped; returns what they say."""
    said: dict[str, Any] = {}
    for group, names in _GROUPS.items():
        st.caption(f"**{group}**")
        columns = st.columns(2)
        for at, name in enumerate(names):
            with columns[at % 2]:
                said[name] = _field(name, values[name], preset)
    return said


def number(name: str, value: float, preset: str) -> float:
    """A whole or a broken number, as the preset has it."""
    words, help = WORDS[name]
    whole = isinstance(value, int)
    given = st.number_input(
        words,
        value=value,
        step=1 if whole else (value / 10 or 0.01),
        format="%d" if whole else "%g",
        help=help,
        key=f"spec_{preset}_{name}",
    )
    return value if given is None else given


def _field(name: str, value: Any, preset: str) -> Any:
    words, help = WORDS[name]
    key = f"spec_{preset}_{name}"
    if name == "loss_type":
        return st.multiselect(words, get_args(LossTerm), default=value, help=help, key=key)
    if name == "lr_scheduler":
        options = list(get_args(TrainSpec.model_fields[name].annotation))
        return st.selectbox(words, options, index=options.index(value), help=help, key=key)
    if isinstance(value, bool):
        return st.toggle(words, value=value, help=help, key=key)
    if name == "loss_weights":
        return _numbers(st.text_input(words, value=", ".join(f"{one:g}" for one in value), help=help, key=key))
    if name == "target_modules":
        shown = value if isinstance(value, str) else ", ".join(value)
        return _names(st.text_input(words, value=shown, help=help, key=key, max_chars=1_000))
    return number(name, value, preset)


def _numbers(text: str | None) -> list[Any]:
    parts = [part.strip() for part in (text or "").split(",") if part.strip()]
    try:
        return [float(part) for part in parts]
    except ValueError:
        return list(parts)  # refused by the spec, which says so in its own words


def _names(text: str | None) -> Any:
    text = (text or "").strip()
    return ALL_LINEAR if text == ALL_LINEAR else [part.strip() for part in text.split(",") if part.strip()]


def sentence(error: InputRejected) -> str:
    """The spec's refusal with the field named as the form names it."""
    said = str(error).removesuffix(" Nothing was started.")
    if error.field in WORDS:
        return said.replace(f"{error.field}:", f"{WORDS[error.field][0]}:", 1)
    return said
