"""Every error a person may meet, as one tree.

    HoneError
    ├── InputRejected          what was given cannot be used; nothing was stored
    │   ├── ImportRejected     a whole file cannot be read
    │   └── PathRejected       a name or path that leads outside its folder
    ├── NotFound               no such row
    ├── NotAllowed             the row belongs to somebody else
    ├── InvalidTransition      a state that cannot follow the present one
    ├── AlreadyDecided         somebody else acted first
    ├── DatasetChanged         a frozen dataset is no longer what was frozen
    ├── StoreError
    │   ├── StoreBusy          the database is locked by another process
    │   ├── StoreFull          the disk or the database is full
    │   ├── StoreDamaged       the file cannot be read as a database
    │   └── StoreTooNew        the database was written by a later version
    └── TrainingError
        ├── CannotStart        a run may not start now; `reason` names why
        ├── BaseModelRejected  the model folder is missing or incomplete
        └── Diverged           the loss is no longer a number

The message of each is a sentence that says what happened, to which record, and what to do. Facts are kept
as attributes, so that a page or a route never parses a message.
"""

from __future__ import annotations

from uuid import UUID


class HoneError(Exception):
    """Base of all; ``except HoneError as error: show(str(error))`` is enough for a face."""


class InputRejected(HoneError):
    """What was given cannot be used; nothing was stored."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class ImportRejected(InputRejected):
    """A whole file cannot be read."""


class PathRejected(InputRejected):
    """A name or path that leads outside the folder it belongs to."""


class NotFound(HoneError):
    """No row of that kind has that id."""

    def __init__(self, noun: str, row_id: UUID | str) -> None:
        super().__init__(f"{noun} not found")
        self.noun = noun
        self.row_id = row_id


class NotAllowed(HoneError):
    """The row belongs to somebody else."""


class InvalidTransition(HoneError):
    """A state that cannot follow the present one."""

    def __init__(self, noun: str, row_id: UUID, *, was: str, to: str) -> None:
        super().__init__(f"This {noun} is {was}, so it cannot become {to}. Reload to see its present state.")
        self.row_id, self.was, self.to = row_id, was, to


class AlreadyDecided(HoneError):
    """Somebody acted on the row between the moment it was shown and this action."""

    def __init__(self, noun: str, row_id: UUID, *, by: str | None) -> None:
        who = f" by {by}" if by else ""
        super().__init__(f"This {noun} was already decided{who}; your answer was not stored. The next one is shown.")
        self.row_id, self.by = row_id, by


class DatasetChanged(HoneError):
    """The rows of a frozen dataset no longer match its hash."""

    def __init__(self, dataset_id: UUID, name: str) -> None:
        super().__init__(
            f"{name} is no longer what was frozen: its rows do not match its hash. "
            "Nothing was trained on it; freeze a new dataset."
        )
        self.dataset_id = dataset_id


class StoreError(HoneError):
    """The database refused."""


class StoreBusy(StoreError):
    """Another process holds the write lock for longer than the busy timeout."""


class StoreFull(StoreError):
    """The disk, or the database's size limit, is reached. Reading goes on."""


class StoreDamaged(StoreError):
    """The file is no readable database."""


class StoreTooNew(StoreError):
    """The database carries a migration this version does not know."""


class TrainingError(HoneError):
    """Training could not be done."""


class CannotStart(TrainingError):
    """A run may not start now; ``reason`` is one of the names of rules section 9."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class BaseModelRejected(TrainingError):
    """The base model's folder is missing, incomplete or of a kind that cannot be trained here."""


class Diverged(TrainingError):
    """The loss is no longer a finite number."""
