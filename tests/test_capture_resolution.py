"""The step of a capture's times, as its file says."""

from __future__ import annotations

import gzip
from pathlib import Path

import capture_files as c
import pytest

from tcpdw.readers import capture_format

FRAME = c.ethernet(c.ipv4(c.tcp()))


def interfaces(*steps: int | None) -> bytes:
    return c.pcapng([], interfaces=[c.Interface(resolution=step) for step in steps])


@pytest.mark.parametrize(
    ("content", "step"),
    [
        (c.pcap([FRAME]), 1000),
        (c.pcap([FRAME], byte_order="big"), 1000),
        (c.pcap([FRAME], modified=True), 1000),
        (c.pcap([FRAME], nanoseconds=True), 1),
        (c.pcap([FRAME], nanoseconds=True, byte_order="big"), 1),
        (interfaces(None), 1000),
        (interfaces(9), 1),
        (interfaces(3), 1_000_000),
        (interfaces(0), 1_000_000_000),
        (interfaces(12), 1),
        (interfaces(0x80 | 10), 976_563),  # 2^-10 s, and not less than that.
        (interfaces(0x80 | 40), 1),
        (interfaces(9, 6, 9), 1000),
        (interfaces(), None),
        (c.pcapng([FRAME], interfaces=[c.Interface(name="eth0", resolution=9)]), 1),
        (c.pcapng([FRAME], byte_order="big", interfaces=[c.Interface(resolution=9)]), 1),
        # What is described after the first packet is not looked at.
        (c.pcapng([FRAME], interfaces=[c.Interface(resolution=9)]) + interfaces(6), 1),
        (b"\n\r\r\n", None),
    ],
)
def test_resolution(tmp_path: Path, content: bytes, step: int | None) -> None:
    path = tmp_path / "packets"
    path.write_bytes(content)
    assert capture_format.resolution(path) == step
    path.write_bytes(gzip.compress(content))
    assert capture_format.resolution(path) == step


def test_a_gzipped_capture_that_is_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "packets.pcap.gz"
    path.write_bytes(gzip.compress(c.pcap([FRAME] * 100, nanoseconds=True), 0)[:-500])
    assert capture_format.resolution(path) == 1


@pytest.mark.parametrize("length", range(12, 60))
def test_a_capture_of_any_length(tmp_path: Path, length: int) -> None:
    """Whatever is there of the description of an interface, nothing is read beyond it."""
    path = tmp_path / "packets"
    path.write_bytes(interfaces(9)[:length])
    assert capture_format.resolution(path) in (1, 1000, None)
