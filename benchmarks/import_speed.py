"""Import of a survey of 50,000 rows as a job; opponent: pandas.read_csv and to_sql of the same file.

The opponent stores the text as it stands: it cleans nothing, redacts nothing, finds no duplicates, and a kill in the
middle leaves half of the rows. Timed twice: as it is, and with the redaction of personal data taken out.
"""

from __future__ import annotations

import csv
import io
import random
import re
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.report import head, verdict
from core.feedback import fields, uploads
from core.feedback.redaction import Redacted
from core.jobs import imports
from core.jobs.worker import do_here
from core.settings import Settings
from core.store import Store
from core.tables import JobStatus, new_id

ROWS, SEED = 50_000, 7
LIMIT_S, LIMIT_PLAIN_S = 120.0, 30.0
WORDS = re.findall(
    r"\w+", "schedule page pump slow export broken again today please wrong total chart filter login late"
)


def main() -> bool:
    content = survey(ROWS, seed=SEED)
    head(f"import of {ROWS:,} survey rows, {len(content) / 1e6:.1f} MB, seed {SEED}")
    whole_s, stored = _ours(content)
    with _without_redaction():
        plain_s, _ = _ours(content)
    pandas_s = _pandas(content)
    print(f"   as a job, with redaction  {whole_s:6.1f} s   {ROWS / whole_s:8,.0f} rows/s   n = 1")
    print(f"   without redaction         {plain_s:6.1f} s   {ROWS / plain_s:8,.0f} rows/s   n = 1")
    print(f"   pandas read_csv + to_sql  {pandas_s:6.1f} s   ratio {whole_s / pandas_s:.1f}, {plain_s / pandas_s:.1f}")
    governed = verdict(f"at most {LIMIT_S:.0f} s with redaction, every row stored", met=whole_s <= LIMIT_S and stored)
    plain = verdict(
        f"at most {LIMIT_PLAIN_S:.0f} s staged and published without redaction", met=plain_s <= LIMIT_PLAIN_S
    )
    return governed and plain


def survey(rows: int, *, seed: int) -> bytes:
    """A survey of different comments; one in a hundred names an e-mail address or a telephone."""
    draw = random.Random(seed)
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow(["rating", "comment", "date"])
    for number in range(rows):
        told = " ".join(draw.choices(WORDS, k=draw.randint(6, 24)))
        if number % 100 == 0:
            told += f", write to user{number}@example.org or call +44 20 7946 {number % 10_000:04d}"
        lines.writerow([draw.randint(1, 5), f"{told} ({number})", f"2026-{1 + number % 12:02d}-{1 + number % 28:02d}"])
    return out.getvalue().encode()


def _ours(content: bytes) -> tuple[float, bool]:
    """Seconds from the upload to the published import, and whether every row is there."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), db="", _env_file=None)
        store = Store.open(settings)
        fields.redact("warm up")  # loading the recognisers is paid once by a process
        began = time.monotonic()
        job_id = ask(store, settings, content)
        job = do_here(store, settings, job_id)
        took_s = time.monotonic() - began
        assert job.status is JobStatus.COMPLETED, job.error
        with store.read() as session:
            n = session.connection().exec_driver_sql("SELECT count(*) FROM feedback").scalar()
        store.close()
    return took_s, n == ROWS


def ask(store: Store, settings: Settings, content: bytes, filename: str = "survey.csv") -> Any:
    """Queue an import of these bytes; its job's id."""
    import_id = new_id()
    upload = uploads.keep(settings, import_id, uploads.pieces_of(content))
    with store.write() as session:
        asked = {"filename": filename, "upload": upload, "import_id": import_id}
        return imports.request_import(session, settings, agent_id="site", requested_by="benchmark", **asked)[1].id


@contextmanager
def _without_redaction() -> Iterator[None]:
    with mock.patch.object(fields, "redact", lambda text, **_: Redacted(text, {})):
        yield


def _pandas(content: bytes) -> float:
    import pandas as pd

    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "survey.db")
        began = time.monotonic()
        pd.read_csv(io.BytesIO(content)).to_sql("survey", connection, index=False)
        connection.commit()
        took_s = time.monotonic() - began
        connection.close()
    return took_s
