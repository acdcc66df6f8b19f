"""The adapter's card: what it was taught, on what, how, and what came of it, for whoever finds the files later.

It holds counts and settings only, no text of a pair: the files may be handed on, people's words may not.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from core.training.evaluation import Accuracy
from core.training.spec import GATE, TrainSpec

_LICENCE = re.compile(r"^license:[ \t]*[\"']?([A-Za-z0-9._ -]{1,60})", re.MULTILINE)


@dataclass(frozen=True)
class Facts:
    """Everything the card says."""

    spec: TrainSpec
    architecture: str
    base_sha256: str
    licence: str | None  # of the base, as its own card states it
    rows_sha256: str
    pairs: dict[str, int]  # used pairs of each split
    steps: int
    parameters: int
    device: str
    versions: dict[str, str]
    fingerprint: dict[str, str] = field(default_factory=dict)  # what tells this run from every other
    notes: list[str] = field(default_factory=list)  # what was left out or changed on the way
    before: dict[str, Accuracy] = field(default_factory=dict)
    after: dict[str, Accuracy] = field(default_factory=dict)
    train_loss: float | None = None
    gate_split: str = ""
    gate_loss: float = 0.0
    passed: bool = False


def stated_licence(folder: Path) -> str | None:
    """The licence a base model's own card states in its front matter, or None."""
    try:
        head = (folder / "README.md").read_text(encoding="utf-8", errors="replace")[:4000]
    except OSError:
        return None
    found = _LICENCE.search(head.split("\n---", 1)[0]) if head.startswith("---") else None
    return found[1].strip() if found else None


def record(facts: Facts) -> dict[str, Any]:
    """The same facts for a program, as JSON values."""
    return asdict(facts) | {"spec": facts.spec.model_dump(mode="json")}


def model_card(facts: Facts) -> str:
    """The card as Markdown with the front matter PEFT and the hub read."""
    return "\n\n".join([_front(facts), _taught(facts), _result(facts), _made(facts), _limits(facts)]) + "\n"


def _front(facts: Facts) -> str:
    lines = [
        "library_name: peft",
        "pipeline_tag: text-generation",
        f"base_model: {json.dumps(facts.spec.base_name)}",
        f"license: {json.dumps(facts.licence or 'other')}",
        "tags: [lora, dpo, preference, hone]",
    ]
    return "\n".join(["---", *lines, "---"])


def _taught(facts: Facts) -> str:
    spec, used = facts.spec, facts.pairs
    for_agent = f" of the agent {_code(spec.agent_id)}" if spec.agent_id else ""
    purpose = f"\n\nPurpose, as written when it was started: {_code(spec.purpose)}" if spec.purpose else ""
    held_out = used.get("validation", 0) + used.get("test", 0)
    data = f"Dataset {_code(spec.dataset_id)}, " if spec.dataset_id else "Dataset without an id, "
    hashed = f"content hash {_code(spec.dataset_sha256)}" if spec.dataset_sha256 else "no stated content hash"
    return (
        f"# Preference adapter for {_code(spec.base_name)}\n\n"
        "## What it was taught\n\n"
        f"To prefer the answers people chose over the ones they rejected, in conversations{for_agent}. It is a LoRA "
        f"adapter: {facts.parameters:,} trained numbers that change how its base model answers.{purpose}\n\n"
        "## On what\n\n"
        f"- {data}{hashed}; hash of the rows as they were used {_code(facts.rows_sha256)}.\n"
        f"- Pairs trained on: {used.get('train', 0)}. Pairs held out: {held_out} "
        f"(validation {used.get('validation', 0)}, test {used.get('test', 0)}).\n"
        + "".join(f"- {note}\n" for note in facts.notes)
        + f"- Base model: {_code(spec.base_name)} ({facts.architecture}), hash of its files "
        f"{_code(facts.base_sha256)}."
    )


def _result(facts: Facts) -> str:
    rows = [
        f"| {split.replace('_', ' ')} | {after.n} | {_share(facts.before[split])} | {_share(after)} |"
        for split, after in facts.after.items()
    ]
    verdict = "It passed the gate." if facts.passed else "It did not pass the gate and should not be deployed."
    return "\n".join(
        [
            "## Before and after",
            "",
            "How often the chosen answer is the more likely one, on pairs not trained on (Wilson 95 % interval):",
            "",
            "| split | pairs | before | after |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
            f"Preference loss on {facts.gate_split}: {facts.gate_loss:.4f}; at most {GATE} is let through, "
            f"0.6931 means nothing was learned. {verdict}",
        ]
    )


def _made(facts: Facts) -> str:
    settings = facts.spec.hyperparameters() | {"seed": facts.spec.seed, "steps": facts.steps, "device": facts.device}
    lines = [f"| {name} | {_value(value)} |" for name, value in settings.items()]
    versions = ", ".join(f"{name} {version}" for name, version in facts.versions.items())
    return "\n".join(["## How", "", "| setting | value |", "| --- | --- |", *lines, "", f"Made with {versions}."])


def _limits(facts: Facts) -> str:
    licence = (
        f"its base model's card states {_code(facts.licence)}"
        if facts.licence
        else "its base model's folder states none, so ask where the base came from"
    )
    demo = (
        " The base is a demo model, tiny and trained on demo texts only: it shows the loop and answers nothing else."
        if facts.spec.base_name == "demo"
        else ""
    )
    return (
        "## Licence\n\n"
        f"The adapter is of no use without its base, whose licence goes on to hold: {licence}. The pairs it learned "
        "from belong to the people and the organisation they came from.\n\n"
        "## Limits\n\n"
        "- It learned one style of preference from few examples; outside that kind of conversation it is untested.\n"
        "- Accuracy compares two given answers. It does not say that a freely written answer is good: read samples.\n"
        "- The preferences are those of the people who gave them, with their mistakes and their leanings.\n"
        f"- It may say wrong or harmful things as its base may.{demo}"
    )


def _share(accuracy: Accuracy) -> str:
    counted = f"{accuracy.correct} of {accuracy.n}"
    interval = f"({100 * accuracy.low:.1f}–{100 * accuracy.high:.1f} %)"
    return f"{100 * accuracy.accuracy:.1f} % {interval}" if accuracy.n >= 30 else f"{counted} {interval}"


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _code(text: str) -> str:
    """Foreign text as literal code: no Markdown, no line breaks."""
    return "`" + " ".join(text.replace("`", "'").split()) + "`"
