"""`tcpdw record --local --no-kernel`, for real: what it leaves is what an ingest takes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from recordings import Bench, needs_namespaces, repetitions

import tcpdw
from tcpdw import pipeline

pytestmark = needs_namespaces

WORDS = ("--local", "--no-kernel", "--machine", "lab")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Record a run of each kind, once."""
    bench = Bench(tmp_path_factory.mktemp("recorded"))
    for words in (("--runs", "2"), ("--close", "server"), ("--close", "reset")):
        done = bench.record(*WORDS, *words)
        assert done.returncode == 0, done.stderr
    done = bench.record(*WORDS, "--experiment", "load", "--connections", "6", "--format", "json")
    assert done.returncode == 0, done.stderr
    names = [(Path(row["path"]).name, row["events_discarded"]) for row in json.loads(done.stdout)]
    assert names == [("lab-server-load-001", 0), ("lab-client-load-001", 0)]
    assert bench.left() == []
    return bench


@pytest.fixture(scope="module")
def loaded_runs(recorded: Bench) -> Path:
    path = recorded.folder / "w.duckdb"
    summary = pipeline.ingest([recorded.out], path)
    assert [run.warnings for run in (*summary.failed, *summary.loaded) if run.warnings] == []
    return path


def test_runs_are_named_and_numbered_on(recorded: Bench) -> None:
    names = [f"lab-{role}-handshake-{n:03d}" for role in ("client", "server") for n in range(1, 5)]
    assert repetitions(recorded.out) == sorted(
        [*names, "lab-client-load-001", "lab-server-load-001"]
    )


def test_run_json_says_what_was_recorded(recorded: Bench) -> None:
    said = json.loads((recorded.out / "lab-server-handshake-001" / "run.json").read_text())
    assert {key: said[key] for key in ("machine", "role", "experiment", "repetition")} == {
        "machine": "lab", "role": "server", "experiment": "handshake", "repetition": 1,
    }  # fmt: skip
    assert (said["interface"], said["driver"]) == ("veth-server", "veth")
    assert (said["server"], said["message_bytes"], said["connections"]) == (
        "192.168.1.105:5000", 6, 1,
    )  # fmt: skip
    assert said["close"] == "fin"
    reset = json.loads((recorded.out / "lab-client-handshake-004" / "run.json").read_text())
    assert reset["close"] == "rst"
    load = json.loads((recorded.out / "lab-server-load-001" / "run.json").read_text())
    assert (load["experiment"], load["connections"], load["close"]) == ("load", 6, "fin")


def test_ingest_takes_them_without_options(loaded_runs: Path) -> None:
    with tcpdw.connect(loaded_runs) as opened:
        rows = opened.sql(
            "SELECT name, machine, role, experiment, repetition, driver, status, packets > 6 "
            "FROM runs WHERE name LIKE '%handshake-001' ORDER BY name"
        ).fetchall()
    assert rows == [
        ("lab-client-handshake-001", "lab", "client", "handshake", 1, "veth", "ok", True),
        ("lab-server-handshake-001", "lab", "server", "handshake", 1, "veth", "ok", True),
    ]


def flags(opened: object, run: str) -> list[str]:
    names = {2: "SYN", 18: "SYN-ACK", 16: "ACK", 24: "data", 17: "FIN", 20: "RST"}
    rows = opened.execute(  # type: ignore[attr-defined]
        "SELECT p.saddr, p.flags FROM packets AS p JOIN runs AS r USING (run_id) "
        "WHERE r.name = ? ORDER BY p.frame",
        [run],
    ).fetchall()
    # Whether an acknowledgement goes alone or with what follows is a matter of time.
    return [
        f"{'c' if saddr.endswith('.110') else 's'} {names[flag]}"
        for saddr, flag in rows
        if names[flag] != "ACK"
    ]


@pytest.mark.parametrize("role", ["server", "client"])
def test_the_end_that_was_asked_for_hangs_up(loaded_runs: Path, role: str) -> None:
    opening = ["c SYN", "s SYN-ACK", "s data"]
    with tcpdw.connect(loaded_runs) as opened:
        by_client = flags(opened, f"lab-{role}-handshake-001")
        by_server = flags(opened, f"lab-{role}-handshake-003")
        by_reset = flags(opened, f"lab-{role}-handshake-004")
    assert by_client == [*opening, "c FIN", "s FIN"]
    assert by_server == [*opening, "s FIN", "c FIN"]
    assert by_reset == [*opening, "c RST"]


def test_captured_to_the_nanosecond(loaded_runs: Path) -> None:
    with tcpdw.connect(loaded_runs) as opened:
        query = "SELECT SUM((ts % 1000 <> 0)::INT), COUNT(*) FROM packets"
        ((odd, every),) = opened.sql(query).fetchall()
    assert odd > every / 2


def test_snapshots_show_the_sockets_of_each_stage(loaded_runs: Path) -> None:
    query = (
        "SELECT t.stage, t.state FROM proc_tcp AS t JOIN runs AS r USING (run_id) "
        "WHERE r.name = ? AND t.inode <> 0 ORDER BY t.ts"
    )
    with tcpdw.connect(loaded_runs) as opened:
        server = opened.execute(query, ["lab-server-handshake-001"]).fetchall()
        client = opened.execute(query, ["lab-client-handshake-001"]).fetchall()
    assert server == [("listening", "LISTEN"), ("established", "ESTABLISHED")]
    assert client == [("established", "ESTABLISHED")]


def test_a_load_makes_its_connections(loaded_runs: Path) -> None:
    with tcpdw.connect(loaded_runs) as opened:
        rows = opened.sql(
            "SELECT r.role, COUNT(*) FROM connections JOIN runs AS r USING (run_id) "
            "WHERE r.experiment = 'load' GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert rows == [("client", 6), ("server", 6)]


def test_what_the_capture_dropped_is_said(tmp_path: Path) -> None:
    bench = Bench(tmp_path).with_capture()
    bench.environment["STAND_IN_DROPPED"] = "3"
    done = bench.record(*WORDS, "--capture", "tcpdump")
    assert done.returncode == 0, done.stderr
    assert "lab-server-handshake-001: 0 events, 6 packets; 3 packets lost" in done.stdout
    said = json.loads((bench.out / "lab-server-handshake-001" / "run.json").read_text())
    assert said["packets_dropped"] == 3
    asked = sorted(bench.commands())[1].split()
    assert asked[asked.index("-i") + 1] == "veth-server"
    assert {"--time-stamp-precision=nano", "--immediate-mode"} <= set(asked)
    assert asked[-3:] == ["tcp", "port", "5000"]


def test_dumpcap_captures_as_well(tmp_path: Path) -> None:
    if shutil.which("dumpcap") is None:
        pytest.skip("dumpcap is not installed")
    bench = Bench(tmp_path)
    done = bench.record(*WORDS, "--capture", "dumpcap", "--close", "reset")
    assert done.returncode == 0, done.stderr
    assert "lab-client-handshake-001: 0 events, 6 packets\n" in done.stdout
    assert (bench.out / "lab-client-handshake-001" / "packets.pcapng").exists()
    assert bench.left() == []
