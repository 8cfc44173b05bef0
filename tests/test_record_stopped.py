"""`tcpdw record` stopped at every stage: nothing stays behind, or the next start removes it."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from recordings import STAND_INS, TRACED, Bench, needs_namespaces, repetitions, trace_of

pytestmark = needs_namespaces

WORDS = ("--local", "--machine", "lab")

# What a program of the experiment does that stops tcpdw, which started it: twice, as people do.
AT_ONCE = "kill -s {signal} $PPID; kill -s {signal} $PPID; exec sleep 60"


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trace_of(TRACED, tmp_path_factory.mktemp("trace"))


@pytest.fixture
def bench(tmp_path: Path, trace: Path) -> Bench:
    return Bench(tmp_path).with_kernel(trace)


@pytest.fixture
def daemon(bench: Bench) -> Iterator[None]:
    """Let a session daemon run that is not the recording's."""
    process = subprocess.Popen([STAND_INS / "lttng-sessiond"], env=bench.environment)
    while not (bench.state / "daemon").exists():
        time.sleep(0.01)
    yield
    assert process.poll() is None
    process.terminate()
    process.wait(10)


def stop_at(bench: Bench, stage: str, signal: str) -> int:
    """Stop a recording at a stage by a signal, and give its exit status."""
    words = [*WORDS, "--runs", "3"]
    if stage == "listening":
        script = AT_ONCE.replace("{signal}", signal)
        words += ["--server-command", f"sh -c {shlex.quote(script)}"]
    elif stage == "connected":
        words += ["--client-command", "sh -c " + shlex.quote(AT_ONCE.replace("{signal}", signal))]
    else:
        if stage == "capture":
            bench.with_capture()
        bench.environment["STAND_IN_SIGNAL"] = f"{stage}:{signal}"
    done = bench.record(*words)
    assert "Traceback" not in done.stderr
    assert done.stderr == "" or signal == "KILL" or "stopping" in done.stderr, done.stderr
    return done.returncode


@pytest.mark.parametrize(
    ("stage", "signal"),
    [
        ("list", "TERM"),
        ("capture", "TERM"),
        ("create", "INT"),
        ("enable-event", "TERM"),
        ("start", "INT"),
        ("listening", "INT"),
        ("connected", "TERM"),
        ("stop", "HUP"),
    ],
)
def test_a_signal_leaves_nothing(bench: Bench, stage: str, signal: str) -> None:
    assert stop_at(bench, stage, signal) == 130
    assert bench.sessions() == []
    assert not (bench.state / "daemon").exists()
    assert bench.left() == []


@pytest.mark.parametrize("stage", ["start", "connected", "stop"])
def test_what_a_kill_leaves_goes_at_the_next_start(bench: Bench, daemon: None, stage: str) -> None:
    assert stop_at(bench, stage, "KILL") == -9
    assert [name for name in bench.left() if name.startswith(".lab-server")] != []
    assert len(bench.sessions()) == 1
    bench.environment.pop("STAND_IN_SIGNAL", None)
    done = bench.record(*WORDS)
    assert done.returncode == 0, done.stderr
    left = "tcpdw: removed what a recording left that was killed: "
    assert f"{left}LTTng session tcpdw-" in done.stderr
    assert f"{left}unfinished run lab-server-handshake-001" in done.stderr
    assert repetitions(bench.out)[-1].startswith("lab-server-handshake-00")
    assert bench.sessions() == []
    assert bench.left() == []
