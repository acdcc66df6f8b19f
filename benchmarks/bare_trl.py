"""The opponent of ``training_overhead``: the same training as a script that only calls TRL.

Reads one JSON job a line from standard input, trains, and prints the thread's CPU seconds. It takes Hone's model
loading and evaluations, so that both sides do the same work, and nothing else of Hone: no store, no app, no watch.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from core.datasets.rows import PairRow
from core.inference.libraries import quiet_libraries
from core.inference.local import LocalModel, load_base
from core.training.evaluation import score_pairs
from core.training.selection import select
from core.training.spec import TrainSpec


def nothing() -> None:
    return None


def main() -> None:
    quiet_libraries()
    for line in sys.stdin:
        job = json.loads(line)
        rows = {split: [PairRow(**row) for row in members] for split, members in job["rows"].items()}
        started = time.thread_time()
        train(TrainSpec.parse(job["spec"]), Path(job["base"]), rows)
        print(json.dumps({"cpu_s": time.thread_time() - started}), flush=True)


def train(spec: TrainSpec, base: Path, rows: dict[str, list[PairRow]]) -> None:
    from transformers import PrinterCallback, set_seed
    from trl import DPOTrainer

    from core.training import loop

    set_seed(spec.seed)
    model, tokenizer, device = load_base(base)
    local = LocalModel(model, tokenizer, device=device, max_length=spec.max_length)
    splits = {
        split: select(members, local.chat, max_length=spec.max_length, between=nothing)
        for split, members in rows.items()
    }
    evaluate(local, splits, spec)
    with tempfile.TemporaryDirectory() as scratch:
        examples = [local.chat.example(row.messages, row.chosen, row.rejected) for row in splits["train"].rows]
        trainer = DPOTrainer(
            model=model,
            args=loop.arguments(
                spec, rows=len(examples), max_length=spec.max_length, device=device, scratch=Path(scratch)
            ),
            train_dataset=loop.dataset(examples),
            processing_class=tokenizer,
            peft_config=loop.lora(spec, model, spec.target_modules),
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
        trained = LocalModel(trainer.model, tokenizer, device=device, max_length=spec.max_length)
        evaluate(trained, splits, spec)
        trainer.save_model(scratch)


def evaluate(model: LocalModel, splits: dict[str, Any], spec: TrainSpec) -> None:
    for split in ("validation", "test"):
        score_pairs(model, splits[split].encoded, between=nothing)
    prompts = {json.dumps(row.messages): row.messages for split in ("validation", "test") for row in splits[split].rows}
    model.generate(list(prompts.values())[: spec.samples], max_new_tokens=spec.sample_tokens)


if __name__ == "__main__":
    main()
