"""A run trains, measures, refuses and leaves files as promised, on tiny models of three kinds."""

from __future__ import annotations

import json
import math
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.datasets.rows import PairRow
from core.errors import BaseModelRejected, TrainingError
from core.inference.local import LocalModel
from core.tables.runs import RunMetric, RunOutcome, RunPhase
from core.training import artifacts, loop
from core.training.dpo import TrainResult
from core.training.presets import PRESETS, preset_for
from tests.training_runs import BUILDERS, SMALL, Done, pairs, run, splits

pytestmark = pytest.mark.training


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing in this file may open a connection, not even for telemetry that swallows its own errors."""
    tried: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: tried.append(address))
    yield
    assert tried == []


# a run to its end


def test_a_run_ends_with_an_adapter(first_run: Done) -> None:
    assert first_run.result.outcome is RunOutcome.OK
    assert first_run.result.deployable
    assert first_run.result.steps == 6 == loop.total_steps(SMALL, 12)
    assert first_run.result.adapter_dir == first_run.out
    assert artifacts.verify_adapter(first_run.out) == first_run.result.files
    assert set(first_run.result.files) == {file.name for file in first_run.out.iterdir()}
    assert first_run.notes.phases == [RunPhase.STARTING, RunPhase.EVALUATING, RunPhase.TRAINING, RunPhase.EVALUATING]


def test_there_is_one_metric_row_for_every_step(first_run: Done) -> None:
    assert [row["step"] for row in first_run.notes.rows] == [1, 2, 3, 4, 5, 6]
    assert first_run.notes.at == (6, 6)
    columns = set(RunMetric.model_fields) - {"run_id"}
    assert all(row.keys() == columns for row in first_run.notes.rows)
    tokens = [row["tokens"] for row in first_run.notes.rows]
    assert tokens == sorted(tokens) and tokens[0] > 0


def test_the_loss_of_the_first_step_is_ln_2(first_run: Done) -> None:
    assert first_run.notes.rows[0]["loss"] == pytest.approx(math.log(2), abs=1e-5)
    assert first_run.notes.accuracies["before", "validation"].preference_loss == pytest.approx(math.log(2))


def test_the_gate_is_the_preference_loss_on_validation(first_run: Done) -> None:
    after = first_run.notes.accuracies["after", "validation"]
    assert first_run.result.gate_loss == after.preference_loss < math.log(2)


def test_both_held_out_splits_and_their_sum_are_measured(first_run: Done) -> None:
    counted = {key: value.n for key, value in first_run.notes.accuracies.items()}
    both = {"validation": 3, "test": 2, "held_out": 5}
    assert counted == {(moment, split): n for moment in ("before", "after") for split, n in both.items()}


def test_the_same_prompts_are_answered_before_and_after(first_run: Done) -> None:
    before, after = first_run.notes.shown
    asked = ["Where is my invoice no 100?", "Where is my password no 101?"]
    assert [sample.prompt for sample in before] == [sample.prompt for sample in after] == asked
    assert all(sample.after is None for sample in before)
    assert all(isinstance(sample.after, str) for sample in after)
    assert [sample.before for sample in before] == [sample.before for sample in after]


def test_the_adapter_loads_back_and_changes_the_model(first_run: Done, model_folders: dict[str, Path]) -> None:
    rows = pairs(3, start=100)
    ask, answers = [row.messages for row in rows], [row.chosen for row in rows]
    base = LocalModel.load(model_folders["qwen3"], device="cpu").log_probs(ask, answers)
    adapted = LocalModel.load(model_folders["qwen3"], first_run.out, device="cpu")
    changed = adapted.log_probs(ask, answers)
    assert all(abs(b - c) > 0.01 for b, c in zip(base, changed, strict=True))
    with adapted.base_only():
        assert adapted.log_probs(ask, answers) == pytest.approx(base, abs=1e-4)
    other = adapted.log_probs(ask, [row.rejected for row in rows])
    margins = [c - r for c, r in zip(changed, other, strict=True)]
    assert sum(margins) / 3 == pytest.approx(first_run.notes.accuracies["after", "validation"].mean_margin, abs=1e-3)


def test_peft_itself_reads_the_adapter(first_run: Done, model_folders: dict[str, Path]) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    ids = torch.arange(10, 20).unsqueeze(0)
    ours = LocalModel.load(model_folders["qwen3"], first_run.out, device="cpu").model(ids).logits
    base = AutoModelForCausalLM.from_pretrained(model_folders["qwen3"])
    theirs = PeftModel.from_pretrained(base, first_run.out)(ids).logits
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_an_adapter_does_not_load_on_another_base(first_run: Done, model_folders: dict[str, Path]) -> None:
    with pytest.raises(BaseModelRejected, match="does not fit"):
        LocalModel.load(model_folders["llama_plain"], first_run.out, device="cpu")


def test_the_files_name_no_place_on_this_machine(first_run: Done, model_folders: dict[str, Path]) -> None:
    base = model_folders["qwen3"]
    places = [*map(str, (base, base.parent, first_run.out.parent, Path.home())), tempfile.gettempdir()]
    for file in first_run.out.iterdir():
        content = file.read_bytes()
        assert not [place for place in places if place.encode() in content], file.name
    assert json.loads((first_run.out / "adapter_config.json").read_text())["base_model_name_or_path"] == "qwen3"


def test_the_card_is_filled_in(first_run: Done) -> None:
    card = (first_run.out / "README.md").read_text()
    assert "More Information Needed" not in card and "None" not in card
    for fact in ("`support`", "`0199-data`", "ab" * 32, "Pairs trained on: 12", "validation 3, test 2", "Licence"):
        assert fact in card
    assert f"{first_run.result.gate_loss:.4f}" in card
    assert "| lora_r | 4 |" in card


def test_nothing_is_printed_and_stdout_stays(
    model_folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stdout = sys.stdout
    run(model_folders["llama_plain"], tmp_path / "out", spec=SMALL.changed(num_epochs=1))
    assert sys.stdout is stdout
    assert capsys.readouterr().out == ""


def test_the_same_seed_gives_the_same_adapter_and_another_seed_another(
    first_run: Done, model_folders: dict[str, Path], tmp_path: Path
) -> None:
    def weights(name: str, seed: int) -> str:
        spec = SMALL.changed(seed=seed, base=str(model_folders["qwen3"]))
        files = run(model_folders["qwen3"], tmp_path / name, spec=spec).result.files
        return str(files["adapter_model.safetensors"]["sha256"])

    first = first_run.result.files["adapter_model.safetensors"]["sha256"]
    assert weights("again", SMALL.seed) == first
    assert weights("other", SMALL.seed + 1) != first


# other models


@pytest.mark.parametrize("name", ["gpt2", "llama_plain"])
def test_another_architecture_tokenizer_and_template_trains(
    model_folders: dict[str, Path], tmp_path: Path, name: str
) -> None:
    spec = PRESETS["default"].changed(base=name, batch_size=4, gradient_accumulation_steps=1, num_epochs=2)
    spec = spec.changed(learning_rate=5e-3, samples=1, sample_tokens=4)
    done = run(model_folders[name], tmp_path / "out", spec=spec)
    assert done.result.outcome is RunOutcome.OK
    assert done.notes.rows[0]["loss"] == pytest.approx(math.log(2), abs=1e-5)  # the base's dropout is off
    assert done.notes.rows[-1]["reward_margin"] > 0
    assert f"reads {128 if name == 'gpt2' else 256} tokens" in done.notes.said("max_length")
    assert bool(done.notes.said("targets")) is (name == "gpt2")  # it has no q_proj, so every linear layer is trained
    assert bool(done.notes.said("template")) is (name == "llama_plain")


def trainer_of(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[PairRow]) -> Any:
    """TRL's trainer as it stands before its first step."""
    import trl

    seen: list[Any] = []

    def instead(trainer: Any, **_: Any) -> Any:
        seen.append(trainer)
        raise InterruptedError

    monkeypatch.setattr(trl.DPOTrainer, "train", instead)
    with pytest.raises(InterruptedError):
        run(folder, tmp_path / "out", rows=splits() | {"train": rows})
    return seen[0]


def test_only_the_adapter_drops_out(
    model_folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GPT-2 has dropout of its own, which would blur the reference; the adapter's is what was asked for."""
    import torch

    model = trainer_of(model_folders["gpt2"], tmp_path, monkeypatch, pairs(10)).model
    rates = {name: m.p for name, m in model.named_modules() if isinstance(m, torch.nn.Dropout)}
    assert {rate for name, rate in rates.items() if "lora_dropout" in name} == {SMALL.lora_dropout}
    assert {rate for name, rate in rates.items() if "lora_dropout" not in name} == {0.0}


@pytest.mark.parametrize("name", BUILDERS)
def test_what_is_measured_is_what_trl_trains_on(
    model_folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The same tokens, cut at the same place, with the same log-probabilities under the base."""
    rows = [*pairs(10), PairRow("long", pairs(1)[0].messages, "You will find it here. " * 9, "No.")]
    data = trainer_of(model_folders[name], tmp_path, monkeypatch, rows).train_dataset
    model = LocalModel.load(model_folders[name], device="cpu")
    model.max_length = SMALL.max_length
    ours = [model.chat.pair(row.messages, row.chosen, row.rejected) for row in rows]
    assert [tuple(ids) for ids in data["prompt_ids"]] == [pair.prompt for pair in ours]
    assert [tuple(ids) for ids in data["chosen_ids"]] == [pair.chosen for pair in ours]
    assert [tuple(ids) for ids in data["rejected_ids"]] == [pair.rejected for pair in ours]
    assert len(ours[-1].prompt + ours[-1].chosen) > SMALL.max_length
    scored = model.score([(pair.prompt + pair.chosen, len(pair.prompt)) for pair in ours])
    assert scored == pytest.approx(list(data["ref_chosen_logps"]), abs=2e-3)


def test_two_loss_terms_and_one_epoch_train_too(model_folders: dict[str, Path], tmp_path: Path) -> None:
    spec = preset_for("demo").changed(num_epochs=1, samples=0)
    done = run(model_folders["qwen3"], tmp_path / "out", spec=spec)
    assert done.result.outcome is RunOutcome.OK
    assert done.notes.rows[0]["loss"] > math.log(2)  # the answer's own loss on top
    assert done.notes.accuracies["before", "test"].preference_loss == pytest.approx(math.log(2))
    assert done.notes.shown == [[], []]


# pairs that cannot be used


def test_pairs_that_cannot_be_used_are_left_out_and_counted(model_folders: dict[str, Path], tmp_path: Path) -> None:
    long, good = "why " * 120, pairs(1)[0]
    rows = [
        *pairs(10),
        PairRow("too long", [{"role": "user", "content": long}], "Yes.", "No."),
        PairRow("same after the cut", good.messages, long + "yes", long + "no"),
        PairRow("equal", good.messages, "Yes.", "Yes. "),
        PairRow("empty", good.messages, " ", "No."),
        PairRow("no template", [{"role": "tool", "content": "x"}], "Yes.", "No."),
    ]
    done = run(model_folders["qwen3"], tmp_path / "out", rows=splits() | {"train": rows})
    assert done.result.outcome is RunOutcome.OK
    said = done.notes.said("pairs")
    assert said.count("Left out of train: 1 with") == 5
    assert "prompt that fills" in said and "only beyond the maximum length" in said
    assert "Pairs trained on: 10" in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.parametrize("rows", [pairs(9), [*pairs(9), PairRow("x", pairs(1)[0].messages, "No.", "No.")], []])
def test_fewer_than_ten_usable_pairs_are_not_trained_on(
    model_folders: dict[str, Path], tmp_path: Path, rows: list[PairRow]
) -> None:
    done = run(model_folders["qwen3"], tmp_path / "out", rows=splits() | {"train": rows})
    assert done.result == TrainResult(outcome=RunOutcome.SKIPPED_TOO_FEW)
    assert list(tmp_path.iterdir()) == []


def test_a_dataset_with_nothing_held_out_is_refused(model_folders: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="held out"):
        run(model_folders["qwen3"], tmp_path / "out", rows={"train": pairs(12)})


def test_without_validation_pairs_the_gate_looks_at_test(model_folders: dict[str, Path], tmp_path: Path) -> None:
    done = run(model_folders["qwen3"], tmp_path / "out", rows=splits() | {"validation": []})
    assert done.result.gate_loss == done.notes.accuracies["after", "test"].preference_loss


def test_an_adapter_that_prefers_the_wrong_side_does_not_pass(model_folders: dict[str, Path], tmp_path: Path) -> None:
    turned = [PairRow(row.pair_id, row.messages, row.rejected, row.chosen) for row in pairs(12)]
    done = run(model_folders["qwen3"], tmp_path / "out", rows=splits() | {"train": turned})
    assert done.result.outcome is RunOutcome.EVAL_GATE_FAILED
    assert done.result.gate_loss is not None and done.result.gate_loss > 0.7
    assert not done.result.deployable
    assert json.loads((tmp_path / "out" / "COMPLETE.json").read_text())["deployable"] is False
    assert "should not be deployed" in (tmp_path / "out" / "README.md").read_text()
