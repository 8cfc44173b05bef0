"""A packet capture made longer: its packets over and over, each copy later than the one before."""

from __future__ import annotations

import struct
from pathlib import Path

_HEADER = 24
_MICROSECONDS = b"\xd4\xc3\xb2\xa1"  # little-endian pcap with times in microseconds


def lengthen(source: Path, target: Path, copies: int, shift: int) -> int:
    """Write `copies` of the pcap file `source` to `target`, `shift` ns apart.

    Returns the number of packets. Raises ValueError unless it is a little-endian pcap file with
    times in microseconds, and whole.
    """
    data = source.read_bytes()
    if data[:4] != _MICROSECONDS:
        raise ValueError(f"{source}: no little-endian pcap file with microseconds")
    records = _records(data, source)
    with target.open("wb") as output:
        output.write(data[:_HEADER])
        for copy in range(copies):
            body = bytearray(data)
            for place in records:
                seconds, micro = struct.unpack_from("<II", data, place)
                later = seconds * 10**6 + micro + copy * shift // 1000
                struct.pack_into("<II", body, place, *divmod(later, 10**6))
            output.write(memoryview(body)[_HEADER:])
    return copies * len(records)


def part(source: Path, target: Path, packets: int) -> int:
    """Write the first packets of a pcap file; returns how many it has."""
    data = source.read_bytes()
    records = _records(data, source)
    end = records[packets] if packets < len(records) else len(data)
    target.write_bytes(data[:end])
    return min(packets, len(records))


def _records(data: bytes, source: Path) -> list[int]:
    """List the byte offsets of the records."""
    places: list[int] = []
    place = _HEADER
    while place < len(data):
        places.append(place)
        if place + 16 > len(data):
            break
        place += 16 + struct.unpack_from("<I", data, place + 8)[0]
    if place != len(data):
        raise ValueError(f"{source}: cut short")
    return places
