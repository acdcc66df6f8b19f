"""``hone worker``: do jobs on this database without the app, until it is told to stop."""

from __future__ import annotations

import os
import signal
import sys
import threading

from core.cli.speaking import Speaker
from core.errors import InputRejected
from core.jobs import identity, kinds, training
from core.jobs.worker import Worker
from core.settings import Settings
from core.store import Store


def run_worker(speaker: Speaker, settings: Settings, *, only: list[str]) -> None:
    """Work until SIGTERM or Ctrl-C; what runs then stops where it can go on."""
    unknown = set(only) - set(kinds.lanes())
    if unknown:
        raise InputRejected(f"There is no lane {', '.join(sorted(unknown))}; there are {', '.join(kinds.lanes())}.")
    store = Store.open(settings)
    with store.write() as session:
        training.adopt(session, settings.home)
    worker = Worker(store, settings, only=only, chores=True)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    worker.start()
    speaker.say("worker", f"doing jobs ({', '.join(only) or 'all kinds'}); Ctrl-C stops it", process=identity.process())
    while not stop.wait(1.0):
        pass
    stopped = worker.stop()
    speaker.say("stopped", "what was under way can go on")
    if not stopped:
        speaker.finish()
        sys.stdout.flush()
        os._exit(0)  # a library that is still busy would abort the interpreter's own way out
    store.close()
