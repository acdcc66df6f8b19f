"""A run that asks for more memory than there is says so in a sentence, and gives back what it held."""

from __future__ import annotations

import gc
import traceback

from core.errors import TrainingError
from core.training.spec import TrainSpec

LARGE = 20_000_000  # parameters; below, looking for what is left of a run costs more than leaving it


def out_of_memory(error: BaseException) -> bool:
    """A GPU says so by its own type, a CPU allocator in words."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return "can't allocate memory" in str(error) or "out of memory" in str(error).lower()


def refusal(spec: TrainSpec, error: BaseException) -> TrainingError:
    """The sentence for a person. Lets go of what the error's frames hold."""
    traceback.clear_frames(error.__traceback__)  # their variables would keep the memory that is missing
    return TrainingError(
        f"There was not enough memory for {spec.batch_size} pairs of up to {spec.max_length:,} tokens at once, "
        "so training stopped and no adapter was written. Try a smaller batch size (with more accumulation steps), "
        "a shorter maximum length, or gradient checkpointing on a GPU."
    )


def free(parameters: int | None) -> None:
    """Give back what a run on a model of that size held, so that the next one starts with all of it."""
    if (parameters or 0) > LARGE:
        import torch

        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
