"""Files in the user's cache: what is sooner read than made anew.

Where no cache can be read or written, all goes on without one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from tcpdw import scratch


def folder() -> Path:
    """Return the folder of tcpdw's files, which need not be there."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tcpdw"


def digest(content: bytes) -> str:
    """Return a name for the content: other content has another."""
    return hashlib.sha256(content).hexdigest()[:24]


def read(name: str) -> bytes | None:
    """Return what was kept as `name`, None where it is not there or damaged."""
    with contextlib.suppress(OSError, RuntimeError):  # RuntimeError: there is no home
        content = (folder() / name).read_bytes()
        told, content = content[:24], content[24:]
        return content if told == digest(content).encode() else None
    return None


def write(name: str, content: bytes, most: int) -> None:
    """Keep the content as `name`, and of the files with its suffix the `most` newest."""
    with contextlib.suppress(OSError, RuntimeError):
        place = folder()
        place.mkdir(parents=True, exist_ok=True)
        scratch.sweep(place)
        with scratch.folder(place, hidden=True) as made_in:
            made = made_in / "made"
            made.write_bytes(digest(content).encode() + content)
            made.replace(place / name)
        files = [(file.stat().st_mtime_ns, file) for file in place.glob(f"*{Path(name).suffix}")]
        for _, file in sorted(files)[:-most]:
            file.unlink(missing_ok=True)
