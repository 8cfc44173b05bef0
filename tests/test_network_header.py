from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from tcpdw.readers import network_header
from tcpdw.readers.network_header import NETWORK_COLUMNS, columns, covers, matches

TCP: dict[str, Any] = {
    "source_port": 5000,
    "dest_port": 65535,
    "seq": 2**32 - 1,
    "ack_seq": 7,
    "data_offset": 8,
    "reserved": 0,
    "flags": 0x118,
    "window_size": 510,
    "checksum": 33876,
    "urg_ptr": 1,
}
IPV4: dict[str, Any] = {
    "version": 4,
    "ihl": 5,
    "tos": 16,
    "tot_len": 58,
    "id": 41287,
    "frag_off": 0x4000,
    "ttl": 64,
    "protocol": 6,
    "protocol_label": "tcp",
    "checksum": 5455,
    "saddr": [192, 168, 1, 105],
    "daddr": [10, 0, 0, 255],
    "transport_header_type": 1,
}
IPV6: dict[str, Any] = {
    "version": 6,
    "prio": 3,
    "flow_lbl": [1, 0x9E, 0xA4],
    "payload_len": 40,
    "nexthdr": 6,
    "hop_limit": 63,
    "saddr": [0xFD00, 0, 0, 0, 0, 0, 0, 0x110],
    "daddr": [0, 0, 0, 0, 0, 0xFFFF, 0xC0A8, 0x0169],
    "transport_header_type": 1,
}


def flat(*headers: dict[str, Any] | None) -> list[dict[str, Any]]:
    return pa.table(columns(headers)).to_pylist()


def present(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def with_tcp(ip: dict[str, Any], **changed: int) -> dict[str, Any]:
    return {**ip, "transport_header": {"tcp": {**TCP, **changed}}}


TCP_COLUMNS = {
    "transport_header_type": "tcp",
    "sport": 5000,
    "dport": 65535,
    "seq": 2**32 - 1,
    "ack_seq": 7,
    "data_offset": 8,
    "reserved": 0,
    "tcp_flags": 0x118,
    "window": 510,
    "tcp_checksum": 33876,
    "urg_ptr": 1,
}


def test_ipv4_tcp() -> None:
    (row,) = flat({"ipv4": with_tcp(IPV4)})
    assert present(row) == {
        "network_header_type": "ipv4",
        "version": 4,
        "ihl": 5,
        "tos": 16,
        "tot_len": 58,
        "id": 41287,
        "frag_off": 0x4000,
        "ttl": 64,
        "protocol": 6,
        "ip_checksum": 5455,
        "saddr": "192.168.1.105",
        "daddr": "10.0.0.255",
        **TCP_COLUMNS,
        "payload_len": 6,
    }


def test_ipv6_tcp() -> None:
    (row,) = flat({"ipv6": with_tcp(IPV6)})
    assert present(row) == {
        "network_header_type": "ipv6",
        "version": 6,
        "prio": 3,
        "flow_lbl": [1, 0x9E, 0xA4],
        "ip_payload_len": 40,
        "nexthdr": 6,
        "hop_limit": 63,
        "saddr": "fd00::110",
        "daddr": "192.168.1.105",  # an IPv4-mapped address
        **TCP_COLUMNS,
        "payload_len": 8,
    }


def test_columns_have_their_types_whatever_the_rows() -> None:
    for headers in ((), (None,), ({},), ({"ipv4": with_tcp(IPV4)}, {"ipv6": with_tcp(IPV6)})):
        table = pa.table(columns(headers))
        assert table.schema == pa.schema(list(NETWORK_COLUMNS))
        assert table.num_rows == len(headers)


def test_what_is_not_there_is_null() -> None:
    no_header, unknown, no_transport, columnar = flat(
        None,
        {},
        {"ipv4": {**IPV4, "transport_header": {}}},
        # As a columnar reader decodes it: every option there, all but one None.
        {"ipv4": None, "ipv6": {**IPV6, "transport_header": {"tcp": None, "udp": None}}},
    )
    assert present(no_header) == {}
    assert present(unknown) == {"network_header_type": "unknown"}
    for row, kind in ((no_transport, "ipv4"), (columnar, "ipv6")):
        assert row["network_header_type"] == kind
        assert row["transport_header_type"] == "unknown"
        assert row["saddr"] is not None
        assert row["sport"] is row["tcp_flags"] is row["payload_len"] is None


def test_udp_and_icmp() -> None:
    udp = {"source_port": 53, "dest_port": 4000, "len": 108, "check": 9}
    icmp = {"type": 8, "code": 1, "checksum": 2, "gateway": 2**32 - 1}
    one, other = flat(
        {"ipv4": {**IPV4, "transport_header": {"udp": udp}}},
        {"ipv4": {**IPV4, "transport_header": {"icmp": icmp}}},
    )
    names = ("transport_header_type", "sport", "dport", "udp_len", "udp_checksum", "payload_len")
    assert [one[name] for name in names] == ["udp", 53, 4000, 108, 9, 100]
    assert one["tcp_checksum"] is one["seq"] is None
    names = ("transport_header_type", "icmp_type", "icmp_code", "icmp_checksum", "icmp_gateway")
    assert [other[name] for name in names] == ["icmp", 8, 1, 2, 2**32 - 1]
    assert other["payload_len"] is other["sport"] is None


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"ipv4": with_tcp({**IPV4, "tot_len": 52})}, 0),
        ({"ipv4": with_tcp({**IPV4, "ihl": 15, "tot_len": 65535})}, 65535 - 60 - 32),
        ({"ipv4": with_tcp({**IPV4, "tot_len": 51})}, None),
        ({"ipv4": with_tcp({**IPV4, "tot_len": 0})}, None),  # BIG TCP
        ({"ipv6": with_tcp({**IPV6, "payload_len": 32})}, 0),
        ({"ipv6": with_tcp({**IPV6, "payload_len": 0})}, None),  # BIG TCP
        ({"ipv6": with_tcp({**IPV6, "payload_len": 19})}, None),
    ],
)
def test_payload_length(header: dict[str, Any], expected: int | None) -> None:
    assert flat(header)[0]["payload_len"] == expected


def test_addresses_of_odd_lengths() -> None:
    octets = [0xFD, *[0] * 14, 1]
    short, long, sixteen = flat(
        {"ipv4": {**IPV4, "saddr": [1, 2, 3]}},
        {"ipv6": {**IPV6, "saddr": [1] * 9, "daddr": []}},
        {"ipv6": {**IPV6, "saddr": octets}},
    )
    assert short["saddr"] is None
    assert short["daddr"] == "10.0.0.255"
    assert long["saddr"] is long["daddr"] is None
    assert sixteen["saddr"] == "fd00::1"


def ip_type(address: pa.DataType, *more: tuple[str, pa.DataType], **tcp: pa.DataType) -> Any:
    transport = pa.struct([("tcp", pa.struct([("source_port", pa.uint16()), *tcp.items()]))])
    return pa.struct(
        [
            ("version", pa.uint8()),
            ("saddr", pa.list_(address)),
            ("daddr", pa.list_(address)),
            ("transport_header_type", pa.uint8()),
            ("transport_header", transport),
            *more,
        ]
    )


def test_lttngs_shape_is_known() -> None:
    ipv4, ipv6 = ip_type(pa.uint8()), ip_type(pa.uint16())
    assert matches(pa.struct([("ipv4", ipv4), ("ipv6", ipv6)]))
    assert matches(pa.struct([("ipv6", ipv6)]))
    assert covers(pa.struct([("ipv4", ipv4), ("ipv6", ipv6)]))
    for kind in (
        pa.string(),
        pa.struct([("ipv5", ipv4)]),
        pa.struct([("ipv4", pa.uint8())]),
        pa.struct([("ipv4", pa.struct([("saddr", pa.list_(pa.uint8()))]))]),
        pa.struct([("ipv4", ip_type(pa.uint16()))]),  # does not fit a byte
        pa.struct([("ipv4", ip_type(pa.uint8(), ("ttl", pa.uint16())))]),
        pa.struct([("ipv4", ip_type(pa.uint8(), ("ttl", pa.string())))]),
        pa.struct([("ipv4", ip_type(pa.uint8(), flags=pa.uint32()))]),
        pa.struct([("ipv4", ipv4), ("ipv6", pa.struct([("version", pa.uint8())]))]),
    ):
        assert not matches(kind), kind


def test_members_without_a_column_are_told() -> None:
    for kind in (
        pa.struct([("ipv4", ip_type(pa.uint8(), ("options", pa.list_(pa.uint8()))))]),
        pa.struct([("ipv4", ip_type(pa.uint8(), mss=pa.uint16()))]),
        pa.struct([("ipv4", ip_type(pa.uint8())), ("arp", pa.uint8())]),
    ):
        assert matches(kind)
        assert not covers(kind)


def test_column_names_are_unique_and_documented_order_holds() -> None:
    names = [name for name, _ in NETWORK_COLUMNS]
    assert len(set(names)) == len(names)
    assert names[0] == network_header.TYPE_FIELD
    assert list(columns([])) == names
