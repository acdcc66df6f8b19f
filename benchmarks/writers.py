"""32 threads write 1,000 rows each, a transaction a row, on SQLite and PostgreSQL; none may be lost or refused.

The opponent on SQLite: the same threads with the plain driver and its deferred transactions, each adding one to a
number it has read. It fails where a transaction that has read wants to write while another does.
"""

from __future__ import annotations

import sqlite3
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from benchmarks.report import head, verdict
from core.errors import StoreError
from core.settings import Settings
from core.store import Store
from core.tables import Interaction, InteractionKind

THREADS, ROWS = 32, 1_000
LEAST_PER_S = 500.0


def main() -> bool:
    head(f"{THREADS} threads x {ROWS:,} rows, a transaction a row")
    met = []
    for name, opened in (("SQLite", _sqlite), ("PostgreSQL", _postgresql)):
        with opened() as store:
            took_s, refused = _all_at_once(lambda at, store=store: _write(store, at))  # type: ignore[misc]
            with store.read() as session:
                kept = session.scalar(sa.select(sa.func.count()).select_from(Interaction)) or 0
        per_s = kept / took_s
        print(f"   {name:11} n = {kept:,} kept of {THREADS * ROWS:,}, {per_s:,.0f} rows/s, refused: {_told(refused)}")
        met.append(verdict(f"{name}: none lost, none refused", met=kept == THREADS * ROWS and not refused))
        if name == "SQLite":  # nothing is promised of a PostgreSQL that syncs to a disk nobody knows
            met.append(verdict(f"SQLite: at least {LEAST_PER_S:.0f} rows/s", met=per_s >= LEAST_PER_S))
    _opponent()
    return all(met)


def _all_at_once(write: Callable[[int], Counter[str]]) -> tuple[float, Counter[str]]:
    """Seconds until every thread is through, and what they met."""
    refused: Counter[str] = Counter()
    ready, lock = threading.Barrier(THREADS + 1), threading.Lock()

    def work(at: int) -> None:
        ready.wait()
        met = write(at)
        with lock:
            refused.update(met)

    threads = [threading.Thread(target=work, args=(at,)) for at in range(THREADS)]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.monotonic()
    for thread in threads:
        thread.join()
    return time.monotonic() - began, refused


def _write(store: Store, at: int) -> Counter[str]:
    refused: Counter[str] = Counter()
    for number in range(ROWS):
        row = Interaction(
            agent_id="support",
            kind=InteractionKind.CHAT,
            prompt=f"Where is invoice {number}?",
            response="Open billing and choose it.",
            prompt_key="k",
            source=f"writer-{at}",
            external_id=str(number),
        )
        try:
            with store.write() as session:
                session.add(row)
        except StoreError as error:
            refused[str(error)] += 1
    return refused


@contextmanager
def _sqlite() -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Settings(home=Path(folder), db="", _env_file=None))
        yield store
        store.close()


@contextmanager
def _postgresql() -> Iterator[Store]:
    """A real server, syncing to the disk as it would at work."""
    from tests.databases import PostgresServer

    server = PostgresServer()
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        server._run(f"ALTER SYSTEM SET {setting} = on")
    server._run("SELECT pg_reload_conf()")
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Settings(home=Path(folder), db=server.fresh(Path(folder)), _env_file=None))
        yield store
        store.close()
    server.stop()


def _opponent() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plain.db"
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("CREATE TABLE counter (n INTEGER)")
            connection.execute("INSERT INTO counter VALUES (0)")
        took_s, refused = _all_at_once(lambda _: _add_one(path))
        with sqlite3.connect(path) as connection:
            (n,) = connection.execute("SELECT n FROM counter").fetchone()
    tried = THREADS * ROWS
    print(f"   plain sqlite3, deferred: n = {n:,} of {tried:,} in {took_s:.0f} s, refused: {_told(refused)}")


def _add_one(path: Path) -> Counter[str]:
    refused: Counter[str] = Counter()
    connection = sqlite3.connect(path, timeout=10, isolation_level=None)
    for _ in range(ROWS):
        try:
            connection.execute("BEGIN")
            (n,) = connection.execute("SELECT n FROM counter").fetchone()
            connection.execute("UPDATE counter SET n = ?", (n + 1,))
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            refused[str(error)] += 1
            if connection.in_transaction:
                connection.execute("ROLLBACK")
    connection.close()
    return refused


def _told(refused: Counter[str]) -> str:
    return ", ".join(f"{n:,} x “{what}”" for what, n in refused.most_common()) or "none"
