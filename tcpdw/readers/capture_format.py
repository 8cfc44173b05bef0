"""The framing of capture files: what is one, and where one is cut short.

pcap as in draft-ietf-opsawg-pcap, with the variants of ns resolution and of the longer record;
pcapng as in draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import gzip
import os
import struct
import sys
import zlib
from pathlib import Path

from tcpdw.errors import CaptureError

_PCAP_HEADER = 24
_PCAP_RECORD = {0xA1B2C3D4: 16, 0xA1B23C4D: 16, 0xA1B2CD34: 24}
_PCAP_NANOSECONDS = 0xA1B23C4D
_PCAPNG_SECTION = b"\n\r\r\n"
_PCAPNG_MAGIC = 0x1A2B3C4D
_PCAPNG_INTERFACE = 1
_PCAPNG_PACKETS = (2, 3, 6)
_PCAPNG_TSRESOL = 9
_DESCRIBED = 65_536  # Bytes in which the interfaces are looked for.
_GZIP = b"\x1f\x8b"
_HEAD = 12  # What it takes to tell the format; no pcapng block is shorter.


def check(path: Path) -> None:
    """Raise `CaptureError` where a file is no pcap or pcapng, plain or gzipped, by its first bytes.

    Other programs' guesses go further than ours should: tshark opens text, JSON and images too, as
    one frame each, and an empty file as a capture without frames.
    """
    if path.exists() and not path.is_file():
        raise CaptureError("is no regular file", path=path)
    try:
        with path.open("rb") as file:
            size, head = os.fstat(file.fileno()).st_size, file.read(_HEAD)
        if head.startswith(_GZIP):
            with gzip.open(path) as file:
                size, head = sys.maxsize, file.read(_HEAD)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CaptureError(f"cannot be read: {reason}", path=path) from error
    if not head:
        raise CaptureError("is empty", path=path, hint="record the capture again")
    least = _PCAP_HEADER
    if _pcap_order(head) is None:
        order = _pcapng_order(head)
        if order is None:
            raise CaptureError("is no capture: neither pcap nor pcapng", path=path, offset=0)
        least = struct.unpack_from(order + "I", head.ljust(_HEAD, b"\xff"), 4)[0]
    if size < least:
        raise CaptureError("is cut short in its file header", path=path, offset=0)


def _pcap_order(head: bytes) -> str | None:
    return next(
        (o for o in "<>" if head[:4] in (struct.pack(o + "I", m) for m in _PCAP_RECORD)), None
    )


def _pcapng_order(head: bytes) -> str | None:
    """Return the byte order that a section header block starts, None where it is none."""
    if head[:4] != _PCAPNG_SECTION:
        return None
    orders = {struct.pack(order + "I", _PCAPNG_MAGIC): order for order in "<>"}
    return orders.get(head[8:12], "<" if len(head) < _HEAD else None)


def resolution(path: Path) -> int | None:
    """Return what one step of a capture's times is, in ns, at least 1; None where no frame may be.

    Of several interfaces (pcapng) that are described before the first packet, the coarsest.
    """
    with path.open("rb") as file:
        head = file.read(_DESCRIBED)
    if head.startswith(_GZIP):
        # A file that is cut short gives what it has.
        head = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(head, _DESCRIBED)
    if (order := _pcap_order(head)) is not None:
        return 1 if struct.unpack_from(order + "I", head)[0] == _PCAP_NANOSECONDS else 1000
    order = _pcapng_order(head)
    offset, found = 0, list[int]()
    while order is not None and offset + _HEAD <= len(head):
        order = _pcapng_order(head[offset : offset + _HEAD]) or order
        kind, length = struct.unpack_from(order + "II", head, offset)
        if kind in _PCAPNG_PACKETS or length < _HEAD:
            break
        if kind == _PCAPNG_INTERFACE:
            found.append(_step(head[offset + 16 : offset + length - 4], order))
        offset += length + -length % 4
    return max(found, default=None)


def _step(options: bytes, order: str) -> int:
    """Return the step of an interface's times by its options, in ns; a microsecond without any."""
    at = 0
    while at + 4 < len(options):
        code, length = struct.unpack_from(order + "HH", options, at)
        if code == 0:
            break
        if code == _PCAPNG_TSRESOL and length == 1:
            power = options[at + 4] & 0x7F
            steps = 2**power if options[at + 4] & 0x80 else 10**power
            return max(1, -(-1_000_000_000 // steps))
        at += 4 + length + -length % 4
    return 1000


def cut_at(path: Path) -> int | None:
    """Return the offset of the first record that the file does not hold whole, None if unknown."""
    # Read, not mapped: a mapped file that another cuts meanwhile ends the process.
    with path.open("rb") as file:

        def at(place: int, size: int) -> bytes:
            file.seek(place)
            return file.read(size)

        size, offset = path.stat().st_size, 0
        head = at(0, _HEAD)
        if (order := _pcap_order(head[:4])) is not None:
            record = _PCAP_RECORD[struct.unpack_from(order + "I", head)[0]]
            step = _PCAP_HEADER
            while offset + step <= size:
                offset += step
                lengths = at(offset, record)
                if len(lengths) < record:
                    break
                step = record + struct.unpack_from(order + "I", lengths, 8)[0]
            return offset
        order = _pcapng_order(head)
        while order is not None and len(head := at(offset, _HEAD)) == _HEAD:
            order = _pcapng_order(head) or order
            length = struct.unpack_from(order + "I", head, 4)[0]
            if length < _HEAD or offset + length > size:
                break
            offset += length
        return None if order is None else offset
