"""The recorded runs of `data/`, all of them, from archive to metric."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import oracle
import pytest

import tcpdw
from tcpdw import pipeline, runs
from tcpdw.readers import ctf_bt2

bt2: Any = ctf_bt2.bt2
if bt2 is None:
    pytest.skip("bt2 is not installed", allow_module_level=True)

DATA = Path(__file__).parent.parent / "data"


def bt2_counts(trace: Path) -> Counter[tuple[str, int, str]]:
    """Count a trace's events by stream, cpu and class with plain bt2, one stream at a time."""
    source = bt2.find_plugin("ctf").source_component_classes["fs"]
    graph = bt2.Graph()
    ports = list(graph.add_component(source, "s", {"inputs": [str(trace)]}).output_ports)
    counts: Counter[tuple[str, int, str]] = Counter()
    for port in ports:
        graph = bt2.Graph()
        component = graph.add_component(source, "s", {"inputs": [str(trace)]})
        sink = graph.add_component(_Counter, "k", obj=(port, counts))
        graph.connect_ports(component.output_ports[port], sink.input_ports["in"])
        graph.run()
    return counts


class _Counter(bt2._UserSinkComponent):  # pyright: ignore
    def __init__(self, config, params, obj) -> None:
        self._port, self._counts = obj
        self._add_input_port("in")

    def _user_graph_is_configured(self) -> None:
        self._messages = self._create_message_iterator(self._input_ports["in"])

    def _user_consume(self) -> None:
        cpu = -1
        for message in self._messages:
            if type(message) is bt2._EventMessageConst:
                self._counts[self._port, cpu, message.event.name] += 1
            elif type(message) is bt2._PacketBeginningMessageConst:
                cpu = int(message.packet.context_field["cpu_id"])
        raise bt2.Stop


def test_every_event_is_there_by_class_and_stream(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    classes = {
        name
        for (name,) in connection.execute(
            "SELECT view_name FROM duckdb_views() WHERE schema_name = 'event'"
        ).fetchall()
    }
    for source in runs.find([DATA]):
        assert isinstance(source, runs.Source)
        with runs.opened(source) as (run,):
            expected = bt2_counts(run.traces[0])
        (run_id,) = connection.execute(
            "SELECT run_id FROM runs WHERE name = ?", [source.name]
        ).fetchone() or (None,)
        narrow = connection.execute(
            "SELECT cpu_id, name, COUNT(*) FROM events WHERE run_id = ? GROUP BY ALL", [run_id]
        ).fetchall()
        assert {(cpu, name): n for cpu, name, n in narrow} == {
            (cpu, name): n for (_, cpu, name), n in expected.items()
        }, source.name
        by_stream: Counter[int] = Counter()
        for (_, cpu, _), n in expected.items():
            by_stream[cpu] += n
        streams = connection.execute(
            "SELECT cpu_id, events FROM streams WHERE run_id = ?", [run_id]
        ).fetchall()
        assert dict(streams) == by_stream, source.name
        assert {name for _, _, name in expected} <= classes
    for name in sorted(classes):
        wide = connection.execute(
            f'SELECT run_id, cpu_id, COUNT(*) FROM event."{name}" GROUP BY ALL'
        ).fetchall()
        narrow = connection.execute(
            "SELECT run_id, cpu_id, COUNT(*) FROM events WHERE name = ? GROUP BY ALL", [name]
        ).fetchall()
        assert sorted(wide) == sorted(narrow), name


def test_each_server_handshake_has_one_syn_to_wake(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    rows = connection.execute(
        "SELECT r.name, COUNT(s.run_id) FROM runs AS r LEFT JOIN syn_to_wake AS s USING (run_id) "
        "WHERE r.experiment = 'handshake' AND r.role = 'server' GROUP BY r.name"
    ).fetchall()
    assert len(rows) == 24
    assert {n for _, n in rows} == {1}


def test_the_first_three_stages_sum_to_the_whole(connection: duckdb.DuckDBPyConnection) -> None:
    rows = connection.execute(
        "SELECT dur, syn_to_synack + synack_to_ack + ack_to_wake, wake_to_run, run_to_return, "
        "return_to_accept FROM syn_to_wake"
    ).fetchall()
    assert len(rows) > 200
    for dur, first_three, *later in rows:
        assert dur == first_three
        assert all(stage is not None and stage >= 0 for stage in later)


def test_no_certain_interval_spans_a_loss(connection: duckdb.DuckDBPyConnection) -> None:
    (longest,) = connection.execute(
        "SELECT MAX(dur) FROM hardirq_to_softirq JOIN runs USING (run_id) "
        "WHERE certain AND experiment = 'lossy'"
    ).fetchone() or (None,)
    assert longest is not None
    assert longest < 10_000_000
    for metric in ("hardirq_duration", "hardirq_to_softirq", "softirq_duration"):
        spans = connection.execute(
            f"SELECT COUNT(*) FROM {metric} AS m JOIN lost_windows AS w USING (run_id, cpu_id) "
            "WHERE m.ts < w.end_ts AND m.ts + m.dur > w.start_ts "
            "AND (m.certain OR m.ts <= w.start_ts OR m.ts + m.dur > w.end_ts)"
        ).fetchone()
        assert spans == (0,), metric


def test_proc_agrees_with_the_descriptors(connection: duckdb.DuckDBPyConnection) -> None:
    # The load clients open and close between the snapshot's time and its reading.
    rows = connection.execute(
        "SELECT r.name, k.stage, k.pid, k.fd, k.target, f.inode FROM proc_fds AS k "
        "JOIN runs AS r USING (run_id) LEFT JOIN fds AS f ON k.run_id = f.run_id AND "
        "k.pid = f.pid AND k.fd = f.fd AND k.ts >= f.start_ts AND k.ts < f.end_ts "
        "WHERE r.experiment <> 'load' AND f.inode IS DISTINCT FROM k.inode"
    ).fetchall()
    assert rows == []


def test_each_accepted_descriptor_leads_to_its_connection(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    rows = connection.execute(
        "SELECT s.saddr, s.sport, c.saddr, c.sport, f.inode, p.inode FROM syn_to_wake AS s "
        "JOIN fds AS f ON s.run_id = f.run_id AND s.pid = f.pid AND s.fd = f.fd "
        "AND f.opened_by LIKE 'accept%' JOIN sockets AS k ON k.run_id = f.run_id "
        "AND k.socket_id = f.socket_id "
        "JOIN connections AS c ON c.run_id = k.run_id AND c.connection_id = k.connection_id "
        "LEFT JOIN proc_tcp AS p ON p.run_id = s.run_id AND p.stage = 'established' "
        "AND p.saddr = s.daddr AND p.sport = s.dport AND p.daddr = s.saddr AND p.dport = s.sport "
        "JOIN runs AS r ON r.run_id = s.run_id WHERE r.experiment <> 'load'"
    ).fetchall()
    assert len(rows) == 28
    for peer, peer_port, addr, port, inode, proc_inode in rows:
        assert (peer, peer_port) == (addr, port)
        assert inode is not None
        assert inode == proc_inode


def test_every_captured_packet_belongs_to_a_connection(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    stray = connection.execute(
        "SELECT COUNT(*) FROM packets WHERE flags IS NOT NULL AND connection_id IS NULL"
    ).fetchone()
    assert stray == (0,)


def test_a_second_ingest_changes_nothing(loaded: Path, tmp_path: Path) -> None:
    # A copy: this process has the warehouse open for reading.
    copy = tmp_path / "copy.duckdb"
    shutil.copy(loaded, copy)
    before = _digest(copy)
    summary = pipeline.ingest([DATA], copy)
    assert (len(summary.loaded), len(summary.failed), summary.skipped) == (0, 0, 59)
    assert _digest(copy) == before


def _digest(path: Path) -> list[tuple[object, ...]]:
    """Give every table's number of rows and a hash of them."""
    found: list[tuple[object, ...]] = []
    with tcpdw.connect(path) as opened:
        tables = opened.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() ORDER BY ALL"
        ).fetchall()
        for schema, name in tables:
            found += opened.execute(
                f"SELECT '{name}', COUNT(*), BIT_XOR(HASH(t)) FROM {schema}.\"{name}\" AS t"
            ).fetchall()
    return found


COLUMNS = {
    "hardirq_duration": "cpu_id irq irq_name",
    "softirq_raise_to_entry": "cpu_id vec vec_name origin",
    "hardirq_to_softirq": "cpu_id vec vec_name irq irq_name raise_ts exit_to_entry runner",
    "softirq_duration": "",
    "wake_to_run": "tid comm waker_tid waker_context cpu_id raced",
    "syscall_latency": "tid pid name ret",
    "queue_to_xmit": "skbaddr match len cpu_id",
    "queue_to_capture": "capture_to_xmit certain_to_end skbaddr match cpu_id frame",
    "syn_to_wake": "syn_to_synack synack_to_ack ack_to_wake wake_to_run run_to_return "
    "return_to_accept tid pid fd saddr sport daddr dport",
    "sendto_to_xmit": "entry_to_queue queue_to_xmit xmit_to_exit tid fd name bytes skbaddr match "
    "xmit_cpu",
    "handshake": "syn_to_synack synack_to_ack side saddr sport daddr dport",
    "data_to_ack": "seq payload_len skbaddr cpu_id saddr sport daddr dport",
    "rx_to_wake": "kind candidates tid saddr sport daddr dport wake_to_run run_to_return "
    "return_to_read",
}


def test_the_sql_equals_an_independent_implementation(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    seen: Counter[str] = Counter()
    rows: dict[tuple[str, str], list[tuple[object, ...]]] = {}
    for metric, names in COLUMNS.items():
        columns = ", ".join(["ts", "dur", "certain", *(f"m.{name}" for name in names.split())])
        for run, *row in connection.execute(
            f"SELECT r.name, {columns} FROM {metric} AS m JOIN runs AS r USING (run_id)"
        ).fetchall():
            rows.setdefault((run, metric), []).append(tuple(row))
    for source in runs.find([DATA]):
        assert isinstance(source, runs.Source)
        with runs.opened(source) as (run,):
            trace = oracle.events_of(run.traces[0])
            proc = oracle.proc_of(run.root)
            capture = oracle.captured(run.captures[0])
        expected = oracle.run(
            trace.events, trace.lost, proc, clear_at=("start", "end"), capture=capture
        ).rows
        for metric, names in COLUMNS.items():
            # What a descriptor was after a loss, the two know differently well.
            if metric in ("sendto_to_xmit", "rx_to_wake") and trace.lost:
                continue
            columns = ["ts", "dur", "certain", *names.split()]
            found = rows.get((source.name, metric), [])
            wanted = Counter(tuple(row.get(name) for name in columns) for row in expected[metric])
            assert Counter(found) - wanted == Counter(), (source.name, metric)
            assert wanted - Counter(found) == Counter(), (source.name, metric)
            seen[metric] += len(found)
    assert all(seen[metric] > 200 for metric in COLUMNS), seen


def test_every_view_answers(connection: duckdb.DuckDBPyConnection) -> None:
    names = connection.execute(
        "SELECT view_name FROM duckdb_views() WHERE NOT internal AND schema_name = 'main'"
    ).fetchall()
    assert len(names) > 30
    for (name,) in names:
        of_no_run = name == "softirq_vectors" or name.startswith("step_patterns")
        where = "" if of_no_run else "WHERE run_id = 1"
        connection.execute(f"SELECT * FROM {name} {where}").fetchall()
