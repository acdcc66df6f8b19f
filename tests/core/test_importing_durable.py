"""An import that is stopped anywhere leaves nothing to be seen, and goes on where it was."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from core import workspace
from core.errors import HoneError, ImportRejected, InvalidTransition, NotFound
from core.feedback import importing, staging, uploads
from core.jobs import imports, queue
from core.preferences.imported import STEPS
from core.settings import Settings
from core.store import Store
from core.tables import STAGED, Import, ImportStatus, Job, JobStatus, new_id
from core.work import Alone, Stopped
from tests.core.import_rows import asked, counts, empty, reasons, rows, run, settings_in

LINES = 23
SURVEY = "id,comment\n" + "".join(f"{n},Comment number {n}\n" for n in range(1, LINES)) + f"{LINES},\n"
TREE = {
    "message_tree_id": "t",
    "prompt": {
        "message_id": "q",
        "role": "prompter",
        "text": "How do I export?",
        "replies": [
            {"message_id": "a", "role": "assistant", "text": "Press Export.", "rank": 0, "emojis": {"+1": 1}},
            {"message_id": "b", "role": "assistant", "text": "No idea.", "rank": 1},
        ],
    },
}
JUDGED = {"input": "Add", "output_1": "5", "output_2": "Six", "label": 1}


class Killed(Exception):
    """The process was killed here: whatever is not committed is lost."""


class Kills(Alone):
    """Work whose process dies while the nth batch is being stored."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.left = at
        self.saved_lines: list[int] = []

    def saved(
        self,
        session: Session,
        done: int,
        total: int | None,
        *,
        unit: str = "rows",
        cursor: Mapping[str, Any] | None = None,
        note: str = "",
    ) -> None:
        self.left -= 1
        self.saved_lines.append((cursor or {})["line"])
        if self.left == 0:
            raise Killed


@pytest.fixture
def store(shared_store: Store) -> Iterator[Store]:
    yield shared_store
    empty(shared_store)
    with shared_store.write() as session:
        for job in session.scalars(sa.select(Job)):
            session.delete(job)


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "BATCH_ROWS", 5)


def read(store: Store, home: Settings, row: Import, work: Alone | None = None) -> None:
    importing.read(store, home, row.id, work or Alone(), pairs=STEPS)


def now_of(store: Store, import_id: UUID) -> Import:
    with store.read() as session:
        return importing.get(session, import_id)


def staged(store: Store) -> int:
    with store.read() as session:
        return sum(session.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in STAGED)


def seen(store: Store) -> dict[str, int]:
    with store.read() as session:
        return rows(session)


# -- killed -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 2, 4, 5])
def test_an_import_killed_between_batches_shows_nothing_and_goes_on(store: Store, home: Settings, batch: int) -> None:
    row = asked(store, home, SURVEY.encode(), "survey.csv")
    with pytest.raises(Killed):
        read(store, home, row, Kills(batch))
    assert seen(store) == {}
    assert now_of(store, row.id).status is ImportStatus.READING
    on = Kills(at=-1)
    read(store, home, row, on)
    assert on.saved_lines[0] == 5 * batch + 1 if batch < 5 else LINES + 1, "it goes on behind the last stored line"
    checked = now_of(store, row.id)
    assert (checked.status, counts(checked)) == (ImportStatus.CHECKED, (LINES - 1, 0, 1))
    with store.write() as session:
        importing.publish(session, row.id, pairs=STEPS)
    assert seen(store) == {"feedback": LINES - 1}
    assert staged(store) == 0


def test_personal_data_found_before_the_kill_is_counted_too(store: Store, home: Settings) -> None:
    content = "".join(json.dumps({"comment": f"number {n}, mail jane{n}@example.org"}) + "\n" for n in range(12))
    row = asked(store, home, content.encode(), "a.jsonl")
    with pytest.raises(Killed):
        read(store, home, row, Kills(2))
    read(store, home, row)
    assert now_of(store, row.id).notes[-1] == "Personal data was replaced before storing: 12 e-mail addresses."


def test_a_file_half_read_is_not_read_another_way_afterwards(store: Store, home: Settings) -> None:
    row = asked(store, home, b"first,second\n" + b"1,long enough words\n" * 12, "a.csv", mapping=None)
    with store.write() as session:
        row = importing.get(session, row.id)
        row.mapping = importing.Mapping("survey", comment="second").as_dict()
    with pytest.raises(Killed):
        read(store, home, row, Kills(2))
    run(store, "first,second\n1,other long words\n", mapping=importing.Mapping("survey", comment="first"))
    read(store, home, row)
    assert now_of(store, row.id).mapping["comment"] == "second"


def test_a_publish_that_fails_leaves_nothing_and_can_be_done_again(store: Store, home: Settings) -> None:
    content = f"{json.dumps(JUDGED)}\n".encode()
    row = asked(store, home, content, "a.jsonl")
    read(store, home, row)
    with pytest.raises(Killed), store.write() as session:
        importing.publish(session, row.id, pairs=STEPS)
        raise Killed
    assert seen(store) == {}
    for _ in range(2):
        with store.write() as session:
            importing.publish(session, row.id, pairs=STEPS)
    assert seen(store) == {"preference_pairs": 1, "pair_labels": 1}


def test_rewards_that_are_missing_after_a_kill_are_computed(store: Store, home: Settings) -> None:
    row = asked(store, home, f"{json.dumps(TREE)}\n".encode(), "a.jsonl")
    read(store, home, row)
    with store.write() as session:
        importing.publish(session, row.id, pairs=STEPS)
    assert "rewards" not in seen(store)
    workspace.carry_out_import(store, home, row.id, Alone())
    assert seen(store)["rewards"] == 2


# -- what others do in between ------------------------------------------------------------------------------------


def test_what_came_meanwhile_is_not_stored_twice(store: Store, home: Settings) -> None:
    row = asked(store, home, SURVEY.encode(), "survey.csv")
    read(store, home, row)
    run(store, SURVEY)
    with store.write() as session:
        published = importing.publish(session, row.id, pairs=STEPS)
        assert counts(published) == (0, LINES - 1, 1)
    assert seen(store) == {"feedback": LINES - 1}


def test_an_import_given_up_while_it_is_read_stops_and_leaves_nothing(store: Store, home: Settings) -> None:
    row = asked(store, home, SURVEY.encode(), "survey.csv")

    class GivesUp(Alone):
        def check(self) -> None:
            with store.write() as session:
                importing.give_up(session, row.id)

    with pytest.raises(Stopped):
        read(store, home, row, GivesUp())
    assert (staged(store), now_of(store, row.id).status) == (0, ImportStatus.CANCELLED)


def test_a_published_import_cannot_be_given_up_nor_a_cancelled_one_published(store: Store, home: Settings) -> None:
    published = run(store, SURVEY)
    with pytest.raises(InvalidTransition), store.write() as session:
        importing.give_up(session, published.id)
    row = asked(store, home, SURVEY.encode(), "survey.csv")
    with store.write() as session:
        importing.give_up(session, row.id)
        importing.give_up(session, row.id)
    with pytest.raises(InvalidTransition), store.write() as session:
        importing.publish(session, row.id, pairs=STEPS)


def test_a_file_that_cannot_be_read_fails_its_import_with_the_sentence(store: Store, home: Settings) -> None:
    row = asked(store, home, b"%PDF-1.7", "a.pdf")
    with pytest.raises(ImportRejected):
        read(store, home, row)
    failed = now_of(store, row.id)
    assert (failed.status, failed.notes) == (
        ImportStatus.FAILED,
        ["The file is a PDF; export the rows as CSV. Nothing was stored."],
    )


# -- files --------------------------------------------------------------------------------------------------------


def test_a_file_is_kept_for_its_owner_alone_and_dropped_when_the_import_ends(store: Store, home: Settings) -> None:
    row = asked(store, home, SURVEY.encode(), "../../evil.csv")
    path = uploads.place(home, row.id)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.parent == home.home / "uploads"
    workspace.carry_out_import(store, home, row.id, Alone())
    assert list(path.parent.iterdir()) == []


def test_a_file_that_grows_beyond_the_limit_leaves_nothing(tmp_path: Path) -> None:
    home = settings_in(tmp_path, max_import_mb=1)
    endless = (b"a" * 100_000 for _ in range(10**6))
    with pytest.raises(ImportRejected, match="more than 1 MB"):
        uploads.keep(home, new_id(), endless)
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_file_that_is_gone_is_said_so(home: Settings) -> None:
    with pytest.raises(NotFound):
        uploads.content(home, new_id())


# -- as a job -----------------------------------------------------------------------------------------------------


def requested(store: Store, home: Settings, content: bytes = SURVEY.encode(), **more: Any) -> tuple[Import, Job]:
    own = new_id()
    upload = uploads.keep(home, own, uploads.pieces_of(content))
    asking: dict[str, Any] = {"filename": "a.csv", "agent_id": "support", "requested_by": "ada"} | more
    with store.write() as session:
        return imports.request_import(session, home, upload=upload, import_id=own, **asking)


def test_a_dry_run_stops_when_checked_and_becomes_the_real_thing(store: Store, home: Settings) -> None:
    row, job = requested(store, home, dry_run=True)
    ending = imports.run(store, home, job, Alone())
    assert (ending.result["accepted"], ending.result["status"], seen(store)) == (LINES - 1, "checked", {})
    with store.write() as session:
        _, again = imports.publish_import(session, home, row.id, by="ada")
    assert imports.run(store, home, again, Alone()).result["status"] == "published"
    assert seen(store) == {"feedback": LINES - 1}


def test_the_same_request_twice_is_one_import_and_one_job(store: Store, home: Settings) -> None:
    row, job = requested(store, home)
    with store.write() as session:
        upload = uploads.Upload(row.sha256, row.size_bytes)
        asking = {"filename": "a.csv", "agent_id": "support", "requested_by": "ada"}
        again = imports.request_import(session, home, upload=upload, import_id=row.id, **asking)  # type: ignore[arg-type]
    assert (again[0].id, again[1].id) == (row.id, job.id)


def test_an_import_that_waits_is_cancelled_at_once(store: Store, home: Settings) -> None:
    row, job = requested(store, home)
    with store.write() as session:
        imports.cancel_import(session, row.id, by="ada")
    assert now_of(store, row.id).status is ImportStatus.CANCELLED
    with store.read() as session:
        assert queue.get(session, job.id).status is JobStatus.CANCELLED
    imports.sweep(store, home)
    assert list((home.home / "uploads").iterdir()) == []


def test_a_checked_dry_run_can_be_cancelled(store: Store, home: Settings) -> None:
    row, job = requested(store, home, dry_run=True)
    imports.run(store, home, job, Alone())
    with store.write() as session:
        imports.cancel_import(session, row.id, by="ada")
    assert (now_of(store, row.id).status, staged(store)) == (ImportStatus.CANCELLED, 0)


def test_files_of_imports_that_are_read_are_not_swept(store: Store, home: Settings) -> None:
    row, _ = requested(store, home)
    imports.sweep(store, home)
    assert uploads.place(home, row.id).exists()


def test_a_dry_run_is_given_up_when_nobody_has_asked_for_it_in_a_week(store: Store, home: Settings) -> None:
    row, job = requested(store, home, dry_run=True)
    imports.run(store, home, job, Alone())
    imports.sweep(store, home)
    assert (now_of(store, row.id).status, staged(store) > 0) == (ImportStatus.CHECKED, True)
    week_ago = time.time() - imports.FORGOTTEN_S - 1
    os.utime(uploads.place(home, row.id), (week_ago, week_ago))
    imports.sweep(store, home)
    assert (now_of(store, row.id).status, staged(store)) == (ImportStatus.CANCELLED, 0)
    assert not uploads.place(home, row.id).exists()


def test_every_refusal_is_a_sentence(store: Store, home: Settings) -> None:
    row, job = requested(store, home, content=b"id,ref\n1,2\n")
    with pytest.raises(HoneError, match="Nothing was stored"):
        imports.run(store, home, job, Alone())
    assert reasons(store, row) == {}


@pytest.mark.sqlite  # the planner's words are its own
def test_publishing_never_looks_at_all_the_chat_feedback_for_a_row(store: Store) -> None:
    """A row of a survey has no message to look up; a plan without the narrow index made that a scan for each row."""
    from sqlalchemy.dialects import sqlite

    from core.feedback import publishing

    statement = publishing._new_feedback(new_id(), told=True).compile(
        dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}
    )
    with store.read() as session:
        plan = [row[-1] for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")]
    looked_up = [step for step in plan if "feedback" in step and "staged" not in step]
    assert any("uq_feedback_current_message" in step for step in looked_up)
    assert not any("kind=?" in step or step.startswith("SCAN feedback") for step in looked_up)
