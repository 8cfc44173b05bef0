"""A trace's stream files: mapped, their packets listed, put together to data streams."""

from __future__ import annotations

import ctypes
import errno
import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tcpdw.errors import TraceError
from tcpdw.readers import Clock, ctf_library
from tcpdw.readers.ctf_layout import StreamLayout, TraceLayout
from tcpdw.readers.ctf_library import REASONS, UNKNOWN
from tcpdw.readers.event_columns import repair_text
from tcpdw.readers.trace_tally import StreamTally, Tally

PACKET_BYTES = ctypes.sizeof(ctf_library.Packet)


class StreamFile:
    """A mapped stream file and its packets; `close` frees both."""

    def __init__(self, library: ctf_library.Library, path: Path, trace: TraceLayout) -> None:
        self._library = library
        self.path = path
        self.native: Any = library.open(os.fsencode(path))
        if not self.native:
            raise MemoryError
        about = self.native.contents
        if about.error:
            error = OSError(about.error, os.strerror(about.error))
            self.close()
            raise TraceError(f"cannot be read: {error.strerror}", path=path) from error
        if library.scan(self.native, ctypes.byref(trace.native)):
            self.close()
            raise MemoryError
        self.count: int = about.n_packets
        self.packets: Any = about.packets

    @property
    def damage(self) -> str | None:
        """Where and why the file's packets end early, None if they do not."""
        about = self.native.contents
        if not about.status:
            return None
        return f"{REASONS[about.status]} (at byte {about.error_at})"

    @property
    def size(self) -> int:
        """The file's bytes."""
        return self.native.contents.size

    def check(self) -> None:
        """Raise TraceError where the file was cut, or its disk failed, as it was read.

        What was read of it is then not what is in it, and its end, and more, is zeros.
        """
        if self.native.contents.vanished:
            raise TraceError(
                "was cut short, or could no longer be read, while it was read",
                path=self.path,
                hint="ingest it again once nobody writes it",
            ) from BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    def close(self) -> None:
        """Unmap the file; its packets are gone."""
        if self.native:
            self._library.close(self.native)
            self.native = None


@dataclass(frozen=True, slots=True)
class Place:
    """A packet of a stream: its file, and its number there."""

    file: StreamFile
    number: int

    @property
    def packet(self) -> Any:
        """The packet as the decoder knows it."""
        return self.file.packets[self.number]

    @property
    def address(self) -> int:
        """Where the packet's description is in memory."""
        base = ctypes.addressof(self.file.packets.contents)
        return base + self.number * PACKET_BYTES


class DataStream:
    """The files of one data stream, in order; `layout` is None if it has no packet."""

    def __init__(self, files: Sequence[StreamFile], layout: StreamLayout | None) -> None:
        self.files = files
        self.layout = layout
        self.name = repair_text(files[0].path.name)
        self.damage: str | None = None
        self.places: list[Place] = []
        for file in files:
            self.places += [Place(file, number) for number in range(file.count)]
            if file.damage is not None:
                self.damage = self._told(file, file.damage)
                break

    def _told(self, file: StreamFile, damage: str) -> str:
        return damage if file is self.files[0] else f"in {repair_text(file.path.name)}, {damage}"

    @property
    def independent(self) -> bool:
        """Whether its packets can be read without those before them, and in parts."""
        return self.layout is not None and self.layout.begins and self.layout.clock is not None

    def spans(self, first: int, last: int) -> Iterator[tuple[StreamFile, int, int]]:
        """Yield where the packets from `first` to before `last` lie: file, first and last there."""
        places = self.places[first:last]
        for file, run in itertools.groupby(places, key=lambda place: place.file):
            numbers = [place.number for place in run]
            yield file, numbers[0], numbers[-1]

    def stop_at(self, number: int) -> None:
        """Note that its packet `number` is damaged: there it ends."""
        place = self.places[number]
        packet = place.packet
        at = packet.offset + packet.error_at // 8
        del self.places[number + 1 :]
        self.damage = self._told(place.file, f"{REASONS[packet.status]} (at byte {at})")


def find(trace: Path, library: ctf_library.Library, layout: TraceLayout) -> list[StreamFile]:
    """Open the stream files of a trace: the regular files that are not hidden nor `metadata`."""
    files: list[StreamFile] = []
    try:
        with os.scandir(trace) as entries:
            names = sorted(
                entry.name
                for entry in entries
                if entry.is_file() and entry.name != "metadata" and entry.name[0] != "."
            )
        for name in names:
            file = StreamFile(library, trace / name, layout)
            if file.size:
                files.append(file)
            else:
                file.close()
    except BaseException:
        for file in files:
            file.close()
        raise
    return files


def group(files: Sequence[StreamFile], layout: TraceLayout) -> list[DataStream]:
    """Put the files of one stream together: those whose packets name the same instance of it.

    A file that names none, or no time to put it in order by, is a stream by itself.
    """
    groups: dict[object, list[StreamFile]] = {}
    for file in files:
        key: object = file
        if file.count:
            first = file.packets[0]
            if first.instance != UNKNOWN and first.begin != UNKNOWN:
                key = (first.stream_class, first.instance)
        groups.setdefault(key, []).append(file)
    streams: list[DataStream] = []
    for members in groups.values():
        if len(members) > 1:
            members.sort(key=lambda file: file.packets[0].begin)
        first = members[0]
        number: int = first.packets[0].stream_class if first.count else 0
        kind = layout.streams[number] if first.count else None
        streams.append(DataStream(members, kind))
    return streams


def tally(streams: Sequence[DataStream], total: Tally) -> None:
    """Count what was read of the streams, with what the tracer lost of them."""
    for stream in streams:
        counted = total.begin_stream(stream.name)
        if stream.layout is not None and stream.places:
            if stream.layout.clock is None:
                counted.no_clock()
            _count(stream, counted, stream.layout.clock)
        if stream.damage is not None:
            counted.damaged(stream.damage)
        total.end_stream(counted)


def _count(stream: DataStream, counted: StreamTally, clock: Clock | None) -> None:
    discarded = 0
    start: int | None = None
    expected: int | None = None
    for place in stream.places:
        packet = place.packet
        begin, end = _ns(clock, packet.begin), _ns(clock, packet.end)
        if packet.cpu != UNKNOWN:
            cpu = packet.cpu - 2**64 if packet.cpu >= 2**63 else packet.cpu
            # The field may hold any 64-bit number: what is no cpu is NULL.
            counted.cpu = cpu if -(2**31) <= cpu < 2**31 else None
        if packet.sequence != UNKNOWN:
            if expected is not None and packet.sequence != expected:
                counted.lost_packets(start, begin, packet.sequence - expected)
            expected = packet.sequence + 1
        if packet.discarded != UNKNOWN:
            if packet.discarded != discarded:
                since = begin if start is None else start
                counted.lost_events(since, end, packet.discarded - discarded)
            discarded = packet.discarded
        start = end
        if packet.events:
            if counted.first_ts is None:
                counted.first_ts = packet.first_ts
            counted.last_ts = packet.last_ts
            counted.events += packet.events
        for _ in range(packet.bad_times):
            counted.unreadable_time()


def _ns(clock: Clock | None, cycles: int) -> int | None:
    if clock is None or cycles == UNKNOWN:
        return None
    return clock.offset_ns + cycles * 10**9 // clock.frequency


def in_parts(streams: Sequence[DataStream], size: int) -> list[list[tuple[int, int, int]]]:
    """Cut streams into parts of about `size` bytes, each of all streams over one span of time.

    A part is a list of (stream, first packet, packet after the last), by numbers. A stream whose
    packets cannot be read by themselves comes whole, in the first part.
    """
    packets: list[tuple[int, int, int]] = []  # when it begins, its stream, bytes
    for number, stream in enumerate(streams):
        begin = 0
        for place in stream.places:
            packet = place.packet
            # Each stream keeps its order, whatever its times are.
            begin = max(begin, packet.begin) if stream.independent else 0
            packets.append((begin, number, packet.size // 8))
    packets.sort()
    parts: list[list[tuple[int, int, int]]] = []
    done = [0] * len(streams)
    counts = [0] * len(streams)
    held = 0
    for place, (begin, number, length) in enumerate(packets):
        counts[number] += 1
        held += length
        is_last = place + 1 == len(packets)
        if is_last or (held >= size and begin > 0):
            parts.append([(n, done[n], done[n] + count) for n, count in enumerate(counts) if count])
            done = [at + count for at, count in zip(done, counts, strict=True)]
            counts = [0] * len(streams)
            held = 0
    return parts
