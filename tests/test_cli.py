from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tcpdw.cli import entry
from tcpdw.warehouse import Warehouse

ROOT = Path(__file__).parent.parent
CASES = Path(__file__).parent / "cases" / "cli"
PROGRAM = [sys.executable, "-c", "from tcpdw.cli import main; main()"]
WAREHOUSE = "tiny.duckdb"

# Names as a hostile trace could hold them: terminal controls, rich's markup, a line break.
HOSTILE = "evil\x1b[2J[red]x[/red]\n\u202ey"

# Run 1 has hardirq_to_softirq in full: 100 certain intervals of 1 to 100 us, one uncertain of 5 s.
# Run 2 has three of 1, 2 and 3 ms; its trace lacks irq_softirq_raise. Run 3 is hostile, 4 failed.
ROWS = """
INSERT INTO runs BY NAME SELECT
    run_id, name, machine, role, 'handshake' AS experiment, run_id AS repetition,
    1_700_000_000_000_000_000 + run_id * 60_000_000_000 AS started_at, '6.1.0' AS kernel,
    2 AS cpus, 'e1000' AS driver, '/runs/' || run_id AS source_path, events,
    7 AS packets, discarded AS events_discarded, status, warnings
FROM (VALUES
    (1, 'osprey-server-handshake-001', 'osprey', 'server', 1_000_000, 0, 'ok', []),
    (2, 'kestrel-client-handshake-002', 'kestrel', 'client', 20, 31, 'partial', ['cut short']),
    (3, $hostile, $hostile, 'server', 3, 0, 'ok', [])
) AS r (run_id, name, machine, role, events, discarded, status, warnings);
INSERT INTO runs BY NAME SELECT 4 AS run_id, 'broken' AS name, '/runs/4' AS source_path,
    0 AS events, 0 AS packets, 0 AS events_discarded, 'failed' AS status,
    ['no metadata'] AS warnings;
CREATE TEMP TABLE waits_for_softirqs AS
SELECT 1 AS run_id, n AS ts, n * 1000 AS dur, true AS certain FROM range(1, 101) AS t (n)
UNION ALL SELECT 1, 500, 5_000_000_000, false
UNION ALL SELECT 2, n, n * 1_000_000, true FROM range(1, 4) AS t (n)
UNION ALL SELECT 3, 1, 17, false;
INSERT INTO hardirqs BY NAME
SELECT run_id, ts, 0 AS cpu_id, certain FROM waits_for_softirqs;
INSERT INTO store.softirq_spans BY NAME
SELECT run_id, ts + dur AS ts, dur AS waited, 0 AS handled, 0 AS cpu_id, 3 AS vec,
    false AS cleared, certain, certain AS raise_certain, certain AS irq_certain, false AS lost
FROM waits_for_softirqs;
INSERT INTO accepted_connections BY NAME
SELECT 1 AS run_id, 1 AS syn_ts, 1_000_581 AS synack_ts, 1_233_581 AS ack_ts,
    1_234_568 AS waking_ts, true AS certain,
    true AS certain_to_end, false AS wait_cleared;
INSERT INTO metric_counts VALUES
    (1, 'hardirq_to_softirq', 'no_entry', 2), (2, 'hardirq_to_softirq', 'no_entry', 1),
    (2, 'hardirq_to_softirq', 'cleared_by_loss', 9);
DROP VIEW event.irq_handler_entry;
CREATE TABLE event.irq_handler_entry AS SELECT 1 AS run_id, 1 AS ts UNION ALL SELECT 2, 1;
DROP VIEW event.irq_handler_exit;
CREATE TABLE event.irq_handler_exit AS SELECT 1 AS run_id, 1 AS ts UNION ALL SELECT 2, 1;
DROP VIEW event.irq_softirq_raise;
CREATE TABLE event.irq_softirq_raise AS SELECT 1 AS run_id, 1 AS ts;
DROP VIEW event.irq_softirq_entry;
CREATE TABLE event.irq_softirq_entry AS SELECT 1 AS run_id, 1 AS ts UNION ALL SELECT 2, 1;
DROP VIEW events;
CREATE TABLE events AS SELECT 2 AS run_id, 1 AS ts, name FROM
    (VALUES ('irq_handler_entry'), ('irq_softirq_rise'), ('zzz')) AS e (name);
CREATE TABLE event."odd" AS SELECT 3 AS run_id, 1::BIGINT AS ts, 'x' AS own;

-- Run 1 has a server (7) that listens with fd 3 and accepts as fd 4; its child (8) holds both too.
UPDATE runs SET first_ts = started_at, last_ts = started_at + 9_000_000_000 WHERE run_id < 3;
INSERT INTO threads BY NAME
SELECT 1 AS run_id, tid, pid, comm, started_at + after AS start_ts,
    started_at + 9_000_000_001 AS end_ts, 'fork' AS source
FROM (VALUES (7, 7, 'ncat', 0), (70, 7, $hostile, 0), (8, 8, 'child', 3_000_000_000),
    (9, 9, 'twin', 0), (10, 10, 'twin', 0)) AS t (tid, pid, comm, after), runs WHERE run_id = 1;
INSERT INTO fds BY NAME
SELECT 1 AS run_id, pid, fd, started_at + after AS start_ts, started_at + until AS end_ts, kind,
    path, inode, socket_id, source, opened_by, true AS certain
FROM (VALUES
    (7, 3, 0, 1_000_000_000, 'path', $hostile, NULL, NULL, 'statedump', 'statedump'),
    (7, 3, 1_500_000_000, 5_000_000_000, 'socket', NULL, 88, 1, 'syscall', 'socket'),
    (7, 4, 2_000_000_001, 9_000_000_001, 'socket', 'socket:[89]', 89, 2, 'syscall', 'accept4'),
    (8, 3, 3_000_000_000, 3_500_000_000, 'socket', NULL, 88, 1, 'syscall', 'fork'),
    (8, 4, 3_000_000_000, 9_000_000_001, 'socket', 'socket:[89]', 89, 2, 'syscall', 'fork')
) AS f (pid, fd, after, until, kind, path, inode, socket_id, source, opened_by), runs
WHERE run_id = 1;
INSERT INTO sockets BY NAME
SELECT 1 AS run_id, socket_id, inode, family, 'stream' AS type, 'tcp' AS protocol, saddr, 5000 AS
    sport, daddr, dport, connection_id, 7 AS pid, fd, backlog, 0 AS start_ts, 1 AS end_ts,
    'syscall' AS source
FROM (VALUES
    (1, 88, 'ipv4', '192.0.2.1', NULL, NULL, NULL, 3, 10),
    (2, 89, 'ipv6', 'fd00::1', 'fd00::2', 40000, 5, 4, NULL)
) AS s (socket_id, inode, family, saddr, daddr, dport, connection_id, fd, backlog);
INSERT INTO socket_states BY NAME
SELECT 1 AS run_id, socket_id, state, started_at + after AS start_ts, started_at + until AS end_ts,
    source, true AS certain
FROM (VALUES
    (1, 'CLOSE', 1_500_000_000, 1_600_000_000, 'syscall'),
    (1, 'LISTEN', 1_600_000_000, 9_000_000_001, 'syscall'),
    (2, 'ESTABLISHED', 1_900_000_000, 4_000_000_000, 'segment'),
    (2, 'CLOSE', 4_000_000_000, 9_000_000_001, 'segment')
) AS s (socket_id, state, after, until, source), runs WHERE run_id = 1;
INSERT INTO connections BY NAME
SELECT 1 AS run_id, 5 AS connection_id, 'fd00::2' AS saddr, 40000 AS sport, 'fd00::1' AS daddr,
    5000 AS dport, started_at + 1_800_000_000 AS start_ts, started_at + 4_000_000_001 AS end_ts,
    false AS simultaneous, 'rst' AS ending, 'client' AS ended_by, 0 AS client_bytes,
    1234 AS server_bytes,
    0 AS client_segments, 0 AS server_segments, 0 AS client_unique_bytes,
    0 AS server_unique_bytes, 0 AS client_retransmissions, 0 AS server_retransmissions,
    0 AS captured, 0 AS client_captured, 0 AS server_captured, 0 AS client_captured_bytes,
    0 AS server_captured_bytes, 0 AS client_captured_unique_bytes,
    0 AS server_captured_unique_bytes, 0 AS client_captured_retransmissions,
    0 AS server_captured_retransmissions
FROM runs WHERE run_id = 1;
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli") / WAREHOUSE
    literal = "'" + HOSTILE + "'"
    with Warehouse(path) as warehouse:
        warehouse.connection.execute(ROWS.replace("$hostile", literal))
    return path


@pytest.fixture
def here(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tiny.parent)
    monkeypatch.setenv("TCPDW_WAREHOUSE", WAREHOUSE)
    monkeypatch.delenv("TCPDW_DEBUG", raising=False)
    return tiny


def answers(text: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Run each `$ tcpdw ...` line of a case and write what it gave in the case's own form."""
    parts: list[str] = []
    for command in re.findall(r"^\$ tcpdw (.*)$", text, re.MULTILINE):
        status = entry.run(shlex.split(command))
        out, err = capsys.readouterr()
        parts.append(f"$ tcpdw {command}\n{out}")
        if err:
            parts.append("--- stderr\n" + err)
        parts.append(f"--- exit {status}\n\n")
    return "".join(parts)


@pytest.mark.parametrize("path", sorted(CASES.glob("*.txt")), ids=lambda path: path.stem)
def test_commands_answer_as_recorded(
    path: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = path.read_text(encoding="utf-8")
    assert answers(text, capsys) == text


def test_there_are_recorded_answers() -> None:
    assert len(list(CASES.glob("*.txt"))) >= 4


@pytest.mark.parametrize("command", ["runs", "summary hardirq_to_softirq", "sql 'FROM runs'"])
@pytest.mark.parametrize("form", ["table", "json"])
def test_no_control_character_of_a_name_gets_out(
    command: str, form: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry.run([*shlex.split(command), "--format", form]) == 0
    out = capsys.readouterr().out
    assert "[red]x[/red]" in out
    assert all(character == "\n" or character.isprintable() for character in out)


def test_names_on_a_terminal_steer_nothing(here: Path) -> None:
    script = shutil.which("script")
    if script is None:
        pytest.skip("needs script(1) for a terminal")
    command = shlex.join([*PROGRAM, "sql", "SELECT machine FROM runs WHERE run_id = 3"])
    done = subprocess.run(
        [script, "-qec", command, "/dev/null"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TERM": "xterm", "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
    )
    assert "evil\\x1b[2J[red]x[/red]\\n\\u202ey" in done.stdout
    assert "\x1b[2J" not in done.stdout


def test_options_of_all_stand_before_and_after_the_command(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TCPDW_WAREHOUSE")
    assert entry.run(["runs"]) == 1
    assert "no such warehouse" in capsys.readouterr().err
    assert entry.run(["--warehouse", WAREHOUSE, "--format", "json", "runs"]) == 0
    before = capsys.readouterr().out
    assert entry.run(["runs", "--warehouse", WAREHOUSE, "--format", "json"]) == 0
    assert capsys.readouterr().out == before
    assert json.loads(before)[0]["name"] == "osprey-server-handshake-001"


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO latency SELECT * FROM latency",
        "DROP TABLE latency",
        "COPY runs TO 'out.csv'",
        "ATTACH 'other.duckdb'",
        "INSTALL httpfs",
        "LOAD '/tmp/extension.duckdb_extension'",
        "EXPORT DATABASE 'export'",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "PRAGMA profiling_output = 'profile'",
        "FROM read_csv('/etc/passwd')",
        "FROM '/etc/passwd.csv'",
        "FROM glob('/*')",
    ],
)
def test_sql_can_change_and_read_nothing_else(
    text: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (here.read_bytes(), sorted(here.parent.iterdir()))
    assert entry.run(["sql", text]) == 1
    assert capsys.readouterr().err.startswith("tcpdw: error: ")
    assert (here.read_bytes(), sorted(here.parent.iterdir())) == before


def test_sql_comes_from_a_file_and_from_standard_input(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "question.sql"
    file.write_text("-- a comment\nSELECT 42 AS answer;\n", encoding="utf-8")
    assert entry.run(["sql", "-f", str(file)]) == 0
    assert capsys.readouterr().out == "answer\n------\n    42\n"
    done = subprocess.run(
        [*PROGRAM, "sql", "--format", "csv"],
        input="SELECT 1; SELECT 43 AS answer",
        text=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("answer\n43\n", "", 0)


def test_parquet_keeps_types_in_a_file_and_in_a_pipe(here: Path, tmp_path: Path) -> None:
    import io

    import pyarrow.parquet as pq

    text = "SELECT ts, dur, certain, metric, [1, 2] AS list, dur AS ts FROM latency"
    assert entry.run(["sql", text, "-o", str(tmp_path / "out.parquet")]) == 0
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.column_names == ["ts", "dur", "certain", "metric", "list", "ts_1"]
    assert str(table.schema.field("ts").type) == "int64"
    assert table.num_rows == 211
    done = subprocess.run(
        [*PROGRAM, "sql", text, "--format", "parquet"],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert pq.read_table(io.BytesIO(done.stdout)).equals(table)
    assert entry.run(["summary", "hardirq_to_softirq", "-o", str(tmp_path / "s.parquet")]) == 0
    assert pq.read_table(tmp_path / "s.parquet")["p50"].to_pylist() == [None, 2_000_000, 50_000]


def test_an_error_leaves_no_output_file(here: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("mine\n", encoding="utf-8")
    text = "SELECT CASE WHEN n = 99999 THEN error('late') ELSE n END FROM range(100000) AS t (n)"
    assert entry.run(["sql", text, "-o", str(out)]) == 1
    assert out.read_text(encoding="utf-8") == "mine\n"
    assert list(tmp_path.iterdir()) == [out]


def test_metrics_say_how_many_runs_can_support_each(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry.run(["metrics", "--format", "json"]) == 0
    rows = {row["metric"]: row for row in json.loads(capsys.readouterr().out)}
    assert (rows["hardirq_to_softirq"]["runs"], rows["hardirq_to_softirq"]["of"]) == (1, 3)
    assert (rows["hardirq_duration"]["runs"], rows["syn_to_wake"]["runs"]) == (2, 0)
    assert rows["syn_to_wake"]["meaning"].startswith("How long from a connection's SYN")


def test_a_metric_is_documented_in_full(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tcpdw import catalog

    metric = catalog.load().by_name["syn_to_wake"]
    assert entry.run(["metrics", "syn_to_wake"]) == 0
    out = capsys.readouterr().out
    words = " ".join(out.split())
    assert metric.doc in words
    for column in metric.columns:
        assert re.search(rf"^{column.name} +{re.escape(column.doc)}$", out, re.MULTILINE)
    for text in (metric.keys["from"], metric.keys["to"], ", ".join(metric.stages)):
        assert text in words
    assert re.search(r"^intervals +1$", out, re.MULTILINE)


def test_metrics_need_no_warehouse_to_say_what_they_mean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TCPDW_WAREHOUSE", raising=False)
    assert entry.run(["metrics", "syn_to_wake"]) == 0
    assert "syn_to_synack" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_tables_come_with_their_words(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.run(["tables", "--format", "json"]) == 0
    kinds = {row["name"]: row["kind"] for row in json.loads(capsys.readouterr().out)}
    assert kinds["runs"] == "table"
    assert kinds["latency"] == "view"
    assert kinds["event.sched_switch"] == "table"
    assert kinds["tcp_segments"] == "view"
    assert kinds["syn_to_wake"] == "metric"
    assert "event.odd" not in kinds
    assert entry.run(["tables", "odd", "--format", "json"]) == 0
    columns = json.loads(capsys.readouterr().out)
    assert [row["column"] for row in columns] == ["run_id", "ts", "own"]
    assert columns[1]["meaning"].endswith("ns since the Unix epoch.")
    assert entry.run(["tables", "sched_swich"]) == 2
    assert "did you mean event.sched_switch?" in capsys.readouterr().err


def test_an_unexpected_error_is_one_line_unless_asked(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("odd\x1b[2J\nsecond line")

    monkeypatch.setattr("tcpdw.query.run_ids", fail)
    assert entry.run(["runs"]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith("tcpdw: error: ValueError: odd\\x1b[2J; TCPDW_DEBUG=1")
    monkeypatch.setenv("TCPDW_DEBUG", "1")
    assert entry.run(["runs"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_reader_that_leaves_is_no_error(here: Path) -> None:
    command = shlex.join([*PROGRAM, "sql", "FROM range(300000)"])
    done = subprocess.run(
        f"{command} | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (done.stdout.split(), done.stderr) == (["range"], "")


def _seconds_used(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def listening() -> Iterator[None]:
    """Have Ctrl-C heard: a shell lets what it runs in the background ignore the signal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("listening")
def test_ctrl_c_stops_a_long_query(here: Path) -> None:
    text = (
        "SELECT COUNT(*) FROM range(9999999) AS a (i), range(9999999) AS b (j) "
        "WHERE i * j % 7 = i + j"
    )
    process = subprocess.Popen(
        [*PROGRAM, "sql", text],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        # To start takes less than half a second of its time: by then the query runs.
        while _seconds_used(process.pid) < 2.0:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert (out, err, process.returncode) == ("", "tcpdw: stopped\n", 130)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from tcpdw.cli import entry; entry.run(['--help']); "
        "heavy = {'duckdb', 'pyarrow', 'polars', 'rich', 'numpy', 'prefect', 'bt2', 'pyshark', "
        "'perfetto'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("tcpdw ")


@pytest.mark.skipif(
    importlib.util.find_spec("bt2") is None or shutil.which("tshark") is None,
    reason="needs bt2 and tshark",
)
def test_ingest_and_demo_on_a_recorded_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TCPDW_WAREHOUSE", raising=False)
    folder = tmp_path / "in [red]"
    folder.mkdir()
    shutil.copy(ROOT / "data" / "merlin-server-handshake-002.tar.xz", folder)
    (folder / "broken.tar.xz").write_bytes(b"no archive")
    assert entry.run(["demo", str(folder)]) == 1
    out, err = capsys.readouterr()
    assert re.search(r"^tcpdw: failed: broken.*: .*broken\.tar\.xz", err, re.MULTILINE)
    assert re.search(
        r"^1 run, 14,565 events, 6 packets in [\d.]+ s \([\d,]+ events/s\); 0 skipped, 1 failed$",
        out,
        re.MULTILINE,
    )
    for metric in ("syn_to_wake", "hardirq_to_softirq", "sendto_to_xmit"):
        assert f"\n{metric} by machine\n" in out
    assert re.search(r"^return_to_accept +merlin +1 +1 ", out, re.MULTILINE)
    commands = [shlex.split(line) for line in out.splitlines() if line.startswith("tcpdw ")]
    assert [command[3] for command in commands] == ["sql", "sql", "sql", "report", "timeline"]
    for command in commands[:3]:
        assert entry.run([*command[1:], "--format", "json"]) == 0
        assert json.loads(capsys.readouterr().out) != []
    for command, made in zip(commands[3:], ("report.html", "run.html"), strict=True):
        assert entry.run(command[1:]) == 0
        assert (tmp_path / made).stat().st_size > 500_000
        assert f"tcpdw: wrote {made}" in capsys.readouterr().err
    (folder / "broken.tar.xz").unlink()
    assert entry.run(["ingest", str(folder), "--warehouse", "demo.duckdb"]) == 0
    assert "0 runs, 0 events, 0 packets" in capsys.readouterr().out


def test_the_package_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "tcpdw", "--version"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("tcpdw ")


def readme_commands() -> list[str]:
    readme = ROOT / "README.md"
    if not readme.exists():
        return []
    found: list[str] = []
    for block in re.findall(r"^```[^\n]*\n(.*?)^```", readme.read_text("utf-8"), re.M | re.S):
        lines = iter(block.splitlines())
        for line in lines:
            match = re.match(r"\s*(?:\$ )?(?:\./run )?tcpdw (?!\.\.\.)(.*)", line)
            if match is None:
                continue
            command = match[1]
            while True:
                try:
                    list(shlex.shlex(command, posix=True, punctuation_chars=True))
                    break
                except ValueError:
                    command += "\n" + next(lines)
            found.append(command)
    return found


def test_the_readme_shows_commands_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    commands = readme_commands()
    if not commands:
        pytest.skip("there is no README.md that shows a command")
    for command in commands:
        lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in lexer:
            if set(word) <= set("|<>&;()"):
                break
            words.append(word)
        parse(words)


def parse(words: list[str]) -> None:
    """Parse a command line as tcpdw would; paths of the reader's own need not exist here."""
    place = next(i for i, word in enumerate(words) if word in entry.app.commands)
    rest = words[place + 1 :]
    with entry.app.make_context("tcpdw", words[: place + 1]) as ctx:
        name = words[place]
        command = entry.app.commands[name]
        for parameter in command.params:
            if isinstance(parameter.type, click.Path):
                parameter.type.exists = False
        command.make_context(name, rest, parent=ctx)
