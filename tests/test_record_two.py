"""`tcpdw record` at two ends, two processes that know of each other by the net alone."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path

import pytest
from recordings import LOSSY, TRACED, Bench, finished, needs_namespaces, repetitions, trace_of

from tcpdw.record import lines

pytestmark = needs_namespaces


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def two(
    tmp_path: Path, server: Bench, *words: str, client_words: tuple[str, ...] = ()
) -> tuple[Bench, subprocess.CompletedProcess[str], subprocess.CompletedProcess[str]]:
    """Record at both ends, the client's started first; return its bench, and what each said."""
    client = Bench(tmp_path / "client")
    port = free_port()
    common = ("--machine", "lab")
    theirs = client.start("--connect", "127.0.0.1", port, "--no-kernel", *common, *client_words)
    mine = server.start("--listen", "127.0.0.1", port, *common, *words)
    return client, finished(mine), finished(theirs)


@pytest.fixture
def server(tmp_path: Path) -> Bench:
    for name in ("server", "client"):
        (tmp_path / name).mkdir()
    return Bench(tmp_path / "server")


def test_both_ends_share_the_number(tmp_path: Path, server: Bench) -> None:
    (tmp_path / "client" / "out" / "lab-client-handshake-004").mkdir(parents=True)
    client, mine, theirs = two(
        tmp_path, server, "--no-kernel", "--runs", "2", client_words=("--close", "reset")
    )
    assert (mine.returncode, theirs.returncode) == (0, 0)
    # What any recording on this machine left that was killed, the next one ends, and says so.
    said = [*mine.stderr.splitlines(), *theirs.stderr.splitlines()]
    assert [line for line in said if "that was killed: process" not in line] == []
    assert repetitions(server.out) == ["lab-server-handshake-005", "lab-server-handshake-006"]
    assert repetitions(client.out)[1:] == ["lab-client-handshake-005", "lab-client-handshake-006"]
    said = [
        json.loads((bench.out / f"lab-{role}-handshake-006" / "run.json").read_text())
        for role, bench in (("server", server), ("client", client))
    ]
    assert [(run["role"], run["interface"], run["close"]) for run in said] == [
        ("server", "lo", "rst"),
        ("client", "lo", "rst"),
    ]
    assert [*server.left(), *client.left()] == []


def test_what_one_end_lost_both_record_again(tmp_path: Path, server: Bench) -> None:
    traces = [trace_of(archive, tmp_path / "traces") for archive in (LOSSY, TRACED)]
    server.with_kernel(*traces)
    client, mine, theirs = two(tmp_path, server, "--retry-lossy", "1")
    assert (mine.returncode, theirs.returncode) == (0, 0), (mine.stderr, theirs.stderr)
    assert "31,563 events lost; recorded again" in mine.stderr
    assert theirs.stdout.count("lab-client-handshake-001: 0 events, ") == 2
    assert repetitions(server.out) == ["lab-server-handshake-001"]
    assert repetitions(client.out) == ["lab-client-handshake-001"]
    assert [*server.left(), *client.left()] == []


def test_where_one_end_stops_the_other_drops_its_run(tmp_path: Path, server: Bench) -> None:
    command = "sh -c 'kill -INT $PPID; exec sleep 60'"
    client, mine, theirs = two(tmp_path, server, "--no-kernel", "--server-command", command)
    assert mine.returncode == 130
    assert theirs.returncode == 1
    assert "run 1 failed: the other end has stopped" in theirs.stderr
    assert [*server.out.iterdir(), *client.out.iterdir()] == []
    assert [*server.left(), *client.left()] == []


def test_ends_of_two_experiments_do_not_go_together(tmp_path: Path, server: Bench) -> None:
    _, mine, theirs = two(tmp_path, server, "--no-kernel", client_words=("--experiment", "load"))
    assert (mine.returncode, theirs.returncode) == (1, 1)
    assert "the other end records 'load', this one 'handshake'" in mine.stderr
    assert "the other end records 'handshake', this one 'load'" in theirs.stderr


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\x00",
        b"[]",
        b"7" * 5000,
        b"[" * 4000,
        b'{"role": "client"}',
        b'{"role": "cat", "experiment": "h", "session": "s", "attempt": 1, "repetition": 1, '
        b'"stages": []}',
        b'{"role": "client", "experiment": "h", "session": "s", "attempt": true, "repetition": 1, '
        b'"stages": []}',
        b'{"role": "client", "experiment": "h", "session": "s", "attempt": 1, "repetition": -1, '
        b'"stages": []}',
        b'{"role": "client", "experiment": "h", "session": "s", "attempt": 1, "repetition": 1e99, '
        b'"stages": []}',
        b'{"role": "client", "experiment": "h", "session": "s", "attempt": 1, "repetition": 1, '
        b'"stages": [1]}',
    ],
)
def test_a_strangers_datagram_is_let_be(data: bytes) -> None:
    line = lines.Remote("server", "h")
    line.datagram_received(data, ("192.0.2.1", 9))
    line.check()
    assert not line.heard("waiting")
