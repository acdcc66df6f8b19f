"""A run whose process died between its last file and the moment somebody heard of it: the adapter is there, whole.

In: the adapter's folder and the run's fingerprint. Out: the result as it was, read from the adapter's own record.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from core.errors import TrainingError
from core.tables.runs import Moment, RunOutcome
from core.training import artifacts
from core.training.evaluation import Accuracy
from core.training.spec import Sink, TrainResult


def finished_before(out: Path, fingerprint: Mapping[str, str], sink: Sink) -> TrainResult | None:
    """The result of the run that wrote ``out``, if it is this very run and every file is as it was written.

    The evaluations are said again; the curve, the scores and the samples were handed on before the files were made.
    """
    try:
        files = artifacts.verify_adapter(out)
        record = artifacts.read_record(out)
    except TrainingError:
        return None
    if record.get("fingerprint") != fingerprint:
        return None
    for moment in (Moment.BEFORE, Moment.AFTER):
        for split, measured in record[moment.value].items():
            sink.evaluation(moment, split, Accuracy(**measured))
    sink.event("resumed", "This run had finished its adapter when its process ended; the files are whole.")
    return TrainResult(
        outcome=RunOutcome.OK if record["passed"] else RunOutcome.EVAL_GATE_FAILED,
        steps=record["steps"],
        adapter_dir=out,
        files=files,
        parameters=record["parameters"],
        train_loss=record["train_loss"],
        gate_loss=record["gate_loss"],
    )
