"""Ids: version 7 UUIDs that sort as they were made, whatever the clock does."""

from __future__ import annotations

import pytest

from core.tables import columns, new_id


def test_ids_made_within_a_millisecond_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns.time, "time_ns", lambda: 1_800_000_000_000_000_000)
    made = [new_id() for _ in range(1_000)]
    assert made == sorted(set(made))


def test_a_clock_set_back_does_not_turn_the_order_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault: clock jump back 1 h."""
    before = new_id()
    monkeypatch.setattr(columns.time, "time_ns", lambda: 1_000_000_000_000_000_000)
    assert before < new_id() < new_id()


def test_an_id_is_a_version_7_uuid() -> None:
    made = new_id()
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
