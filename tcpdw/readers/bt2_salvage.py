"""What can still be read of a CTF trace that babeltrace2 refuses as a whole.

babeltrace2 walks every stream file's packets before it reads any, and one packet that is cut short
makes it refuse the trace. Here the trace is taken apart into traces of links: the sound streams
together, each damaged one by itself, cut or filled up so that babeltrace2 takes it. Where a packet
ends is asked of babeltrace2, whose log names the offset: nothing here knows a packet's layout.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tcpdw.errors import TraceError
from tcpdw.readers.event_columns import repair_text

_FILL_LIMIT = 256 << 20  # bytes to fill a packet up with, and the largest file to search
_CHUNK = 1 << 20
# "Invalid packet size reported in file": babeltrace2 2.0, and 2.1 with its units in the names.
_CUT_PACKET = re.compile(r"packet-offset(?:-bytes)?=(\d+), packet-size-bytes=(\d+)")
_ERROR_LINE = re.compile(
    r"^\S+ \S+ +\d+ +\d+ E \S+ \S+ (?:\[[^]]*\] )?(.*?)(?:[:,] mdec-addr=.*)?$", re.M
)
_STREAM = "stream"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why babeltrace2 does not take a trace: its reason in short, and what it logged."""

    reason: str
    log: str


@dataclass(frozen=True, slots=True)
class Part:
    """A trace directory to read: all of it, or one damaged stream file.

    `file` is the damaged file's name (None: a sound trace, with its own names), and `limit` the
    number of events in it that the damage leaves (None: all that are in `path`).
    """

    path: Path
    file: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Salvage:
    """The parts to read, a warning for each damaged file, and how many files hold nothing sound."""

    parts: list[Part]
    warnings: list[str]
    unread: int


Refuses = Callable[[Path], Refusal | None]
SoundEvents = Callable[[Path, Path], int]


def salvage(trace: Path, scratch: Path, refuses: Refuses, sound_events: SoundEvents) -> Salvage:
    """Return what can be read of `trace`, in directories of links and copies under `scratch`.

    `refuses` asks babeltrace2 about a directory; `sound_events` counts the events that two traces
    of one stream have in common at their start. Raises TraceError where the metadata is at fault,
    or nothing can be told.
    """
    refusal = refuses(_links(scratch / "bare", trace, []))
    if refusal is not None:
        raise _metadata_error(trace / "metadata", refusal)
    sound: list[Path] = []
    parts: list[Part] = []
    warnings: list[str] = []
    unread = 0
    for number, file in enumerate(stream_files(trace)):
        repair = _Repair(trace, file, scratch / str(number), refuses, sound_events)
        if repair.refusal is None:
            sound.append(file)
            continue
        part, warning = repair.run()
        warnings.append(f"{_shown(file)}: {warning}")
        if part is None:
            unread += 1
        else:
            parts.append(part)
    if sound:
        together = _links(scratch / "sound", trace, sound)
        refusal = refuses(together)
        if refusal is not None:
            raise TraceError(f"cannot be read: {refusal.reason}", path=trace)
        parts.insert(0, Part(together))
    return Salvage(parts, warnings, unread)


class _Repair:
    """One stream file, tried by itself in a directory of its own."""

    def __init__(
        self, trace: Path, file: Path, scratch: Path, refuses: Refuses, sound_events: SoundEvents
    ) -> None:
        self._trace = trace
        self._file = file
        self._scratch = scratch
        self._refuses = refuses
        self._sound_events = sound_events
        self._size = file.stat().st_size
        alone = _links(scratch / "alone", trace, [])
        (alone / _STREAM).symlink_to(file.resolve())
        self.refusal = refuses(alone)

    def run(self) -> tuple[Part | None, str]:
        """Return what is left of the file, None for nothing, and the warning."""
        assert self.refusal is not None
        damage = _CUT_PACKET.search(self.refusal.log)
        if damage is None:
            boundary = self._last_boundary()
            part = self._cut(boundary)
            where = f"damaged at byte {boundary}" if boundary else "damaged"
            return part, f"{where}: {self.refusal.reason}; {_kept(part)}"
        offset, needed = int(damage[1]), int(damage[2])
        part = self._filled(offset + needed) or self._cut(offset)
        return part, (
            f"cut short at byte {self._size}, in the packet of {needed} bytes at byte {offset};"
            f" {_kept(part)}"
        )

    def _filled(self, size: int) -> Part | None:
        """Fill the last packet up to `size` bytes, and count the events that are really there.

        Filled with ones and with zeros, the events before the damage are the same and the first
        one that reaches into it is not.
        """
        if not 0 < size - self._size <= _FILL_LIMIT:
            return None
        ones, zeros = (self._copy(f"fill-{byte}", self._size) for byte in (0xFF, 0))
        with (ones / _STREAM).open("ab") as stream:
            missing = size - self._size
            for start in range(0, missing, _CHUNK):
                stream.write(b"\xff" * min(_CHUNK, missing - start))
        os.truncate(zeros / _STREAM, size)
        if self._refuses(ones) is not None or self._refuses(zeros) is not None:
            return None
        return Part(ones, self._file.name, self._sound_events(ones, zeros))

    def _cut(self, size: int) -> Part | None:
        if size <= 0:
            return None
        directory = self._copy("cut", min(size, self._size))
        return None if self._refuses(directory) is not None else Part(directory, self._file.name)

    def _last_boundary(self) -> int:
        """Return the offset of the first packet that babeltrace2 cannot make out, 0 if unknown.

        A shorter beginning of the file is refused with the offset and size of the packet that it
        cuts; only if it reaches beyond the bad packet's header, without: so the length in between
        can be searched.
        """
        if self._size > _FILL_LIMIT:
            return 0
        good, bad, boundary = 0, self._size, 0
        while bad - good > 1:
            length = (good + bad) // 2
            end = self._packet_end(length)
            if end is None:
                bad = length
            else:
                good, boundary = length, max(boundary, end)
        return boundary if boundary <= self._size else 0

    def _packet_end(self, length: int) -> int | None:
        """Return where the packet ends that lies at `length`, None if babeltrace2 cannot tell."""
        # It cannot either where the cut falls into a sound packet's header: then a little before.
        for shorter in (length, length - 100, length - 300):
            if shorter <= 0:
                break
            directory = self._copy("probe", shorter)
            refusal = self._refuses(directory)
            shutil.rmtree(directory)
            if refusal is None:
                return shorter
            damage = _CUT_PACKET.search(refusal.log)
            if damage is not None:
                return int(damage[1]) + int(damage[2])
        return None

    def _copy(self, name: str, size: int) -> Path:
        directory = _links(self._scratch / name, self._trace, [])
        with self._file.open("rb") as source, (directory / _STREAM).open("wb") as target:
            while size > 0 and (chunk := source.read(min(size, _CHUNK))):
                size -= target.write(chunk)
        return directory


def _metadata_error(metadata: Path, refusal: Refusal) -> TraceError:
    with metadata.open("rb") as file:
        if file.read(1) == b"\x1e":  # a JSON text sequence (RFC 7464)
            return TraceError(
                "the trace is CTF 2, and this babeltrace2 cannot read it",
                path=metadata,
                hint="read it with babeltrace2 2.1 or later (Debian 13 has it)",
            )
    # Its error only says that there is one: the log says which.
    first = _ERROR_LINE.search(refusal.log)
    text = repair_text(first[1]) if first else refusal.reason
    return TraceError(
        f"the metadata cannot be read: {text}",
        path=metadata,
        hint="the metadata file is damaged, or is not CTF",
    )


def _links(directory: Path, trace: Path, streams: list[Path]) -> Path:
    directory.mkdir(parents=True)
    for file in (trace / "metadata", *streams):
        (directory / file.name).symlink_to(file.resolve())
    return directory


def stream_files(trace: Path) -> list[Path]:
    """Return the stream files of `trace`, as babeltrace2 chooses them.

    They are its regular files that are not hidden; it skips empty ones.
    """
    return sorted(
        file
        for file in trace.iterdir()
        if file.name != "metadata"
        and not file.name.startswith(".")
        and file.is_file()
        and file.stat().st_size > 0
    )


def _kept(part: Part | None) -> str:
    if part is None:
        return "nothing of this file could be read"
    if part.limit is None:
        return "the packets before it were read"
    return f"the {part.limit} events before it were read"


def _shown(file: Path) -> str:
    return repair_text(str(file))
