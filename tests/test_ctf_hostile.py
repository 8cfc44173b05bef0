"""Traces made to do harm: little input that asks for much time or memory, and damage read ahead."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import ctf_files as cf
import pytest

from tcpdw.readers import EventBatch, TraceEnd, ctf_native, native_library

pytestmark = pytest.mark.skipif(
    native_library.missing() is not None, reason="there are no native readers"
)


def batches(trace: Path, threads: int = 1) -> tuple[list[EventBatch], TraceEnd]:
    _, *events, end = ctf_native.read(trace, threads=threads)
    assert isinstance(end, TraceEnd)
    return [event for event in events if isinstance(event, EventBatch)], end


def trace(folder: Path, fields: str, bodies: Sequence[bytes]) -> Path:
    events = [cf.Event(1, at, body) for at, body in enumerate(bodies)]
    return cf.write(folder / "trace", cf.metadata({1: ("e", fields)}), {"s": [cf.packet(events)]})


@pytest.mark.parametrize(
    "fields",
    [
        "uint8_t a[60000][0];",
        "uint8_t a[2000000000][0];",
        "struct { } a[1000000][1000000];",
        "struct { uint8_t b[0]; } a[50000][1000];",
    ],
)
def test_elements_without_a_bit_are_few(fields: str, tmp_path: Path) -> None:
    begin = time.monotonic()
    read, end = batches(trace(tmp_path, fields, [b""] * 3000))
    assert sum(batch.columns.nbytes for batch in read) < 1 << 24
    assert "list of absurd length" in end.warnings[0]
    assert time.monotonic() - begin < 5


def test_events_without_a_bit_have_an_end(tmp_path: Path) -> None:
    text = (
        "/* CTF 1.8 */ trace { major = 1; minor = 8; byte_order = le; }; stream { };"
        ' event { name = "e"; fields := struct { }; };'
    )
    read, end = batches(cf.write(tmp_path / "trace", text, {"s": [bytes(100)]}))
    assert sum(batch.columns.num_rows for batch in read) <= 1
    assert any("events without a bit" in warning for warning in end.warnings)


def test_long_labels_are_handed_on_soon(tmp_path: Path) -> None:
    label = "x" * 5000
    kind = f'enum : integer {{ size = 1; align = 1; }} {{ "{label}" = 0 }}'
    read, end = batches(trace(tmp_path, f"{kind} l[8000];", [bytes(1000)] * 16))
    assert end.streams[0].events == 16
    assert not end.warnings
    # All in one would be 640 MB.
    assert max(batch.columns.nbytes for batch in read) < 200 << 20


def test_one_event_s_labels_have_an_end(tmp_path: Path) -> None:
    label = "x" * 50_000
    kind = f'enum : integer {{ size = 1; align = 1; }} {{ "{label}" = 0 }}'
    read, end = batches(trace(tmp_path, f"{kind} l[80000];", [bytes(10_000)]))
    assert not read
    assert "more text or elements" in end.warnings[0]


def test_what_was_read_ahead_of_damage_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first packet of `x` names a class that is not there. Its second, read ahead meanwhile,
    # stops at a class that cannot be read, with a row waiting.
    classes = {1: ("e", "uint8_t u;"), 2: ("f", "integer { size = 8; align = 15; } u;")}
    good, unread, unknown = cf.Event(1, 10, b"a"), cf.Event(2, 20, b"b"), cf.Event(9, 5, b"c")
    streams = {
        "x": [cf.packet([unknown]), cf.packet([good, unread])],
        "y": [cf.packet([cf.Event(1, time, b"d")], cpu=1) for time in range(30, 40)],
    }
    folder = cf.write(tmp_path / "trace", cf.metadata(classes), streams)
    monkeypatch.setattr(ctf_native, "PART", 1)
    for _ in range(30):
        read, end = batches(folder, threads=2)
        assert sum(batch.columns.num_rows for batch in read) == 10
        assert [stream.events for stream in end.streams] == [0, 10]


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        pytest.param(b"short\0", [4, 4, 2], id="few rows wait for those of later parts"),
        # 1,000 bytes count as three rows more.
        pytest.param(b"x" * 1000 + b"\0", [1] * 10, id="rows that hold much do not"),
    ],
)
def test_rows_wait_if_they_are_few(
    text: bytes, sizes: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packets = [cf.packet([cf.Event(1, time, text)]) for time in range(10, 20)]
    folder = cf.write(tmp_path / "t", cf.metadata({1: ("e", "string s;")}), {"s": packets})
    monkeypatch.setattr(ctf_native, "PART", 1)
    monkeypatch.setattr(ctf_native, "FEW", 4)
    read, _ = batches(folder)
    assert [batch.columns.num_rows for batch in read] == sizes
    times = [time % 100 for batch in read for time in batch.columns["ts"].to_pylist()]
    assert times == list(range(10, 20))
