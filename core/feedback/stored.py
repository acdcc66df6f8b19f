"""What storing a record says, whatever the record is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

ANONYMOUS = "anonymous"
RowT = TypeVar("RowT")


@dataclass(frozen=True)
class Stored(Generic[RowT]):
    """The row, and whether this call made it."""

    row: RowT
    created: bool
