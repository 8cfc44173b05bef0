from __future__ import annotations

import contextlib
import ctypes
import gc
import gzip
import os
import struct
import tarfile
import threading
from pathlib import Path
from random import Random
from typing import Any

import capture_files as c
import capture_mix
import pytest
from test_capture_pyshark import BARE, CASES, FULL, SEGMENT, TS, V4, V6, Row, at, expected

from tcpdw.errors import CaptureError, ReaderUnavailableError
from tcpdw.readers import Capture, Declined, capture_native, capture_pyshark, native_library
from tcpdw.readers.packets import PACKET_SCHEMA

DATA = Path(__file__).parent.parent / "data"
FRAME = c.ethernet(c.ipv4(c.tcp()))
DECLINED = 5  # Of `enum state` in the decoder.


if native_library.load() is None:
    pytest.skip("tcpdw was built without a C compiler", allow_module_level=True)


def read(tmp_path: Path, content: bytes, name: str = "packets.pcap") -> Capture:
    path = tmp_path / name
    path.write_bytes(content)
    capture = capture_native.read(path)
    capture.packets.validate(full=True)
    assert capture.packets.schema.equals(PACKET_SCHEMA, check_metadata=True)
    return capture


def rows(tmp_path: Path, content: bytes, name: str = "packets.pcap") -> list[Row]:
    capture = read(tmp_path, content, name)
    assert capture.warnings == ()
    return capture.packets.to_pylist()


def equals_pyshark(tmp_path: Path, content: bytes, name: str = "packets.pcap") -> int:
    native = read(tmp_path, content, name)
    truth = capture_pyshark.read(tmp_path / name)
    pairs = zip(native.packets.to_pylist(), truth.packets.to_pylist(), strict=True)
    assert [pair for pair in pairs if pair[0] != pair[1]] == []
    assert native.warnings == truth.warnings
    return native.packets.num_rows


def state_of(content: bytes) -> int:
    """Decode in memory and return the state that the decoder ended in."""
    library: Any = native_library.load()
    library.tcpdw_capture_try.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    return library.tcpdw_capture_try(content, len(content))


# What each frame says.


@pytest.fixture(scope="module")
def all_cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, Row]]:
    content = c.pcap([at(frame) for frame, _ in CASES.values()], nanoseconds=True)
    read = rows(tmp_path_factory.mktemp("cases"), content)
    return {name: (i, row) for i, (name, row) in enumerate(zip(CASES, read, strict=True), 1)}


@pytest.mark.parametrize("name", CASES)
def test_frame(name: str, all_cases: dict[str, tuple[int, Row]]) -> None:
    frame, columns = CASES[name]
    number, row = all_cases[name]
    assert row == expected(frame, number, columns)


@pytest.mark.parametrize(
    ("linktype", "frame", "columns"),
    [
        (c.LINUX_SLL, c.sll(c.ipv4(SEGMENT)), V4 | FULL),
        (c.LINUX_SLL2, c.sll2(c.ipv6(SEGMENT), c.IPV6), V6 | FULL),
        (c.RAW, c.ipv4(SEGMENT), V4 | FULL),
        (12, c.ipv6(SEGMENT), V6 | FULL),
        (14, c.ipv4(SEGMENT), V4 | FULL),
        (c.RAW_IPV4, c.ipv4(SEGMENT), V4 | FULL),
        (c.RAW_IPV6, c.ipv6(SEGMENT), V6 | FULL),
        (c.NULL, b"\2\0\0\0" + c.ipv4(SEGMENT), V4 | FULL),
        (c.NULL, b"\0\0\0\x1e" + c.ipv6(SEGMENT), V6 | FULL),
        (c.LOOP, b"\0\0\0\x02" + c.ipv4(SEGMENT), V4 | FULL),
        (c.LOOP, b"\0\0\0\x18" + c.ipv6(SEGMENT), V6 | FULL),
        (c.ETHERNET, c.ieee8023(c.snap(c.ipv4(SEGMENT))), V4 | FULL),
        (c.ETHERNET, c.ieee8023(b"\x42\x42\3" + bytes(35)), {}),
        (
            c.ETHERNET,
            c.ethernet(c.ipv6(SEGMENT), c.IPV6, vlans=[(c.OLD_QINQ, 7), (c.QINQ, 8), (c.VLAN, 9)]),
            V6 | FULL | {"vlan": 7},
        ),
    ],
)
def test_link_types(tmp_path: Path, linktype: int, frame: bytes, columns: Row) -> None:
    content = c.pcap([at(frame)], linktype=linktype, nanoseconds=True)
    assert rows(tmp_path, content) == [expected(frame, 1, columns)]


@pytest.mark.parametrize(
    ("address", "spelled"),
    [
        ("::", "::"),
        ("::1", "::1"),
        ("1::", "1::"),
        ("fd00:0:0:1:0:0:0:1", "fd00:0:0:1::1"),
        ("fd00:0:0:1:1:0:0:1", "fd00::1:1:0:0:1"),
        ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
        ("1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"),
        ("abcd:ef01:2345:6789:abcd:ef01:2345:6789", "abcd:ef01:2345:6789:abcd:ef01:2345:6789"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::fffe:c000:201", "::fffe:c000:201"),
        ("64:ff9b::c000:201", "64:ff9b::c000:201"),
    ],
)
def test_addresses(tmp_path: Path, address: str, spelled: str) -> None:
    frame = c.ethernet(c.ipv6(c.tcp(), saddr=address), c.IPV6)
    (row,) = rows(tmp_path, c.pcap([frame]))
    assert row["saddr"] == spelled


def test_many_addresses(tmp_path: Path) -> None:
    # More than are remembered, and each again after the others.
    hosts = [f"10.{i % 3}.{i // 256}.{i % 256}" for i in range(1500)] * 2
    frames = [c.ethernet(c.ipv4(c.tcp(), saddr=host, daddr="1.2.3.4")) for host in hosts]
    read = rows(tmp_path, c.pcap(frames))
    assert [row["saddr"] for row in read] == hosts
    assert {row["daddr"] for row in read} == {"1.2.3.4"}


# Packet by packet what pyshark gives.


def test_every_capture_of_the_sample_runs_equals_pyshark(tmp_path: Path) -> None:
    joined, count, most = b"", 0, 2000  # Frames of each, for tshark's sake.
    for archive in sorted(DATA.glob("*.tar.xz")):
        with tarfile.open(archive) as tar:
            capture = next((member for member in tar if member.name.endswith(".pcap")), None)
            if capture is None:
                continue
            file = tar.extractfile(capture)
            assert file is not None
            content = file.read()
        # All have the same header, so that the records can be read in one go.
        joined = joined or content[:24]
        assert content[:24] == joined[:24]
        end = 24
        for _ in range(most):
            if end < len(content):
                end += 16 + struct.unpack_from("<I", content, end + 8)[0]
        joined += content[24:end]
        count += 1
    assert count > 50
    assert equals_pyshark(tmp_path, joined) > 5_000


@pytest.mark.parametrize("linktype", capture_mix.LINK_TYPES)
def test_random_frames_equal_pyshark(tmp_path: Path, linktype: int) -> None:
    random = Random(linktype)
    frames = [capture_mix.frame(random, linktype) for _ in range(700)]
    known = [f for f in frames if state_of(c.pcap([f], linktype=linktype)) != DECLINED]
    assert len(known) > (300 if linktype == c.RAW_IPV4 else 500)
    equals_pyshark(tmp_path, c.pcap(known, linktype=linktype, nanoseconds=True))


def test_every_cut_of_a_frame_equals_pyshark(tmp_path: Path) -> None:
    headers = c.ipv6_options(c.ROUTING) + c.ipv6_routing(c.FRAGMENT)
    headers += c.ipv6_fragment(c.AUTHENTICATION, 0, more=True) + c.authentication(c.TCP)
    wholes = [
        c.ethernet(c.ipv4(SEGMENT, options=b"\x94\4\0\0"), vlans=[(c.QINQ, 5), (c.VLAN, 6)]),
        c.ethernet(c.ipv4(SEGMENT), vlans=[(c.QINQ, 5), (c.QINQ, 6), (c.VLAN, 7)]),
        c.ethernet(c.ipv6(headers + SEGMENT, next_header=c.HOP_BY_HOP), c.IPV6),
        c.ethernet(c.ipv4(c.authentication(c.UDP) + c.udp(b"abc"), protocol=51)),
        c.ieee8023(c.snap(c.ipv4(SEGMENT, options=b"\x83\7\4\1\2\3\4\0"))),
    ]
    cuts = [c.cut(whole, size) for whole in wholes for size in range(len(whole))]
    equals_pyshark(tmp_path, c.pcap(cuts))


@pytest.mark.parametrize("byte_order", ["little", "big"])
def test_odd_pcapng_equals_pyshark(tmp_path: Path, byte_order: c.ByteOrder) -> None:
    order = "<" if byte_order == "little" else ">"
    interfaces = [
        c.Interface("eth0", 9),
        c.Interface("br-lan", 6, c.LINUX_SLL),
        c.Interface(None, 0x80 | 30, c.RAW),
        c.Interface("", 3),
        c.Interface("tun0", 0, c.RAW_IPV6, offset=-1000),
        c.Interface("any", 9, c.LINUX_SLL2, offset=1_000_000),
    ]
    data = [FRAME, c.sll(c.ipv4(c.tcp())), c.ipv4(c.tcp()), FRAME, c.ipv6(c.tcp())]
    data.append(c.sll2(c.ipv6(c.udp(b"a"), next_header=17), c.IPV6))
    frames = [
        c.Frame(frame[:cut], TS // 2**20 * 2**20, len(frame), interface)
        for cut in (None, 60, 0)
        for interface, frame in enumerate(data)
    ]
    extras = c.option(order, 1, b"a comment") + c.option(order, 2, struct.pack(order + "I", 1))
    extras += c.option(order, 2988, b"\0\0\0\1custom") + c.option(order, 0, b"")
    content = c.pcapng(frames, byte_order=byte_order, interfaces=interfaces, options=extras)
    content += c.block(order, 5, bytes(12) + c.option(order, 4, bytes(8)))
    names = struct.pack(order + "HH", 1, 9) + b"\12\0\0\1host\0" + bytes(3) + bytes(4)
    content += c.block(order, 4, names)
    content += c.block(order, 0x80000001, b"of local") + c.block(order, 77, b"")
    other: c.ByteOrder = "big" if byte_order == "little" else "little"
    content += c.pcapng(frames[:1], byte_order=other, interfaces=[interfaces[0]], old=True)
    assert equals_pyshark(tmp_path, content) == len(frames) + 1


# Files.


@pytest.mark.parametrize("byte_order", ["little", "big"])
@pytest.mark.parametrize("kind", ["us", "ns", "modified"])
def test_pcap_variants(tmp_path: Path, byte_order: c.ByteOrder, kind: str) -> None:
    frames = [at(c.ethernet(c.ipv4(SEGMENT)))] * 4
    content = c.pcap(
        frames, byte_order=byte_order, nanoseconds=kind == "ns", modified=kind == "modified"
    )
    ts = TS if kind == "ns" else TS // 1000 * 1000
    assert rows(tmp_path, content) == [expected(frames[0], i, V4 | FULL, ts) for i in range(1, 5)]


@pytest.mark.parametrize("byte_order", ["little", "big"])
@pytest.mark.parametrize("offset", [0, 3600, -5])
@pytest.mark.parametrize("resolution", [None, 0, 3, 6, 9, 0x80, 0x80 | 10, 0x80 | 31])
def test_resolutions(
    tmp_path: Path, byte_order: c.ByteOrder, offset: int, resolution: int | None
) -> None:
    half = TS // 1_000_000_000 * 1_000_000_000 + 500_000_000
    interfaces = [c.Interface("a", resolution, offset=offset)]
    content = c.pcapng([c.Frame(FRAME, half)], byte_order=byte_order, interfaces=interfaces)
    (row,) = rows(tmp_path, content)
    assert row["ts"] == (half - 500_000_000 if resolution in (0, 0x80) else half)


@pytest.mark.parametrize(
    ("resolution", "stamp", "ns"),
    [
        (10, 17_000_000_001_234_567_890, 1_700_000_000_123_456_789),
        (12, 5_000_000_000_999, 5_000_000_000),
        (19, 10**19 + 10**18, 1_100_000_000),
        (20, 2**64 - 1, 184_467_440),
        (30, 2**64 - 1, 0),
        (0x7F, 2**64 - 1, 0),
        (0x80 | 32, (7 << 32) + (1 << 31), 7_500_000_000),
        (0x80 | 40, (7 << 40) + (1 << 38), 7_250_000_000),
        (0x80 | 63, 2**64 - 1, 1_999_999_999),
        (0x80 | 64, 2**63, 500_000_000),
        (0x80 | 96, 2**64 - 1, 0),
        (0xFF, 2**64 - 1, 0),
    ],
)
def test_fine_resolutions_are_exact(tmp_path: Path, resolution: int, stamp: int, ns: int) -> None:
    # Where tshark 4.0 multiplies beyond 64 bits.
    content = c.pcapng([c.Frame(FRAME, ts=0)], interfaces=[c.Interface("a", resolution)])
    place = len(content) - 4 - len(FRAME) - len(FRAME) % 4 - 16
    stamped = struct.pack("<II", stamp >> 32, stamp & 0xFFFFFFFF)
    (row,) = rows(tmp_path, content[:place] + stamped + content[place + 8 :])
    assert row["ts"] == ns


def test_times_that_do_not_fit_are_left_out_and_said(tmp_path: Path) -> None:
    interfaces = [c.Interface(), c.Interface(offset=-3), c.Interface(offset=2**40)]
    frames = [
        c.Frame(b"", 2**63 * 1000),
        c.Frame(b"", 7000),
        c.Frame(b"", -1_500_000_000, interface=1),
        c.Frame(b"", 2**40 * 1_000_000_000, interface=2),
    ]
    capture = read(tmp_path, c.pcapng(frames, interfaces=interfaces))
    assert capture.packets["ts"].to_pylist() == [7000, -1_500_000_000]
    assert capture.packets["frame"].to_pylist() == [2, 3]
    assert capture.warnings == (
        f"{tmp_path / 'packets.pcap'}: 2 frames left out, with times beyond 1677 to 2262",
    )


def test_interfaces_belong_to_their_section(tmp_path: Path) -> None:
    # tshark 4.0 looks a later section's up among those of the first.
    first = c.pcapng([FRAME, FRAME], interfaces=[c.Interface("eth0"), c.Interface("eth1")])
    second = c.pcapng([FRAME], interfaces=[c.Interface("wlan0")], byte_order="big")
    third = c.pcapng([FRAME], interfaces=[c.Interface()])
    read = rows(tmp_path, first + second + third + first)
    names = ["eth0", "eth0", "wlan0", None, "eth0", "eth0"]
    assert [row["interface"] for row in read] == names


def test_interface_name_that_is_not_utf8(tmp_path: Path) -> None:
    content = c.pcapng([c.Frame(b"")], interfaces=[c.Interface("name")])
    (row,) = rows(tmp_path, content.replace(b"name", b"n\xffme"))
    assert row["interface"] == "n\N{REPLACEMENT CHARACTER}me"


def test_lengths_at_their_ends(tmp_path: Path) -> None:
    frames = [c.Frame(FRAME, length=2**32 - 1), c.Frame(FRAME.ljust(262144, b"\0")), b""]
    read = rows(tmp_path, c.pcap([FRAME, FRAME, FRAME, *frames]))
    lengths = [(row["length"], row["captured_len"]) for row in read[3:]]
    assert lengths == [(2**31 - 1, len(FRAME)), (262144, 262144), (0, 0)]


def test_capture_without_packets(tmp_path: Path) -> None:
    assert rows(tmp_path, c.pcap([])) == []
    assert rows(tmp_path, c.pcapng([])) == []


def test_pieces_and_batches_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [c.Frame(FRAME + bytes(i % 50), ts=i * 1000) for i in range(100)]
    for content in (c.pcap(frames), c.pcapng(frames), gzip.compress(c.pcap(frames), mtime=0)):
        whole = rows(tmp_path, content)
        assert [row["ts"] for row in whole] == [i * 1000 for i in range(100)]
        for piece, batch in ((64, 7), (1000, 1), (1 << 20, 8)):
            monkeypatch.setattr(capture_native, "_PIECE", piece)
            monkeypatch.setattr(capture_native, "_ROWS_A_BATCH", batch)
            assert rows(tmp_path, content) == whole
        monkeypatch.undo()


def test_larger_than_a_piece(tmp_path: Path) -> None:
    # A piece is not a record's end, whatever it falls on, and an odd block may be larger than one.
    frames = [FRAME.ljust(60_000 + i, b"x") for i in range(150)]
    assert len(rows(tmp_path, c.pcap(frames))) == 150
    large = c.pcapng([FRAME]) + c.block("<", 77, bytes(9 << 20)) + c.pcapng([FRAME])
    assert len(rows(tmp_path, large)) == 2


def test_columns_outlive_the_reader(tmp_path: Path) -> None:
    table = read(tmp_path, c.pcap([FRAME] * 3)).packets
    column = table["saddr"]
    del table
    gc.collect()
    assert column.to_pylist() == ["192.168.1.110"] * 3


def test_compressed(tmp_path: Path) -> None:
    content = c.pcap([at(FRAME)] * 3, nanoseconds=True)
    members = (
        gzip.compress(content[:50], mtime=0)
        + gzip.compress(b"", mtime=0)
        + gzip.compress(content[50:], mtime=0)
    )
    for packed in (gzip.compress(content, mtime=0), members):
        assert rows(tmp_path, packed, "p.pcap.gz") == [
            expected(FRAME, i, V4 | BARE) for i in (1, 2, 3)
        ]
    assert len(rows(tmp_path, gzip.compress(c.pcap([FRAME.ljust(200_000, b"\0")] * 60)))) == 60


# Cut, damaged, and none.


@pytest.mark.parametrize("nanoseconds", [True, False])
@pytest.mark.parametrize("byte_order", ["little", "big"])
def test_pcap_cut_at_every_byte(tmp_path: Path, byte_order: c.ByteOrder, nanoseconds: bool) -> None:
    sizes = [0, 60, 3, 17, 40]
    content = c.pcap([b"\xff" * n for n in sizes], byte_order=byte_order, nanoseconds=nanoseconds)
    ends = [24]
    for size in sizes:
        ends.append(ends[-1] + 16 + size)
    check_every_cut(tmp_path, content, ends)


@pytest.mark.parametrize("byte_order", ["little", "big"])
def test_pcapng_cut_at_every_byte(tmp_path: Path, byte_order: c.ByteOrder) -> None:
    first = c.pcapng([b"", b"abc"], byte_order=byte_order, interfaces=[c.Interface("eth0")])
    content = first + c.pcapng([bytes(30)], byte_order=byte_order)
    head = len(c.pcapng([], interfaces=[c.Interface("eth0")]))
    bare = len(c.pcapng([]))
    ends = [head, head + 32, head + 68, len(first) + bare + 64]
    assert ends[2:] == [len(first), len(content)]
    between = (28, len(first) + 28, len(first) + bare)
    check_every_cut(tmp_path, content, ends, between)


def check_every_cut(
    tmp_path: Path, content: bytes, ends: list[int], between: tuple[int, ...] = ()
) -> None:
    """Cut `content` everywhere: `ends` are the ends of the head and of each frame's record.

    Records without a frame end at `between`.
    """
    whole = rows(tmp_path, content)
    whole_records = sorted({*ends, *between})
    for size in range(whole_records[0], len(content)):
        kept = max(sum(end <= size for end in ends) - 1, 0)
        capture = read(tmp_path, content[:size])
        assert capture.packets.to_pylist() == whole[:kept]
        offset = max(end for end in whole_records if end <= size)
        place = f"{tmp_path / 'packets.pcap'} at byte {offset}"
        cut = f"{place}: cut short in the middle of a frame; the {kept} before it are kept"
        assert capture.warnings == (() if size == offset else (cut,))


def test_compressed_and_cut(tmp_path: Path) -> None:
    frames = [Random(i).randbytes(300) for i in range(100)]
    path = tmp_path / "p.gz"
    packed = gzip.compress(c.pcap(frames), mtime=0)
    for cut in (1, 8, 9, 300, len(packed) // 2):
        capture = read(tmp_path, packed[:-cut], path.name)
        count = capture.packets.num_rows
        assert count == (100 if cut < 10 else count)
        assert 0 < count <= 100
        kept = f"{path}: cut short in the middle of a frame; the {count} before it are kept"
        assert capture.warnings == (kept,)
    capture = read(tmp_path, gzip.compress(c.pcap(frames)[:-1], mtime=0), path.name)
    assert capture.packets.num_rows == 99
    assert capture.warnings[0].startswith(f"{path}: cut short")


ONE = c.pcap([FRAME])
NG = c.pcapng([FRAME])


@pytest.mark.parametrize(
    ("content", "offset", "reason"),
    [
        (ONE + b"\xff" * 64, len(ONE), "a frame of 4294967295 bytes"),
        (NG + struct.pack("<II", 77, 8) + bytes(8), len(NG), "a block of 8 bytes"),
        (NG + struct.pack("<II", 77, 1 << 31) + bytes(8), len(NG), "a block of 2147483648 bytes"),
        (NG + c.block("<", 77, bytes(4))[:-4] + b"\x20\0\0\0", len(NG), "another length, 32"),
        (NG + c.block("<", 6, bytes(16)), len(NG), "a packet's block of 28 bytes"),
        (NG + c.block("<", 6, b"\1" + bytes(19)), len(NG), "a packet of interface 1"),
        (NG + c.block("<", 6, bytes(12) + b"\4" + bytes(7)), len(NG), "a packet of 4 bytes, more"),
        (NG + c.block("<", 6, bytes(20) + b"\2\0\5\0"), len(NG), "an option of 5 bytes, beyond"),
        (NG + c.block("<", 0x0A0D0D0A, bytes(16)), len(NG), "byte-order magic"),
        (NG + c.pcapng([])[:12] + b"\2" + c.pcapng([])[13:], len(NG), "unknown version"),
        (c.pcapng([FRAME] * 2)[:-4] + bytes(4), len(NG), "another length, 0"),
    ],
)
def test_damaged_after_a_frame(tmp_path: Path, content: bytes, offset: int, reason: str) -> None:
    capture = read(tmp_path, content)
    assert capture.packets.num_rows == 1
    (warning,) = capture.warnings
    start = f"{tmp_path / 'packets.pcap'} at byte {offset}: only the first 1 frames are readable: "
    assert warning.startswith(start)
    assert reason in warning


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b'{"machine": "osprey"}\n', "neither pcap nor pcapng"),
        (ONE[:23], "cut short in its file header"),
        (NG[:20], "cut short in its file header"),
        (ONE[:24] + b"\xff" * 64, "at byte 24: a frame of 4294967295 bytes"),
        (gzip.compress(b"", mtime=0), "empty"),
        (gzip.compress(ONE, mtime=0)[:9], "cannot be read: .*ended"),
        (c.pcapng([b"abc"], simple=True), "frame 1 has no time"),
        (c.pcapng([FRAME]) + c.pcapng([b"abc"], simple=True), "frame 2 has no time"),
    ],
)
def test_no_capture(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(CaptureError, match=reason) as caught:
        read(tmp_path, content)
    assert caught.value.path == str(tmp_path / "packets.pcap")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="No such file"):
        capture_native.read(tmp_path / "none.pcap")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CaptureError, match="no regular file"):
        capture_native.read(tmp_path / "pipe")


def vlans(count: int) -> bytes:
    return c.ethernet(c.ipv4(c.tcp()), vlans=[(c.VLAN, 1)] * count)


JUMBO = b"\6\0\xc2\4\0\1\0\0" + c.tcp()
CRC = gzip.compress(ONE, mtime=0)[:-8] + bytes(8)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (c.pcap([FRAME], linktype=127), "link type 127"),
        (c.pcapng([FRAME], interfaces=[c.Interface("mon0", linktype=105)]), "link type 105"),
        (c.pcap([FRAME], linktype=1 | 0x24000000), "link type"),
        (c.pcap([c.ethernet(bytes(60), 0x8864)]), "EtherType 0x8864"),
        (c.pcap([c.ethernet(bytes(60), 0x8847)]), "EtherType 0x8847"),
        (c.pcap([vlans(21)]), "more than 20 VLAN tags"),
        (c.pcap([c.ieee8023(b"\6\6\3" + c.ipv4(c.tcp()))]), "LLC service 0x06"),
        (c.pcap([c.ethernet(c.ipv4(SEGMENT, options=b"\x86\4\0\0"))]), "IPv4 option 134"),
        (c.pcap([c.ethernet(c.ipv6(JUMBO, next_header=0), c.IPV6)]), "IPv6 option 0xc2"),
        (c.pcap([c.ethernet(c.ipv4(c.tcp(options=b"\x1e\4\0\0" + c.mss(9))))]), "TCP option 2"),
        (c.pcap([c.Frame(FRAME, length=20)]), "more bytes than it had"),
        (ONE[:4] + b"\2\0\3\0" + ONE[8:], "version 2.3"),
        (c.pcap([FRAME] * 4, nanoseconds=True)[:28] + b"\xff" * 4 + ONE[32:], "fraction"),
        (NG + c.block("<", 0xBAD, bytes(8)), "block of type 0xbad"),
        (c.pcap([c.ipv6(c.tcp())], linktype=c.RAW_IPV4), "IPv6 where"),
        (gzip.compress(ONE, mtime=0) + b"x" * 20, "decompressed"),
        (CRC, "decompressed"),
    ],
)
def test_declined(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(Declined, match=reason):
        read(tmp_path, content)


def test_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    capture_native._library.cache_clear()
    monkeypatch.setattr(native_library, "load", lambda: None)
    (tmp_path / "p.pcap").write_bytes(ONE)
    with pytest.raises(ReaderUnavailableError, match="native"):
        capture_native.read(tmp_path / "p.pcap")
    capture_native._library.cache_clear()


def test_from_threads_at_once(tmp_path: Path) -> None:
    path, found = tmp_path / "p.pcap", list[int]()
    path.write_bytes(c.pcap([FRAME] * 5000))

    def work() -> None:
        found.append(capture_native.read(path).packets.num_rows)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [5000] * 4


def test_damage_anywhere_ends_in_an_answer(tmp_path: Path) -> None:
    random = Random(3)
    frames = [capture_mix.frame(random, c.ETHERNET) for _ in range(12)]
    sources = [c.pcap(frames), c.pcapng(frames, interfaces=[c.Interface("eth0", 9)] * 2), NG + NG]
    states = set[int]()
    for i in range(4000):
        content = bytearray(random.choice(sources))
        for _ in range(random.randrange(1, 5)):
            where = random.randrange(len(content))
            if random.random() < 0.1:
                del content[where : where + random.randrange(20)]
            else:
                content[where] = random.getrandbits(8)
        state = state_of(bytes(content))
        states.add(state)
        if i % 40 == 0:
            with contextlib.suppress(CaptureError, Declined):
                read(tmp_path, bytes(content))
    assert states <= {2, 3, 4, DECLINED, 6}
    assert len(states) >= 4
