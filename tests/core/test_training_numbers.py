"""What a run counts is what a hand counts, and what a run is asked for is within bounds."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import InputRejected
from core.training.evaluation import Scores, accuracy, preference_loss, wilson
from core.training.meter import Meter, MeterState
from core.training.presets import PRESETS, preset_for
from core.training.spec import TrainSpec
from tests.training_runs import Notebook, When

# counting


def test_accuracy_is_what_a_hand_counts() -> None:
    scores = Scores((-1.0, -5.0, -3.0, -2.0), (-2.0, -4.0, -3.0, -9.0), (1, 5, 1, 1), (1, 1, 1, 1))
    counted = accuracy(scores)
    assert (counted.n, counted.correct, counted.accuracy) == (4, 2, 0.5)  # a tie is not right
    assert counted.mean_margin == pytest.approx((1 - 1 + 0 + 7) / 4)
    assert counted.correct_per_token == 3  # −5 over five tokens beats −4 over one
    assert counted.preference_loss is None


def test_the_interval_is_wilsons() -> None:
    """Eight of ten: (0.4902, 0.9433), worked out by hand from the formula with z = 1.959964."""
    z, n, share = 1.959964, 10, 0.8
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    assert wilson(8, 10) == pytest.approx((middle - half, middle + half), abs=1e-6)
    assert wilson(0, 10)[0] == 0.0 and wilson(10, 10)[1] == 1.0


def test_the_preference_loss_is_dpos() -> None:
    policy, reference = Scores((-1.0, -8.0), (-4.0, -2.0)), Scores((-2.0, -6.0), (-3.0, -5.0))
    by_hand = [math.log(1 + math.exp(-0.5 * 2)), math.log(1 + math.exp(0.5 * 5))]  # margins of log-ratios: 2, −5
    assert preference_loss(policy, reference, beta=0.5) == pytest.approx(sum(by_hand) / 2)
    assert preference_loss(policy, policy, beta=0.5) == pytest.approx(math.log(2))
    assert preference_loss(Scores((-1e6,), (0.0,)), Scores((0.0,), (0.0,)), beta=10) == pytest.approx(1e7)


def test_an_accuracy_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no pairs"):
        accuracy(Scores((), ()))


def test_metric_rows_are_handed_on_once_a_second_and_summaries_are_not_rows() -> None:
    notes, clock = Notebook(), iter([0.0, 0.0, 0.4, 0.8, 1.2, 1.2, 1.3, 1.3])
    meter = Meter(notes, When(), clock=lambda: next(clock))
    meter.began(4)
    handed = []
    for step in (1, 2, 3, 4):
        meter.logged(step, {"loss": 0.5, "rewards/margins": math.nan, "num_tokens": 7.0, "logits/chosen": 1.0})
        handed.append(len(notes.rows))
    assert handed == [0, 0, 3, 3]
    meter.logged(4, {"train_loss": 0.5, "rewards/margins": 1.0})
    meter.flush()
    assert [row["step"] for row in notes.rows] == [1, 2, 3, 4]
    assert notes.rows[0] == {"step": 1, "loss": 0.5, "reward_margin": None, "tokens": 7, "elapsed_s": 0.4}


def test_a_meter_counts_on_from_where_another_stopped() -> None:
    notes, time = Notebook(), [0.0]
    first = Meter(notes, When(), clock=lambda: time[0])
    first.began(4)
    for step, loss in ((1, 1.0), (2, 0.5)):
        time[0] += 10
        first.stepped(step, 4)
        first.logged(step, {"loss": loss, "num_tokens": 100.0 * step})
    kept = MeterState(**json.loads(json.dumps(asdict(first.state()))))
    assert kept == MeterState(steps=2, tokens=200, elapsed_s=20.0, loss_sum=1.5)
    time[0] = 5000.0  # another process, another clock
    second = Meter(notes, When(), clock=lambda: time[0])
    second.restore(kept)
    time[0] += 100  # loading the model is no training time
    second.began(4)
    assert notes.at == (2, 4)
    time[0] += 10
    second.stepped(3, 4)
    second.logged(3, {"loss": 0.0, "num_tokens": 100.0})
    first.flush()
    second.flush()
    assert [(row["tokens"], row["elapsed_s"]) for row in notes.rows] == [(100, 10.0), (200, 20.0), (300, 30.0)]
    assert second.train_loss == 0.5 and Meter(notes, When()).train_loss is None


# settings


def test_the_default_settings_are_the_rules() -> None:
    settings = PRESETS["default"].hyperparameters()
    rules = {
        "lora_r": 16,
        "lora_alpha": 32,
        "lora_dropout": 0.05,
        "learning_rate": 5e-5,
        "beta": 0.1,
        "max_length": 2048,
        "batch_size": 4,
        "gradient_accumulation_steps": 4,
        "num_epochs": 3,
        "warmup_ratio": 0.1,
        "weight_decay": 0.01,
        "max_grad_norm": 1.0,
        "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
        "loss_type": ["sigmoid"],
    }
    assert {name: settings[name] for name in rules} == rules
    assert preset_for("org/model").changed(base="demo") == PRESETS["default"]
    assert preset_for("demo") == PRESETS["demo"]


def test_settings_survive_being_stored() -> None:
    for spec in PRESETS.values():
        assert TrainSpec.model_validate(json.loads(json.dumps(spec.model_dump(mode="json")))) == spec


UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
ABSURD = {
    "lora_r": st.integers(max_value=0) | st.integers(min_value=513),
    "lora_dropout": st.floats(max_value=-1e-9) | st.floats(min_value=0.51) | st.just(math.nan),
    "learning_rate": st.floats(max_value=0) | st.floats(min_value=0.11) | st.just(math.nan),
    "beta": st.floats(max_value=0) | st.floats(min_value=10.1),
    "num_epochs": st.integers(max_value=0) | st.integers(min_value=101) | st.floats(1.1, 1.9),
    "batch_size": st.integers(max_value=0) | st.integers(min_value=257) | st.text(),
    "max_length": st.integers(max_value=15) | st.integers(min_value=131_073),
    "warmup_ratio": st.floats(min_value=0.51) | st.floats(max_value=-1e-9),
    "seed": st.integers(max_value=-1) | st.integers(min_value=2**31),
    "checkpoint_steps": st.integers(max_value=-1) | st.integers(min_value=100_001),
    "samples": st.integers(max_value=-1) | st.integers(min_value=65),
    "base": st.sampled_from(["", "x" * 501]),
    "target_modules": st.sampled_from([[], ["a b"], ["(.*)+"], ["x" * 61], "all"]),
    "loss_type": st.sampled_from([["sft"], [], ["sigmoid", "sigmoid"], ["unheard"], ["sigmoid", "sft"]]),
    "loss_weights": st.lists(st.floats(max_value=0), min_size=1, max_size=1) | st.just([1.0, 1.0]),
    "dataset_sha256": st.just("not a hash"),
    "surprise": st.integers(),
}


@UNHURRIED
@given(st.sampled_from(sorted(ABSURD)).flatmap(lambda name: st.tuples(st.just(name), ABSURD[name])))
def test_absurd_settings_are_refused_with_the_field_named(case: tuple[str, Any]) -> None:
    name, value = case
    with pytest.raises(InputRejected) as refused:
        TrainSpec.parse({name: value})
    assert name in str(refused.value) or refused.value.field is None


@UNHURRIED
@given(
    st.dictionaries(
        st.sampled_from(sorted(TrainSpec.model_fields)), st.none() | st.integers() | st.floats() | st.text()
    )
)
def test_whatever_is_accepted_is_within_bounds(values: dict[str, Any]) -> None:
    try:
        spec = TrainSpec.parse(values)
    except InputRejected:
        return
    assert 0 < spec.learning_rate <= 0.1 and 1 <= spec.lora_r <= 512 and 1 <= spec.num_epochs <= 100
    assert spec.batch_size * spec.gradient_accumulation_steps <= 4096


@pytest.mark.parametrize(
    ("base", "name"),
    [
        ("demo", "demo"),
        ("org/model-1.5", "org/model-1.5"),
        ("/home/ada/models/mine", "mine"),
        ("~/models/mine/", "mine"),
        ("C:\\models\\mine", "mine"),
        ("./mine", "mine"),
        ("/", "base"),
    ],
)
def test_a_base_is_named_without_its_place(base: str, name: str) -> None:
    assert TrainSpec(base=base).base_name == name
