"""Writes `/proc` snapshots as `tcpdw.readers.proc` reads them."""

from __future__ import annotations

import grp
import os
import pwd
import stat
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from tcpdw.record.namespaces import Namespace


def take(folder: Path, pids: Iterable[int], namespace: Namespace) -> None:
    """Write one stage: time, TCP sockets, and each process's descriptors and command line.

    A process that ends meanwhile has no files. `folder` must not be there yet.
    """
    folder.mkdir(parents=True)
    (folder / "time_ns").write_text(f"{time.time_ns()}\n")
    with namespace.entered():
        for name in ("tcp", "tcp6"):
            with suppress(FileNotFoundError):
                content = Path(f"/proc/thread-self/net/{name}").read_bytes()
                (folder / f"net_{name}").write_bytes(content)
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            descriptors = _descriptors(Path(f"/proc/{pid}/fd"))
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
            (folder / f"pid-{pid}-fd").write_bytes(descriptors)
            (folder / f"pid-{pid}-cmdline").write_bytes(command)


def _descriptors(folder: Path) -> bytes:
    """List descriptors as `ls -l --time-style=full-iso` does."""
    lines = [b"total 0"]
    for entry in sorted(folder.iterdir(), key=lambda entry: int(entry.name)):
        with suppress(FileNotFoundError):
            what = entry.lstat()
            target = os.fsencode(entry.readlink())
            lines.append(f"{_heading(what)} {entry.name} -> ".encode() + target)
    return b"\n".join(lines) + b"\n"


def _heading(what: os.stat_result) -> str:
    seconds, rest = divmod(what.st_mtime_ns, 10**9)
    moment = datetime.fromtimestamp(seconds, UTC)
    user, group = str(what.st_uid), str(what.st_gid)
    with suppress(KeyError):
        user = pwd.getpwuid(what.st_uid).pw_name
    with suppress(KeyError):
        group = grp.getgrgid(what.st_gid).gr_name
    return (
        f"{stat.filemode(what.st_mode)} 1 {user} {group} {what.st_size} "
        f"{moment:%Y-%m-%d %H:%M:%S}.{rest:09d} +0000"
    )
