"""A kernel trace made longer: its packets over and over, each copy later than the one before.

The shift between copies is a multiple of 2^32 clock cycles, so that the 32 bits of time in most
event headers stay right; the 64-bit times (in packets' contexts and extended event headers) are
rewritten, and the tracer's running counts go on rising. For traces as LTTng writes them on
little-endian machines with more than 30 event classes (struct event_header_large).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tcpdw.readers import EventBatch, TraceItem, ctf_metadata
from tcpdw.readers.ctf_types import Array, Integer, StreamClass, Struct, TraceClass, Variant

WRAP = 1 << 32  # Clock cycles after which the shortest times in the event headers come again.

_INDEX_HEADER = struct.Struct(">4I")
_INDEX_ENTRY = struct.Struct(">9Q")


class UnsuitedError(Exception):
    """A trace that this cannot lengthen, or did not lengthen soundly."""


@dataclass(frozen=True, slots=True)
class _Places:
    """Where a packet has its fields: byte offsets by name, and where its events begin."""

    offsets: Mapping[str, int]
    end: int


@dataclass(frozen=True, slots=True)
class _File:
    """A stream file: its bytes, and the byte offsets of its 64-bit fields that have to change."""

    name: str
    data: np.ndarray[Any, Any]
    times: np.ndarray[Any, Any]
    numbers: np.ndarray[Any, Any]  # of packet_seq_num
    losses: np.ndarray[Any, Any]  # of events_discarded
    begin: int
    end: int


def lengthen(source: Path, target: Path, copies: int) -> int:
    """Write `copies` of the trace `source`, one after another in time, as the trace `target`.

    Returns the shift between copies in clock cycles. Raises UnsuitedError where the trace is of
    another kind.
    """
    kind = ctf_metadata.parse(source / "metadata")
    files = [_file(path, kind) for path in stream_files(source)]
    span = max(file.end for file in files) - min(file.begin for file in files)
    shift = (span // WRAP + 1) * WRAP
    target.mkdir(parents=True)
    (target / "metadata").write_bytes((source / "metadata").read_bytes())
    for file in files:
        with (target / file.name).open("wb") as output:
            for copy in range(copies):
                output.write(_shifted(file, copy, shift).tobytes())
        index = source / "index" / f"{file.name}.idx"
        if index.is_file():
            (target / "index").mkdir(exist_ok=True)
            data = _index(index.read_bytes(), file, copies, shift)
            (target / "index" / index.name).write_bytes(data)
    return shift


def stream_files(trace: Path) -> list[Path]:
    """List the stream files of a trace."""
    files = sorted(path for path in trace.iterdir() if path.is_file())
    return [path for path in files if path.name != "metadata" and path.stat().st_size]


def frequency(trace: Path) -> int:
    """Return the frequency of a trace's clock in Hz."""
    clocks = [stream.clock for stream in ctf_metadata.parse(trace / "metadata").streams.values()]
    return next(clock.frequency for clock in clocks if clock is not None)


def check(
    source: Path, longer: Path, shift: int, read: Callable[[Path], Iterator[TraceItem]]
) -> int:
    """Check that `longer` holds each event of `source` as often as it has copies, and no more.

    Every field of each copy must be the original's, and `ts` the original's plus the shift; the
    clock must count nanoseconds. Returns the number of copies, raises UnsuitedError.
    """
    once, often = _classes(read(source)), _classes(read(longer))
    if not once or once.keys() != often.keys():
        raise UnsuitedError("the event classes differ")
    copies: set[int] = set()
    for name, table in once.items():
        more, rows = often[name], table.num_rows
        if more.schema != table.schema or more.num_rows % rows:
            raise UnsuitedError(f"{name}: {more.num_rows} events made of {rows}")
        copies.add(more.num_rows // rows)
        times = table["ts"].to_numpy()
        for copy in range(more.num_rows // rows):
            later: Any = pa.array(times + copy * shift)
            expected = table.set_column(0, table.field("ts"), later)
            if not more.slice(copy * rows, rows).equals(expected):
                raise UnsuitedError(f"{name}: copy {copy} differs from the original")
    if len(copies) != 1:
        raise UnsuitedError(f"the event classes have {sorted(copies)} copies")
    return copies.pop()


def _classes(items: Iterator[TraceItem]) -> dict[str, pa.Table]:
    batches: dict[str, list[pa.RecordBatch]] = {}
    for item in items:
        if isinstance(item, EventBatch):
            batches.setdefault(item.name, []).append(item.columns)
    order: Any = [("ts", "ascending"), ("cpu_id", "ascending")]
    return {name: pa.Table.from_batches(part).sort_by(order) for name, part in batches.items()}


def _file(path: Path, kind: TraceClass) -> _File:
    data = np.fromfile(path, np.uint8)
    raw = data.tobytes()
    times: list[np.ndarray[Any, Any]] = []
    numbers: list[int] = []
    losses: list[int] = []
    place, begin, end = 0, None, 0
    while place < len(raw):
        stream, places = _stream(kind, raw, place)
        at = {name: place + offset for name, offset in places.offsets.items()}
        first, last, size, content = (
            _word(raw, at[name])
            for name in ("timestamp_begin", "timestamp_end", "packet_size", "content_size")
        )
        times.append(np.array([at["timestamp_begin"], at["timestamp_end"]]))
        if "packet_seq_num" in at:
            numbers.append(at["packet_seq_num"])
        losses.append(at["events_discarded"])
        events = data[place + places.end : place + content // 8]
        times.append(_extended(events, stream, first, last) + place + places.end)
        begin, end = first if begin is None else begin, last
        place += size // 8
    if begin is None or place != len(raw):
        raise UnsuitedError(f"{path}: its packets are not whole")
    return _File(
        path.name, data, np.concatenate(times), np.array(numbers), np.array(losses), begin, end
    )


def _stream(kind: TraceClass, raw: bytes, place: int) -> tuple[StreamClass, _Places]:
    """Give the class of the packet at `place`, and where that has its fields."""
    header = _places(kind.packet_header, 0)
    number = int.from_bytes(raw[place + header.offsets["stream_id"] :][:4], "little")
    stream = kind.streams[number]
    return stream, _places(stream.packet_context, header.end)


def _places(kind: Struct | None, begin: int) -> _Places:
    """Place the members of a structure of whole bytes; those of 64 bits have no alignment."""
    if kind is None:
        raise UnsuitedError("the packets have no header or no context")
    offsets: dict[str, int] = {}
    place = begin
    for member in kind.members:
        count, element = 1, member.type
        if isinstance(element, Array) and isinstance(element.length, int):
            count, element = element.length, element.element
        if not isinstance(element, Integer) or (element.size % 8, element.align) != (0, 8):
            raise UnsuitedError(f"{member.name} is no field of whole bytes")
        if not element.little:
            raise UnsuitedError("the trace is of a big-endian machine")
        offsets[member.name] = place
        place += count * element.size // 8
    return _Places(offsets, place)


def _extended(
    events: np.ndarray[Any, Any], stream: StreamClass, first: int, last: int
) -> np.ndarray[Any, Any]:
    """Find the 64-bit times of extended event headers; the `check` tells whether these are all.

    Such a header is 0xffff, the number of an event class (32 bits), and a time within the packet.
    """
    header = stream.event_header
    if header is None or len(header.members) != 2:
        raise UnsuitedError("the event headers are not LTTng's")
    number, rest = (member.type for member in header.members)
    if not (isinstance(number, Integer) and number.size == 16 and isinstance(rest, Variant)):
        raise UnsuitedError("the event headers are not LTTng's large ones")
    window = events[: max(0, len(events) - 13)]
    found = np.flatnonzero((window == 0xFF) & (events[1 : len(window) + 1] == 0xFF))
    ids = _gather(events, found + 2, "<u4")
    times = _gather(events, found + 6, "<u8")
    known = np.isin(ids, np.fromiter(stream.events, np.uint32))
    return found[known & (times >= first) & (times <= last)] + 6


def _gather(data: np.ndarray[Any, Any], places: np.ndarray[Any, Any], kind: str) -> Any:
    """Give the numbers at any byte offsets."""
    size = np.dtype(kind).itemsize
    # Not data[...].view(): without a row it has no last axis to view by.
    rows = data[places[:, None] + np.arange(size)]
    return np.frombuffer(rows.tobytes(), kind)


def _shifted(file: _File, copy: int, shift: int) -> np.ndarray[Any, Any]:
    """Give the bytes of one copy of a stream."""
    data = file.data.copy()
    _add(data, file.times, copy * shift)
    if len(file.numbers):
        numbers = _gather(file.data, file.numbers, "<u8")
        # Not the number of packets: the tracer counts those too that it lost.
        _add(data, file.numbers, copy * (int(numbers[-1]) - int(numbers[0]) + 1))
    # The count is of the whole stream so far: what one copy lost is lost in each before.
    _add(data, file.losses, copy * int(_gather(file.data, file.losses[-1:], "<u8")[0]))
    return data


def _add(data: np.ndarray[Any, Any], places: np.ndarray[Any, Any], amount: int) -> None:
    words = _gather(data, places, "<u8") + np.uint64(amount)
    data[places[:, None] + np.arange(8)] = words.astype("<u8").view(np.uint8).reshape(-1, 8)


def _index(data: bytes, file: _File, copies: int, shift: int) -> bytes:
    """Give the index of the longer stream; see tcpdw/readers/lttng_index.py for the fields."""
    magic, major, minor, step = _INDEX_HEADER.unpack_from(data)
    if step != _INDEX_ENTRY.size:
        raise UnsuitedError(f"{file.name}.idx: entries of {step} bytes")
    entries = [*_INDEX_ENTRY.iter_unpack(data[_INDEX_HEADER.size :])]
    lost = entries[-1][5] if entries else 0
    numbers = entries[-1][8] - entries[0][8] + 1 if entries else 0
    result = [_INDEX_HEADER.pack(magic, major, minor, step)]
    for copy in range(copies):
        for offset, size, content, begin, end, discarded, stream, instance, number in entries:
            result.append(
                _INDEX_ENTRY.pack(
                    offset + copy * len(file.data),
                    size,
                    content,
                    begin + copy * shift,
                    end + copy * shift,
                    discarded + copy * lost,
                    stream,
                    instance,
                    number + copy * numbers,
                )
            )
    return b"".join(result)


def _word(raw: bytes, place: int) -> int:
    return int.from_bytes(raw[place : place + 8], "little")
