"""Hostile names in a trace, in snapshots and in `run.json`: they come back as data."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from ctf_files import Event, metadata, packet, write
from loaded_rows import empty_warehouse, rows

from flows import ingest_report
from tcpdw import pipeline
from tcpdw.cli import entry

NAMES = [
    "'; DROP TABLE runs; --",
    '"quoted", with a comma',
    "two\nlines\r\nand\ttabs",
    "\x1b[2J\x1b]0;title\x07red",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "[red]markup[/red] **bold** `code` | cell",
    "\u202egnp.exe\u2066",
    "%s {0} $HOME $(id) \\",
]
BROKEN = b"ncat\xff\xfe\xc3"
TEXT = metadata({0: ("a", "string s;")}, context="int32_t tid; string procname;")


def run_of(folder: Path, name: str, raw: bytes | None = None) -> Path:
    text = (raw or name.encode()) + b"\0"
    event = Event(0, 1, (7).to_bytes(4, "little") + text + text)
    write(folder / "kernel", TEXT, {"s": [packet([event])]})
    (folder / "run.json").write_text(json.dumps({"machine": name, "experiment": name}))
    return folder


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    path = empty_warehouse(tmp_path)
    folders = [run_of(tmp_path / "in" / f"r{n}", name) for n, name in enumerate(NAMES)]
    summary = pipeline.ingest(folders, path)
    assert [run.warnings for run in summary.failed] == []
    return path


def test_sql_gives_them_as_they_were(hostile: Path) -> None:
    found = rows(hostile, "SELECT s, ctx_procname FROM event.a ORDER BY run_id")
    assert found == [(name, name) for name in NAMES]
    assert rows(hostile, "SELECT COUNT(*) FROM runs") == [(len(NAMES),)]
    machines = rows(hostile, "SELECT machine, experiment FROM runs ORDER BY run_id")
    assert machines == [(name, name) for name in NAMES]
    # A parameter is no SQL either.
    for name in NAMES:
        query = "SELECT COUNT(*) FROM event.a WHERE s = '" + name.replace("'", "''") + "'"
        assert rows(hostile, query) == [(1,)]


def test_machines_whose_names_are_no_text(tmp_path: Path) -> None:
    folder = run_of(tmp_path / "r", "odd")
    (folder / "run.json").write_bytes(b'{"machine": "m\xff\xfe"}')
    path = empty_warehouse(tmp_path)
    assert not pipeline.ingest([folder], path).failed
    assert rows(path, "SELECT machine FROM runs") == [("m\ufffd\ufffd",)]


@pytest.mark.parametrize("query", ["SELECT s FROM event.a ORDER BY run_id"])
def test_the_command_line_shows_them(
    query: str, hostile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--warehouse", str(hostile), "sql", query]
    assert entry.run(words) == 0
    table = capsys.readouterr().out
    assert len(table.splitlines()) == 2 + len(NAMES)
    assert not any(c in table for c in "\x1b\x07\r\t\u202e\u2066")
    assert entry.run([*words, "--format", "json"]) == 0
    assert [row["s"] for row in json.loads(capsys.readouterr().out)] == NAMES
    assert entry.run([*words, "--format", "csv"]) == 0
    parsed = list(csv.reader(io.StringIO(capsys.readouterr().out, newline="")))
    assert [row[0] for row in parsed] == ["s", *NAMES]
    for command in (["runs"], ["metrics"], ["tables"]):
        assert entry.run(["--warehouse", str(hostile), *command]) == 0
        shown = capsys.readouterr()
        assert not any(c in shown.out + shown.err for c in "\x1b\x07\r\u202e\u2066")


def test_paths_of_descriptors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # `ls` itself writes a line break in a name as one line more, which is no line of a descriptor.
    names = [f"/tmp/{name}" for name in NAMES if not {"\n", "\r"} & set(name)]
    lines = [
        f"lrwx------ 1 root root 64 Nov 22 13:10 {n} -> {name}" for n, name in enumerate(names)
    ]
    folder = run_of(tmp_path / "r", "odd")
    stage = folder / "proc" / "listening"
    stage.mkdir(parents=True)
    (stage / "time_ns").write_text("1795353036000000000")
    broken = b"lrwx------ 1 root root 64 Nov 22 13:10 99 -> /tmp/a\xff\xfe\n"
    (stage / "pid-7-fd").write_bytes("\n".join(["total 0", *lines, ""]).encode() + broken)
    path = empty_warehouse(tmp_path)
    assert not pipeline.ingest([folder], path).failed
    query = "SELECT target FROM proc_fds WHERE fd < 99 ORDER BY fd"
    assert rows(path, query) == [(name,) for name in names]
    [(target,)] = rows(path, "SELECT target FROM proc_fds WHERE fd = 99")
    assert target.startswith("/tmp/a")
    assert entry.run(["--warehouse", str(path), "sql", query]) == 0
    assert not any(c in capsys.readouterr().out for c in "\x1b\x07\r\t\u202e\u2066")


def test_bytes_that_are_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = empty_warehouse(tmp_path)
    summary = pipeline.ingest([run_of(tmp_path / "r", "odd", BROKEN)], path)
    assert [run.status for run in summary.loaded] != []
    [(text,)] = rows(path, "SELECT s FROM event.a")
    assert text.startswith("ncat")
    text.encode()
    assert entry.run(["--warehouse", str(path), "sql", "SELECT s FROM event.a"]) == 0
    assert "ncat" in capsys.readouterr().out


def test_the_flows_artifact_has_no_markup_of_them(tmp_path: Path) -> None:
    path = empty_warehouse(tmp_path)
    folders = []
    for number, name in enumerate(NAMES):
        folder = tmp_path / "in" / f"{number} {name.replace('/', '_')}"
        folders.append(folder)
        folder.mkdir(parents=True)
        (folder / "metadata").write_bytes(b"")
    summary = pipeline.ingest(folders, path)
    assert len(summary.failed) == len(NAMES)
    text = ingest_report.markdown(summary, str(path))
    assert not any(c in text for c in "\x1b\x07\r\t\u202e\u2066")
    assert "<script" not in text
    assert "<img" not in text
    assert "**bold**" not in text
    table = [line for line in text.splitlines() if line.startswith("| ") and "empty" in line]
    assert len(table) == len(NAMES)
