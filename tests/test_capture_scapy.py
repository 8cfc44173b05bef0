"""Captures that scapy makes: the native reader and tshark must see the same in them."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tcpdw.readers import capture_native, capture_pyshark

with warnings.catch_warnings():
    # Its own use of cryptography's older names is not ours to mend.
    warnings.simplefilter("ignore")
    from scapy.all import (
        ARP,
        GRE,
        ICMP,
        IP,
        TCP,
        UDP,
        CookedLinux,
        CookedLinuxV2,
        Dot1AD,
        Dot1Q,
        Ether,
        IPv6,
        IPv6ExtHdrDestOpt,
        IPv6ExtHdrFragment,
        IPv6ExtHdrHopByHop,
        IPv6ExtHdrRouting,
        Raw,
        fragment,
        wrpcap,
        wrpcapng,
    )

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")

OPTIONS: Sequence[Any] = [
    ("MSS", 1460),
    ("SAckOK", b""),
    ("Timestamp", (123456, 654321)),
    ("NOP", None),
    ("WScale", 7),
]


def inner() -> list[Any]:
    """Packets from the IP header on."""
    v4 = IP(src="192.0.2.1", dst="198.51.100.2", id=7, ttl=61)
    v6 = IPv6(src="2001:db8::1", dst="fd00::105", hlim=62)
    syn = TCP(sport=40000, dport=8080, flags="S", seq=2**32 - 1, options=OPTIONS)
    text = TCP(sport=8080, dport=40000, flags="PA", seq=1, ack=2, window=502) / Raw(b"Hello\n")
    packets: list[Any] = []
    for ip in (v4, v6):
        packets += [ip / syn, ip / text, ip / UDP(sport=53, dport=5353) / Raw(b"x" * 30)]
        packets += [ip / TCP(sport=1, dport=2, flags=flags) for flags in ("R", "FA", "SEC", "N")]
        packets += [ip / TCP(options=[option]) for option in OPTIONS]
        packets += [ip / TCP(options=[("MSS", 1), ("MSS", 2), ("EOL", None)])]
    packets += [v4 / ICMP(), v4 / GRE() / IP() / TCP(), v4 / IP(src="10.0.0.1") / UDP()]
    packets += fragment(v4 / UDP(sport=9, dport=9) / Raw(b"y" * 3000), fragsize=1000)
    packets += [
        v6 / IPv6ExtHdrHopByHop() / syn,
        v6 / IPv6ExtHdrDestOpt() / IPv6ExtHdrRouting(addresses=["::1"]) / text,
        v6 / IPv6ExtHdrFragment(id=5, m=1, offset=0) / UDP(sport=3, dport=4) / Raw(b"z" * 16),
        v6 / IPv6ExtHdrFragment(id=5, m=0, offset=3) / Raw(b"z" * 16),
        IPv6(src="::ffff:192.0.2.9", dst="::1") / syn,
    ]
    return packets


def ethernet() -> list[Any]:
    ether = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    frames = [ether / packet for packet in inner()]
    frames += [
        ether / Dot1Q(vlan=5) / inner()[0],
        ether / Dot1AD(vlan=9) / Dot1Q(vlan=8) / inner()[1],
    ]
    frames += [ether / ARP(), ether / inner()[0] / Raw(b"\0" * 9)]
    whole = bytes(ether / inner()[0])
    return [*frames, *(cut(whole, length) for length in range(14, len(whole), 3))]


def cut(whole: bytes, length: int) -> Any:
    frame = Ether(whole[:length])
    frame.wirelen = len(whole)
    return frame


LINKS: dict[str, Callable[[], list[Any]]] = {
    "ethernet": ethernet,
    "raw": lambda: [packet for packet in inner() if IP in packet and packet[0].version == 4],
    "sll": lambda: [CookedLinux(proto=proto(packet)) / packet for packet in inner()],
    "sll2": lambda: [CookedLinuxV2(proto=proto(packet)) / packet for packet in inner()],
}
NUMBERS = {"ethernet": 1, "raw": 101, "sll": 113, "sll2": 276}


def proto(packet: Any) -> int:
    return 0x0800 if packet[0].version == 4 else 0x86DD


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("form", ["us", "ns", "swapped", "pcapng"])
def test_the_native_reader_sees_what_tshark_sees(link: str, form: str, tmp_path: Path) -> None:
    path = tmp_path / f"{link}.cap"
    packets = LINKS[link]()
    for number, packet in enumerate(packets):
        packet.time = 1_700_000_000 + number / 1000
    if form == "pcapng":
        wrpcapng(str(path), packets)
    else:
        endianness = ">" if form == "swapped" else "<"
        number = NUMBERS[link]
        wrpcap(str(path), packets, linktype=number, endianness=endianness, nano=form == "ns")
    native, reference = capture_native.read(path), capture_pyshark.read(path)
    assert native.packets.num_rows == len(packets)
    assert {1460, 2} <= set(native.packets["mss"].to_pylist())
    assert native.packets.to_pylist() == reference.packets.to_pylist()
    assert native.warnings == reference.warnings
