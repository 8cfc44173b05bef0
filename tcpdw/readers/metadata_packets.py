"""The packets that LTTng wraps metadata in (CTF 1.8.3, section 7.1, "Metadata packets")."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from tcpdw.errors import TraceError

_MAGIC = 0x75D11D57
_ORDERS = {struct.pack(order + "I", _MAGIC): order for order in "<>"}
# magic, UUID, checksum, content size and packet size (bits), compression, encryption, checksum
# scheme, major, minor
_HEADER = "I16sIII5B"


def check(metadata: Path) -> None:
    """Raise TraceError unless the file's packets are whole; text without packets passes.

    babeltrace2 2.0 never returns from a metadata file that ends within a packet.
    """
    data = metadata.read_bytes()
    if data[:4] in _ORDERS:
        for _ in _contents(data, metadata):
            pass


def text(metadata: Path) -> str:
    """Give the text of a metadata file, of its packets or as it is.

    Bytes that are no UTF-8 come as U+FFFD. Raises TraceError where packets are not whole, or are
    compressed or encrypted.
    """
    data = metadata.read_bytes()
    if data[:4] in _ORDERS:
        data = b"".join(_contents(data, metadata))
    return data.decode(errors="replace")


def _contents(data: bytes, metadata: Path) -> Iterator[memoryview]:
    """Give the content of each packet."""
    header = struct.Struct(_ORDERS[data[:4]] + _HEADER)
    view = memoryview(data)
    place = 0
    while place < len(data):
        if len(data) - place < header.size:
            raise _cut(metadata, len(data), place)
        magic, _, _, content, packet, *schemes = header.unpack_from(data, place)
        size = packet // 8
        if magic != _MAGIC or not header.size * 8 <= content <= packet:
            raise TraceError(
                "the metadata is damaged: no metadata packet", path=metadata, offset=place
            )
        if size > len(data) - place:
            raise _cut(metadata, len(data), place)
        if any(schemes[:3]):
            raise TraceError(
                "the metadata is compressed, encrypted or has checksums, which no reader knows",
                path=metadata,
                offset=place,
            )
        yield view[place + header.size : place + content // 8]
        place += size


def _cut(metadata: Path, length: int, place: int) -> TraceError:
    return TraceError(
        f"the metadata is cut short: the file ends at byte {length}, within a packet",
        path=metadata,
        offset=place,
    )
