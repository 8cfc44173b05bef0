"""Two ingests of one warehouse at once: one waits, none is lost; and what ingests log."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import pytest
from loaded_rows import empty_warehouse, rows, trace

import tcpdw
from tcpdw import pipeline, template
from tcpdw.cli import entry

ROOT = Path(__file__).parents[1]
PROGRAM = (sys.executable, "-c", "from tcpdw.cli import main; main()")
HOLDS = (
    "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); "
    "sys.stdin.read()"
)


def start(*words: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*PROGRAM, "ingest", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def holder(path: Path) -> subprocess.Popen[str]:
    held = subprocess.Popen(
        [sys.executable, "-c", HOLDS, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert held.stdout is not None
    assert held.stdout.readline() == "open\n"
    return held


def test_the_second_waits_and_says_so(tmp_path: Path) -> None:
    path, run = empty_warehouse(tmp_path), trace(tmp_path / "run")
    with holder(path) as held, start("--warehouse", path, "--wait", "60", run) as second:
        assert second.stderr is not None
        assert second.stderr.readline() == (
            f"tcpdw: waiting up to 60 s: {path}: another process (PID {held.pid}) has it open\n"
        )
        held.communicate("")
        out, err = second.communicate(timeout=60)
        assert (second.returncode, err) == (0, "")
        assert out.startswith("1 run, ")


@pytest.mark.parametrize("seconds", ["0", "0.2"])
def test_the_second_fails_when_it_has_waited(seconds: str, tmp_path: Path) -> None:
    path, run = empty_warehouse(tmp_path), trace(tmp_path / "run")
    with holder(path) as held, start("--warehouse", path, "--wait", seconds, run) as second:
        out, err = second.communicate(timeout=60)
        assert (second.returncode, out) == (1, "")
        assert err.splitlines()[-1] == (
            f"tcpdw: error: {path}: another process (PID {held.pid}) has it open; "
            "wait until it is done, or give another file with --warehouse"
        )
        held.communicate("")
    assert rows(path, "SELECT COUNT(*) FROM runs") == [(0,)]


def test_a_reader_is_waited_for_too(tmp_path: Path) -> None:
    path, run = empty_warehouse(tmp_path), trace(tmp_path / "run")
    with (
        tcpdw.connect(path) as reader,
        start("--warehouse", path, "--wait", "60", run) as second,
    ):
        assert second.stderr is not None
        assert "waiting up to 60 s" in second.stderr.readline()
        reader.close()
        second.communicate(timeout=60)
        assert second.returncode == 0


# Real runs: these have the many event classes for which a new warehouse is exchanged.
SAMPLES = ("merlin-client-handshake-003", "merlin-client-handshake-004", "merlin-server-lossy-001")


def test_of_several_that_make_a_warehouse_none_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    at_once = [start("--warehouse", path, ROOT / "data" / f"{name}.tar.xz") for name in SAMPLES]
    for process in at_once:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, out + err
    found = rows(path, "SELECT name, status FROM runs ORDER BY name")
    assert found == [(name, "ok") for name in SAMPLES]
    assert [item.name for item in tmp_path.iterdir()] == ["w.duckdb"]


def test_who_takes_it_while_it_is_exchanged_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "w.duckdb"
    taken: list[subprocess.Popen[str]] = []

    def take(*_: object) -> None:
        taken.append(holder(path))
        threading.Timer(0.3, taken[0].communicate, [""]).start()

    monkeypatch.setattr(template, "with_classes", lambda _: b"a warehouse")
    monkeypatch.setattr(template, "exchange", take)
    run = ROOT / "data" / f"{SAMPLES[0]}.tar.xz"
    done = pipeline.ingest([run], path, pipeline.Options(workers=1, wait=60))
    assert [found.name for found in done.loaded] == [SAMPLES[0]]
    assert len(taken) == 1
    assert taken[0].wait(10) == 0


LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (\w+) (.*)")


def logged(tmp_path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[str, str]:
    inbox = tmp_path / "in"
    if not inbox.exists():
        trace(inbox / "good", 2)
        (inbox / 'bad "x"\n=y\x1b[31m').mkdir()
        (inbox / 'bad "x"\n=y\x1b[31m' / "metadata").write_bytes(b"")
    path = tmp_path / "w.duckdb"
    assert entry.run(["ingest", "--warehouse", str(path), "--replace", *options, str(inbox)]) == 1
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err
    return out, err


def test_verbose_is_a_line_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = logged(tmp_path, capsys, "-v")
    found = [LINE.fullmatch(line) for line in err.splitlines()]
    assert all(found), err
    lines = [(match[1], match[2]) for match in found if match]
    assert lines[0] == ("planned", "runs=2 skipped=0")
    assert lines[-1][0] == "done"
    assert lines[-1][1].startswith("loaded=1 failed=1 skipped=0 events=3 packets=0 seconds=")
    runs = [words for event, words in lines if event == "run"]
    assert len(runs) == 2
    assert any(words.startswith("name=good status=ok run_id=") for words in runs)
    assert any('name="bad ' in words and "status=failed" in words for words in runs)
    assert out.startswith("1 run, 3 events, 0 packets in ")


def test_json_is_an_object_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = logged(tmp_path, capsys, "--log-format", "json")
    lines = [json.loads(line) for line in err.splitlines()]
    assert [line["event"] for line in lines] == ["planned", "run", "run", "done"]
    assert {line["name"]: line["events"] for line in lines[1:3]}["good"] == 3
    [reason] = [line["reason"] for line in lines[1:3] if line["status"] == "failed"]
    assert "is empty: the trace was not finished" in reason
    assert out == ""


def test_quiet_is_what_went_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = logged(tmp_path, capsys, "-q")
    assert out == ""
    [line] = err.splitlines()
    assert line.startswith("tcpdw: failed: bad")
    assert entry.run(["ingest", "-q", "-v", str(tmp_path)]) == 2


def test_many_runs_are_told_of_by_the_batch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tcpdw.pipeline.BATCH_RUNS", 2)
    monkeypatch.setattr("tcpdw.cli.ingest_lines.BATCH_RUNS", 2)
    for number in range(1, 6):
        trace(tmp_path / "in" / f"r{number}", number)
    assert entry.run(["ingest", "--warehouse", str(tmp_path / "w.duckdb"), str(tmp_path)]) == 0
    err = capsys.readouterr().err.splitlines()
    assert err[0].startswith("tcpdw: 2 of 5 runs, ")
    assert err[-1] == "tcpdw: 5 of 5 runs, 20 events"
    with duckdb.connect(str(tmp_path / "w.duckdb"), read_only=True) as opened:
        assert opened.execute("SELECT COUNT(*) FROM runs").fetchone() == (5,)
