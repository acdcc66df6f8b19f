"""A frozen dataset as JSON lines that other trainers read: conversational prompt, chosen and rejected."""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from core.datasets.freeze import existing

_rows = SQLModel.metadata.tables["dataset_pairs"]


def export_jsonl(session: Session, dataset_id: UUID) -> Iterator[str]:
    """One line a pair, each with its line feed, in frozen order; read while it is written. Raises NotFound.

    ``{"prompt": [{role, content}], "chosen": [{…}], "rejected": [{…}], "pair_id": …, "split": …}``
    """
    existing(session, dataset_id)
    query = sa.select(_rows).where(_rows.c.dataset_id == dataset_id).order_by(_rows.c.position)
    for row in session.execute(query).yield_per(500):
        line = {
            "prompt": row.messages,
            "chosen": [{"role": "assistant", "content": row.chosen}],
            "rejected": [{"role": "assistant", "content": row.rejected}],
            "pair_id": str(row.pair_id),
            "split": row.split.value,
        }
        yield json.dumps(line, ensure_ascii=False) + "\n"
