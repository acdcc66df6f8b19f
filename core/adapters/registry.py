"""What training made, and whether people let it out.

candidate → deployed | rejected; a newer deployment retires the older one, and rolling back swaps them again.
The files stay where training put them; their hashes are checked before they leave the house.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from core.errors import HoneError, InvalidTransition, NotFound
from core.settings import Settings
from core.tables import (
    ADAPTER_TRANSITIONS,
    Adapter,
    AdapterStatus,
    RunEvaluation,
    TrainingDataset,
    TrainingRun,
    now,
)
from core.training import records
from core.training.spec import TrainResult
from core.untrusted import inside


def register(session: Session, run: TrainingRun, *, files: Mapping[str, Mapping[str, Any]], parameters: int) -> Adapter:
    """Enter the adapter a run made as the agent's next version. ``files``: name → {sha256, bytes}."""
    last = session.exec(select(sa.func.max(Adapter.version)).where(Adapter.agent_id == run.agent_id)).one()
    adapter = Adapter(
        run_id=run.id,
        agent_id=run.agent_id,
        version=(last or 0) + 1,
        base_model=run.base_model,
        path=run.artifact_path or "",
        files={name: dict(entry) for name, entry in files.items()},
        size_bytes=sum(int(entry["bytes"]) for entry in files.values()),
        parameters=parameters,
    )
    session.add(adapter)
    session.flush()
    if not run.requires_review:
        deploy(session, adapter.id, by="automatic")
    return adapter


def register_trained(session: Session, run: TrainingRun, result: TrainResult) -> None:
    """What the executor calls in the transaction that completes a run."""
    register(session, run, files=result.files, parameters=result.parameters)


def get(session: Session, adapter_id: UUID) -> Adapter:
    """Raises NotFound."""
    adapter = session.get(Adapter, adapter_id)
    if adapter is None:
        raise NotFound("Adapter", adapter_id)
    return adapter


def deploy(session: Session, adapter_id: UUID, *, by: str) -> Adapter:
    """Approve an adapter: it becomes the agent's deployed one, the present one is retired."""
    adapter = get(session, adapter_id)
    present = deployed(session, adapter.agent_id)
    if present is not None and present.id != adapter.id:
        _advance(present, AdapterStatus.RETIRED, by=by)
    _advance(adapter, AdapterStatus.DEPLOYED, by=by)
    return adapter


def reject(session: Session, adapter_id: UUID, *, by: str) -> Adapter:
    adapter = get(session, adapter_id)
    _advance(adapter, AdapterStatus.REJECTED, by=by)
    return adapter


def roll_back(session: Session, agent_id: str, *, by: str) -> Adapter | None:
    """Take the deployed adapter back; the one before it is deployed again. None when there was none before."""
    present = deployed(session, agent_id)
    if present is None:
        raise HoneError("Nothing is deployed for this agent, so there is nothing to roll back.")
    before = session.exec(
        select(Adapter)
        .where((col(Adapter.agent_id) == agent_id) & (col(Adapter.status) == AdapterStatus.RETIRED))
        .where(Adapter.version < present.version)
        .order_by(col(Adapter.version).desc())
        .limit(1)
    ).first()
    _advance(present, AdapterStatus.RETIRED, by=by)
    if before is not None:
        _advance(before, AdapterStatus.DEPLOYED, by=by)
    return before


def deployed(session: Session, agent_id: str) -> Adapter | None:
    chosen = (col(Adapter.agent_id) == agent_id) & (col(Adapter.status) == AdapterStatus.DEPLOYED)
    return session.exec(select(Adapter).where(chosen)).first()


def _advance(adapter: Adapter, to: AdapterStatus, *, by: str) -> None:
    if to not in ADAPTER_TRANSITIONS[adapter.status]:
        raise InvalidTransition("adapter", adapter.id, was=adapter.status, to=to)
    adapter.status, adapter.decided_by, adapter.decided_at = to, by, now()


@dataclass(frozen=True)
class AdapterCard:
    """One adapter with where it came from and what it changed."""

    adapter: Adapter
    run: TrainingRun
    dataset: TrainingDataset
    before: RunEvaluation | None
    after: RunEvaluation | None


def cards(session: Session, *, agent_id: str | None = None, limit: int = 20, offset: int = 0) -> list[AdapterCard]:
    """Newest first."""
    query = (
        select(Adapter, TrainingRun, TrainingDataset)
        .join(TrainingRun, col(TrainingRun.id) == Adapter.run_id)
        .join(TrainingDataset, col(TrainingDataset.id) == TrainingRun.dataset_id)
        .order_by(col(Adapter.id).desc())
        .limit(limit)
        .offset(offset)
    )
    if agent_id is not None:
        query = query.where(Adapter.agent_id == agent_id)
    found = session.exec(query).all()
    measured = records.held_out(session, [run.id for _, run, _ in found])
    return [AdapterCard(adapter, run, dataset, *measured[run.id]) for adapter, run, dataset in found]


def damaged_files(settings: Settings, adapter: Adapter) -> list[str]:
    """Names of the adapter's files that are missing or no longer have the hash they were registered with."""
    folder = settings.home / adapter.path
    return [name for name, entry in adapter.files.items() if _sha256(folder / name) != entry["sha256"]]


def _sha256(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def archive(settings: Settings, adapter: Adapter) -> bytes:
    """The adapter's files as one zip. Raises HoneError when a file is missing or was changed."""
    damaged = damaged_files(settings, adapter)
    if damaged:
        raise HoneError(
            f"These files of the adapter are missing or were changed: {', '.join(damaged)}. Train it again."
        )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name in sorted(adapter.files):
            bundle.write(inside(settings.home / adapter.path, name), name)
    return buffer.getvalue()
