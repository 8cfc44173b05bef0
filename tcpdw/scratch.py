"""Folders for files that no one needs once their process has ended, however it ended.

Who makes one holds a lock on it. A process that was killed cannot clean up after itself, but the
system takes its lock away: what nobody holds, `sweep` removes, and the next process to start does
that. Folders made by other users or other programs are left alone.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Generator
from pathlib import Path

PREFIX = "tcpdw-scratch-"
"""What the names of these folders begin with; after it come eight characters of `mkdtemp`'s."""

_NAME = re.compile(rf"\.?{PREFIX}[a-z0-9_]{{8}}")
_LOCK = ".lock"

_held: set[Path] = set()


@atexit.register
def _leave_nothing() -> None:
    # A thread that Ctrl-C, pressed twice, left behind does not get to it.
    for path in tuple(_held):
        _remove(path)


@contextlib.contextmanager
def folder(place: Path | None = None, *, hidden: bool = False) -> Generator[Path]:
    """Make a folder in `place` (by default `TMPDIR`), and remove it with all in it at exit.

    In it is a file `.lock`; all other names are free. Raises OSError where it cannot be made.
    """
    made, lock = _locked(place, hidden)
    _held.add(made)
    try:
        yield made
    finally:
        _remove(made)
        _held.discard(made)
        os.close(lock)


def sweep(place: Path) -> int:
    """Remove from `place` the folders whose makers were killed; return how many."""
    found = 0
    with contextlib.suppress(OSError), os.scandir(place) as entries:
        for entry in entries:
            if _NAME.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    found += _sweep_one(Path(entry.path))
    return found


def _locked(place: Path | None, hidden: bool) -> tuple[Path, int]:
    prefix = f".{PREFIX}" if hidden else PREFIX
    while True:
        made = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
        # Another's sweep may take a folder before it has its lock, or a lock before it is held.
        with contextlib.suppress(FileNotFoundError), _gone_after_error(made):
            lock = os.open(made / _LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with contextlib.suppress(OSError):  # A file system without locks: nobody sweeps there.
                fcntl.flock(lock, fcntl.LOCK_EX)
            if os.fstat(lock).st_nlink:
                return made, lock
            os.close(lock)


@contextlib.contextmanager
def _gone_after_error(made: Path) -> Generator[None]:
    try:
        yield
    except OSError:  # Such as a full disk.
        with contextlib.suppress(OSError):
            made.rmdir()
        raise


def _sweep_one(path: Path) -> int:
    about = path.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid():
        return 0
    try:
        lock = os.open(path / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        path.rmdir()  # Fails if it holds anything: then it is none of ours.
        return 1
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(path)
    finally:
        os.close(lock)
    return 1


def _remove(path: Path) -> None:
    # The lock goes last: a folder half removed is still known for what it is.
    with contextlib.suppress(OSError), os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            elif entry.name != _LOCK:
                with contextlib.suppress(OSError):
                    Path(entry.path).unlink()
    with contextlib.suppress(OSError):
        (path / _LOCK).unlink()
        path.rmdir()
