"""The columns that every capture reader gives, one row a captured frame."""

from __future__ import annotations

import pyarrow as pa

_DOCS: tuple[tuple[str, pa.DataType, bool, str], ...] = (
    ("ts", pa.int64(), False, "When the frame was captured, ns since the epoch."),
    ("frame", pa.int32(), False, "The frame's number in its file, from 1."),
    ("interface", pa.string(), True, "The interface's name, where the file has one (pcapng)."),
    ("length", pa.int32(), False, "Bytes on the wire; what is said beyond 2^31 - 1 is cut to it."),
    ("captured_len", pa.int32(), False, "Bytes in the file."),
    ("vlan", pa.uint16(), True, "The outermost VLAN id before the IP header."),
    ("ip_version", pa.uint8(), True, "4 or 6, of the outermost IP header."),
    ("ttl", pa.uint8(), True, "Time to live; in IPv6 the hop limit."),
    ("ip_id", pa.uint16(), True, "IPv4 identification; NULL in IPv6."),
    (
        "protocol",
        pa.uint8(),
        True,
        "What the outermost IP header carries, after IPv6 extension headers and AH: 6 is TCP. Of "
        "a tunnelled packet, the tunnel's protocol (4, 41, 47 ...).",
    ),
    ("saddr", pa.string(), True, "Source address, as `addresses.from_packed` spells it."),
    ("daddr", pa.string(), True, "Destination address, likewise."),
    ("sport", pa.uint16(), True, "Source port of TCP or UDP; NULL in all but a first fragment."),
    ("dport", pa.uint16(), True, "Destination port, likewise."),
    ("seq", pa.uint32(), True, "TCP sequence number as on the wire."),
    ("ack_seq", pa.uint32(), True, "TCP acknowledgement number as on the wire, ACK set or not."),
    (
        "flags",
        pa.uint16(),
        True,
        "The 12 bits after the TCP data offset: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, "
        "ECE 64, CWR 128, AE (NS) 256, and three reserved.",
    ),
    (
        "payload_len",
        pa.int32(),
        True,
        "Bytes of TCP or UDP payload in this packet, by the IP lengths, whatever was captured; "
        "where those are 0 (segmentation offload), by the frame's length.",
    ),
    ("window", pa.uint16(), True, "TCP window as on the wire, not scaled."),
    ("checksum", pa.uint16(), True, "TCP checksum; with offload, what the NIC was to complete."),
    ("urg_ptr", pa.uint16(), True, "TCP urgent pointer."),
    ("mss", pa.uint16(), True, "Maximum segment size option, bytes."),
    ("wscale", pa.uint8(), True, "Window scale option, the shift as on the wire."),
    ("sack_ok", pa.bool_(), True, "TCP: whether the SACK-permitted option is there."),
    ("tsval", pa.uint32(), True, "Timestamps option, the sender's value."),
    ("tsecr", pa.uint32(), True, "Timestamps option, the echoed value."),
)

PACKET_SCHEMA: pa.Schema = pa.schema(
    [
        pa.field(name, kind, nullable=nullable, metadata={"doc": doc})
        for name, kind, nullable, doc in _DOCS
    ]
)
"""The shape of `Capture.packets`; each field's metadata has its sentence under `doc`.

Every frame of the file keeps a row, with NULL where nothing applies: ARP has no addresses here,
UDP no `seq`. The outermost IP header counts: of a tunnelled packet or of an ICMP error, what is
inside is not read. TCP columns beyond the ports are NULL where the fixed header of 20 bytes was not
captured whole or gives its own length as less; an option counts where it was captured whole and
has its right length, and of a repeated one the last (`tcp_parse_options`, net/ipv4/tcp_input.c).
Headers: RFC 791, 8200, 4302, 9293, 7323, 2018.
"""
