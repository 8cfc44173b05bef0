from __future__ import annotations

import math
import struct
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from ctf_files import OFFSET, Event, Format, metadata, metadata_packets, packet, write, write_index

from tcpdw.errors import ReaderUnavailableError, TraceError
from tcpdw.readers import (
    EventBatch,
    LostWindow,
    StreamCount,
    TraceEnd,
    TraceHead,
    bt2_pump,
    ctf_bt2,
    lttng_index,
)

bt2: Any = ctf_bt2.bt2
if bt2 is None:
    pytest.skip("bt2 is not installed", allow_module_level=True)
DATA = Path(__file__).parents[1] / "data"
U8 = {0: ("a", "uint8_t x;")}


def read(trace: Path) -> tuple[TraceHead, dict[str, pa.Table], TraceEnd]:
    head, *batches, end = ctf_bt2.read(trace)
    assert isinstance(head, TraceHead)
    assert isinstance(end, TraceEnd)
    tables: dict[str, list[pa.RecordBatch]] = defaultdict(list)
    for batch in batches:
        assert isinstance(batch, EventBatch)
        tables[batch.name].append(batch.columns)
    return head, {name: pa.Table.from_batches(each) for name, each in tables.items()}, end


def one_event(directory: Path, fields: str, body: bytes, context: str = "") -> pa.Table:
    text = metadata({0: ("e", fields)}, context=context)
    trace = write(directory / "trace", text, {"s": [packet([Event(0, 5, body)])]})
    return read(trace)[1]["e"]


def test_head_and_streams(tmp_path: Path) -> None:
    streams = {
        "ch_0": [packet([Event(0, 10, b"a"), Event(0, 30, b"b")], cpu=0)],
        # Overlaps itself and the other stream in time: no matter, streams are read one by one.
        "ch_1": [packet([Event(0, 20, b"c")], cpu=3, end=90), packet([Event(0, 40, b"d")], cpu=3)],
    }
    head, tables, end = read(write(tmp_path / "t", metadata(U8), streams))
    assert head.env == {"hostname": "box", "tracer_major": 2}
    assert head.clock is not None
    assert (head.clock.name, head.clock.frequency, head.clock.offset_ns) == ("mono", 10**9, OFFSET)
    assert tables["a"].to_pydict() == {
        "ts": [OFFSET + t for t in (10, 30, 20, 40)],
        "cpu_id": [0, 0, 3, 3],
        "x": [97, 98, 99, 100],
    }
    assert end.streams == (StreamCount("ch_0", 0, 2), StreamCount("ch_1", 3, 2))
    assert end.lost == ()
    assert end.warnings == ()


def test_integers_keep_width_sign_and_value(tmp_path: Path) -> None:
    fields = (
        "uint8_t a; int8_t b; uint16_t c; int16_t d; uint32_t e; int32_t f; uint64_t g; int64_t h;"
        " integer { size = 27; align = 8; signed = true; } i;"
        " integer { size = 3; align = 1; } j; integer { size = 2; align = 1; } k;"
    )
    values = (255, -128, 65535, -32768, 2**32 - 1, -(2**31), 2**64 - 1, -(2**63))
    bits = struct.pack("<I", (-5 & (2**27 - 1)) | 6 << 27 | 3 << 30)
    table = one_event(tmp_path, fields, struct.pack("<BbHhIiQq", *values) + bits)
    assert table.slice(0, 1).to_pylist()[0] == {
        "ts": OFFSET + 5,
        "cpu_id": 0,
        **dict(zip("abcdefgh", values, strict=True)),
        "i": -5,
        "j": 6,
        "k": 3,
    }
    assert [str(kind) for kind in table.schema.types] == [
        *("int64", "int32"),
        *("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"),
        *("int32", "uint8", "uint8"),
    ]


def test_big_endian(tmp_path: Path) -> None:
    form = Format(byte_order="be")
    trace = write(
        tmp_path / "t",
        metadata({0: ("e", "uint32_t x; int16_t y;")}, form),
        {"s": [packet([Event(0, 7, struct.pack(">Ih", 258, -2))], form, cpu=1)]},
    )
    assert read(trace)[1]["e"].to_pylist() == [{"ts": OFFSET + 7, "cpu_id": 1, "x": 258, "y": -2}]


def test_reals_structures_and_arrays(tmp_path: Path) -> None:
    fields = (
        "floating_point { exp_dig = 8; mant_dig = 24; align = 8; } f;"
        " floating_point { exp_dig = 11; mant_dig = 53; align = 8; } d;"
        " struct { uint8_t p; struct { } none; struct { int16_t q; } in; } s;"
        " struct { } padding; uint16_t fixed[2]; uint8_t n; int32_t seq[n];"
        " struct { uint8_t u; } pairs[2];"
    )
    body = struct.pack("<fdBhHHB3iBB", 1.5, math.pi, 9, -3, 1, 2, 3, -1, 0, 1, 7, 8)
    table = one_event(tmp_path, fields, body)
    assert table.select(["f", "d", "s", "fixed", "n", "seq", "pairs"]).to_pylist() == [
        {
            "f": 1.5,
            "d": math.pi,
            "s": {"p": 9, "in": {"q": -3}},
            "fixed": [1, 2],
            "n": 3,
            "seq": [-1, 0, 1],
            "pairs": [{"u": 7}, {"u": 8}],
        }
    ]
    assert "padding" not in table.column_names
    assert table.schema.field("f").type == pa.float32()
    assert table.schema.field("fixed").type == pa.list_(pa.uint16())


def test_text(tmp_path: Path) -> None:
    fields = (
        "string s; integer { size = 8; align = 8; encoding = UTF8; } t[6]; struct { string u; } in;"
    )
    trace = write(
        tmp_path / "t",
        metadata({0: ("e", fields)}),
        {
            "s": [
                packet(
                    [
                        Event(0, 1, "é😀".encode() + b"\0" + b"ab\0xyz" + b"in\0"),
                        Event(0, 2, b"\0" + bytes(6) + b"\0"),  # empty, after texts that are not
                        Event(0, 3, b"a\xff\xc3\0" + b"\xe9bcdef" + b"\x80\0"),
                    ]
                )
            ]
        },
    )
    rows = read(trace)[1]["e"].select(["s", "t", "in"]).to_pylist()
    assert rows == [
        {"s": "é😀", "t": "ab", "in": {"u": "in"}},
        {"s": "", "t": "", "in": {"u": ""}},
        {"s": "a��", "t": "�bcdef", "in": {"u": "�"}},
    ]


def test_enumerations_have_labels(tmp_path: Path) -> None:
    kind = 'enum : uint8_t { "_tcp" = 6, "__x" = 7, "low" = 0 ... 9, "NEG" = 200 }'
    fields = f"{kind} proto; {kind} many[2]; struct {{ {kind} in; }} s; uint8_t proto_label;"
    trace = write(
        tmp_path / "t",
        metadata({0: ("e", fields)}),
        {"s": [packet([Event(0, 1, bytes([6, 7, 99, 200, 1])), Event(0, 2, bytes([99] * 5))])]},
    )
    table = read(trace)[1]["e"]
    assert table.drop_columns(["ts", "cpu_id"]).to_pylist() == [
        {
            "proto": 6,
            "proto_label_": "low|tcp",  # a field keeps its name before a derived column
            "many": [7, 99],
            "many_label": ["_x|low", None],
            "s": {"in": 200, "in_label": "NEG"},
            "proto_label": 1,
        },
        {
            "proto": 99,
            "proto_label_": None,
            "many": [99, 99],
            "many_label": [None, None],
            "s": {"in": 99, "in_label": None},
            "proto_label": 99,
        },
    ]
    assert table.schema.field("proto_label_").type == pa.dictionary(pa.int32(), pa.string())


def test_variants_have_a_member_per_option(tmp_path: Path) -> None:
    fields = (
        'enum : uint8_t { "n" = 0, "s" = 1, "e" = 2 } tag;'
        " variant <tag> { uint32_t n; struct { string text; } s; struct { } e; } v;"
        ' enum : uint8_t { "x" = 0 } tag2; variant <tag2> { struct { } x; } nothing;'
    )
    trace = write(
        tmp_path / "t",
        metadata({0: ("e", fields)}),
        {
            "s": [
                packet(
                    [
                        Event(0, 1, b"\0" + struct.pack("<I", 77) + b"\0"),
                        Event(0, 2, b"\1hey\0\0"),
                        Event(0, 3, b"\2\0"),
                    ]
                )
            ]
        },
    )
    table = read(trace)[1]["e"]
    assert table["v"].to_pylist() == [
        {"n": 77, "s": None},
        {"n": None, "s": {"text": "hey"}},
        {"n": None, "s": None},
    ]
    assert "nothing" not in table.column_names


def test_colliding_names_are_kept_apart(tmp_path: Path) -> None:
    fields = "uint8_t ts; uint8_t cpu_id; uint8_t run_id; uint8_t ctx_tid; uint8_t TS; uint8_t a;"
    fields += " uint8_t A;"
    table = one_event(
        tmp_path, fields, struct.pack("<i7B", -4, *range(1, 8)), context="int32_t _tid;"
    )
    assert table.drop_columns(["ts", "cpu_id"]).to_pylist() == [
        {
            "ctx_tid": -4,
            "ts_": 1,
            "cpu_id_": 2,
            "run_id_": 3,
            "ctx_tid_": 4,
            "TS__": 5,
            "a": 6,
            "A_": 7,
        }
    ]


def test_a_class_never_seen_with_a_value_is_typed(tmp_path: Path) -> None:
    table = one_event(tmp_path, "uint8_t n; uint16_t seq[n]; string s;", b"\0\0")
    assert table.schema.field("seq").type == pa.list_(pa.uint16())
    assert table.drop_columns(["ts", "cpu_id"]).to_pylist() == [{"n": 0, "seq": [], "s": ""}]


def test_traces_without_cpu_clock_or_packet_times(tmp_path: Path) -> None:
    form = Format(clock=False, cpu=False, packet_times=False)
    events = [Event(0, 0, b"a"), Event(0, 0, b"b")]
    trace = write(
        tmp_path / "t",
        metadata(U8, form),
        {"s": [packet(events, form), packet(events[:1], form)], "r": [packet(events[1:], form)]},
    )
    head, tables, end = read(trace)
    assert head.clock is None
    rows = tables["a"].sort_by([("x", "ascending"), ("ts", "ascending")])
    assert rows.to_pydict() == {
        "ts": [0, 2, 0, 1],
        "cpu_id": [None] * 4,
        "x": [97, 97, 98, 98],
    }
    assert [stream.cpu_id for stream in end.streams] == [None, None]
    assert len(end.warnings) == 2
    assert "no clock" in end.warnings[0]


def test_a_clock_of_another_frequency(tmp_path: Path) -> None:
    form = Format(frequency=1_000_000)
    trace = write(
        tmp_path / "t", metadata(U8, form), {"s": [packet([Event(0, 1_500_000, b"a")], form)]}
    )
    seconds, cycles = divmod(OFFSET, 10**9)  # `offset` is in cycles
    expected = seconds * 10**9 + cycles * 1000 + 1_500_000_000
    assert read(trace)[1]["a"]["ts"].to_pylist() == [expected]


def test_a_cpu_that_is_none_is_null(tmp_path: Path) -> None:
    trace = write(tmp_path / "t", metadata(U8), {"s": [packet([Event(0, 1, b"a")], cpu=2**32 - 1)]})
    _, tables, end = read(trace)
    assert tables["a"]["cpu_id"].to_pylist() == [None]
    assert end.streams == (StreamCount("s", None, 1),)


def counted(trace: Path, counts: dict[int, int], *, index: bool) -> Path:
    """Write a trace of one-event packets, 5 cycles long; the event's time: the packet's count."""
    rows = [
        (packet([Event(0, t, b"a")], begin=t, end=t + 5, discarded=n), t, t + 5, n)
        for t, n in counts.items()
    ]
    write(trace, metadata(U8), {"s": [row[0] for row in rows]})
    if index:
        write_index(trace, "s", rows)
    return trace


@pytest.mark.parametrize("index", [False, True])
def test_discarded_events_make_windows(tmp_path: Path, index: bool) -> None:
    trace = counted(tmp_path / "t", {10: 0, 20: 3, 30: 3, 40: 10}, index=index)
    assert read(trace)[2].lost == (
        LostWindow(0, OFFSET + 15, OFFSET + 25, 3),
        LostWindow(0, OFFSET + 35, OFFSET + 45, 7),
    )


def test_a_counter_that_falls_for_one_packet(tmp_path: Path) -> None:
    counts = {10: 0, 20: 3, 30: 3, 40: 0, 50: 3, 60: 0, 70: 9}
    trace = counted(tmp_path / "t", counts, index=True)
    # Nothing was lost where it fell, nor for its coming back; 6 were by the last packet.
    assert read(trace)[2].lost == (
        LostWindow(0, OFFSET + 15, OFFSET + 25, 3),
        LostWindow(0, OFFSET + 65, OFFSET + 75, 6),
    )


@pytest.mark.parametrize("index", [False, True])
def test_a_counter_that_starts_again(tmp_path: Path, index: bool) -> None:
    trace = counted(tmp_path / "t", {10: 0, 20: 100, 30: 0, 40: 4, 50: 6}, index=index)
    assert [window.events for window in read(trace)[2].lost] == [100, 4, 2]


def test_a_first_packet_with_losses(tmp_path: Path) -> None:
    _, _, end = read(counted(tmp_path / "t", {10: 9, 20: 9}, index=True))
    assert end.lost == (LostWindow(0, OFFSET + 10, OFFSET + 15, 9),)
    assert end.warnings == ()
    _, _, end = read(counted(tmp_path / "u", {10: 9, 20: 9}, index=False))
    if end.lost:  # bt2 2.0 tells of it without its number, and 2.1 not at all
        assert end.lost == (LostWindow(0, OFFSET + 10, OFFSET + 15, 0),)
        assert "not told" in end.warnings[0]


def test_an_index_that_does_not_fit_is_not_used(tmp_path: Path) -> None:
    for number, spoil in enumerate(
        (
            lambda data: b"",
            lambda data: data[:-1],
            lambda data: data[:-72],
            lambda data: b"\0" + data[1:],
            lambda data: data[:24] + bytes(8) + data[32:],
        )
    ):
        trace = counted(tmp_path / str(number), {10: 0, 20: 3}, index=True)
        index = trace / "index" / "s.idx"
        index.write_bytes(spoil(index.read_bytes()))
        assert lttng_index.read(index, trace / "s") is None
        assert [window.events for window in read(trace)[2].lost] == [3]


def test_missing_packets_are_a_loss(tmp_path: Path) -> None:
    form = Format(numbered=True)
    packets = [packet([Event(0, t, b"a")], form, number=n) for t, n in ((10, 0), (20, 1), (30, 5))]
    _, _, end = read(write(tmp_path / "t", metadata(U8, form), {"s": packets}))
    assert end.lost == (LostWindow(0, OFFSET + 20, OFFSET + 30, 0),)
    assert end.warnings == (f"{tmp_path / 't' / 's'}: 3 packets are missing",)


def test_batches_stay_small_and_lose_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bt2_pump, "_ROWS", 40)
    events = [Event(n % 3 // 2, n, bytes([n % 256])) for n in range(1000)]
    packets = [packet(events[n : n + 100]) for n in range(0, 1000, 100)]
    text = metadata({0: ("a", "uint8_t x;"), 1: ("b", "uint8_t x;")})
    trace = write(tmp_path / "t", text, {"s": packets})
    batches = [item for item in ctf_bt2.read(trace) if isinstance(item, EventBatch)]
    assert max(batch.columns.num_rows for batch in batches) < 100
    for name, number in (("a", 0), ("b", 1)):
        rows = [row for b in batches if b.name == name for row in b.columns.to_pylist()]
        expected = [(OFFSET + e.time, e.body[0]) for e in events if e.id == number]
        assert [(row["ts"], row["x"]) for row in rows] == expected


@pytest.mark.parametrize("index", [False, True])
def test_a_stream_cut_short_keeps_every_whole_event(tmp_path: Path, index: bool) -> None:
    first = packet([Event(0, t, b"aaa\0") for t in range(1, 4)])
    events = [Event(0, t, b"text\0") for t in range(10, 20)]
    last = packet(events, padding=4000)
    whole = first + last
    header = len(packet([], padding=0))
    other = packet([Event(0, 30, b"other\0")], cpu=1)
    text = metadata({0: ("a", "string s;")})
    for number, cut in enumerate((header + 1, header + 15, header + 31, len(last) - 3990)):
        trace = write(tmp_path / str(number), text, {"s": [first, last], "o": [other]})
        (trace / "s").write_bytes(whole[: len(first) + cut])
        if index:
            (trace / "index").mkdir()
            (trace / "index" / "s.idx").write_bytes(b"no index")
        kept = min(10, (cut - header) // 15)
        _, tables, end = read(trace)
        times = sorted(tables["a"]["ts"].to_pylist())
        assert times == [OFFSET + t for t in (1, 2, 3, *range(10, 10 + kept), 30)]
        assert sum(stream.events for stream in end.streams) == 4 + kept
        assert {stream.stream for stream in end.streams} == {"s", "o"}
        (warning,) = end.warnings
        assert warning.startswith(f"{trace / 's'}: cut short at byte {len(first) + cut}, ")
        assert f"at byte {len(first)}" in warning
        last_ts = OFFSET + (9 + kept if kept else 3)
        assert end.lost == (LostWindow(0, last_ts, OFFSET + 30, 0),)


def test_a_stream_cut_in_a_packet_header_keeps_the_packets_before(tmp_path: Path) -> None:
    good = [packet([Event(0, t, b"a")], padding=300) for t in (1, 2)]
    trace = write(tmp_path / "t", metadata(U8), {"s": good})
    with (trace / "s").open("ab") as stream:
        stream.write(packet([Event(0, 3, b"c")])[:21])
    _, tables, end = read(trace)
    assert tables["a"]["ts"].to_pylist() == [OFFSET + 1, OFFSET + 2]
    (warning,) = end.warnings
    assert f"damaged at byte {len(good[0]) * 2}: " in warning
    assert len(end.lost) == 1


def test_a_stream_of_noise_is_left_out(tmp_path: Path) -> None:
    streams = {"noise": [b"\x07" * 5000], "s": [packet([Event(0, t, b"a")]) for t in (1, 9)]}
    trace = write(tmp_path / "t", metadata(U8), streams)
    _, tables, end = read(trace)
    assert tables["a"].num_rows == 2
    (warning,) = end.warnings
    assert warning.startswith(f"{trace / 'noise'}: damaged")
    # Whose events they were is not known: any cpu's may be missing.
    assert end.lost == (LostWindow(None, OFFSET + 1, OFFSET + 9, 0),)


def test_damage_inside_a_stream_keeps_what_came_before(tmp_path: Path) -> None:
    events = [Event(0, 1, b"a"), Event(0, 2, b"b"), Event(999, 3, b"c"), Event(0, 4, b"d")]
    streams = {"s": [packet(events)], "t": [packet([Event(0, 50, b"z")], cpu=1)]}
    trace = write(tmp_path / "t", metadata(U8), streams)
    _, tables, end = read(trace)
    assert tables["a"]["x"].to_pylist() == [97, 98, 122]
    assert end.streams == (StreamCount("s", 0, 2), StreamCount("t", 1, 1))
    (warning,) = end.warnings
    assert warning.startswith(f"{trace / 's'}: damaged after 2 events")
    assert "999" in warning
    assert "addr" not in warning
    assert end.lost == (LostWindow(0, OFFSET + 2, OFFSET + 50, 0),)


@pytest.mark.parametrize("good", range(1, 32))
def test_damage_at_any_place_in_bt2s_batches(tmp_path: Path, good: int) -> None:
    # bt2 hands on messages in batches, and 2.0 leaves an error pending with the last one.
    events = [*(Event(0, t, b"text\0") for t in range(good)), Event(0, 99, b"cut")]
    trace = write(tmp_path / "t", metadata({0: ("a", "string s;")}), {})
    (trace / "s").write_bytes(packet(events, padding=400)[:-400])
    _, tables, end = read(trace)
    assert tables["a"]["s"].to_pylist() == ["text"] * good
    assert len(end.warnings) == len(end.lost) == 1


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        (None, "", "no metadata"),
        (b"", "metadata", "empty"),
        (b"/* CTF 1.8 */\ntrace { major = 1;\n nonsense\n};\n", "metadata", "line"),
        (b"\xc1\x1f\xfc\xc1" + bytes(200), "metadata", "cannot be read"),
        (b"\x57\x1d\xd1\x75" + bytes(200), "metadata", "no metadata packet"),
        (bytes(range(256)), "metadata", "cannot be read"),
    ],
)
def test_metadata_that_is_none(
    tmp_path: Path, content: bytes | None, place: str, words: str
) -> None:
    trace = write(tmp_path / "t", "", {"s": [packet([Event(0, 1, b"a")])]})
    (trace / "metadata").unlink()
    if content is not None:
        (trace / "metadata").write_bytes(content)
    with pytest.raises(TraceError) as caught:
        list(ctf_bt2.read(trace))
    assert caught.value.path == str(trace / place)
    assert words in caught.value.message
    assert "\n" not in str(caught.value)
    assert "salvage" not in str(caught.value)


@pytest.mark.parametrize("order", ["<", ">"])
def test_metadata_in_packets(tmp_path: Path, order: str) -> None:
    form = Format(byte_order="le" if order == "<" else "be")
    text = metadata({0: ("a", "uint8_t x;")}, form)
    trace = write(tmp_path / "t", "", {"s": [packet([Event(0, 1, b"a")], form)]})
    data = metadata_packets(text, order, 512)
    (trace / "metadata").write_bytes(data)
    assert read(trace)[1]["a"]["x"].to_pylist() == [97]
    for length in (4, 30, 37, 300, 512 + 36, len(data) - 1):
        (trace / "metadata").write_bytes(data[:length])
        with pytest.raises(TraceError, match=f"ends at byte {length},") as caught:
            list(ctf_bt2.read(trace))
        assert caught.value.path == str(trace / "metadata")
        assert caught.value.offset == length // 512 * 512
    for spoilt in (data[:512] + bytes(512), data[:28] + bytes(4) + data[32:], data + b"x" * 40):
        (trace / "metadata").write_bytes(spoilt)
        with pytest.raises(TraceError, match="no metadata packet"):
            list(ctf_bt2.read(trace))


def test_ctf_2_needs_a_newer_babeltrace(tmp_path: Path) -> None:
    trace = write(tmp_path / "t", '\x1e{"type":"preamble","version":2}\n', {})
    if bt2.__version__ >= "2.1":
        pytest.skip("this bt2 reads CTF 2")
    with pytest.raises(TraceError, match=r"CTF 2.*2\.1"):
        list(ctf_bt2.read(trace))


def test_without_bt2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctf_bt2, "bt2", None)
    with pytest.raises(ReaderUnavailableError, match="python3-bt2"):
        list(ctf_bt2.read(tmp_path))


def test_a_trace_with_no_streams(tmp_path: Path) -> None:
    head, tables, end = read(write(tmp_path / "t", metadata(U8), {}))
    assert (dict(head.env), head.clock, tables, end.streams) == ({}, None, {}, ())
    assert "no data stream" in end.warnings[0]


def plain(field: Any) -> Any:
    """Decode a field by bt2's own objects."""
    if isinstance(field, bt2._VariantFieldConst):
        return plain(field.selected_option)
    if isinstance(field, bt2._StructureFieldConst):
        return {name: plain(field[name]) for name in field}
    if isinstance(field, bt2._ArrayFieldConst):
        return [plain(item) for item in field]
    if isinstance(field, bt2._StringFieldConst):
        return str(field) if len(field) else ""
    return int(field)


def plain_events(trace: Path) -> Iterator[tuple[str, int, int, dict[str, Any]]]:
    """Yield class, time, cpu and fields of every event, stream by stream, by bt2's objects."""
    found: list[tuple[str, int, int, dict[str, Any]]] = []

    class Sink(bt2._UserSinkComponent):
        def __init__(self, config: Any, params: Any, obj: Any) -> None:
            self._add_input_port("in")

        def _user_graph_is_configured(self) -> None:
            self._messages = self._create_message_iterator(self._input_ports["in"])

        def _user_consume(self) -> None:
            cpu = -1
            for message in self._messages:
                if isinstance(message, bt2._PacketBeginningMessageConst):
                    cpu = int(message.packet.context_field["cpu_id"])
                elif isinstance(message, bt2._EventMessageConst):
                    event = message.event
                    fields = plain(event.payload_field)
                    for name, value in plain(event.common_context_field).items():
                        fields[f"ctx_{name}"] = value
                    time = message.default_clock_snapshot.ns_from_origin
                    found.append((event.name, time, cpu, fields))
            raise bt2.Stop

    source = bt2.find_plugin("ctf").source_component_classes["fs"]
    number = 0
    while True:
        graph = bt2.Graph()
        component = graph.add_component(source, "in", {"inputs": [str(trace)]})
        ports = list(component.output_ports.values())
        if number == len(ports):
            return
        sink = graph.add_component(Sink, "out")
        graph.connect_ports(ports[number], sink.input_ports["in"])
        graph.run()
        yield from found
        found.clear()
        number += 1


@pytest.mark.parametrize("run", ["heron-server-ipv6-001", "osprey-client-handshake-001"])
def test_a_recorded_run_equals_bt2s_objects(tmp_path: Path, run: str) -> None:
    with tarfile.open(DATA / f"{run}.tar.xz") as archive:
        for member in archive:
            if member.isfile() and "/kernel/" in member.name and "/index/" not in member.name:
                content = archive.extractfile(member)
                assert content is not None
                (tmp_path / Path(member.name).name).write_bytes(content.read())
    _, tables, end = read(tmp_path)
    rows = {name: iter(table.to_pylist()) for name, table in tables.items()}
    compared = 0
    for name, ts, cpu, fields in plain_events(tmp_path):
        row = next(rows[name])
        assert (row["ts"], row["cpu_id"]) == (ts, cpu)
        if "network_header" in fields:
            network = fields.pop("network_header")
            transport = network.get("transport_header", {})
            for column, value in (
                ("ttl", network.get("ttl")),
                ("hop_limit", network.get("hop_limit")),
                ("tot_len", network.get("tot_len")),
                ("ip_payload_len", network.get("payload_len")),
                ("sport", transport.get("source_port")),
                ("seq", transport.get("seq")),
                ("tcp_flags", transport.get("flags")),
                ("window", transport.get("window_size")),
            ):
                assert row[column] == value
            del fields["network_header_type"]
        for field, value in fields.items():
            if value != {}:
                assert row[field + "_" if field == "cpu_id" else field] == value
        compared += 1
    assert compared == sum(stream.events for stream in end.streams) > 15_000
    assert all(next(left, None) is None for left in rows.values())
