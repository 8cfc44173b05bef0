"""Damaged runs by the hundred, cut ones byte by byte, and many at once, through the program."""

from __future__ import annotations

from pathlib import Path

import fuzz_runs
import pytest

from tcpdw.errors import CaptureError, TraceError
from tcpdw.readers import Declined, EventBatch, TraceEnd, capture_native, ctf_native, native_library

needs_native = pytest.mark.skipif(
    native_library.missing() is not None, reason="there are no native readers"
)


def test_damaged_runs(tmp_path: Path) -> None:
    outcomes, found = fuzz_runs.fuzz(tmp_path, 250, seed=7, workers=1)
    assert found == []
    # Runs that were all refused at once would show nothing.
    assert min(outcomes["ok"], outcomes["partial"], outcomes["failed"]) > 10


def test_many_runs_at_once(tmp_path: Path) -> None:
    status, said, _ = fuzz_runs.inbox(tmp_path, 200, 120)
    assert fuzz_runs.wrong(tmp_path, 200, status, said) == []
    lines = said.splitlines()
    assert lines[0].startswith("200 runs, ")
    assert [line.partition(" runs")[0] for line in lines[1:]] == [
        f"tcpdw: {done} of 200" for done in (64, 128, 192, 200)
    ]


@needs_native
def test_a_trace_cut_at_every_byte(tmp_path: Path) -> None:
    files = fuzz_runs.sound(4)
    (tmp_path / "metadata").write_bytes(files["kernel/metadata"])
    whole = files["kernel/s0"]
    first = whole.index(whole[:4], 4)
    events: list[int] = []
    for size in range(1, len(whole) + 1):
        (tmp_path / "s0").write_bytes(whole[:size])
        *items, end = ctf_native.read(tmp_path)
        assert isinstance(end, TraceEnd)
        read = sum(item.columns.num_rows for item in items if isinstance(item, EventBatch))
        assert sum(stream.events for stream in end.streams) == read
        # Where the first packet ends, nothing tells that there was a second.
        assert bool(end.warnings) == (size not in (first, len(whole)))
        events.append(read)
    # Each byte more gives as many events as before, or more.
    assert events == sorted(events)
    assert events[0] == 0
    assert events[-1] == 7


@needs_native
def test_metadata_cut_at_every_byte(tmp_path: Path) -> None:
    files = fuzz_runs.sound(4)
    (tmp_path / "s0").write_bytes(files["kernel/s0"])
    whole = files["kernel/metadata"]
    refused = 0
    for size in range(len(whole)):
        (tmp_path / "metadata").write_bytes(whole[:size])
        try:
            *_, end = ctf_native.read(tmp_path)
            assert isinstance(end, TraceEnd)
        except (TraceError, Declined):
            refused += 1
    assert refused > len(whole) // 2


@needs_native
@pytest.mark.parametrize("name", ["packets.pcap", "packets-2.pcapng"])
def test_a_capture_cut_at_every_byte(name: str, tmp_path: Path) -> None:
    whole = fuzz_runs.sound(5)[name]
    packets = [0]
    for size in range(len(whole) + 1):
        (tmp_path / name).write_bytes(whole[:size])
        try:
            read = capture_native.read(tmp_path / name)
        except (CaptureError, Declined):
            continue
        packets.append(read.packets.num_rows)
    assert packets == sorted(packets)
    assert packets[-1] >= 1
