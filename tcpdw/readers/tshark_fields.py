"""What tshark's JSON says of one frame, as a row of `PACKET_SCHEMA`.

Field names are those of Wireshark's display filters (`https://www.wireshark.org/docs/dfref/`).
A field that comes more than once in its layer is a list here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from tcpdw.readers import addresses

Fields = Mapping[str, Any]

_TCP = 6
_UDP = 17
_AH = 51
_TCP_HEADER = 20
_UDP_HEADER = 8
_SACK_PERMITTED = 2  # The length of the option.

# Headers that may stand between the IP header and what it carries: the fields of the number of the
# next header and of the length, and how the length is turned to bytes (RFC 8200, RFC 4302).
_BETWEEN = {
    "ipv6.hopopts": ("ipv6.hopopts.nxt", "ipv6.hopopts.len", 8, 8),
    "ipv6.routing": ("ipv6.routing.nxt", "ipv6.routing.len", 8, 8),
    "ipv6.dstopts": ("ipv6.dstopts.nxt", "ipv6.dstopts.len", 8, 8),
    "ipv6.fraghdr": ("ipv6.fraghdr.nxt", None, 0, 8),
    "ah": ("ah.next_header", "ah.length", 4, 8),
}
# By layer; two 802.1ad tags in a row are one layer, without an "id".
_VLAN_ID = {"vlan": ("vlan.id",), "ieee8021ad": ("ieee8021ad.id", "ieee8021ad.svid")}

_INT32_MAX = 2**31 - 1
_INT64_MAX = 2**63 - 1


def row(frame: Fields, layers: Sequence[tuple[str, Fields]]) -> tuple[Any, ...] | None:
    """Return the columns of `PACKET_SCHEMA` for one frame, in order.

    `frame` has the fields of tshark's `frame`, `layers` the name and fields of each layer from the
    outermost (the first of several of a name). None where the time does not fit the column.
    Raises `KeyError` or `ValueError` where a field that every frame has is missing or no number.
    """
    ts = nanoseconds(frame["frame.time_epoch"])
    if not -_INT64_MAX <= ts <= _INT64_MAX:
        return None
    head = (
        ts,
        int(frame["frame.number"]),
        _interface(frame),
        min(int(frame["frame.len"]), _INT32_MAX),
        int(frame["frame.cap_len"]),
    )
    vlan = None
    for position, (name, fields) in enumerate(layers):
        if vlan is None:
            ids = (_int(fields, field) for field in _VLAN_ID.get(name, ()))
            vlan = next((number for number in ids if number is not None), None)
        if name in ("ip", "ipv6"):
            within = dict(reversed(layers[position + 1 :]))
            return (*head, vlan, *_network(name, fields, frame, within))
    return (*head, vlan, *(None,) * 20)


def nanoseconds(text: str) -> int:
    """Return ns since the epoch, from seconds with decimals or an ISO 8601 time in UTC, exactly.

    tshark writes the one or the other, by its version. Digits below 1 ns are dropped. Raises
    `ValueError` for anything else.
    """
    whole, _, fraction = text.removesuffix("Z").removesuffix("+00:00").partition(".")
    if fraction and not (fraction.isascii() and fraction.isdigit()):
        raise ValueError(f"{text!r} is no time")
    part = int(fraction[:9].ljust(9, "0"))
    if whole[1:].isdigit() or whole.isdigit():
        seconds = int(whole)
        return seconds * 1_000_000_000 + (-part if whole.startswith("-") else part)
    time = datetime.fromisoformat(whole)
    if time.tzinfo is not None:
        raise ValueError(f"{text!r} is no time in UTC")
    elapsed = time - datetime(1970, 1, 1)
    return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000_000 + part


def _network(name: str, ip: Fields, frame: Fields, within: Fields) -> tuple[Any, ...]:
    """Return the columns from `ip_version` on; `within` are the layers inside the IP header's."""
    if name == "ip":
        version, ttl, ip_id, protocol = 4, "ip.ttl", _int(ip, "ip.id"), _int(ip, "ip.proto")
        left = _difference(_int(ip, "ip.len"), _int(ip, "ip.hdr_len"))
        between = within
        order = ["ah"] if protocol == _AH else []
    else:
        version, ttl, ip_id, protocol = 6, "ipv6.hlim", None, _int(ip, "ipv6.nxt")
        left = _int(ip, "ipv6.plen") or None
        between = ip
        # "...:ipv6:ipv6.hopopts:ah:tcp": tshark nests these in the IPv6 layer, out of order.
        order = f":{frame['frame.protocols']}".partition(":ipv6:")[2].split(":")
    seen: dict[str, int] = {}
    for header in order:
        if header not in _BETWEEN or header not in between:
            break
        number = seen[header] = seen.get(header, -1) + 1
        next_field, length_field, unit, least = _BETWEEN[header]
        headers = _headers(between[header])
        fields: Fields = headers[number] if number < len(headers) else {}
        protocol = _int(fields, next_field) if next_field in fields else protocol
        words = _int(fields, length_field) if length_field else 0
        left = _difference(left, None if words is None else least + unit * words)
    columns = (version, _int(ip, ttl), ip_id, protocol, *_ends(name, ip))
    if protocol == _TCP and "tcp" in within:
        return (*columns, *_tcp(within["tcp"], left))
    if protocol == _UDP and "udp" in within:
        return (*columns, *_udp(within["udp"], left))
    return (*columns, *(None,) * 14)


def _tcp(tcp: Fields, left: int | None) -> tuple[Any, ...]:
    """Return the columns from `sport` on; `left` is how much of the IP length TCP has, if known."""
    ports = (_int(tcp, "tcp.srcport"), _int(tcp, "tcp.dstport"))
    size = _int(tcp, "tcp.hdr_len")
    if size is None or size < _TCP_HEADER or "tcp.urgent_pointer" not in tcp:
        return (*ports, *(None,) * 12)
    options: Fields = tcp.get("tcp.options_tree") or {}
    offered = _option(options, "tcp.options.mss_tree", "tcp.options.mss_val")
    scale = _option(options, "tcp.options.wscale_tree", "tcp.options.wscale.shift")
    sack = _option(options, "tcp.options.sack_perm_tree", "tcp.option_len")
    times = _option(options, "tcp.options.timestamp_tree", "tcp.options.timestamp.tsecr")
    payload = _int(tcp, "tcp.len") if left is None else left - size
    return (
        *ports,
        _int(tcp, "tcp.seq_raw"),
        _int(tcp, "tcp.ack_raw"),
        _int(tcp, "tcp.flags"),
        None if payload is None or payload < 0 else payload,
        _int(tcp, "tcp.window_size_value"),
        _int(tcp, "tcp.checksum"),
        _int(tcp, "tcp.urgent_pointer"),
        _int(offered, "tcp.options.mss_val"),
        _int(scale, "tcp.options.wscale.shift"),
        _int(sack, "tcp.option_len") == _SACK_PERMITTED,
        _int(times, "tcp.options.timestamp.tsval"),
        _int(times, "tcp.options.timestamp.tsecr"),
    )


def _udp(udp: Fields, left: int | None) -> tuple[Any, ...]:
    length = _int(udp, "udp.length") if left is None else left
    payload = _difference(length, _UDP_HEADER)
    ports = (_int(udp, "udp.srcport"), _int(udp, "udp.dstport"))
    return (*ports, None, None, None, payload, *(None,) * 8)


def _ends(name: str, ip: Fields) -> tuple[str | None, str | None]:
    source, destination = ip.get(f"{name}.src"), ip.get(f"{name}.dst")
    return (
        None if source is None else addresses.from_text(source),
        None if destination is None else addresses.from_text(destination),
    )


def _interface(frame: Fields) -> str | None:
    tree: Fields = frame.get("frame.interface_id_tree") or {}
    name = tree.get("frame.interface_name")
    return None if name in (None, "unknown") else str(name)  # "unknown" where the file has none.


def _difference(whole: int | None, part: int | None) -> int | None:
    return None if whole is None or part is None or part > whole else whole - part


def _option(options: Fields, name: str, field: str) -> Fields:
    """Return the last option of a name that has the field: one that is damaged has not."""
    headers = reversed(_headers(options.get(name)))
    none: Fields = {}
    return next((header for header in headers if field in header), none)


def _headers(found: Any) -> list[Fields]:
    """Return the headers of one name: a list where there are several, text where nothing is in."""
    several = cast("list[Any]", found if isinstance(found, list) else [found])
    return [cast("Fields", header) if isinstance(header, dict) else {} for header in several]


def _int(fields: Fields, name: str) -> int | None:
    text = fields.get(name)
    if text is None:
        return None
    return int(text, 16) if text.startswith("0x") else int(text)
