"""Which reader reads an input: the native one, else the reference reader in its child process."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from tcpdw.errors import CaptureError, InputError, TraceError, UsageError
from tcpdw.readers import Declined, native_library
from tcpdw.readers.worker import Worker

if TYPE_CHECKING:
    from tcpdw.readers import Capture
    from tcpdw.readers.spool import Room, Spool

TraceReaderName = Literal["native", "bt2"]
CaptureReaderName = Literal["native", "pyshark"]

READERS = ("native", "bt2", "pyshark")
"""The readers that can be asked for by name."""

_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which readers to use, and how many threads may decode one trace."""

    trace: TraceReaderName = "native"
    capture: CaptureReaderName = "native"
    threads: int = 1


def asked_for(names: Collection[str]) -> tuple[TraceReaderName, CaptureReaderName]:
    """Return the readers of traces and of captures, given the names of those asked for.

    Raises UsageError for a name that is not in `READERS`.
    """
    for name in names:
        if name not in READERS:
            raise UsageError(f"there is no reader {name!r}", hint=f"there are {', '.join(READERS)}")
    return "bt2" if "bt2" in names else "native", "pyshark" if "pyshark" in names else "native"


def missing_native() -> str | None:
    """Say why there are no native readers, None if there are."""
    reason = native_library.missing()
    if reason is None:
        return None
    return f"{reason}; bt2 and pyshark read in its place, and take longer"


def read_trace(
    path: Path, folder: Path, worker: Worker, choice: Choice, room: Room
) -> tuple[Spool, str | None]:
    """Read the CTF trace in the directory `path`; return it, and why the reference reader did.

    Its rows stay in memory where `room` has some, else they go to files in `folder`. Raises
    TraceError where neither reader can read it.
    """

    def native() -> Spool:
        from tcpdw.readers import ctf_native, spool

        return spool.gather(ctf_native.read(path, threads=choice.threads), folder, room)

    def reference() -> Spool:
        return worker.read_trace(path, folder, reader="bt2")

    return _first(native if choice.trace == "native" else None, reference, TraceError)


def read_capture(
    path: Path, folder: Path, worker: Worker, choice: Choice
) -> tuple[Capture, str | None]:
    """Read the capture file `path` likewise; raises CaptureError."""

    def native() -> Capture:
        from tcpdw.readers import capture_native

        return capture_native.read(path)

    def reference() -> Capture:
        return worker.read_capture(path, folder, reader="pyshark")

    return _first(native if choice.capture == "native" else None, reference, CaptureError)


def cores() -> int:
    """Return how many threads can run at once."""
    return len(os.sched_getaffinity(0))


def _first(
    native: Callable[[], _Read] | None, reference: Callable[[], _Read], kind: type[InputError]
) -> tuple[_Read, str | None]:
    if native is None or native_library.missing() is not None:
        return reference(), None
    try:
        return native(), None
    except Declined as declined:
        return reference(), f"not read by the native reader: {declined.reason}"
    except kind as error:
        # What this reader takes for damage, the other may know better.
        try:
            return reference(), f"not read by the native reader: {error.message}"
        except InputError:
            raise error from None
