"""The files of a run: read, and hashed, with errors that name them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from tcpdw.errors import RunError
from tcpdw.printable import printable


def content_hash(files: Iterable[Path]) -> str:
    """Hash names and bytes, as hex; names below the folder common to all, so no wrapper counts."""
    paths = sorted({os.fspath(path) for path in files})
    base = os.path.commonpath(paths) if paths else ""
    names = sorted((os.fsencode(os.path.relpath(path, base)), path) for path in paths)
    whole = hashlib.sha256()
    for name, path in names:
        whole.update(len(name).to_bytes(8, "little") + name + digest(Path(path)))
    return whole.hexdigest()


def digest(path: Path) -> bytes:
    """Return the SHA-256 of a file's bytes; raises RunError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise run_error(path, f"cannot be read: {error.strerror}", cause=error) from error


def stamps(files: Iterable[Path]) -> dict[Path, tuple[int, int, int] | None]:
    """Give what tells whether files were changed: size, time of change (ns), inode; None: gone."""
    found: dict[Path, tuple[int, int, int] | None] = {}
    for path in files:
        try:
            about = path.stat()
        except OSError:
            found[path] = None
        else:
            found[path] = (about.st_size, about.st_mtime_ns, about.st_ino)
    return found


def first_bytes(path: Path, size: int) -> bytes:
    """Return a file's first `size` bytes; raises RunError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise run_error(path, f"cannot be read: {error.strerror}", cause=error) from error


def run_error(
    path: Path,
    message: str,
    hint: str | None = None,
    *,
    line: int | None = None,
    cause: Exception | None = None,
) -> RunError:
    """Return a RunError of printable text."""
    error = RunError(printable(message), path=printable(str(path)), line=line, hint=hint)
    error.__cause__ = cause
    return error
