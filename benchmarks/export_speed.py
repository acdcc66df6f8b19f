"""Export of 50,000 pairs in every format; opponent: pandas.read_sql and to_csv, to_json or to_parquet.

The opponent loads the table into memory and writes it as it stands; ours streams a batch at a time, names what each
pair came from, and guards cells of CSV against formulas.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.report import head, spread, verdict
from benchmarks.scale import fill
from core.exporting.formats import Format
from core.exporting.lists import choose
from core.exporting.stream import count, stream
from core.settings import Settings
from core.store import Store

PAIRS, SEED, REPEATS = 50_000, 1, 3
LIMIT_S = 10.0


def main() -> bool:
    head(f"export of {PAIRS:,} pairs, seed {SEED}")
    met = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        store = Store.open(Settings(home=home, db="", _env_file=None))
        fill(store, rows=2 * PAIRS, seed=SEED)  # every second row has a pair
        with store.read() as session:
            n = count(session, choose("pairs"))
        for form in Format:
            ours = [_ours(store, form, home) for _ in range(REPEATS)]
            theirs = [_pandas(store, form, home) for _ in range(REPEATS)]
            megabytes = (home / f"ours.{form}").stat().st_size / 1e6
            print(f"   {form.value:8} {spread(ours, 's')}, {megabytes:.0f} MB")
            print(f"   {'pandas':8} {spread(theirs, 's')}, ratio {median(ours) / median(theirs):.1f}")
            met.append(max(ours) <= LIMIT_S and n == PAIRS)
        store.close()
    return verdict(f"at most {LIMIT_S:.0f} s for each format, n = {n:,} pairs", met=all(met))


def _ours(store: Store, form: Format, home: Path) -> float:
    began = time.monotonic()
    with (home / f"ours.{form}").open("wb") as file:
        for piece in stream(store, choose("pairs"), form):
            file.write(piece)
    return time.monotonic() - began


def _pandas(store: Store, form: Format, home: Path) -> float:
    import pandas as pd

    path = home / f"theirs.{form}"
    began = time.monotonic()
    with store.engine.connect() as connection:
        table = pd.read_sql("SELECT * FROM preference_pairs", connection)
    if form is Format.CSV:
        table.to_csv(path, index=False)
    elif form is Format.PARQUET:
        table.to_parquet(path)
    else:
        table.to_json(path, orient="records", lines=True)
    return time.monotonic() - began
