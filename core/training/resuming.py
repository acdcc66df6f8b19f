"""A trainer that writes its state as safetensors and JSON, and goes on from it as if it had never stopped.

transformers keeps optimizer, scheduler and random states as pickles. The five methods here stand in for those that
would write or read them; what they keep is the same: the trained weights, the optimizer, the scheduler, the random
states of Python, numpy and torch, and how far the trainer and the meter are. The reading of the reference and the
order of the pairs are not kept: they follow from the seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from core.training import checkpoints, folders
from core.training.checkpoints import Checkpoint, Checkpoints
from core.training.meter import Meter


class Resumable:
    """Goes before a transformers Trainer among the bases of a class. ``meter`` and ``kept`` are set by that class.

    The trainer calls these methods itself: the first where ``control.should_save`` is set, the others for
    ``train(resume_from_checkpoint=…)`` with the path of ``kept.newest``.
    """

    meter: Meter
    kept: Checkpoints
    # the trainer's own
    model: Any
    optimizer: Any
    lr_scheduler: Any
    state: Any

    def _save_checkpoint(self, *_: Any, **__: Any) -> None:
        self.meter.flush()  # a resumed run logs from the next step on, so this one's row must not be lost
        self.kept.write(self.state.global_step, self._contents())

    def _contents(self) -> Iterator[tuple[str, bytes]]:
        """The files of a checkpoint, one after another, so that only one is in memory at a time."""
        optimizer = self.optimizer.state_dict()
        yield checkpoints.WEIGHTS, _packed(dict(_trained(self.model)))
        yield checkpoints.OPTIMIZER, _packed(_flat(optimizer["state"]))
        yield checkpoints.RANDOM, _packed(random_tensors())
        yield (
            checkpoints.STATE,
            folders.json_bytes(
                {
                    "meter": asdict(self.meter.state()),
                    "optimizer": optimizer["param_groups"],
                    "scheduler": self.lr_scheduler.state_dict(),
                    "random": random_numbers(),
                }
            ),
        )
        lean = replace(self.state, log_history=[], stateful_callbacks={})  # the meter has handed the logs on
        yield checkpoints.TRAINER, folders.json_bytes(asdict(lean))

    def _load_from_checkpoint(self, *_: Any, **__: Any) -> None:
        import torch

        weights = _unpacked(self._newest, checkpoints.WEIGHTS)
        with torch.no_grad():
            for name, parameter in _trained(self.model):
                parameter.copy_(weights[name])

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        state = self._newest.state()
        groups = [group | {"betas": tuple(group["betas"])} for group in state["optimizer"]]
        tensors = _unpacked(self._newest, checkpoints.OPTIMIZER)
        self.optimizer.load_state_dict({"state": _nested(tensors), "param_groups": groups})
        self.lr_scheduler.load_state_dict(state["scheduler"])

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            restore_random(_unpacked(self._newest, checkpoints.RANDOM), self._newest.state()["random"])

    def _load_scaler(self, *_: Any, **__: Any) -> None:
        """There is none: it is for fp16, and a GPU here trains in bf16 or fp32."""

    @property
    def _newest(self) -> Checkpoint:
        if self.kept.newest is None:
            raise RuntimeError("nothing was found to go on from")
        return self.kept.newest


def random_tensors() -> dict[str, Any]:
    """The long parts of all random states of this process, as tensors by name."""
    import numpy as np
    import torch

    states = {
        "python": torch.tensor(random.getstate()[1], dtype=torch.int64),
        "numpy": torch.from_numpy(np.random.get_state(legacy=False)["state"]["key"].astype("int64")),
        "torch": torch.random.get_rng_state(),
    }
    if torch.cuda.is_available():
        states |= {f"cuda.{at}": state for at, state in enumerate(torch.cuda.get_rng_state_all())}
    return states


def random_numbers() -> dict[str, Any]:
    """The rest of them: what is drawn in pairs, of which one may be left over."""
    import numpy as np

    version, _, left_over = random.getstate()
    kind = np.random.get_state(legacy=False)
    return {
        "python": [version, left_over],
        "numpy": [kind["state"]["pos"], kind["has_gauss"], kind["gauss"]],
    }


def restore_random(tensors: Mapping[str, Any], numbers: Mapping[str, Any]) -> None:
    """Put back what the two functions above took."""
    import numpy as np
    import torch

    version, left_over = numbers["python"]
    random.setstate((version, tuple(tensors["python"].tolist()), left_over))
    np.random.set_state(("MT19937", tensors["numpy"].numpy().astype("uint32"), *numbers["numpy"]))
    torch.random.set_rng_state(tensors["torch"])
    if torch.cuda.is_available():
        for at in range(torch.cuda.device_count()):
            if f"cuda.{at}" in tensors:
                torch.cuda.set_rng_state(tensors[f"cuda.{at}"], at)


def _trained(model: Any) -> Iterator[tuple[str, Any]]:
    return ((name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad)


def _flat(state: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """An optimizer's tensors by "parameter.name"; AdamW keeps nothing but tensors."""
    return {f"{at}.{name}": value for at, values in state.items() for name, value in values.items()}


def _nested(tensors: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
    state: dict[int, dict[str, Any]] = {}
    for key, value in tensors.items():
        at, name = key.split(".", 1)
        state.setdefault(int(at), {})[name] = value
    return state


def _packed(tensors: Mapping[str, Any]) -> bytes:
    from safetensors.torch import save

    return bytes(save({name: value.detach().cpu().contiguous() for name, value in tensors.items()}))


def _unpacked(checkpoint: Checkpoint, name: str) -> dict[str, Any]:
    """A file's tensors, each in memory of its own."""
    from safetensors.torch import load

    return {key: value.clone() for key, value in load(checkpoint.read(name)).items()}
