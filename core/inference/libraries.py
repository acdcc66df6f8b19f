"""How the model libraries behave in this process: no progress bars, no telemetry, no forks, nothing on stdout.

Call ``quiet_libraries()`` before the first import of torch, transformers, datasets or trl in a function.
"""

from __future__ import annotations

import os
import warnings
from functools import lru_cache

_ENVIRONMENT = {
    "TOKENIZERS_PARALLELISM": "false",  # its threads do not survive a fork
    "TQDM_DISABLE": "1",  # TRL's pass over the reference looks at nothing else
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
}


@lru_cache(maxsize=1)
def quiet_libraries() -> None:
    """Set what the libraries read when they are imported, then what they read later. Once per process is enough."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    # Their own plans for later versions, said on stderr at every run.
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|trl|peft)\.")
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()  # what a person must know is reported as an event of the run
