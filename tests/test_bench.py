"""The parts of the benchmark that are not measurement: what its inputs are, and its table."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from bench import captures, longer_run, processes, traces
from bench.__main__ import NAMES, arguments
from bench.decoding import thread_counts
from bench.machine import cpu_model
from bench.processes import CommandError
from bench.table import Row, as_json, markdown, median, rate, seconds, size, times
from bench.turns import in_turns

from tcpdw.readers import TraceEnd, ctf_bt2, lttng_index

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    archive = DATA / "merlin-server-lossy-001.tar.xz"
    return longer_run.unpack(archive, tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def longer(run: Path) -> longer_run.LongerRun:
    return longer_run.make(run, run.parent / "longer", 3)


def shift_of(run: Path) -> int:
    """Work out the shift from LTTng's index: the least multiple of 2^32 that the trace fits in."""
    packets = lttng_index.read(run / "kernel/index/ch_0.idx", run / "kernel/ch_0")
    assert packets
    return ((packets[-1].end - packets[0].begin) // 2**32 + 1) * 2**32


def test_a_longer_trace_is_its_original_over_and_over(
    run: Path, longer: longer_run.LongerRun
) -> None:
    shift = shift_of(run)
    assert traces.check(run / "kernel", longer.trace, shift, ctf_bt2.read) == 3
    with pytest.raises(traces.UnsuitedError):
        traces.check(run / "kernel", longer.trace, shift + 1, ctf_bt2.read)


def test_losses_repeat_too(run: Path, longer: longer_run.LongerRun) -> None:
    once, often = (
        next(item for item in ctf_bt2.read(trace) if isinstance(item, TraceEnd))
        for trace in (run / "kernel", longer.trace)
    )
    assert once.lost
    assert [window.events for window in often.lost] == 3 * [w.events for w in once.lost]
    assert often.warnings == once.warnings


def test_the_index_fits_the_longer_stream(run: Path, longer: longer_run.LongerRun) -> None:
    once = lttng_index.read(run / "kernel/index/ch_0.idx", run / "kernel/ch_0")
    often = lttng_index.read(longer.trace / "index/ch_0.idx", longer.trace / "ch_0")
    assert once
    assert often
    assert [p.size for p in often] == 3 * [p.size for p in once]
    assert all(a.end <= b.begin for a, b in pairwise(often))
    assert often[-1].end == once[-1].end + 2 * shift_of(run)
    # One count in the middle of the recorded index is 0, LTTng's own doing.
    lost = once[-1].discarded
    assert lost > 0
    assert [p.discarded for p in often] == [
        p.discarded + copy * lost for copy in range(3) for p in once
    ]


def test_a_longer_run_keeps_what_is_beside_the_trace(
    run: Path, longer: longer_run.LongerRun
) -> None:
    assert (longer.path / "run.json").read_bytes() == (run / "run.json").read_bytes()
    once = {path.relative_to(run) for path in run.rglob("*")}
    assert once == {path.relative_to(longer.path) for path in longer.path.rglob("*")}
    assert longer.packets == 3 * captures.part(run / "packets.pcap", run.parent / "all", 10**9)


def test_a_longer_capture_repeats_packets_later(tmp_path: Path) -> None:
    source, target = tmp_path / "once.pcap", tmp_path / "twice.pcap"
    frames = [(1_700_000_000_999_999_000, b"one"), (1_700_000_001_000_001_000, b"three")]
    source.write_bytes(pcap(frames))
    assert captures.lengthen(source, target, 2, 5_000_002_500) == 4
    later = [(time + 5_000_002_000, frame) for time, frame in frames]
    assert target.read_bytes() == pcap([*frames, *later])


def test_a_part_of_a_capture_is_whole(tmp_path: Path) -> None:
    source, target = tmp_path / "once.pcap", tmp_path / "part.pcap"
    frames = [(1_000, b"one"), (2_000, b"two"), (3_000, b"three")]
    source.write_bytes(pcap(frames))
    assert captures.part(source, target, 2) == 2
    assert target.read_bytes() == pcap(frames[:2])
    assert captures.part(source, target, 9) == 3
    assert target.read_bytes() == source.read_bytes()


def test_a_capture_cut_short_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "cut.pcap"
    for cut in (1, 4, 10):
        source.write_bytes(pcap([(1_000, b"one")])[:-cut])
        with pytest.raises(ValueError, match="cut short"):
            captures.lengthen(source, tmp_path / "twice.pcap", 2, 0)
    source.write_bytes(b"\n\r\r\n" + bytes(60))
    with pytest.raises(ValueError, match="no little-endian pcap"):
        captures.lengthen(source, tmp_path / "twice.pcap", 2, 0)


def pcap(frames: list[tuple[int, bytes]]) -> bytes:
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)
    return head + b"".join(
        struct.pack("<4I", time // 10**9, time % 10**9 // 1000, len(frame), len(frame)) + frame
        for time, frame in frames
    )


def test_turns_leave_out_the_first_round() -> None:
    order: list[str] = []

    def measure(name: str) -> int:
        order.append(name)
        return len(order)

    found = in_turns(2, {"a": lambda: measure("a"), "b": lambda: measure("b")})
    assert order == ["a", "b"] * 3
    assert found == {"a": [3, 5], "b": [4, 6]}


def test_a_command_is_measured_with_what_it_starts() -> None:
    # The child of the child holds 60 MB, for longer than it takes to be sampled.
    hold = "import time; held = b'x' * 60_000_000; time.sleep(.5); print(len(held))"
    start = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    ran = processes.run([sys.executable, "-c", start], watch=True)
    assert ran.output == "60000000\n"
    assert ran.seconds > 0.5
    assert 60e6 < ran.largest < ran.together
    assert 60e6 < ran.private < ran.together
    # What this process has is not counted with it.
    assert ran.together < 100e6


def test_a_command_that_fails_is_no_measurement() -> None:
    with pytest.raises(CommandError, match="exit status 3: no such thing"):
        processes.run(["sh", "-c", "echo no such thing >&2; exit 3"])


def test_a_tree_has_no_strangers() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        assert child.pid in processes.tree(os.getpid())
        assert processes.tree(child.pid) == [child.pid]
        child.kill()


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (seconds(0.04567), "45.7 ms"),
        (seconds(9.8765), "9.88 s"),
        (seconds(1234.5), "1234 s"),
        (rate(1_234_567, "events"), "1.23 M events/s"),
        (rate(4_100, "packets"), "4.1 k packets/s"),
        (rate(12, "packets"), "12 packets/s"),
        (size(24_059_904), "24.1 MB"),
        (size(1_500_000_000), "1.5 GB"),
        (size(999), "999 B"),
        (times(0.512), "0.512×"),
        (times(15.04), "15×"),
        (times(1234.4), "1234×"),
    ],
)
def test_figures_are_written_short(shown: str, expected: str) -> None:
    assert shown == expected


def test_a_median_is_of_all() -> None:
    assert median([3.0, 1.0, 100.0]) == 3.0
    assert median([4.0, 1.0]) == 2.5


ROWS = [
    Row("decode", "1 s", "bt2", "20 s", 20.0, "15×", True, {"tcpdw": [1.0, 1.1]}),
    Row("memory", "700 MB", target="600 MB", met=False),
    Row("note", "1"),
]


def test_the_table_is_markdown() -> None:
    assert markdown({"cpu": "Z80", "cores": "1"}, ROWS) == (
        "- cpu: Z80\n"
        "- cores: 1\n"
        "\n"
        "| what   | tcpdw  | beside | its figure | ratio | target         |\n"
        "|--------|--------|--------|------------|-------|----------------|\n"
        "| decode | 1 s    | bt2    | 20 s       | 20×   | 15×: met       |\n"
        "| memory | 700 MB |        |            |       | 600 MB: missed |\n"
        "| note   | 1      |        |            |       |                |\n"
    )


def test_the_json_has_every_sample() -> None:
    found = json.loads(as_json({"cpu": "Z80"}, ROWS))
    assert found["machine"] == {"cpu": "Z80"}
    assert found["rows"][0]["samples"] == {"tcpdw": [1.0, 1.1]}
    assert [row["met"] for row in found["rows"]] == [True, False, None]


@pytest.mark.parametrize(
    ("cores", "expected"),
    [(1, [1]), (2, [1, 2]), (6, [1, 2, 3, 4, 6]), (16, [1, 2, 3, 4, 8, 16])],
)
def test_threads_up_to_the_cores(cores: int, expected: list[int]) -> None:
    assert thread_counts(cores) == expected


def test_the_cpu_has_a_name() -> None:
    assert cpu_model("processor\t: 0\nmodel name\t: Z80 at 4 MHz: fast\n") == "Z80 at 4 MHz: fast"
    assert cpu_model("processor\t: 0\nBogoMIPS\t: 50.00\n")


def test_the_command_line() -> None:
    chosen = arguments(["--only", "decode", "size", "--repeat", "3"])
    assert (chosen.only, chosen.repeat, chosen.quick) == (["decode", "size"], 3, False)
    assert arguments([]).only is None
    for wrong in (["--repeat", "0"], ["--only", "nothing"], ["--only"]):
        with pytest.raises(SystemExit):
            arguments(wrong)
    assert len(set(NAMES)) == len(NAMES)
