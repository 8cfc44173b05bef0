"""Empty warehouses kept in the user's cache: to copy one is far quicker than to make it anew.

The making binds some 120 views and puts a comment on each of their columns; the copy is one small
file. So it is with the views of event classes: a few empty warehouses that have those of runs
loaded lately are kept too. Where no cache can be written, all goes on without one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from tcpdw import kept_files, scratch

_KEPT = 4
"""So many warehouses with event classes are kept, the newest."""


def place(path: Path, parts: Iterable[str], make: Callable[[Path], None]) -> None:
    """Put an empty warehouse at `path` unless a file is there: whole, or not at all.

    It is a copy of the one in the cache, which `make` makes where it is not there yet, or damaged;
    it follows from the texts in `parts`.
    """
    with contextlib.suppress(OSError):
        name = f"{_key(parts)}.empty"
        content = kept_files.read(name)
        if content is None:
            content = _made(make)
            kept_files.write(name, content, 1)
        with scratch.folder(path.parent, hidden=True) as made_in:
            copy = made_in / "copy"
            copy.write_bytes(content)
            os.link(copy, path)


def with_classes(parts: Iterable[str]) -> bytes | None:
    """Give the empty warehouse with event classes that follows from `parts`; None for none kept."""
    return kept_files.read(f"{_key(parts)}.classes")


def keep_with_classes(parts: Iterable[str], make: Callable[[Path], None]) -> None:
    """Keep what `make` makes for `with_classes`."""
    with contextlib.suppress(OSError):
        kept_files.write(f"{_key(parts)}.classes", _made(make), _KEPT)


def exchange(path: Path, content: bytes, size: int) -> int | None:
    """Put the content in the place of an empty warehouse, unless another process has it open.

    Nor where it is no longer of `size` bytes: then another has filled it.
    Returns a descriptor that holds the lock on the new file, as DuckDB would, to be closed when the
    warehouse is; None where all is as it was.
    """
    with contextlib.suppress(OSError), path.open("r+b") as old:
        # DuckDB's own lock is of this kind.
        fcntl.lockf(old, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(old.fileno()).st_size == size:
            return _exchanged(path, content)
    return None


def _exchanged(path: Path, content: bytes) -> int:
    with scratch.folder(path.parent, hidden=True) as made_in:
        copy = made_in / "copy"
        copy.write_bytes(content)
        lock = os.open(copy, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            copy.replace(path.resolve())
        except BaseException:
            os.close(lock)
            raise
        return lock


def _made(make: Callable[[Path], None]) -> bytes:
    with scratch.folder() as made_in:
        made = made_in / "empty.duckdb"
        make(made)
        return made.read_bytes()


def _key(parts: Iterable[str]) -> str:
    return kept_files.digest("\0".join(parts).encode())
