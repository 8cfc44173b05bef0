"""CTF traces by the native decoder: the same items as `ctf_bt2`, some hundred times as fast.

The metadata (`ctf_metadata`) is compiled to programs (`ctf_layout`) that native/ctf_decoder.c runs
over the packets (`ctf_streams`). The trace is cut into parts of all streams over a span of time,
which threads decode side by side; within a part events come in the order of their times.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tcpdw.errors import TraceError
from tcpdw.readers import Declined, EventBatch, TraceHead, TraceItem, ctf_library, ctf_streams
from tcpdw.readers.ctf_library import CLASS, DONE, FULL
from tcpdw.readers.ctf_streams import DataStream
from tcpdw.readers.trace_tally import Tally

PART = 8 << 20
"""Bytes of packets that are decoded at a time; their columns take some three times as many."""

CHUNK = 400_000
"""Events that are decoded before their columns are handed on."""

FEW = 1024
"""Rows of a class that are not worth a batch while there may be more."""

Part = Sequence[tuple[int, int, int]]


def read(path: Path, *, threads: int = 1) -> Iterator[TraceItem]:
    """Yield what the CTF trace in the directory `path` holds (see `tcpdw.readers`).

    `threads` decode side by side. Times, losses and damage are told as `ctf_bt2.read` does.
    Raises TraceError if `path` is no readable trace, Declined where this reader does not know how
    or was not compiled: at once, or where it meets an event class that it cannot make out.
    """
    from tcpdw.readers import ctf_layout, ctf_metadata

    library = ctf_library.load()
    if library is None:
        raise Declined("the native reader was not compiled")
    if sys.byteorder != "little":
        raise Declined("the native reader runs on little-endian machines alone")
    metadata = path / "metadata"
    if not metadata.is_file():
        raise TraceError("no CTF trace: it has no metadata file", path=path)
    if not metadata.stat().st_size:
        raise TraceError("the metadata file is empty", path=metadata)
    kind = ctf_metadata.parse(metadata)
    layout = ctf_layout.TraceLayout(kind)
    with ExitStack() as stack:
        files = ctf_streams.find(path, library, layout)
        for file in files:
            stack.callback(file.close)
        streams = ctf_streams.group(files, layout)
        clocks = [stream.layout.clock for stream in streams if stream.layout is not None]
        # A class that cannot be read declines the whole trace, so nothing is told before.
        decoding = _Decoding(library, layout, streams, threads)
        batches = stack.enter_context(decoding).batches()
        first = next(batches, None)
        yield TraceHead(kind.env, clocks[0] if clocks else None)
        if first is not None:
            yield first
            yield from batches
        for file in files:
            file.check()
        layout.keep()
        total = Tally(path)
        ctf_streams.tally(streams, total)
        yield total.end()


class _Decoding:
    """The decoding of a trace's parts, in order, as many at a time as there are threads."""

    def __init__(
        self,
        library: ctf_library.Library,
        layout: Any,
        streams: Sequence[DataStream],
        threads: int,
    ) -> None:
        self._library = library
        self._layout = layout
        self._streams = streams
        self._threads = max(1, threads)
        self._free: list[_Decoder] = []
        self._lock = threading.Lock()

    def __enter__(self) -> _Decoding:
        return self

    def __exit__(self, *error: object) -> None:
        for decoder in self._free:
            decoder.close()

    def batches(self) -> Iterator[EventBatch]:
        """Yield the events; streams end where they are found damaged."""
        parts = deque(ctf_streams.in_parts(self._streams, PART))
        if len(parts) < 2 or self._threads == 1:
            # One decoder reads all, so that rows of a class can wait for those that follow.
            for part in parts:
                yield from self._one(part, FEW)
                self._settle(part)
            for decoder in self._free:
                yield from decoder.take(1)
            return
        with ThreadPoolExecutor(self._threads) as pool:
            waiting: deque[tuple[Part, Future[list[EventBatch]]]] = deque()
            try:
                while parts or waiting:
                    while parts and len(waiting) <= self._threads:
                        part = parts.popleft()
                        waiting.append((part, pool.submit(self._whole, part)))
                    part, future = waiting.popleft()
                    yield from future.result()
                    if hurt := self._settle(part):
                        self._again(hurt, pool, waiting)
            finally:
                for _, future in waiting:
                    future.cancel()

    def _settle(self, part: Part) -> set[int]:
        """End the streams of a part that was read where they are damaged; return which.

        The memory that the part's packets took is given back: it is counted as the process's.
        """
        hurt: set[int] = set()
        for number, first, last in part:
            stream = self._streams[number]
            for file, begin, end in stream.spans(first, last):
                self._library.forget(file.packets[begin], file.packets[end])
            for place in range(first, min(last, len(stream.places))):
                if stream.places[place].packet.status:
                    stream.stop_at(place)
                    hurt.add(number)
                    break
        return hurt

    def _again(
        self,
        hurt: set[int],
        pool: ThreadPoolExecutor,
        waiting: deque[tuple[Part, Future[list[EventBatch]]]],
    ) -> None:
        """Read those parts again that were read ahead of the damage to some stream."""
        for place, (part, future) in enumerate(waiting):
            if hurt.isdisjoint(number for number, _, _ in part):
                continue
            if not future.cancel():
                future.exception()
            for number, first, last in part:
                for one in self._streams[number].places[first:last]:
                    packet = one.packet
                    packet.events = packet.bad_times = packet.status = 0
            waiting[place] = (part, pool.submit(self._whole, part))

    def _whole(self, part: Part) -> list[EventBatch]:
        return list(self._one(part, 1))

    def _one(self, part: Part, least: int) -> Iterator[EventBatch]:
        with self._lock:
            decoder = self._free.pop() if self._free else None
        decoder = decoder or _Decoder(self._library, self._layout)
        try:
            yield from decoder.decode(self._streams, part, least)
        except BaseException:
            # It may hold rows that were not handed on: another part must not get them.
            decoder.close()
            raise
        with self._lock:
            self._free.append(decoder)


class _Decoder:
    """One native decoder, for one thread at a time."""

    def __init__(self, library: ctf_library.Library, layout: Any) -> None:
        self._library = library
        self._layout = layout
        self._native: int | None = library.new(ctypes.byref(layout.native))
        if not self._native:
            raise MemoryError
        self._classes: list[Any] = []

    def close(self) -> None:
        """Free it."""
        if self._native:
            self._library.free(self._native)
            self._native = None

    def decode(self, streams: Sequence[DataStream], part: Part, least: int) -> Iterator[EventBatch]:
        """Yield the events of the packets in `part`, and keep fewer than `least` of a class."""
        self._library.reset(self._native)
        kept: list[Any] = []
        for number, first, last in part:
            places = streams[number].places[first:last]
            packets = (ctypes.c_void_p * len(places))(*(place.address for place in places))
            kept.append(packets)
            if self._library.add_stream(self._native, packets, len(places)):
                raise MemoryError
        status = FULL
        while status != DONE:
            status = self._library.decode(self._native, CHUNK)
            if status == CLASS:
                self._add_class()
            elif status < 0:
                raise MemoryError
            else:
                yield from self.take(least)

    def _add_class(self) -> None:
        stream = self._library.needed_stream(self._native)
        number = self._library.needed_id(self._native)
        try:
            layout = self._layout.streams[stream].event(number)
        except KeyError:
            self._library.no_class(self._native)
            return
        native = ctypes.byref(layout.native)
        if self._library.add_class(self._native, stream, number, native) < 0:
            raise MemoryError
        self._classes.append(layout)

    def take(self, least: int) -> Iterator[EventBatch]:
        """Yield what was read, of each class that has `least` rows or as much in them."""
        import pyarrow as pa

        array = ctf_library.ArrowArray()
        address = ctypes.addressof(array)
        for number, layout in enumerate(self._classes):
            if not self._library.due(self._native, number, least):
                continue
            if self._library.export(self._native, number, ctypes.byref(array)):
                raise MemoryError
            yield EventBatch(layout.name, pa.RecordBatch._import_from_c(address, layout.schema))
