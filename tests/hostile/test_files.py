"""Every hostile file is read, row by row, or refused in a sentence; never much memory, never a traceback."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from core.errors import ImportRejected
from core.feedback import importing
from core.feedback.formats import Table, read_table
from core.feedback.records import Mapping
from core.feedback.uploads import Upload
from core.settings import Settings
from core.store import Store
from core.tables import (
    STAGED_FEEDBACK,
    STAGED_INTERACTIONS,
    Feedback,
    Import,
    ImportStatus,
    Interaction,
    PreferencePair,
)
from core.untrusted import clean
from core.workspace import import_file, plan_file
from tests.hostile.bounds import in_bounds
from tests.hostile.corpus import FILES, NAMES, TEXTS, WORDS, HostileFile
from tests.hostile.files import MAX_ROWS, PAIR, SURVEY
from tests.hostile.packed import bomb

every_file = pytest.mark.parametrize("file", [pytest.param(file, id=name) for name, file in FILES.items()])


def assert_sentence(said: str) -> None:
    assert re.search(r"[Nn]othing was stored\.$", said)
    assert len(said) < 700
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]|Traceback|Error\b|pyarrow|codec", said)


def assert_readable(table: Table) -> None:
    """What is handed on: as many columns as are taken, names that can be stored, and a reason for every other line."""
    assert len(table.columns) <= 500
    assert len(table.rows) + len(table.rejects) <= MAX_ROWS
    for name in table.columns:
        name.encode()
        assert name == name.strip() != ""
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", name)
    for reject in table.rejects:
        assert reject.line > 0
        assert re.match(r"(has|is|holds|opens) ", reject.reason)


@every_file
def test_t13_a_file_is_read_or_refused_in_a_sentence_with_bounded_memory(file: HostileFile) -> None:
    content = file.build()
    with in_bounds():
        try:
            table, refused = read_table(content, file.filename, max_rows=MAX_ROWS), None
        except ImportRejected as error:
            table, refused = None, str(error)
    if refused is not None:
        assert_sentence(refused)
        assert file.says is not None, refused
        assert file.says in refused
    else:
        assert file.says is None
        assert table is not None
        assert_readable(table)


def test_t13_a_bomb_is_refused_before_it_goes_off() -> None:
    packed = bomb()
    assert len(packed) < 2 * 1024 * 1024
    with in_bounds(100), pytest.raises(ImportRejected, match="unpacks to more than 20 MB"):
        read_table(packed, "a.csv.gz")


# Looking at a file, and importing it


@every_file
def test_a_preview_shows_rows_or_refuses_in_a_sentence(file: HostileFile) -> None:
    try:
        shown = importing.preview(file.build(), file.filename, max_rows=MAX_ROWS)
    except ImportRejected as error:
        assert_sentence(str(error))
        return
    json.dumps([shown.rows, shown.notes, shown.columns], ensure_ascii=False).encode()
    assert len(shown.rows) <= 20
    assert all(len(cell) <= 1_000 for row in shown.rows for cell in row.values())


@pytest.fixture(scope="module")
def importing_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("imports"), max_import_rows=MAX_ROWS, _env_file=None)


def counted(store: Store) -> list[int]:
    """Rows a person could see, and rows that are only on their way."""
    tables = (Feedback, Interaction, PreferencePair, STAGED_FEEDBACK, STAGED_INTERACTIONS)
    with store.read() as session:
        return [session.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in tables]


REFUSED = (
    "csv-of-0-bytes",
    "utf-16-without-mark",
    "a-million-lines",
    "deep-list",
    "gzip-bomb",
    "parquet-bomb",
    "zeros",
)
IMPORTED = {name: file for name, file in FILES.items() if file.says is None or name in REFUSED}  # the others end alike


@pytest.mark.parametrize("file", IMPORTED.values(), ids=IMPORTED)
def test_an_import_stores_all_it_counts_or_nothing_at_all(
    shared_store: Store, importing_settings: Settings, file: HostileFile
) -> None:
    before = counted(shared_store)
    try:
        row = import_file(shared_store, importing_settings, file.build(), file.filename)
    except ImportRejected as error:
        assert_sentence(str(error))
        assert counted(shared_store) == before
    else:
        assert file.says is None
        assert row.status is ImportStatus.PUBLISHED
        after = counted(shared_store)
        assert after[3:] == before[3:]
        assert sum(after[:3]) - sum(before[:3]) >= row.accepted
    assert [path.name for path in Path(importing_settings.home, "uploads").iterdir()] == []


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_t01_the_name_of_a_file_is_kept_without_its_path(session: Session, name: str) -> None:
    row = importing.request(session, filename=name, upload=Upload("0" * 64, 1), agent_id="a", imported_by="ada")
    assert row.filename == row.filename.strip() != ""
    assert not set(row.filename) & set("/\\\x00")


@pytest.mark.parametrize("name", ["far-above", "absolute", "backslash-above", "nul", "encoded-all", "5000-characters"])
def test_t01_the_name_of_a_file_makes_no_path(shared_store: Store, importing_settings: Settings, name: str) -> None:
    import_file(shared_store, importing_settings, PAIR.encode(), NAMES[name])
    assert {path.name for path in importing_settings.home.iterdir()} == {"uploads"}
    assert list(Path(importing_settings.home, "uploads").iterdir()) == []


def comments(texts: dict[str, str], filename: str) -> bytes:
    """All texts as one file of comments."""
    if filename.endswith("jsonl"):
        return "\n".join(json.dumps({"id": name, "comment": text}) for name, text in texts.items()).encode()
    out = io.StringIO(newline="")
    csv.writer(out).writerows([("id", "comment"), *texts.items()])
    return out.getvalue().encode(errors="replace")


@pytest.mark.parametrize("filename", ["a.csv", "a.jsonl"])
def test_every_text_in_a_file_is_stored_clean_or_named_with_its_line(
    shared_store: Store, importing_settings: Settings, filename: str
) -> None:
    texts = {name: text for name, text in TEXTS.items() if len(text) <= 100_000}  # no CSV reader takes longer cells
    content, mapping = comments(texts, filename), Mapping("survey", comment="comment", row_id="id")
    planned = plan_file(shared_store, importing_settings, content, filename, mapping=mapping, agent_id=filename)
    row = import_file(shared_store, importing_settings, content, filename, mapping=mapping, agent_id=filename)
    assert (row.accepted, row.rejected) == (planned.accepted, len(planned.rejected))
    assert row.accepted + row.duplicates + row.rejected == len(texts)
    with shared_store.read() as session:
        stored = session.exec(select(Feedback.comment).where(Feedback.import_id == row.id)).all()
    assert all(comment is not None and clean(comment) == comment for comment in stored)
    for reject in planned.rejected:
        assert re.search(r"no comment|characters", reject.reason)


@pytest.mark.parametrize("text", WORDS.values(), ids=WORDS)
def test_a_mapping_to_a_column_that_is_not_there_is_refused(text: str) -> None:
    mapping = Mapping("survey", comment=text or "x")
    with pytest.raises(ImportRejected) as refused:
        importing.preview(SURVEY.encode(), "a.csv", mapping=mapping)
    assert len(str(refused.value)) < 700


def test_an_import_that_was_refused_says_why_for_good(shared_store: Store, importing_settings: Settings) -> None:
    with pytest.raises(ImportRejected):
        import_file(shared_store, importing_settings, FILES["pdf-named-jsonl"].build(), "only-here.jsonl")
    with shared_store.read() as session:
        row = session.exec(select(Import).where(Import.filename == "only-here.jsonl")).one()
    assert row.status is ImportStatus.FAILED
    assert any("PDF" in note for note in row.notes)
