from __future__ import annotations

import asyncio
import gzip
import os
import signal
import sys
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import capture_files as c
import pytest

from tcpdw.errors import CaptureError, ReaderUnavailableError
from tcpdw.readers import capture_pyshark, tshark_fields
from tcpdw.readers.packets import PACKET_SCHEMA

TS = 1_700_000_000_123_456_789
Row = dict[str, Any]

SEGMENT = c.tcp(
    b"hello",
    seq=0xFFFFFFFF,
    ack_seq=3,
    flags=c.ACK | c.PSH | c.ECE | c.CWR | c.AE | 0x800,
    window=501,
    urg_ptr=5,
    options=c.mss(1460) + c.SACK_OK + c.timestamps(0xFFFFFFFF, 7) + c.NOP + c.wscale(15),
)
V4: Row = {
    "ip_version": 4,
    "ttl": 64,
    "ip_id": 0x4532,
    "protocol": 6,
    "saddr": "192.168.1.110",
    "daddr": "192.168.1.105",
}
V6: Row = {
    "ip_version": 6,
    "ttl": 63,
    "protocol": 6,
    "saddr": "fd00::110",
    "daddr": "fd00::105",
}
PORTS: Row = {"sport": 50370, "dport": 5000}
# What `tcp()` has by itself, and what SEGMENT has.
BARE: Row = PORTS | {
    "seq": 0,
    "ack_seq": 0,
    "flags": 0x10,
    "payload_len": 0,
    "window": 64240,
    "checksum": 0x7EBA,
    "urg_ptr": 0,
    "sack_ok": False,
}
FULL: Row = BARE | {
    "seq": 0xFFFFFFFF,
    "ack_seq": 3,
    "flags": 0x9D8,
    "payload_len": 5,
    "window": 501,
    "urg_ptr": 5,
    "mss": 1460,
    "wscale": 15,
    "sack_ok": True,
    "tsval": 0xFFFFFFFF,
    "tsecr": 7,
}
V6_OPTIONS = c.ipv6_options(c.ROUTING, 1) + c.ipv6_routing(c.DESTINATION)
VXLAN = b"\x08\0\0\0\0\0\1\0" + c.ethernet(c.ipv4(SEGMENT), vlans=[(c.VLAN, 9)])
BAD_OFFSET = c.tcp()[:12] + b"\x10" + c.tcp()[13:]

CASES: dict[str, tuple[c.Frame | bytes, Row]] = {
    "ipv4": (c.ethernet(c.ipv4(SEGMENT)), V4 | FULL),
    "ipv4 options": (c.ethernet(c.ipv4(SEGMENT, options=b"\1\1\1\0")), V4 | FULL),
    "padded frame": (c.ethernet(c.ipv4(c.tcp()) + bytes(6)), V4 | BARE),
    "no options": (c.ethernet(c.ipv4(c.tcp(flags=c.RST))), V4 | BARE | {"flags": 4}),
    "ack number without ACK": (
        c.ethernet(c.ipv4(c.tcp(flags=c.SYN, ack_seq=77))),
        V4 | BARE | {"flags": 2, "ack_seq": 77},
    ),
    "selective acknowledgement": (
        c.ethernet(c.ipv4(c.tcp(options=c.sack((1, 2), (3, 4)) + c.timestamps(8, 9)))),
        V4 | BARE | {"tsval": 8, "tsecr": 9},
    ),
    "repeated option": (
        c.ethernet(c.ipv4(c.tcp(options=c.mss(1) + c.mss(2)))),
        V4 | BARE | {"mss": 2},
    ),
    "options of wrong length": (
        c.ethernet(c.ipv4(c.tcp(options=b"\2\3\1" + b"\4\3\0" + b"\x08\x20\1\1"))),
        V4 | BARE,
    ),
    "known port, text payload": (
        c.ethernet(c.ipv4(c.tcp(b"GET / HTTP/1.1\r\n\r\n", dport=80))),
        V4 | BARE | {"dport": 80, "payload_len": 18},
    ),
    "vlan": (
        c.ethernet(c.ipv4(SEGMENT), vlans=[(c.VLAN, 0x2005)]),
        V4 | FULL | {"vlan": 5},
    ),
    "stacked vlans": (
        c.ethernet(c.ipv4(SEGMENT), vlans=[(c.QINQ, 100), (c.VLAN, 200)]),
        V4 | FULL | {"vlan": 100},
    ),
    # To tshark these are one layer, and a third is the next one's.
    "two service tags in a row": (
        c.ethernet(c.ipv4(SEGMENT), vlans=[(c.QINQ, 100), (c.QINQ, 200)]),
        V4 | FULL | {"vlan": 100},
    ),
    "three service tags in a row": (
        c.ethernet(c.ipv6(SEGMENT), c.IPV6, vlans=[(c.QINQ, 0x2001), (c.QINQ, 2), (c.QINQ, 3)]),
        V6 | FULL | {"vlan": 1},
    ),
    "two service tags inside another": (
        c.ethernet(c.ipv4(SEGMENT), vlans=[(c.VLAN, 300), (c.QINQ, 100), (c.QINQ, 200)]),
        V4 | FULL | {"vlan": 300},
    ),
    "twice the same tag": (
        c.ethernet(c.ipv4(SEGMENT), vlans=[(c.VLAN, 300), (c.VLAN, 200)]),
        V4 | FULL | {"vlan": 300},
    ),
    "ipv6": (c.ethernet(c.ipv6(SEGMENT), c.IPV6), V6 | FULL),
    "ipv6 spelled in full": (
        c.ethernet(
            c.ipv6(c.tcp(), saddr="2001:db8:0:0:1:0:0:1", daddr="2001:db8:0:1:1:1:1:1"), c.IPV6
        ),
        V6 | BARE | {"saddr": "2001:db8::1:0:0:1", "daddr": "2001:db8:0:1:1:1:1:1"},
    ),
    "ipv6 extension headers": (
        c.ethernet(
            c.ipv6(V6_OPTIONS + c.ipv6_options(c.TCP) + SEGMENT, next_header=c.HOP_BY_HOP), c.IPV6
        ),
        V6 | FULL,
    ),
    "the same extension header twice": (
        c.ethernet(
            c.ipv6(
                c.ipv6_options(c.DESTINATION, 2) + c.ipv6_options(c.TCP) + SEGMENT,
                next_header=c.DESTINATION,
            ),
            c.IPV6,
        ),
        V6 | FULL,
    ),
    "ipv6 authentication header": (
        c.ethernet(c.ipv6(c.authentication(c.TCP) + SEGMENT, next_header=51), c.IPV6),
        V6 | FULL,
    ),
    "ipv4 authentication header": (
        c.ethernet(c.ipv4(c.authentication(c.TCP) + SEGMENT, protocol=51)),
        V4 | FULL,
    ),
    "ipv4 first fragment": (
        c.ethernet(c.ipv4(c.tcp(bytes(44)), more_fragments=True)),
        V4 | BARE | {"payload_len": 44},
    ),
    "ipv4 later fragment": (c.ethernet(c.ipv4(SEGMENT, fragment_offset=64)), V4),
    "ipv6 first fragment": (
        c.ethernet(
            c.ipv6(c.ipv6_fragment(c.TCP, 0, more=True) + c.tcp(bytes(44)), next_header=44), c.IPV6
        ),
        V6 | BARE | {"payload_len": 44},
    ),
    "ipv6 later fragment": (
        c.ethernet(
            c.ipv6(c.ipv6_fragment(c.TCP, 64, more=False) + SEGMENT, next_header=44), c.IPV6
        ),
        V6,
    ),
    "icmp error quotes a segment": (
        c.ethernet(c.ipv4(b"\3\3" + bytes(6) + c.ipv4(c.tcp(seq=9), ttl=1), protocol=c.ICMP)),
        V4 | {"protocol": 1},
    ),
    "ipv4 in ipv4": (
        c.ethernet(c.ipv4(c.ipv4(SEGMENT, saddr="10.0.0.1", ttl=9), protocol=4)),
        V4 | {"protocol": 4},
    ),
    "ipv6 in ipv4": (c.ethernet(c.ipv4(c.ipv6(SEGMENT), protocol=41)), V4 | {"protocol": 41}),
    "ipv4 in ipv6": (
        c.ethernet(c.ipv6(c.ipv4(SEGMENT), next_header=4), c.IPV6),
        V6 | {"protocol": 4},
    ),
    "vxlan": (
        c.ethernet(c.ipv4(c.udp(VXLAN, dport=4789), protocol=c.UDP)),
        V4 | {"protocol": 17, "sport": 5353, "dport": 4789, "payload_len": len(VXLAN)},
    ),
    "udp": (
        c.ethernet(c.ipv4(c.udp(b"abc"), protocol=c.UDP)),
        V4 | {"protocol": 17, "sport": 5353, "dport": 53, "payload_len": 3},
    ),
    "arp": (c.ethernet(c.arp(), c.ARP), {}),
    "ipv4 length 0": (c.ethernet(c.ipv4(SEGMENT, total_length=0)), V4 | FULL),
    "ipv6 length 0": (c.ethernet(c.ipv6(SEGMENT, payload_length=0), c.IPV6), V6 | FULL),
    "ip length beyond the frame": (
        c.ethernet(c.ipv4(SEGMENT, total_length=1500)),
        V4 | FULL | {"payload_len": 1440},
    ),
    "ip length within the tcp header": (
        c.ethernet(c.ipv4(c.tcp(), total_length=30)),
        V4 | PORTS,
    ),
    "data offset below 5": (c.ethernet(c.ipv4(BAD_OFFSET)), V4 | PORTS),
    "payload not captured": (
        c.cut(c.ethernet(c.ipv4(c.tcp(bytes(1000)))), 60),
        V4 | BARE | {"payload_len": 1000},
    ),
    "options captured in part": (
        c.cut(c.ethernet(c.ipv4(SEGMENT)), 14 + 20 + 20 + 6),
        V4 | FULL | {"tsval": None, "tsecr": None, "wscale": None},
    ),
    "tcp header captured in part": (c.cut(c.ethernet(c.ipv4(SEGMENT)), 14 + 20 + 10), V4 | PORTS),
    "ipv6 options captured in part": (
        c.cut(
            c.ethernet(
                c.ipv6(V6_OPTIONS + c.ipv6_options(c.TCP) + SEGMENT, next_header=c.HOP_BY_HOP),
                c.IPV6,
            ),
            14 + 40 + 16,
        ),
        V6 | {"protocol": 43},
    ),
    "empty": (b"", {}),
    "not even a link header": (b"ab", {}),
}


def expected(frame: c.Frame | bytes, number: int, columns: Row, ts: int = TS) -> Row:
    frame = frame if isinstance(frame, c.Frame) else c.Frame(frame)
    row: Row = dict.fromkeys(PACKET_SCHEMA.names)
    return row | {
        "ts": ts,
        "frame": number,
        "length": frame.wire_length,
        "captured_len": len(frame.data),
    } | columns  # fmt: skip


def at(frame: c.Frame | bytes, ts: int = TS) -> c.Frame:
    if isinstance(frame, bytes):
        return c.Frame(frame, ts=ts)
    return c.Frame(frame.data, ts=ts, length=frame.length)


def read_bytes(tmp_path: Path, content: bytes, name: str = "packets.pcap") -> list[Row]:
    path = tmp_path / name
    path.write_bytes(content)
    capture = capture_pyshark.read(path)
    assert capture.warnings == ()
    assert capture.packets.schema.equals(PACKET_SCHEMA, check_metadata=True)
    return capture.packets.to_pylist()


@pytest.fixture(scope="module")
def all_cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, Row]]:
    content = c.pcap([at(frame) for frame, _ in CASES.values()], nanoseconds=True)
    rows = read_bytes(tmp_path_factory.mktemp("cases"), content)
    assert len(rows) == len(CASES)
    return {name: (i, row) for i, (name, row) in enumerate(zip(CASES, rows, strict=True), 1)}


@pytest.mark.parametrize("name", CASES)
def test_frame(name: str, all_cases: dict[str, tuple[int, Row]]) -> None:
    frame, columns = CASES[name]
    number, row = all_cases[name]
    assert row == expected(frame, number, columns)


@pytest.mark.parametrize("byte_order", ["little", "big"])
@pytest.mark.parametrize("nanoseconds", [True, False])
def test_pcap_variants(tmp_path: Path, byte_order: c.ByteOrder, nanoseconds: bool) -> None:
    frame = c.ethernet(c.ipv4(SEGMENT))
    content = c.pcap([at(frame)], byte_order=byte_order, nanoseconds=nanoseconds)
    ts = TS if nanoseconds else TS // 1000 * 1000
    assert read_bytes(tmp_path, content) == [expected(frame, 1, V4 | FULL, ts)]


@pytest.mark.parametrize(
    ("linktype", "frame", "columns"),
    [
        (c.LINUX_SLL, c.sll(c.ipv4(SEGMENT)), V4 | FULL),
        (c.LINUX_SLL, c.sll(c.ipv6(SEGMENT), c.IPV6), V6 | FULL),
        (c.LINUX_SLL2, c.sll2(c.ipv4(SEGMENT)), V4 | FULL),
        (c.RAW, c.ipv4(SEGMENT), V4 | FULL),
        (
            c.RAW,
            c.ipv6(c.ipv6_options(c.TCP) + SEGMENT, next_header=c.HOP_BY_HOP),
            V6 | FULL,
        ),
    ],
)
def test_link_types(tmp_path: Path, linktype: int, frame: bytes, columns: Row) -> None:
    rows = read_bytes(tmp_path, c.pcap([at(frame)], linktype=linktype, nanoseconds=True))
    assert rows == [expected(frame, 1, columns)]


@pytest.mark.parametrize("byte_order", ["little", "big"])
def test_pcapng_interfaces_and_resolutions(tmp_path: Path, byte_order: c.ByteOrder) -> None:
    frame = c.ethernet(c.ipv4(c.tcp()))
    interfaces = [
        c.Interface("eth0", 9),
        c.Interface(),
        c.Interface('a "quoted"\nname', 3),
        c.Interface("binary", 0x80 | 20),
    ]
    half = TS // 1_000_000_000 * 1_000_000_000 + 500_000_000
    frames = [c.Frame(frame, ts=TS, interface=i) for i in range(3)]
    frames.append(c.Frame(frame, ts=half, interface=3))
    rows = read_bytes(tmp_path, c.pcapng(frames, byte_order=byte_order, interfaces=interfaces))
    assert [(row["interface"], row["ts"]) for row in rows] == [
        ("eth0", TS),
        (None, TS // 1_000 * 1_000),
        ('a "quoted"\nname', TS // 1_000_000 * 1_000_000),
        ("binary", half),
    ]


def test_interface_name_that_is_not_utf8(tmp_path: Path) -> None:
    content = c.pcapng([c.Frame(b"")], interfaces=[c.Interface("name")])
    (row,) = read_bytes(tmp_path, content.replace(b"name", b"n\xffme"))
    assert row["interface"] == "n\N{REPLACEMENT CHARACTER}me"


def test_times_at_the_ends_of_what_pcap_can_say(tmp_path: Path) -> None:
    times = [0, 999_999_999, (2**32 - 1) * 1_000_000_000 + 999_999_999]
    frames = [c.Frame(b"", ts=ts) for ts in times]
    assert [row["ts"] for row in read_bytes(tmp_path, c.pcap(frames, nanoseconds=True))] == times


def test_time_that_does_not_fit_is_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "far.pcapng"
    far = c.Frame(b"", ts=2**63 * 1000)
    path.write_bytes(c.pcapng([c.Frame(b"", ts=5000), far, far, c.Frame(b"", ts=7000)]))
    capture = capture_pyshark.read(path)
    assert capture.packets["ts"].to_pylist() == [5000, 7000]
    assert capture.packets["frame"].to_pylist() == [1, 4]
    assert len(capture.warnings) == 1
    assert "2 frames" in capture.warnings[0]
    assert str(path) in capture.warnings[0]


def test_length_that_cannot_be_is_cut(tmp_path: Path) -> None:
    rows = read_bytes(tmp_path, c.pcap([c.Frame(b"abc", length=2**32 - 1)]))
    assert (rows[0]["length"], rows[0]["captured_len"]) == (2**31 - 1, 3)


def test_capture_without_packets(tmp_path: Path) -> None:
    assert read_bytes(tmp_path, c.pcap([])) == []


def test_batches_join_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_pyshark, "_ROWS_A_BATCH", 2)
    rows = read_bytes(tmp_path, c.pcap([c.Frame(b"", ts=i * 1000) for i in range(5)]))
    assert [(row["frame"], row["ts"]) for row in rows] == [(i + 1, i * 1000) for i in range(5)]


def test_compressed_capture(tmp_path: Path) -> None:
    frame = c.ethernet(c.ipv4(SEGMENT))
    content = gzip.compress(c.pcap([at(frame)], nanoseconds=True))
    assert read_bytes(tmp_path, content, "packets.pcap.gz") == [expected(frame, 1, V4 | FULL)]


@pytest.mark.parametrize("name", [b"-r a.pcap", b"bl\xe4nk \xff.pcap", b"$(id)\n.pcap"])
def test_odd_file_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: bytes) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(os.fsdecode(name))
    path.write_bytes(c.pcap([b"a", b"b"])[:-1])
    capture = capture_pyshark.read(path)
    assert capture.packets.num_rows == 1
    assert "cut short" in capture.warnings[0]


ONE = c.pcap([c.ethernet(c.ipv4(SEGMENT))])
NG = c.pcapng([c.ethernet(c.ipv4(SEGMENT))])


@pytest.mark.parametrize(
    ("content", "kept", "offset"),
    [
        (c.pcap([b"abc", b"defg", b"hi"])[:-1], 2, 24 + 19 + 20),
        (c.pcap([b"abc", b"defg"])[: 24 + 19 + 5], 1, 24 + 19),
        (c.pcap([b"abc"], byte_order="big", nanoseconds=True)[:-3], 0, 24),
        (NG + NG[28:48], 1, len(NG)),
        (c.pcapng([b"abcd", b"efgh"], byte_order="big")[:-7], 1, len(c.pcapng([b"abcd"]))),
        (NG + NG[:-1], 1, len(NG) + 28 + 24),
    ],
)
def test_cut_short(tmp_path: Path, content: bytes, kept: int, offset: int) -> None:
    path = tmp_path / "cut.pcap"
    path.write_bytes(content)
    capture = capture_pyshark.read(path)
    assert capture.packets.num_rows == kept
    assert len(capture.warnings) == 1
    assert capture.warnings[0].startswith(f"{path} at byte {offset}: cut short")


def test_compressed_and_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap.gz"
    path.write_bytes(gzip.compress(c.pcap([b"abc", b"defg"])[:-1], mtime=0))
    capture = capture_pyshark.read(path)
    assert capture.packets.num_rows == 1
    assert capture.warnings[0].startswith(f"{path}: cut short")


def test_damaged_after_a_frame(tmp_path: Path) -> None:
    path = tmp_path / "damaged.pcap"
    path.write_bytes(ONE + b"\xff" * 64)
    capture = capture_pyshark.read(path)
    assert capture.packets.num_rows == 1
    assert capture.warnings[0].startswith(f"{path}: only the first 1 frames are readable; tshark: ")
    assert capture.warnings[0].count(str(path)) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\xd4", "neither pcap nor pcapng"),
        (b'{"machine": "osprey"}\n', "neither pcap nor pcapng"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "neither pcap nor pcapng"),
        (ONE[:23], "cut short in its file header"),
        (NG[:10], "cut short in its file header"),
        (NG[:20], "cut short in its file header"),
        (NG[:8] + bytes(100), "neither pcap nor pcapng"),
        (ONE[:24] + b"\xff" * 64, "tshark: "),
        (gzip.compress(b'{"machine": "osprey"}', mtime=0), "neither pcap nor pcapng"),
        (gzip.compress(b"", mtime=0), "empty"),
        (gzip.compress(ONE, mtime=0)[:9], "cannot be read: .*ended"),
        (b"\x1f\x8b" + bytes(50), "cannot be read: "),
        (c.pcapng([b"abc"], simple=True), "frame 1 has no time"),
    ],
)
def test_no_capture(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "bad.pcap"
    path.write_bytes(content)
    with pytest.raises(CaptureError, match=reason) as caught:
        capture_pyshark.read(path)
    assert caught.value.path == str(path)
    assert str(caught.value).count(str(path)) == 1
    assert "\n" not in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="No such file"):
        capture_pyshark.read(tmp_path / "none.pcap")
    with pytest.raises(CaptureError, match="no regular file"):
        capture_pyshark.read(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CaptureError, match="no regular file"):
        capture_pyshark.read(tmp_path / "pipe")


def one_capture(tmp_path: Path) -> Path:
    path = tmp_path / "one.pcap"
    path.write_bytes(ONE)
    return path


def test_within_a_running_loop(tmp_path: Path) -> None:
    async def rows() -> int:
        return capture_pyshark.read(one_capture(tmp_path)).packets.num_rows

    assert asyncio.run(rows()) == 1


def test_from_threads_at_once(tmp_path: Path) -> None:
    path, found = one_capture(tmp_path), list[int]()

    def work() -> None:
        found.append(capture_pyshark.read(path).packets.num_rows)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1, 1, 1]


def children() -> Iterator[str]:
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            yield Path(f"/proc/{pid}/comm").read_text().strip()


def test_leaves_no_process_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # More text than the pipe holds, and a failure in the middle of it.
    path = tmp_path / "many.pcap"
    path.write_bytes(c.pcap([c.ethernet(c.ipv4(SEGMENT))] * 500))
    real, seen = tshark_fields.row, list[int]()

    def row(*args: Any) -> Any:
        seen.append(1)
        if len(seen) == 3:
            raise ValueError("on purpose")
        return real(*args)

    monkeypatch.setattr(tshark_fields, "row", row)
    with pytest.raises(CaptureError, match=r"frame 3 .*on purpose"):
        capture_pyshark.read(path)
    assert "tshark" not in list(children())


def test_interrupt_ends_tshark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "many.pcap"
    path.write_bytes(c.pcap([c.ethernet(c.ipv4(SEGMENT))] * 500))

    def row(*args: Any) -> Any:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(tshark_fields, "row", row)
    # A shell lets what it runs in the background ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            capture_pyshark.read(path)
    finally:
        signal.signal(signal.SIGINT, before)
    assert "tshark" not in list(children())


def test_config_of_the_working_directory_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = one_capture(tmp_path)
    (tmp_path / "config.ini").write_text("[tshark]\ntshark_path = /bin/false\n")
    monkeypatch.chdir(tmp_path)
    assert capture_pyshark.read(path).packets.num_rows == 1


def test_tshark_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ReaderUnavailableError, match="apt-get install tshark"):
        capture_pyshark.read(one_capture(tmp_path))


def test_pyshark_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    capture_pyshark._tshark_run.cache_clear()
    monkeypatch.setitem(sys.modules, "pyshark", None)
    with pytest.raises(ReaderUnavailableError, match="pyshark"):
        capture_pyshark.read(one_capture(tmp_path))


@pytest.fixture
def fake_tshark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return folder / "tshark"


def write_script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def test_preferences_that_tshark_does_not_have_are_not_given(
    tmp_path: Path, fake_tshark: Path
) -> None:
    said = tmp_path / "arguments"
    write_script(
        fake_tshark,
        'if [ "$1" = -G ]; then echo "#ip.defragment: TRUE"; echo "tcp.new: 1"; exit; fi\n'
        f'printf "%s\\n" "$@" >{said}; echo "[]"',
    )
    assert capture_pyshark.read(one_capture(tmp_path)).packets.num_rows == 0
    arguments = said.read_text().split("\n")
    assert [b for a, b in pairwise(arguments) if a == "-o"] == ["ip.defragment:FALSE"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (r"printf 'tshark: \033[31mno\377\n' >&2; exit 4", r"tshark: \?\[31mno\ufffd"),
        ("exit 4", "it gave no reason"),
        ("kill -9 $$", "signal 9 after 0 frames"),
        ("echo '['; echo '  {'; echo '  },'; sleep .1", "frame 1 cannot be read"),
    ],
)
def test_tshark_fails(tmp_path: Path, fake_tshark: Path, body: str, reason: str) -> None:
    write_script(fake_tshark, f'[ "$1" = -G ] && exit\n{body}')
    with pytest.raises(CaptureError, match=reason) as caught:
        capture_pyshark.read(one_capture(tmp_path))
    assert str(caught.value).isprintable()


def test_tshark_does_not_run(tmp_path: Path, fake_tshark: Path) -> None:
    write_script(fake_tshark, "exit 127")
    with pytest.raises(ReaderUnavailableError, match="does not run"):
        capture_pyshark.read(one_capture(tmp_path))


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1795353743.980181000", 1795353743980181000),
        ("1700000000.123456789", 1700000000123456789),
        ("1700000000.1234567899", 1700000000123456789),
        ("1700000000.5", 1700000000500000000),
        ("1700000000", 1700000000000000000),
        ("0.000000001", 1),
        ("-0.000000001", -1),
        ("-1.500000000", -1500000000),
        ("2023-11-14T22:13:20.123456789Z", 1700000000123456789),
        ("2023-11-14T22:13:20Z", 1700000000000000000),
        ("2023-11-14 22:13:20.000000001+00:00", 1700000000000000001),
        ("1969-12-31T23:59:59.000000001Z", -999999999),
    ],
)
def test_nanoseconds(text: str, ns: int) -> None:
    assert tshark_fields.nanoseconds(text) == ns


@pytest.mark.parametrize(
    "text", ["", "x", "1.2x", "1.-5", "2023-11-14T22:13:20.5+01:00", "2023-11-14T22:13:20+01:00"]
)
def test_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        tshark_fields.nanoseconds(text)


def test_every_column_is_documented() -> None:
    for field in PACKET_SCHEMA:
        assert field.metadata[b"doc"].endswith(b".")
