"""The rewards in view as a CSV file: in comes a way to read pages of them, out come bytes.

Texts are cut as in the list; whole answers do not leave by this door.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from core.rewards.distribution import RewardRow
from core.store import Store
from core.untrusted import csv_cell, visible

MOST_CSV = 10_000  # rows of one download


def rewards_csv(store: Store, found: Callable[..., list[RewardRow]]) -> bytes:
    """The rows as CSV in UTF-8 with a byte-order mark, each foreign cell safe from being taken for a formula."""
    out = io.StringIO()
    write = csv.writer(out)
    write.writerow(["reward", "explicit", "implicit", "agent", "time", "interaction", "prompt", "answer"])
    with store.read() as session:
        for row in found(session, limit=MOST_CSV, offset=0):
            said = ["" if v is None else round(v, 4) for v in (row.value, row.explicit, row.implicit)]
            texts = [csv_cell(visible(text)) for text in (row.prompt, row.response)]
            write.writerow([*said, csv_cell(row.agent_id), row.created_at.isoformat(), row.interaction_id, *texts])
    return out.getvalue().encode("utf-8-sig")
