"""`tcpdw record` with a kernel trace: LTTng's part is a stand-in's, all else is real."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from recordings import LOSSY, POINTS, TRACED, Bench, needs_namespaces, repetitions, trace_of

from tcpdw import catalog
from tcpdw.record import events, tracer

WORDS = ("--local", "--machine", "lab")


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("traces")
    return {"whole": trace_of(TRACED, folder), "lossy": trace_of(LOSSY, folder)}


@needs_namespaces
def test_a_session_a_run_with_what_the_metrics_require(
    tmp_path: Path, traces: dict[str, Path]
) -> None:
    bench = Bench(tmp_path).with_kernel(traces["whole"])
    done = bench.record(*WORDS, "--runs", "2", "--buffer", "4")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("lab-server-handshake-001: 19,461 events")
    assert bench.sessions() == []
    assert bench.left() == []
    asked = [c for c in bench.commands() if c.split()[0] not in ("list", "--mi", "--version")]
    name = asked[0].split()[1]
    channel = f"--session={name} --channel=ch"
    part = f"{bench.out}/.lab-server-handshake-001.tcpdw.part/run"
    lacked = {"timer_start", "kmem_kmalloc", "net_if_rx"}
    points = [point for point in POINTS if point not in lacked and "statedump" not in point]
    assert asked[:8] == [
        f"create {name} --output={part}",
        f"enable-channel --kernel --session={name} --discard --subbuf-size=524288 "
        "--num-subbuf=8 ch",
        f"enable-event --kernel {channel} {','.join(sorted([*points, 'lttng_statedump_*']))}",
        f"enable-event --kernel --syscall {channel} --all",
        f"add-context --kernel {channel} --type=pid --type=tid --type=procname",
        f"start {name}",
        f"stop {name}",
        f"destroy {name}",
    ]
    assert [command.split()[0] for command in asked[8:]] == [c.split()[0] for c in asked[:8]]
    assert repetitions(bench.out) == [
        f"lab-{role}-handshake-{number:03d}" for role in ("client", "server") for number in (1, 2)
    ]
    server = bench.out / "lab-server-handshake-001"
    assert (server / "kernel" / "metadata").exists()
    assert not (bench.out / "lab-client-handshake-001" / "kernel").exists()
    said = json.loads((server / "run.json").read_text())
    assert said["tracer"] == "lttng (LTTng Trace Control) 2.13.9 - Nordicité"
    assert said["buffer_bytes"] == 4 << 20
    assert "net_if_rx_entry" in said["events_unavailable"]


@needs_namespaces
def test_a_lossy_run_is_recorded_again_with_larger_buffers(
    tmp_path: Path, traces: dict[str, Path]
) -> None:
    bench = Bench(tmp_path).with_kernel(traces["lossy"], traces["whole"])
    done = bench.record(*WORDS, "--retry-lossy", "2")
    assert done.returncode == 0, done.stderr
    assert "lab-server-handshake-001: 31,563 events lost; recorded again" in done.stderr
    sizes = [c for c in bench.commands() if c.startswith("enable-channel")]
    assert ["2097152" in sizes[0], "4194304" in sizes[1], len(sizes)] == [True, True, 2]
    assert repetitions(bench.out) == ["lab-client-handshake-001", "lab-server-handshake-001"]
    said = json.loads((bench.out / "lab-server-handshake-001" / "run.json").read_text())
    assert "events_discarded" not in said
    assert bench.left() == []


@needs_namespaces
def test_a_loss_is_said_and_the_run_kept(tmp_path: Path, traces: dict[str, Path]) -> None:
    bench = Bench(tmp_path).with_kernel(traces["lossy"])
    done = bench.record(*WORDS)
    assert done.returncode == 0, done.stderr
    said = json.loads((bench.out / "lab-server-handshake-001" / "run.json").read_text())
    assert said["events_discarded"] > 1000
    assert f"packets; {said['events_discarded']:,} events lost" in done.stdout


@needs_namespaces
@pytest.mark.parametrize("stage", ["create", "enable-channel", "enable-event", "start", "stop"])
def test_where_the_tracer_fails_nothing_stays(
    tmp_path: Path, traces: dict[str, Path], stage: str
) -> None:
    bench = Bench(tmp_path).with_kernel(traces["whole"])
    bench.environment["STAND_IN_FAIL"] = stage
    done = bench.record(*WORDS)
    assert done.returncode == 1
    assert f"`lttng {stage}` failed: the stand-in fails at {stage}" in done.stderr
    assert bench.sessions() == []
    assert list(bench.out.iterdir()) == []
    assert bench.left() == []


def test_a_new_metric_widens_the_recording() -> None:
    wanted = events.wanted(catalog.load())
    required = {
        name for metric in catalog.load().metrics for group in metric.requires for name in group
    }
    assert {name for name in required if not name.startswith("syscall")} <= {*wanted.tracepoints}
    assert wanted.syscalls == ("*",)
    assert wanted.among(["sched_waking", "lttng_statedump_start"])[0] == (
        "lttng_statedump_*",
        "sched_waking",
    )


@pytest.mark.parametrize(
    ("asked", "part"), [(1, 64 << 10), (1 << 20, 128 << 10), ((1 << 20) + 1, 128 << 10)]
)
def test_buffers_are_a_power_of_two_and_no_larger_than_asked(asked: int, part: int) -> None:
    assert tracer.Buffers.of(asked).part == part
