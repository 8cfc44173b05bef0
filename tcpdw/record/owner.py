"""Who owns what a recording makes on the host, so that what a killed one left can be found.

A recording that ends, in whatever way but SIGKILL, leaves nothing. Where it is killed the kernel
takes its network namespaces with it and most of its processes; what may stay is an LTTng session,
named after its owner, a process, whose environment names it, and a run's folder, which its owner
kept locked. The next recording removes them.
"""

from __future__ import annotations

import os
import re
import signal
from contextlib import suppress
from pathlib import Path

VARIABLE = "TCPDW_RECORDING"
"""The environment variable in each process that a recording starts: its owner's token."""

_PREFIX = "tcpdw-"
_TOKEN = re.compile(rf"{_PREFIX}(\d+)-(\d+)-(\d+)")


def token() -> str:
    """Return what names this process among all since the boot.

    It is made of the namespace in which its number is one, its number, and its start.
    """
    return f"{_PREFIX}{_numbering()}-{os.getpid()}-{_start_of(os.getpid())}"


def is_stale(name: str) -> bool:
    """Tell whether `name` is the token of a process that is no more.

    Of one in another process namespace, such as a container's, nothing is known: it is not.
    """
    match = _TOKEN.fullmatch(name)
    if match is None or int(match[1]) != _numbering():
        return False
    return _start_of(int(match[2])) != match[3]


def environment() -> dict[str, str]:
    """Return the environment for processes that a recording starts; programs speak plain C."""
    return {**os.environ, VARIABLE: token(), "LC_ALL": "C"}


def end_stale_processes() -> dict[int, str]:
    """Kill the processes whose owner is no more, and return their numbers with their names."""
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            for item in (entry / "environ").read_bytes().split(b"\0"):
                name, _, value = item.partition(b"=")
                if name == VARIABLE.encode() and is_stale(value.decode(errors="replace")):
                    comm = (entry / "comm").read_bytes().rstrip(b"\n")
                    os.kill(int(entry.name), signal.SIGKILL)
                    found[int(entry.name)] = comm.decode(errors="replace")
    return found


def _numbering() -> int:
    return Path("/proc/self/ns/pid").stat().st_ino


def _start_of(pid: int) -> str | None:
    """Return when a process began, in clock ticks since the boot; None where there is none.

    Field 22 of /proc/PID/stat, proc_pid_stat(5); the second, a name, may hold anything.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    # A process that only waits to be reaped does nothing any more.
    return None if text[0] in (b"Z", b"X") else text[19].decode()
