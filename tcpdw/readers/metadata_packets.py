"""The packets that LTTng wraps TSDL metadata in (CTF 1.8.3, section 7.1, "Metadata packets")."""

from __future__ import annotations

import struct
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
    order = _ORDERS.get(data[:4])
    if order is None:
        return
    header = struct.Struct(order + _HEADER)
    place = 0
    while place < len(data):
        if len(data) - place < header.size:
            raise _cut(metadata, len(data), place)
        magic, _, _, content, packet, *_ = header.unpack_from(data, place)
        size = packet // 8
        if magic != _MAGIC or not header.size * 8 <= content <= packet:
            raise TraceError(
                "the metadata is damaged: no metadata packet", path=metadata, offset=place
            )
        if size > len(data) - place:
            raise _cut(metadata, len(data), place)
        place += size


def _cut(metadata: Path, length: int, place: int) -> TraceError:
    return TraceError(
        f"the metadata is cut short: the file ends at byte {length}, within a packet",
        path=metadata,
        offset=place,
    )
