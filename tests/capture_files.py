"""Small capture files, written from what each packet should say.

The builders take the values a test expects to read back; checksums are whatever the test gives,
since no reader here checks them. Formats: pcap (`draft-ietf-opsawg-pcap`), pcapng
(`draft-ietf-opsawg-pcapng`), link types as in `https://www.tcpdump.org/linktypes.html`.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ByteOrder = Literal["little", "big"]

# Link types.
ETHERNET = 1
RAW = 101
NULL = 0
LOOP = 108
LINUX_SLL = 113
RAW_IPV4 = 228
RAW_IPV6 = 229
LINUX_SLL2 = 276

# EtherTypes.
IPV4 = 0x0800
ARP = 0x0806
VLAN = 0x8100
IPV6 = 0x86DD
QINQ = 0x88A8
OLD_QINQ = 0x9100

# IP protocols and IPv6 extension headers.
HOP_BY_HOP = 0
ICMP = 1
TCP = 6
UDP = 17
ROUTING = 43
FRAGMENT = 44
AUTHENTICATION = 51
DESTINATION = 60

# TCP flags.
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR, AE = (1 << bit for bit in range(9))


@dataclass(frozen=True, slots=True)
class Frame:
    """A captured frame: its bytes, time (ns), length on the wire if longer, and interface."""

    data: bytes
    ts: int = 1_700_000_000_123_456_000
    length: int | None = None
    interface: int = 0

    @property
    def wire_length(self) -> int:
        """The length on the wire, which is that of `data` unless it was cut."""
        return len(self.data) if self.length is None else self.length


def cut(data: bytes, snaplen: int, *, ts: int = 1_700_000_000_123_456_000) -> Frame:
    """Cut a frame as a capture with this snapshot length does."""
    return Frame(data[:snaplen], ts=ts, length=len(data))


# Headers.


def ethernet(
    payload: bytes, ethertype: int = IPV4, *, vlans: Sequence[tuple[int, int]] = ()
) -> bytes:
    """Wrap in Ethernet; `vlans` are (TPID, tag control) pairs, the outermost first."""
    head = bytes.fromhex("525400123405 525400123410")
    for tpid, control in vlans:
        head += struct.pack(">HH", tpid, control)
    return head + struct.pack(">H", ethertype) + payload


def ieee8023(payload: bytes, length: int | None = None) -> bytes:
    """Wrap in Ethernet with a length instead of a type, as LLC frames are."""
    return ethernet(payload, len(payload) if length is None else length)


def snap(payload: bytes, ethertype: int = IPV4, organisation: int = 0) -> bytes:
    """Wrap in an LLC and a SNAP header, which go into `ieee8023`."""
    return b"\xaa\xaa\3" + organisation.to_bytes(3, "big") + struct.pack(">H", ethertype) + payload


def sll(payload: bytes, ethertype: int = IPV4) -> bytes:
    """Wrap in a Linux cooked header, version 1."""
    return struct.pack(">HHH8sH", 0, 1, 6, bytes(8), ethertype) + payload


def sll2(payload: bytes, ethertype: int = IPV4) -> bytes:
    """Wrap in a Linux cooked header, version 2."""
    return struct.pack(">HHIHBB8s", ethertype, 0, 2, 1, 0, 6, bytes(8)) + payload


def ipv4(
    payload: bytes,
    *,
    saddr: str = "192.168.1.110",
    daddr: str = "192.168.1.105",
    protocol: int = TCP,
    ttl: int = 64,
    ip_id: int = 0x4532,
    more_fragments: bool = False,
    fragment_offset: int = 0,
    options: bytes = b"",
    total_length: int | None = None,
) -> bytes:
    """Wrap in IPv4; `fragment_offset` in bytes, `options` padded by the caller to words."""
    words = 5 + len(options) // 4
    return (
        struct.pack(
            ">BBHHHBBH4s4s",
            0x40 | words,
            0,
            4 * words + len(payload) if total_length is None else total_length,
            ip_id,
            (0x2000 if more_fragments else 0) | fragment_offset // 8,
            ttl,
            protocol,
            0xBEEF,
            ipaddress.IPv4Address(saddr).packed,
            ipaddress.IPv4Address(daddr).packed,
        )
        + options
        + payload
    )


def ipv6(
    payload: bytes,
    *,
    saddr: str = "fd00::110",
    daddr: str = "fd00::105",
    next_header: int = TCP,
    hop_limit: int = 63,
    payload_length: int | None = None,
) -> bytes:
    """Wrap in IPv6; extension headers are part of `payload`."""
    return (
        struct.pack(
            ">IHBB",
            6 << 28,
            len(payload) if payload_length is None else payload_length,
            next_header,
            hop_limit,
        )
        + ipaddress.IPv6Address(saddr).packed
        + ipaddress.IPv6Address(daddr).packed
        + payload
    )


def ipv6_options(next_header: int, words: int = 0) -> bytes:
    """Give a hop-by-hop or destination options header of 8 + 8 * `words` bytes of padding."""
    return struct.pack(">BB", next_header, words) + struct.pack(">BB", 1, 4 + 8 * words).ljust(
        6 + 8 * words, b"\0"
    )


def ipv6_routing(next_header: int) -> bytes:
    """Give a routing header (type 2, one address, no segments left)."""
    return struct.pack(">BBBBI", next_header, 2, 2, 0, 0) + ipaddress.IPv6Address("fd00::9").packed


def ipv6_fragment(next_header: int, offset: int, *, more: bool) -> bytes:
    """Give a fragment header; `offset` in bytes."""
    return struct.pack(">BBHI", next_header, 0, offset | int(more), 0xCAFE)


def authentication(next_header: int) -> bytes:
    """Give an authentication header with a check value of 12 bytes."""
    return struct.pack(">BBHII", next_header, 4, 0, 1, 1) + bytes(12)


def tcp(
    payload: bytes = b"",
    *,
    sport: int = 50370,
    dport: int = 5000,
    seq: int = 0,
    ack_seq: int = 0,
    flags: int = ACK,
    window: int = 64240,
    checksum: int = 0x7EBA,
    urg_ptr: int = 0,
    options: bytes = b"",
) -> bytes:
    """Give a segment; `options` are padded with zeros to whole words."""
    options = options.ljust(-(-len(options) // 4) * 4, b"\0")
    offset = 5 + len(options) // 4
    return (
        struct.pack(
            ">HHIIHHHH",
            sport,
            dport,
            seq,
            ack_seq,
            offset << 12 | flags,
            window,
            checksum,
            urg_ptr,
        )
        + options
        + payload
    )


def mss(size: int) -> bytes:
    """Give the maximum segment size option."""
    return struct.pack(">BBH", 2, 4, size)


def wscale(shift: int) -> bytes:
    """Give the window scale option."""
    return struct.pack(">BBB", 3, 3, shift)


SACK_OK = b"\4\2"
NOP = b"\1"


def sack(*blocks: tuple[int, int]) -> bytes:
    """Give the selective acknowledgement option."""
    edges = b"".join(struct.pack(">II", left, right) for left, right in blocks)
    return struct.pack(">BB", 5, 2 + len(edges)) + edges


def timestamps(tsval: int, tsecr: int) -> bytes:
    """Give the timestamps option."""
    return struct.pack(">BBII", 8, 10, tsval, tsecr)


def udp(payload: bytes = b"", *, sport: int = 5353, dport: int = 53) -> bytes:
    """Give a datagram."""
    return struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload


def arp() -> bytes:
    """Give an ARP request between the addresses that `ipv4` uses."""
    return bytes.fromhex("0001 0800 06 04 0001 525400123410 c0a8016e 000000000000 c0a80169")


# Files.


def pcap(
    frames: Sequence[Frame | bytes],
    *,
    byte_order: ByteOrder = "little",
    nanoseconds: bool = False,
    modified: bool = False,
    linktype: int = ETHERNET,
    snaplen: int = 262144,
) -> bytes:
    """Give a classic capture file; microsecond files drop what is below.

    `modified` gives each record the 8 bytes more that a patch to libpcap once gave it.
    """
    order = "<" if byte_order == "little" else ">"
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2CD34 if modified else 0xA1B2C3D4
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, linktype)
    for item in frames:
        frame = item if isinstance(item, Frame) else Frame(item)
        seconds, rest = divmod(frame.ts, 1_000_000_000)
        fraction = rest if nanoseconds else rest // 1000
        out += struct.pack(order + "IIII", seconds, fraction, len(frame.data), frame.wire_length)
        out += (bytes(8) if modified else b"") + frame.data
    return out


@dataclass(frozen=True, slots=True)
class Interface:
    """A pcapng interface; `resolution` is its `if_tsresol`, None for the default (us).

    `offset` is its `if_tsoffset` (s), which the stamps of its frames do without.
    """

    name: str | None = None
    resolution: int | None = None
    linktype: int = ETHERNET
    offset: int = 0


def pcapng(
    frames: Sequence[Frame | bytes],
    *,
    byte_order: ByteOrder = "little",
    interfaces: Sequence[Interface] = (Interface(),),
    simple: bool = False,
    old: bool = False,
    options: bytes = b"",
) -> bytes:
    """Give a pcapng file of one section, in enhanced packet blocks, or `simple` or `old` ones.

    All but the simple blocks end in `options`.
    """
    order = "<" if byte_order == "little" else ">"
    out = block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    for interface in interfaces:
        body = struct.pack(order + "HHI", interface.linktype, 0, 262144)
        if interface.name is not None:
            body += option(order, 2, interface.name.encode())
        if interface.resolution is not None:
            body += option(order, 9, bytes([interface.resolution]))
        if interface.offset:
            body += option(order, 14, struct.pack(order + "q", interface.offset))
        out += block(order, 1, body + option(order, 0, b""))
    for item in frames:
        frame = item if isinstance(item, Frame) else Frame(item)
        data = frame.data + bytes(-len(frame.data) % 4)
        if simple:
            out += block(order, 3, struct.pack(order + "I", frame.wire_length) + data)
            continue
        resolution = interfaces[frame.interface].resolution
        since = frame.ts - interfaces[frame.interface].offset * 1_000_000_000
        per_second = 2 ** (resolution & 0x7F) if (resolution or 0) & 0x80 else 10 ** (
            6 if resolution is None else resolution
        )  # fmt: skip
        stamp = since * per_second // 1_000_000_000
        head = struct.pack(
            order + ("HHIIII" if old else "IIIII"),
            frame.interface,
            *((7,) if old else ()),
            stamp >> 32,
            stamp & 0xFFFFFFFF,
            len(frame.data),
            frame.wire_length,
        )
        out += block(order, 2 if old else 6, head + data + options)
    return out


def block(order: str, kind: int, body: bytes) -> bytes:
    """Give a pcapng block; `order` is `<` or `>`, `body` whole words."""
    length = 12 + len(body)
    return struct.pack(order + "II", kind, length) + body + struct.pack(order + "I", length)


def option(order: str, code: int, value: bytes) -> bytes:
    """Give an option of a pcapng block."""
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)
