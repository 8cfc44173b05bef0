"""The packet index that LTTng writes beside each stream file: `index/NAME.idx`.

Big-endian words: magic, major, minor and entry length (32 bits each), then an entry a packet:
offset (bytes), packet size and content size (bits), begin and end (clock cycles), the count of
discarded events, the stream's id (64 bits each), and from 1.1 on two more.
Source: lttng-tools, src/common/index/ctf-index.h.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

_HEADER = struct.Struct(">4I")
_MAGIC = 0xC1F1DCC1
_ENTRY = struct.Struct(">7Q")
_LARGEST = 256 << 20


@dataclass(frozen=True, slots=True)
class IndexedPacket:
    """A packet: its place (bytes), times (clock cycles), and the tracer's count of discards."""

    offset: int
    size: int
    begin: int
    end: int
    discarded: int


def read(index: Path, stream: Path) -> list[IndexedPacket] | None:
    """Return the packets of the file `stream` by its `index`; None without one that fits it."""
    try:
        length = stream.stat().st_size
        if index.stat().st_size > _LARGEST:
            return None
        data = index.read_bytes()
    except OSError:
        return None
    if len(data) < _HEADER.size:
        return None
    magic, major, _, step = _HEADER.unpack_from(data)
    if magic != _MAGIC or major != 1 or step < _ENTRY.size:
        return None
    packets: list[IndexedPacket] = []
    expected = 0
    for place in range(_HEADER.size, len(data), step):
        if place + step > len(data):
            return None
        offset, bits, _, begin, end, discarded, _ = _ENTRY.unpack_from(data, place)
        if offset != expected or bits % 8 or not bits or end < begin:
            return None
        expected += bits // 8
        packets.append(IndexedPacket(offset, bits // 8, begin, end, discarded))
    return packets if expected == length else None
