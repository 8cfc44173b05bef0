"""What was made of a trace's metadata, kept in the user's cache for the processes that follow.

To parse and compile the event classes of a kernel takes as long as to read half a million events,
and the traces of one kernel share them to the letter.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import marshal
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa

from tcpdw import kept_files
from tcpdw.readers import ctf_events, ctf_library
from tcpdw.readers.ctf_events import EventLayout
from tcpdw.readers.ctf_memory import Memory

WORTH = 1 << 16
"""Characters of a metadata text that are sooner looked up than parsed."""

_MOST_FILES = 64
_SUFFIX = ".ctf"


def digest(text: str) -> str | None:
    """Return what a text is kept by, None if it is not worth to be kept."""
    if len(text) < WORTH:
        return None
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def load(key: str) -> Any:
    """Return what was kept by `key`, None where there is nothing."""
    content = kept_files.read(_name(key))
    return None if content is None else marshal.loads(content)


def store(key: str, value: Any) -> None:
    """Keep `value`, of what the language itself has, by `key`."""
    kept_files.write(_name(key), marshal.dumps(value), _MOST_FILES)


def _name(key: str) -> str:
    return kept_files.digest(f"{_code()} {key}".encode()) + _SUFFIX


@functools.cache
def _code() -> str:
    """Return what the kept depends on beside its key: this package's code, and what runs it."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    about = [(file.name, (stat := file.stat()).st_size, stat.st_mtime_ns) for file in files]
    return repr((about, sys.version, sys.byteorder, pa.__version__))


class Classes:
    """The compiled event classes of all traces that agree in what they follow from."""

    def __init__(self, key: str) -> None:
        self._key = f"classes {key}"
        self._packed: dict[tuple[int, int], Any] = load(self._key) or {}
        self._known: dict[tuple[int, int], EventLayout] = {}

    def get(self, stream: int, number: int) -> EventLayout | None:
        """Return an event class of a stream class, None if it is not known."""
        found = self._known.get((stream, number))
        if found is None and (packed := self._packed.get((stream, number))) is not None:
            found = self._known[stream, number] = _unpacked(*packed)
        return found

    def add(self, stream: int, number: int, layout: EventLayout) -> None:
        """Note a class that was compiled."""
        self._known[stream, number] = layout

    def keep(self) -> None:
        """Write what is known to the cache, if it is much more than what is there."""
        known = dict(self._known)
        fresh = known.keys() - self._packed.keys()
        if len(fresh) * 8 <= len(self._packed):
            return
        packed = {place: _packed(known[place]) for place in fresh} | self._packed
        store(self._key, packed)
        self._packed = packed


_classes: Memory[str, Classes] = Memory(64)


def classes(key: str) -> Classes:
    """Return the classes that follow from `key`."""
    return _classes.get(key, lambda: Classes(key))


def _packed(layout: EventLayout) -> tuple[Any, ...]:
    native = layout.native
    program: Any = layout.program
    prefix: Any = layout.prefix
    return (
        layout.name,
        layout.schema.serialize().to_pybytes(),
        {name: _bytes(buffer) for name, buffer in program.memory.items()},
        [_bytes(buffer) for buffer in prefix.memory],
        [getattr(prefix, name) for name in ctf_library.PREFIX_NUMBERS],
        _bytes(layout.specs),
        native.n_columns,
        native.n_levels,
    )


def _bytes(buffer: Any) -> bytes:
    return ctypes.string_at(buffer, len(buffer) - 1)  # A string buffer has a NUL more.


def _unpacked(
    name: str,
    schema: bytes,
    body: dict[str, bytes],
    known: list[bytes],
    numbers: list[int],
    specs: bytes,
    n_columns: int,
    n_levels: int,
) -> EventLayout:
    return ctf_events.assemble(
        name,
        pa.ipc.read_schema(pa.py_buffer(schema)),
        ctf_library.program(body),
        ctf_library.prefix(known, numbers),
        specs,
        (n_columns, n_levels),
    )
