"""Adapters: versions count up, one is deployed, a changed file never leaves the house."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from sqlmodel import Session

from core.adapters import registry
from core.errors import HoneError, InvalidTransition, NotFound
from core.settings import Settings
from core.store import Store
from core.tables import Adapter, AdapterStatus, DatasetStatus, TrainingDataset, TrainingRun, TrainingType, new_id


def made(session: Session, *, requires_review: bool = True, content: bytes = b"weights") -> Adapter:
    dataset = TrainingDataset(name="d", agent_ids=["support"], status=DatasetStatus.READY)
    session.add(dataset)
    session.flush()
    run = TrainingRun(
        agent_id="support",
        dataset_id=dataset.id,
        training_type=TrainingType.DPO,
        base_model="demo",
        requires_review=requires_review,
        artifact_path="adapters/one",
    )
    session.add(run)
    session.flush()
    files = {"adapter_model.safetensors": {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}}
    return registry.register(session, run, files=files, parameters=12)


def on_disk(settings: Settings, content: bytes) -> Path:
    folder = settings.home / "adapters" / "one"
    folder.mkdir(parents=True)
    (folder / "adapter_model.safetensors").write_bytes(content)
    return folder


def test_versions_of_an_agent_count_up_from_one(store: Store) -> None:
    with store.write() as session:
        assert [made(session).version, made(session).version] == [1, 2]


def test_an_adapter_waits_for_a_person(store: Store) -> None:
    with store.write() as session:
        assert made(session).status is AdapterStatus.CANDIDATE


def test_an_adapter_that_needs_no_review_is_deployed_at_once(store: Store) -> None:
    with store.write() as session:
        assert made(session, requires_review=False).status is AdapterStatus.DEPLOYED


def test_deploying_retires_the_one_before_and_rolling_back_returns_it(store: Store) -> None:
    with store.write() as session:
        first, second = made(session), made(session)
        registry.deploy(session, first.id, by="lea")
        registry.deploy(session, second.id, by="lea")
        assert (first.status, second.status) == (AdapterStatus.RETIRED, AdapterStatus.DEPLOYED)
        assert registry.roll_back(session, "support", by="lea") is first
        assert (first.status, second.status) == (AdapterStatus.DEPLOYED, AdapterStatus.RETIRED)


def test_rolling_back_the_only_one_leaves_the_base(store: Store) -> None:
    with store.write() as session:
        only = made(session)
        registry.deploy(session, only.id, by="lea")
        assert registry.roll_back(session, "support", by="lea") is None
        assert registry.deployed(session, "support") is None


def test_rolling_back_nothing_says_so(store: Store) -> None:
    with store.write() as session, pytest.raises(HoneError, match="nothing to roll back"):
        registry.roll_back(session, "support", by="lea")


def test_a_rejected_adapter_cannot_be_deployed(store: Store) -> None:
    with store.write() as session:
        adapter = made(session)
        registry.reject(session, adapter.id, by="lea")
        with pytest.raises(InvalidTransition):
            registry.deploy(session, adapter.id, by="lea")


def test_an_unknown_adapter_is_not_found(store: Store) -> None:
    with store.read() as session, pytest.raises(NotFound):
        registry.get(session, new_id())


def test_the_download_holds_the_registered_files(store: Store, settings: Settings) -> None:
    on_disk(settings, b"weights")
    with store.write() as session:
        adapter = made(session, content=b"weights")
    with zipfile.ZipFile(io.BytesIO(registry.archive(settings, adapter))) as bundle:
        assert bundle.read("adapter_model.safetensors") == b"weights"


def test_a_changed_or_missing_file_never_leaves_the_house(store: Store, settings: Settings) -> None:
    folder = on_disk(settings, b"something else")
    with store.write() as session:
        adapter = made(session, content=b"weights")
    with pytest.raises(HoneError, match=r"adapter_model\.safetensors"):
        registry.archive(settings, adapter)
    (folder / "adapter_model.safetensors").unlink()
    assert registry.damaged_files(settings, adapter) == ["adapter_model.safetensors"]


def test_t01_a_registered_name_cannot_lead_outside(store: Store, settings: Settings) -> None:
    secret = settings.home / "adapters" / "secret"
    secret.parent.mkdir(parents=True)
    secret.write_bytes(b"weights")
    with store.write() as session:
        adapter = made(session, content=b"weights")
    adapter.files = {"../secret": next(iter(adapter.files.values()))}
    with pytest.raises(HoneError):
        registry.archive(settings, adapter)


def test_cards_show_newest_first_with_their_dataset(store: Store) -> None:
    with store.write() as session:
        made(session)
        newest = made(session)
    with store.read() as session:
        cards = registry.cards(session)
    assert [card.adapter.version for card in cards] == [2, 1]
    assert cards[0].dataset.id == cards[0].run.dataset_id
    assert cards[0].adapter.id == newest.id
