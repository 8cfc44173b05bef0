"""An empty warehouse kept in the user's cache: to copy it is far quicker than to make one anew.

The making binds some 120 views and puts a comment on each of their columns; the copy is one small
file. Where no cache can be written, all goes on without one.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from tcpdw.kept_files import digest, folder


def place(path: Path, parts: Iterable[str], make: Callable[[Path], None]) -> None:
    """Put an empty warehouse at `path` unless a file is there: whole, or not at all.

    It is a copy of the one in the cache, which `make` makes where it is not there yet, or damaged;
    it follows from the texts in `parts`.
    """
    with contextlib.suppress(OSError):
        key = digest("\0".join(parts).encode())
        content = _cached(key)
        if content is None:
            content = _fill(key, make)
        with tempfile.TemporaryDirectory(prefix=".tcpdw-", dir=path.parent) as scratch:
            copy = Path(scratch) / "copy"
            copy.write_bytes(content)
            os.link(copy, path)


def _cached(key: str) -> bytes | None:
    # The name tells the content, so that a damaged file is seen.
    for file in folder().glob(f"empty-{key}-*.duckdb"):
        content = file.read_bytes()
        if file.stem.rpartition("-")[2] == digest(content):
            return content
    return None


def _fill(key: str, make: Callable[[Path], None]) -> bytes:
    folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".tcpdw-", dir=folder()) as scratch:
        made = Path(scratch) / "empty.duckdb"
        make(made)
        content = made.read_bytes()
        for other in folder().glob("empty-*.duckdb"):
            other.unlink(missing_ok=True)
        made.replace(folder() / f"empty-{key}-{digest(content)}.duckdb")
    return content
