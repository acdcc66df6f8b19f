"""The lists that can be exported, and the choice of one of them with its filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from core.errors import InputRejected, NotFound
from core.exporting import incoming, review, teaching, training
from core.exporting.columns import Column
from core.exporting.table import Exported

LISTS: dict[str, Exported] = {
    one.name: one for one in (*incoming.LISTS, *review.LISTS, *teaching.LISTS, *training.LISTS)
}


@dataclass(frozen=True)
class Chosen:
    """One list with the conditions it is narrowed to, ready to be counted and written."""

    list: Exported
    conditions: tuple[sa.ColumnElement[bool], ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        return self.list.columns

    def statement(self) -> sa.Select[Any]:
        """The rows with their columns, oldest first unless the list has an order of its own."""
        values = (value for column in self.columns for value in column.values)
        selected = sa.select(*(value.label(f"c{at}") for at, value in enumerate(values)))
        return selected.select_from(self.list.rows).where(*self.conditions).order_by(*self.list.order)

    def counting(self) -> sa.Select[int]:
        return sa.select(sa.func.count()).select_from(self.list.rows).where(*self.conditions)


def choose(name: str, filters: Mapping[str, Any] | None = None) -> Chosen:
    """The list of that name; filters whose value is None or empty do not narrow it.

    Raises NotFound for a list that is not there, InputRejected for a filter the list does not have or a value the
    filter cannot take. Both say what there is.
    """
    if name not in LISTS:
        raise NoSuchList(name)
    found = LISTS[name]
    given = {key: value for key, value in (filters or {}).items() if value is not None and value != ""}
    for key in given:
        if key not in found.filters:
            raise InputRejected(
                f"{name} cannot be filtered by {_shown(key)}; it can by {', '.join(found.filters)}. "
                "Nothing was exported.",
                field=key,
            )
    return Chosen(found, tuple(found.filters[key](key, value) for key, value in given.items()))


class NoSuchList(NotFound):
    """There is no list of that name; the message names those there are."""

    def __init__(self, name: str) -> None:
        super().__init__("List", name)
        self.args = (f"There is no list {_shown(name)}. These can be exported: {', '.join(LISTS)}.",)


def _shown(name: str) -> str:
    """A name somebody gave, as far as it can be repeated."""
    return f"“{name}”" if len(name) <= 40 and name.isprintable() else "of that name"
