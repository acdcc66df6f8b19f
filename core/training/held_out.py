"""What held-out pairs say about a model before and after training: accuracies, the gate's value, sampled answers.

The base's scores from before are the reference of the loss after, so each pair is read twice in all.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace

from core.datasets.rows import PairRow
from core.errors import Diverged, TrainingError
from core.inference.local import LocalModel
from core.tables.runs import Moment, RunPhase
from core.training.evaluation import Accuracy, Scores, accuracy, score_pairs
from core.training.meter import Meter
from core.training.selection import Selection
from core.training.spec import Sample, Sink, TrainSpec

SPLITS = ("validation", "test")
BOTH = "held_out"


class HeldOut:
    """The held-out pairs of one run. Raises TrainingError when there are none."""

    def __init__(self, spec: TrainSpec, splits: Mapping[str, Selection], sink: Sink, meter: Meter) -> None:
        self._spec, self._sink, self._meter = spec, sink, meter
        self._splits = {name: splits[name] for name in SPLITS if splits[name].rows}
        if not self._splits:
            raise TrainingError(
                "No usable pair is held out in this dataset, so nothing could show whether the adapter is better. "
                "Freeze a dataset with more prompts; nothing was trained."
            )
        self._reference: dict[str, Scores] = {}
        self._asked: list[PairRow] = []
        self._samples: list[Sample] = []
        self.before: dict[str, Accuracy] = {}
        self.after: dict[str, Accuracy] = {}

    @property
    def gate_split(self) -> str:
        """The split the gate looks at: validation, or test where that is empty."""
        return next(iter(self._splits))

    @property
    def gate_loss(self) -> float:
        """The preference loss after training. Raises Diverged when it is no number."""
        loss = self.after[self.gate_split].preference_loss
        if loss is None or not math.isfinite(loss):
            raise _diverged()
        return loss

    def look_before(self, model: LocalModel) -> None:
        """Measure the base model and take its answers."""
        self._sink.phase(RunPhase.EVALUATING)
        self._reference = self._score(model)
        self.before = self._measure(Moment.BEFORE, self._reference)
        self._asked = self._prompts(model)
        answers = self._answers(model)
        self._samples = [
            Sample(_shown(row), answer, None, row.chosen, row.rejected)
            for row, answer in zip(self._asked, answers, strict=True)
        ]
        self._sink.samples(self._samples)

    def look_after(self, model: LocalModel) -> None:
        """Measure the trained model on the same pairs and prompts."""
        self._sink.phase(RunPhase.EVALUATING)
        self.after = self._measure(Moment.AFTER, self._score(model))
        answers = self._answers(model)
        self._sink.samples([replace(s, after=answer) for s, answer in zip(self._samples, answers, strict=True)])

    def _score(self, model: LocalModel) -> dict[str, Scores]:
        """Scores of each split, and of all of them together."""
        scores = {
            name: score_pairs(model, split.encoded, between=self._meter.check) for name, split in self._splits.items()
        }
        if not all(score.finite for score in scores.values()):
            raise _diverged()
        return scores | {BOTH: sum(scores.values(), Scores((), ()))}

    def _measure(self, moment: Moment, scores: Mapping[str, Scores]) -> dict[str, Accuracy]:
        measured = {
            name: accuracy(score, reference=self._reference[name], beta=self._spec.beta)
            for name, score in scores.items()
        }
        for name, value in measured.items():
            self._sink.evaluation(moment, name, value)
        for name, split in self._splits.items():
            self._sink.scores(moment, name, [row.pair_id for row in split.rows], scores[name].margins)
        return measured

    def _prompts(self, model: LocalModel) -> list[PairRow]:
        """The first rows with different prompts that leave room for an answer."""
        found: dict[str, PairRow] = {}
        for split in self._splits.values():
            for row, pair in zip(split.rows, split.encoded, strict=True):
                length = len(pair.prompt) + pair.shortened + self._spec.sample_tokens
                if model.max_length is None or length <= model.max_length:
                    found.setdefault(json.dumps(row.messages, sort_keys=True), row)
        return list(found.values())[: self._spec.samples]

    def _answers(self, model: LocalModel) -> list[str]:
        conversations = [row.messages for row in self._asked]
        return model.generate(conversations, max_new_tokens=self._spec.sample_tokens, between=self._meter.check)


def _shown(row: PairRow) -> str:
    """The prompt as a person reads it: the message itself, or who said what when there were several."""
    if len(row.messages) == 1:
        return row.messages[0]["content"]
    return "\n".join(f"{message['role']}: {message['content']}" for message in row.messages)


def _diverged() -> Diverged:
    return Diverged(
        "The model's log-probabilities on held-out pairs are no numbers, so no adapter was written. "
        "Train with a lower learning rate, or choose another base model."
    )
