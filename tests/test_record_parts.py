"""The parts of `tcpdw record`: owners, folders, snapshots, what a capture tool says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tcpdw.errors import RecordError
from tcpdw.readers import proc
from tcpdw.record import capture, folder, host, owner, snapshots, tracer
from tcpdw.record.namespaces import Namespace
from tcpdw.record.processes import Program, tree


def dead_token() -> str:
    """Return the token of a process that was."""
    code = "from tcpdw.record import owner; print(owner.token())"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_a_token_is_stale_once_its_process_has_ended() -> None:
    dead = dead_token()
    assert owner.is_stale(dead)
    assert not owner.is_stale(owner.token())
    namespace, pid, start = dead.removeprefix("tcpdw-").split("-")
    assert owner.is_stale(f"tcpdw-{namespace}-{os.getpid()}-{start}")
    assert not owner.is_stale(f"tcpdw-{int(namespace) + 1}-{pid}-{start}")
    assert not owner.is_stale("tcpdw-session")


def test_only_processes_without_their_owner_are_ended() -> None:
    def started(token: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(["sleep", "60"], env={**os.environ, owner.VARIABLE: token})

    dead = dead_token()
    orphan, other = started(dead), started(owner.token())
    try:
        ended = owner.end_stale_processes()
        assert ended[orphan.pid] == "sleep"
        assert other.pid not in ended
        assert orphan.wait(10) == -9
        assert other.poll() is None
    finally:
        for process in (orphan, other):
            process.kill()
            process.wait()


def runs(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be reaped does not."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_program_ends_with_all_that_it_started() -> None:
    script = "trap '' TERM; sleep 60 & echo $!; wait; exec sleep 60"
    with Program(["sh", "-c", script]) as program:
        while program.printed() == 0:
            pass
        pids = tree(program.pid)
        assert len(pids) == 2
        program.stop(seconds=0.1)
    assert not any(map(runs, pids))


def test_a_snapshot_reads_as_one_made_by_ls(tmp_path: Path) -> None:
    odd = tmp_path / "a \x1b[31m'b\" -> c"
    with odd.open("w") as file, Program(["cat"]) as program:
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=file)
        try:
            own = Namespace(own=True)
            snapshots.take(tmp_path / "now", [child.pid, 2**22 + 1], own)
            own.close()
            by_ls = tmp_path / "ls"
            by_ls.mkdir()
            (by_ls / "time_ns").write_text("1")
            listed = subprocess.run(
                ["ls", "-l", "--time-style=full-iso", f"/proc/{child.pid}/fd"],
                capture_output=True, check=True, env={"LC_ALL": "C", "TZ": "UTC"},
            ).stdout  # fmt: skip
            (by_ls / f"pid-{child.pid}-fd").write_bytes(listed)
        finally:
            assert child.stdin is not None
            child.stdin.close()
            child.wait()
        assert program.is_alive()
    mine, theirs = proc.read(tmp_path / "now"), proc.read(by_ls)
    assert mine.warnings == theirs.warnings == ()
    assert mine.fds.to_pylist() == theirs.fds.to_pylist()
    assert str(odd) in mine.fds["target"].to_pylist()
    assert mine.processes.to_pylist() == [{"pid": child.pid, "cmdline": "cat"}]
    assert (tmp_path / "now" / f"pid-{child.pid}-fd").read_bytes() == listed


def test_runs_are_numbered_after_the_highest(tmp_path: Path) -> None:
    for name in ("lab-server-x-002", "lab-server-x-y-009", "other-server-x-011", ".lab-server-x-7"):
        (tmp_path / name).mkdir()
    assert folder.next_repetition(tmp_path, ["lab-server-x-", "lab-client-x-"]) == 3
    (tmp_path / "lab-client-x-012.tar.xz").touch()
    assert folder.next_repetition(tmp_path, ["lab-server-x-", "lab-client-x-"]) == 13
    assert folder.next_repetition(tmp_path / "none", ["lab-server-x-"]) == 1


def test_a_folder_that_another_records_is_let_be(tmp_path: Path) -> None:
    with folder.RunFolder(tmp_path, "lab-server-x-001"):
        with pytest.raises(RecordError, match="is being recorded by another"):
            folder.RunFolder(tmp_path, "lab-server-x-001")
        assert folder.remove_stale(tmp_path) == []
    (tmp_path / ".lab-server-x-002.tcpdw.part" / "run").mkdir(parents=True)
    (tmp_path / ".copied.part").mkdir()
    assert folder.remove_stale(tmp_path) == ["lab-server-x-002"]
    assert [path.name for path in tmp_path.iterdir()] == [".copied.part"]


def test_a_run_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    with folder.RunFolder(tmp_path, "lab-server-x-001") as made:
        made.describe({"machine": "lab", "driver": None})
        (tmp_path / made.name).mkdir()
        with pytest.raises(RecordError, match="is there already"):
            made.keep()
        made.keep(replace=True)
    assert (tmp_path / made.name / "run.json").read_text() == '{\n "machine": "lab"\n}\n'
    assert [path.name for path in tmp_path.iterdir()] == [made.name]


@pytest.mark.parametrize(
    ("said", "dropped"),
    [
        # tcpdump 4.99
        ("10 packets captured\n12 packets received by filter\n3 packets dropped by kernel\n", 3),
        ("1 packet captured\n1 packet dropped by kernel\n2 packets dropped by interface\n", 3),
        ("6 packets captured\n6 packets received by filter\n0 packets dropped by kernel\n", 0),
        # dumpcap 4.0
        ("Packets captured: 6\nPackets received/dropped on interface 'eth0': 6/2 (pcap:2/dumpcap:0/"
         "flushed:0/ps_ifdrop:0) (75.0%)\n", 2),
        ("", 0),
    ],
)  # fmt: skip
def test_dropped_packets_are_counted(said: str, dropped: int) -> None:
    assert capture.dropped(said) == dropped


def test_the_cpu_is_named_on_every_machine() -> None:
    assert host.cpu_model("processor\t: 0\nmodel name\t: Intel(R) Xeon\n") == "Intel(R) Xeon"
    assert host.cpu_model("processor : 0\nModel\t\t: Raspberry Pi 4\n") == "Raspberry Pi 4"
    assert host.cpu_model("processor\t: 0\nBogoMIPS\t: 50.00\n") == os.uname().machine


def test_tracepoints_are_read_as_every_lttng_lists_them() -> None:
    listing = (
        "Kernel events:\n-------------\n"
        "      sched_switch (loglevel: TRACE_EMERG (0)) (type: tracepoint)\n"
        "      net_dev_queue (type: tracepoint)\n"
        "      do_fork (type: function)\n\n"
    )
    assert tracer.named(listing) == ["sched_switch", "net_dev_queue"]
