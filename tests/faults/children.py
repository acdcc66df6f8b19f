"""``python -m tests.faults.children WHAT …``: a process that works on a store until it is done, stopped or killed.

    worker [LANE …]           ``hone worker``: do jobs until told to stop
    hold                      hold the write lock until a line comes in
    freeze AGENT HALT         freeze the agent's pairs
    job ID HALT               do one job
    label NAME                answer every pair that waits, one transaction each
    interactions NAME N       send N interactions in, one transaction each

Its home and database are those of ``HONE_HOME`` and ``HONE_DB``. HALT is ``STATEMENT:N`` (or ``-``): at the N-th
statement that begins so, the process says "halted" and stays where it is, inside its transaction, until it is killed.
What ``label`` and ``interactions`` acknowledge is printed, an id a line, after its transaction has ended.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from core.settings import Settings
from core.store import Store


def main(what: str, *rest: str) -> None:
    if what == "worker":
        from core.cli import app

        app(["worker", *(f"--lane={lane}" for lane in rest)])
    settings = Settings(_env_file=None)
    store = Store.open(settings)
    says("ready")
    DOES[what](store, settings, *rest)
    says("done")


def hold(store: Store, settings: Settings) -> None:
    with store.write():
        says("held")
        sys.stdin.readline()


def freeze(store: Store, settings: Settings, agent_id: str, halt: str) -> None:
    from core.datasets import freeze as freezing

    halt_at(store, halt)
    freezing.freeze_now(store, agent_id=agent_id, frozen_by="ada")


def job(store: Store, settings: Settings, job_id: str, halt: str) -> None:
    from core.jobs.worker import do_here

    halt_at(store, halt)
    do_here(store, settings, UUID(job_id))


def label(store: Store, settings: Settings, annotator: str) -> None:
    from core.preferences import labelling
    from core.tables import LabelChoice

    while True:
        with store.write() as session:
            shown = labelling.next_pair(session, annotator=annotator, lease_s=300)
            if shown is None:
                return
            labelled = labelling.apply_label(
                session,
                shown.pair_id,
                seen_version=shown.version,
                choice=LabelChoice.A,
                left_side=shown.left_side,
                annotator=annotator,
                shown_ms=500,
                min_dwell_ms=300,
            )
        says(str(labelled.label_id))


def interactions(store: Store, settings: Settings, name: str, n: str) -> None:
    from core.feedback import intake

    for number in range(int(n)):
        with store.write() as session:
            row = intake.store_interaction(
                session,
                agent_id="support",
                prompt=f"Where is invoice {number}?",
                response="Open billing.",
                source=name,
                external_id=str(number),
            ).row
        says(str(row.id))


def halt_at(store: Store, where: str) -> None:
    """Stand still inside the transaction of the N-th statement that begins so."""
    beginning, _, at = where.rpartition(":")
    if not beginning:
        return
    seen = 0

    def before(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        nonlocal seen
        seen += statement.startswith(beginning)
        if seen == int(at):
            says("halted")
            threading.Event().wait()

    sa.event.listen(store.engine, "before_cursor_execute", before)


def says(word: str) -> None:
    print(word, flush=True)


DOES: dict[str, Callable[..., None]] = {
    "hold": hold,
    "freeze": freeze,
    "job": job,
    "label": label,
    "interactions": interactions,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
