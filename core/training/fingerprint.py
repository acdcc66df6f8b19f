"""What makes two runs the same run: settings, pairs, base model, device and libraries, each as a short text.

A checkpoint goes on only where all of them match, since only then does the resumed run end as the whole one would
have. Hashes only: a fingerprint goes into files that leave this machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from core.datasets.rows import PairRow
from core.training.spec import TrainSpec

LIBRARIES = ("torch", "transformers", "trl", "peft")

_DIFFERS = {
    "spec": "other settings",
    "rows": "other pairs",
    "base": "another base model",
    "device": "another device",
}


def fingerprint(
    spec: TrainSpec, rows: Mapping[str, Sequence[PairRow]], *, base_sha256: str, device: str
) -> dict[str, str]:
    """The fingerprint of a run; ``device`` in any words that tell two apart."""
    settings = json.dumps(spec.model_dump(mode="json"), sort_keys=True)
    return {
        "spec": hashlib.sha256(settings.encode()).hexdigest(),
        "rows": rows_sha256(rows),
        "base": base_sha256,
        "device": device,
        **library_versions(),
    }


def difference(ours: Mapping[str, str], theirs: object) -> str | None:
    """What tells two fingerprints apart, in words for a sentence; None when they are the same."""
    if not isinstance(theirs, Mapping):
        return "another run"
    differing = [name for name in ours if theirs.get(name) != ours[name]]
    return ", ".join(_DIFFERS.get(name, f"another version of {name}") for name in differing) or None


def rows_sha256(rows: Mapping[str, Sequence[PairRow]]) -> str:
    """Hash of the texts of pairs, split by split, in order."""
    digest = hashlib.sha256()
    for name, members in rows.items():
        for row in members:
            line = json.dumps([name, row.messages, row.chosen, row.rejected], ensure_ascii=True, sort_keys=True)
            digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def library_versions() -> dict[str, str]:
    """The versions of the libraries that train."""
    return {name: version(name) for name in LIBRARIES}
