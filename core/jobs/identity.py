"""Who a process is, so that others can tell whether it still lives: without comparing clocks or trusting a bare pid.

On Linux a process is its pid and its start in ticks since the boot, which mean something only under the same boot
and in the same pid namespace; both are part of the machine's name here. Elsewhere psutil's times stand in.
"""

from __future__ import annotations

import os
import socket
import uuid
from pathlib import Path

import psutil

from core.settings import HOME_ID

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def machine() -> str:
    """The boot and the pid namespace this process lives in."""
    try:
        return f"{_BOOT_ID.read_text().strip()}:{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return f"{socket.gethostname()}:{psutil.boot_time():.0f}"


def process(pid: int | None = None) -> str:
    """A process by pid and start; this one unless told otherwise."""
    pid = os.getpid() if pid is None else pid
    return f"{pid}:{_start(pid)}"


def alive(machine_name: str, process_name: str) -> bool | None:
    """Whether that process lives; None when it is on another machine, where only its beats can tell."""
    if machine_name != machine():
        return None
    pid, _, started = process_name.partition(":")
    try:
        return _start(int(pid)) == started and psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError, ValueError, IndexError):
        return False


def home_id(home: Path) -> str:
    """The name of a home folder, made when it is first asked for: jobs about its files carry it.

    It is written whole under another name first, so that nobody ever reads half of it.
    """
    path = home / HOME_ID
    if not _written(path):
        home.mkdir(parents=True, exist_ok=True)
        own = home / f".{HOME_ID}-{uuid.uuid4().hex}"
        own.write_text(uuid.uuid4().hex)
        try:
            os.link(own, path)
        except OSError:  # another process was first, and its name stands; or this disk knows no links
            if not _written(path):
                own.replace(path)
        own.unlink(missing_ok=True)
    return _written(path)


def _written(path: Path) -> str:
    try:
        return path.read_text().strip()[:40]
    except FileNotFoundError:
        return ""


def _start(pid: int) -> str:
    """Raises OSError or psutil.NoSuchProcess for a process that is gone."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.parent.parent.joinpath("self").exists():
        return stat.read_text().rpartition(")")[2].split()[19]  # field 22; the name before may hold spaces
    return f"{psutil.Process(pid).create_time():.0f}"
