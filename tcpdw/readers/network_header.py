"""LTTng's network headers as flat columns: `net_dev_queue`, `net_if_receive_skb`, `net_if_rx` ...

LTTng records the IP and transport headers of a packet as a variant `network_header` of the
structures `ipv4` and `ipv6`, each with a variant `transport_header` of `tcp`, `udp` and `icmp`
(lttng-modules, instrumentation/events/net.h). A reader hands on those nested values as decoded;
here they become the columns `NETWORK_COLUMNS`, whatever the reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.types as pat

from tcpdw.readers import addresses

FIELD = "network_header"
TYPE_FIELD = "network_header_type"

NETWORK_COLUMNS: tuple[tuple[str, pa.DataType], ...] = (
    ("network_header_type", pa.string()),  # "ipv4", "ipv6", "unknown"
    ("version", pa.uint8()),
    ("ihl", pa.uint8()),  # IPv4: header length, 32-bit words
    ("tos", pa.uint8()),
    ("tot_len", pa.uint16()),  # IPv4: header and payload, bytes; 0 in BIG TCP
    ("id", pa.uint16()),
    ("frag_off", pa.uint16()),  # IPv4: 3 flag bits and the offset in 8 bytes
    ("ttl", pa.uint8()),
    ("protocol", pa.uint8()),
    ("ip_checksum", pa.uint16()),
    ("saddr", pa.string()),
    ("daddr", pa.string()),
    ("prio", pa.uint8()),  # IPv6, from here to hop_limit
    ("flow_lbl", pa.list_(pa.uint8())),
    ("ip_payload_len", pa.uint16()),  # bytes after the fixed header; 0 in BIG TCP
    ("nexthdr", pa.uint8()),
    ("hop_limit", pa.uint8()),
    ("transport_header_type", pa.string()),  # "tcp", "udp", "icmp", "unknown"
    ("sport", pa.uint16()),
    ("dport", pa.uint16()),
    ("seq", pa.uint32()),
    ("ack_seq", pa.uint32()),
    ("data_offset", pa.uint8()),  # TCP: header length, 32-bit words
    ("reserved", pa.uint8()),
    ("tcp_flags", pa.uint16()),  # 9 bits: NS CWR ECE URG ACK PSH RST SYN FIN
    ("window", pa.uint16()),
    ("tcp_checksum", pa.uint16()),
    ("urg_ptr", pa.uint16()),
    ("udp_len", pa.uint16()),
    ("udp_checksum", pa.uint16()),
    ("icmp_type", pa.uint8()),
    ("icmp_code", pa.uint8()),
    ("icmp_checksum", pa.uint16()),
    ("icmp_gateway", pa.uint32()),  # the second word of the ICMP header
    ("payload_len", pa.int32()),  # TCP or UDP payload, bytes
)

# LTTng's member names, and the columns that they become.
IP_MEMBERS: Mapping[str, Mapping[str, str]] = {
    "ipv4": {
        **{n: n for n in ("version", "ihl", "tos", "tot_len", "id", "frag_off", "ttl", "protocol")},
        "checksum": "ip_checksum",
        "saddr": "saddr",
        "daddr": "daddr",
    },
    "ipv6": {
        **{n: n for n in ("version", "prio", "flow_lbl", "nexthdr", "hop_limit", "saddr", "daddr")},
        "payload_len": "ip_payload_len",
    },
}
TRANSPORT_MEMBERS: Mapping[str, Mapping[str, str]] = {
    "tcp": {
        "source_port": "sport",
        "dest_port": "dport",
        **{n: n for n in ("seq", "ack_seq", "data_offset", "reserved", "urg_ptr")},
        "flags": "tcp_flags",
        "window_size": "window",
        "checksum": "tcp_checksum",
    },
    "udp": {
        "source_port": "sport",
        "dest_port": "dport",
        "len": "udp_len",
        "check": "udp_checksum",
    },
    "icmp": {
        "type": "icmp_type",
        "code": "icmp_code",
        "checksum": "icmp_checksum",
        "gateway": "icmp_gateway",
    },
}
_TYPES: Mapping[str, pa.DataType] = dict(NETWORK_COLUMNS)
_POSITION = {name: place for place, (name, _) in enumerate(NETWORK_COLUMNS)}
TRANSPORT_FIELD = "transport_header"
# Said twice in LTTng's events: the variants' own options tell the same.
_SELECTORS = frozenset({"transport_header_type"})


def matches(kind: pa.DataType) -> bool:
    """Tell whether a column of type `kind` is LTTng's network header, so that `columns` fits it.

    It is if it has `ipv4` or `ipv6`, both with addresses, and every member known here is of a type
    that fits its column.
    """
    options = _members(kind)
    found = [name for name in IP_MEMBERS if name in options]
    return bool(found) and all(_matches_ip(options[name], IP_MEMBERS[name]) for name in found)


def covers(kind: pa.DataType) -> bool:
    """Tell whether `columns` keeps all there is in a column of type `kind`.

    False where a tracer adds members that have no column here: then keep the nested value too.
    """
    for option, ip in _members(kind).items():
        if option not in IP_MEMBERS or not pat.is_struct(ip):
            return False
        for name, member in _members(ip).items():
            if name == TRANSPORT_FIELD:
                if not all(
                    transport in TRANSPORT_MEMBERS
                    and set(_members(fields)) <= set(TRANSPORT_MEMBERS[transport])
                    for transport, fields in _members(member).items()
                ):
                    return False
            elif name not in IP_MEMBERS[option] and not _is_label(name):
                return False
    return True


def columns(headers: Iterable[Mapping[str, Any] | None]) -> dict[str, pa.Array[Any]]:
    """Return `NETWORK_COLUMNS` for nested headers, one row each.

    A header is `{"ipv4": {...}}` or `{"ipv6": {...}}` as LTTng names its members, with the
    transport header in `transport_header` as `{"tcp": {...}}` and so on; an option that was not
    recorded is absent or None. What is not there is NULL. Addresses are spelled as
    `addresses.from_packed` does, an IPv4-mapped IPv6 address as the IPv4 address in it.
    """
    rows = [flatten(header) for header in headers]
    values: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * len(NETWORK_COLUMNS)
    return {
        name: pa.array(column, kind)
        for (name, kind), column in zip(NETWORK_COLUMNS, values, strict=True)
    }


def flatten(header: Mapping[str, Any] | None) -> list[Any]:
    """Return one header's values in the order of `NETWORK_COLUMNS`."""
    row: list[Any] = [None] * len(NETWORK_COLUMNS)
    if header is None:
        return row
    name, ip = _selected(header)
    if ip is None or name not in IP_MEMBERS:
        row[_POSITION["network_header_type"]] = "unknown"
        return row
    row[_POSITION["network_header_type"]] = name
    _fill(row, ip, IP_MEMBERS[name])
    for end in ("saddr", "daddr"):
        words = ip.get(end)
        row[_POSITION[end]] = _address(words, 4 if name == "ipv4" else 16) if words else None
    kind, transport = _selected(ip.get(TRANSPORT_FIELD) or {})
    if transport is None or kind not in TRANSPORT_MEMBERS:
        row[_POSITION["transport_header_type"]] = "unknown"
        return row
    row[_POSITION["transport_header_type"]] = kind
    _fill(row, transport, TRANSPORT_MEMBERS[kind])
    row[_POSITION["payload_len"]] = _payload_len(name, ip, kind, transport)
    return row


def _payload_len(
    name: str, ip: Mapping[str, Any], kind: str, transport: Mapping[str, Any]
) -> int | None:
    """Return the transport payload in bytes by the headers' own lengths, None if they don't tell.

    They don't where the IP length is 0 (BIG TCP; `skb->len` is no help, for it counts the link
    header at transmit) or smaller than the headers (damage).
    """
    if kind == "udp":
        return _natural(transport.get("len"), 8)
    if kind != "tcp" or transport.get("data_offset") is None:
        return None
    headers = 4 * transport["data_offset"]
    if name == "ipv6":
        return _natural(ip.get("payload_len"), headers)
    return _natural(ip.get("tot_len"), headers + 4 * (ip.get("ihl") or 0))


def _natural(total: int | None, headers: int) -> int | None:
    return total - headers if total and total >= headers else None


def _fill(row: list[Any], source: Mapping[str, Any], names: Mapping[str, str]) -> None:
    for name, column in names.items():
        row[_POSITION[column]] = source.get(name)


def _selected(options: Mapping[str, Any]) -> tuple[str, Mapping[str, Any] | None]:
    # A columnar reader hands on every option, all but one of them None.
    return next(((n, v) for n, v in options.items() if v is not None), ("", None))


def _address(words: Sequence[int], width: int) -> str | None:
    """Return an address from its bytes (IPv4), or its 16-bit words or bytes (IPv6)."""
    size = width // len(words)
    if size not in (1, 2) or size * len(words) != width:
        return None
    return addresses.from_packed(b"".join(word.to_bytes(size, "big") for word in words))


def _members(kind: pa.DataType) -> dict[str, pa.DataType]:
    if not pat.is_struct(kind):
        return {}
    fields: list[pa.Field[Any]] = [kind.field(i) for i in range(kind.num_fields)]  # pyright: ignore
    return {field.name: field.type for field in fields}


def _is_label(name: str) -> bool:
    return name in _SELECTORS or name.removesuffix("_label") in {"protocol", "nexthdr", *_SELECTORS}


def _matches_ip(kind: pa.DataType, names: Mapping[str, str]) -> bool:
    members = _members(kind)
    if not {"saddr", "daddr"} <= members.keys():
        return False
    ipv4 = "ihl" in names
    for end in ("saddr", "daddr"):
        address = members.pop(end)
        if not pat.is_list(address) and not pat.is_fixed_size_list(address):
            return False
        if not _fits(address.value_type, pa.uint8() if ipv4 else pa.uint16()):
            return False
    if not _match(members, names):
        return False
    transports = _members(members.get(TRANSPORT_FIELD, pa.null()))
    return all(
        _match(_members(transports[name]), TRANSPORT_MEMBERS[name])
        for name in transports
        if name in TRANSPORT_MEMBERS
    )


def _match(members: Mapping[str, pa.DataType], names: Mapping[str, str]) -> bool:
    return all(
        _fits(members[name], _TYPES[column]) for name, column in names.items() if name in members
    )


def _fits(kind: pa.DataType, into: pa.DataType) -> bool:
    if pat.is_list(into):
        return (pat.is_list(kind) or pat.is_fixed_size_list(kind)) and _fits(
            kind.value_type, into.value_type
        )
    return pat.is_unsigned_integer(kind) and kind.bit_width <= into.bit_width
