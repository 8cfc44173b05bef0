"""The trace for Perfetto: read with its public schema, and held against the warehouse's SQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
import view_case
from hypothesis import given
from hypothesis import strategies as st
from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as schema
from perfetto_trace import Decoded, Event, decode

import tcpdw
from tcpdw import availability
from tcpdw.cli import entry
from tcpdw.errors import TcpdwError, WarehouseError
from tcpdw.export import perfetto, perfetto_sched, wire
from tcpdw.warehouse import Warehouse

RUNS = (
    "kestrel-server-load-001",
    "merlin-server-lossy-001",
    "heron-server-fork-001",
    "heron-client-ipv6-001",
    "heron-server-nocontext-001",
    "osprey-server-handshake-001",
)
COMM_CHARACTERS = 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("perfetto")


class Exported:
    """A run beside what was exported of it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, name: str, folder: Path) -> None:
        self.connection = connection
        self.run = availability.run_named(connection, name).run_id
        path = folder / f"{self.run}.pftrace"
        size = perfetto.export(connection, self.run, path)
        assert size == path.stat().st_size
        self.trace = decode(path)
        [(offset,)] = self.rows("SELECT clock_offset FROM runs WHERE run_id = $run")
        self.offset = offset

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(text, {"run": self.run}).fetchall()

    def spans(self, text: str) -> Counter[tuple[Any, ...]]:
        """Count rows that begin with two times, which become the trace's."""
        return Counter(
            (a - self.offset, None if b is None else b - self.offset, *rest)
            for a, b, *rest in self.rows(text)
        )


@pytest.fixture(scope="module")
def all_runs(loaded: Path, folder: Path) -> Iterator[Any]:
    with tcpdw.connect(loaded) as connection:
        yield cache(lambda name: Exported(connection, name, folder))


@pytest.fixture(params=RUNS)
def exported(request: pytest.FixtureRequest, all_runs: Any) -> Exported:
    return all_runs(request.param)


def spans(trace: Decoded, category: str, *arguments: str) -> Counter[tuple[Any, ...]]:
    return Counter(
        (e.ts, e.end, *(e.arguments.get(name) for name in arguments)) for e in trace.of(category)
    )


def cpu_of(trace: Decoded, event: Event) -> int:
    return int(trace.track_name(event.track).rpartition("cpu ")[2])


def test_handlers_are_slices_as_the_tables_have_them(exported: Exported) -> None:
    trace = exported.trace
    found = spans(trace, "irq", "irq", "tid", "certain")
    assert found == exported.spans(
        "SELECT ts, exit_ts, irq, ctx_tid, certain FROM hardirqs WHERE run_id = $run"
    )
    found = spans(trace, "softirq", "vec", "tid", "certain", "raised_by")
    assert found == exported.spans(
        "SELECT COALESCE(ts, raise_ts), CASE WHEN NOT cleared THEN exit_ts END, vec, ctx_tid, "
        "certain, origin FROM softirqs WHERE run_id = $run"
    )
    named = Counter((e.ts, e.name, cpu_of(trace, e)) for e in trace.of("softirq") if e.end)
    expected = exported.rows(
        "SELECT ts, vec_name, cpu_id FROM softirqs JOIN softirq_vectors USING (vec) "
        "WHERE run_id = $run AND exit_ts IS NOT NULL AND NOT cleared"
    )
    assert named == Counter((ts - exported.offset, name, cpu) for ts, name, cpu in expected)


def test_calls_are_slices_on_their_threads(exported: Exported) -> None:
    trace = exported.trace
    shown = Counter(
        (e.ts, e.end, e.name, trace.thread(e.track)[1], e.arguments.get("ret"))
        for e in trace.of("syscall")
        if "(" not in e.name
    )
    assert shown == exported.spans(
        "SELECT entry_ts, exit_ts, name, tid, ret FROM syscalls "
        "WHERE run_id = $run AND entry_ts IS NOT NULL AND exit_ts IS NOT NULL AND NOT cleared"
    )
    [(calls,)] = exported.rows("SELECT COUNT(*) FROM syscalls WHERE run_id = $run")
    assert len(trace.of("syscall")) == calls
    lossy = exported.rows("SELECT 1 FROM lost_windows WHERE run_id = $run")
    for event in trace.of("syscall"):
        assert event.depth == 0, "calls of a thread do not overlap"
        if event.name.endswith("(has not returned)"):
            assert not lossy
            assert event.end is not None


def test_threads_have_their_processes(exported: Exported) -> None:
    known = exported.rows(
        "SELECT tid, ANY_VALUE(COALESCE(pid, tid)), ARG_MAX(comm, start_ts) FROM threads "
        "WHERE run_id = $run GROUP BY tid"
    )
    assert len(known) > 5
    for tid, pid, comm in known:
        thread = exported.trace.threads[tid]
        assert (thread.tgid, thread.name) == (pid, comm or "")
        assert pid in exported.trace.processes
    tracks = Counter(
        (t.thread.pid, t.thread.tid) for t in exported.trace.tracks.values() if t.HasField("thread")
    )
    assert {(pid, tid) for tid, pid, _ in known} <= set(tracks)
    assert set(tracks.values()) == {1}


def test_wakes_are_flows_from_the_waker_to_the_thread(exported: Exported) -> None:
    trace = exported.trace
    starts = {e.flows[0]: e for e in trace.of("wake") if e.flows}
    ends = {e.ended_flows[0]: e for e in trace.of("wake") if e.ended_flows}
    found = Counter(
        (start.ts, ends[flow].ts, trace.thread(ends[flow].track)[1], start.arguments.get("context"))
        for flow, start in starts.items()
    )
    assert found == exported.spans(
        "SELECT waking_ts, in_ts, tid, context FROM wakes WHERE run_id = $run AND in_ts IS NOT NULL"
    )
    alone = [e for e in trace.of("wake") if e.name != "woken" and not e.flows]
    assert len(alone) == len(
        exported.rows("SELECT 1 FROM wakes WHERE run_id = $run AND in_ts IS NULL")
    )
    within = Counter(
        e.ts for e in trace.of("wake") if trace.track_name(e.track).startswith("Softirqs/")
    )
    expected = exported.rows(
        "SELECT waking_ts FROM wakes "
        "WHERE run_id = $run AND context = 'softirq' AND softirq_ts IS NOT NULL"
    )
    assert within == Counter(ts - exported.offset for (ts,) in expected)
    assert within


def test_packets_are_instants_with_their_fields(exported: Exported) -> None:
    trace = exported.trace
    fields = ["skbaddr", "len", "seq", "ack_seq", "flags", "payload_len"]
    fields += ["saddr", "daddr", "sport", "dport"]
    for event, group in (("net_if_receive_skb", "Received/"), ("net_dev_queue", "Queued/")):
        found = Counter(
            (e.ts, e.end, trace.track_name(e.track), *(e.arguments.get(name) for name in fields))
            for e in trace.of("net")
            if trace.track_name(e.track).startswith(group)
        )
        expected = exported.spans(
            f"SELECT ts, NULL, '{group}' || name, skbaddr, len, seq, ack_seq, tcp_flags, "
            f"payload_len, saddr, daddr, sport, dport FROM event.{event} WHERE run_id = $run"
        )
        assert found == expected
        assert expected
    found = Counter((e.ts, e.arguments["skbaddr"]) for e in trace.of("net") if "rc" in e.arguments)
    sent = exported.rows("SELECT ts, skbaddr FROM event.net_dev_xmit WHERE run_id = $run")
    assert found == Counter((ts - exported.offset, skbaddr) for ts, skbaddr in sent)
    found = spans(trace, "capture", "frame", "seq", "flags", "connection_id", "saddr", "tsval")
    assert found == exported.spans(
        "SELECT ts, NULL, frame, seq, flags, connection_id, saddr, tsval FROM packets "
        "WHERE run_id = $run"
    )


def test_connections_hold_their_steps(exported: Exported) -> None:
    trace = exported.trace
    found = spans(trace, "tcp", "saddr", "sport", "daddr", "dport", "ending")
    assert found == exported.spans(
        "SELECT start_ts, end_ts, saddr, sport, daddr, dport, ending FROM connections "
        "WHERE run_id = $run"
    )
    steps = Counter(
        (e.ts, trace.track_name(e.track), e.name, e.arguments["event"]) for e in trace.of("step")
    )
    told = exported.rows(
        "SELECT ts, 'Connections/connection ' || connection_id, step, event "
        "FROM experiment_steps($run) WHERE ts IS NOT NULL"
    )
    assert steps == Counter((ts - exported.offset, *rest) for ts, *rest in told)


def test_names_of_packets_are_their_flags(all_runs: Any) -> None:
    trace = all_runs("osprey-server-handshake-001").trace
    names = [e.name for e in trace.of("capture")]
    assert names[:4] == ["SYN", "SYN-ACK", "ACK", "PSH-ACK len 6"]


def test_switches_are_the_kernel_s_own_and_others_come_with_losses_alone(
    exported: Exported,
) -> None:
    columns = ["prev_comm", "prev_tid", "prev_prio", "prev_state"]
    columns += ["next_comm", "next_tid", "next_prio"]
    found = Counter(
        (cpu, ts, *(getattr(switch, name.replace("tid", "pid")) for name in columns))
        for cpu, switches in exported.trace.switches.items()
        for ts, switch in switches
    )
    expected = exported.rows(
        f"SELECT cpu_id, ts, {', '.join(columns)} FROM event.sched_switch WHERE run_id = $run"
    )
    wanted = Counter((cpu, ts - exported.offset, *rest) for cpu, ts, *rest in expected)
    assert len(expected) > 100
    assert not wanted - found
    lossy = exported.rows("SELECT 1 FROM lost_windows WHERE run_id = $run")
    assert bool(found - wanted) == bool(lossy)


def test_no_thread_runs_on_over_a_loss(exported: Exported) -> None:
    losses = exported.rows("SELECT cpu_id, start_ts FROM lost_windows WHERE run_id = $run")
    for cpu, switches in exported.trace.switches.items():
        for (_, before), (_, after) in pairwise(switches):
            assert before.next_pid == after.prev_pid
        for (begin, switch), (end, _) in pairwise(switches):
            for lossy_cpu, start in losses:
                if switch.next_pid and lossy_cpu in (None, cpu):
                    assert not begin < start - exported.offset < end


def test_a_lossy_run_keeps_every_switch_and_adds_unknown_ones(all_runs: Any) -> None:
    lossy = all_runs("merlin-server-lossy-001")
    added, real = 0, Counter[tuple[int, int, int, int, int]]()
    for cpu, switches in lossy.trace.switches.items():
        for ts, s in switches:
            real[cpu, ts, s.prev_pid, s.prev_state, s.next_pid] += 1
            added += s.prev_state == perfetto_sched.UNKNOWN_STATE
    expected = lossy.rows(
        "SELECT cpu_id, ts, prev_tid, prev_state, next_tid FROM event.sched_switch "
        "WHERE run_id = $run"
    )
    assert not Counter((c, ts - lossy.offset, *rest) for c, ts, *rest in expected) - real
    assert sum(real.values()) > len(expected)
    assert 0 < added <= 2 * len(lossy.rows("FROM lost_windows WHERE run_id = $run"))
    assert spans(lossy.trace, "lost", "events") == lossy.spans(
        "SELECT start_ts, end_ts, events FROM lost_windows WHERE run_id = $run"
    )


def test_wakings_are_in_ftrace_s_terms(exported: Exported) -> None:
    found = Counter(
        (cpu, ts, e.pid, e.sched_waking.pid, e.sched_waking.comm, e.sched_waking.target_cpu)
        for cpu, ts, e in exported.trace.wakings
    )
    expected = exported.rows(
        "SELECT cpu_id, ts, COALESCE(ctx_tid, 0), tid, comm, target_cpu "
        "FROM event.sched_waking WHERE run_id = $run"
    )
    assert found == Counter((cpu, ts - exported.offset, *rest) for cpu, ts, *rest in expected)
    flags = Counter(e.common_flags for _, _, e in exported.trace.wakings)
    contexts = dict(
        exported.rows("SELECT context, COUNT(*) FROM wakes WHERE run_id = $run GROUP BY ALL")
    )
    assert flags[8] == contexts.get("hardirq", 0)
    assert flags[16] == contexts.get("softirq", 0)


def test_clocks_tie_the_trace_to_the_time_of_day(exported: Exported) -> None:
    [(first,)] = exported.rows("SELECT first_ts FROM runs WHERE run_id = $run")
    realtime, monotonic, boottime = (exported.trace.clocks[clock] for clock in (1, 3, 6))
    assert realtime == first
    assert monotonic == boottime == first - exported.offset
    [(name, kernel)] = exported.rows("SELECT name, kernel FROM runs WHERE run_id = $run")
    head = exported.trace.head
    assert [p.trace_config.unique_session_name for p in head if p.HasField("trace_config")] == [
        name
    ]
    [system] = [p.system_info for p in head if p.HasField("system_info")]
    assert system.utsname.release == kernel


HOSTILE = "</script>\x1b[2J\"'; DROP TABLE runs; --\n\u202e" + "x" * 500


def test_hostile_names_are_data(tmp_path: Path) -> None:
    text = """
run 1
  100 cpu0 tid7 sched_switch a:7:1>b:9
  150 cpu0 tid9 irq_handler_entry irq=11 name=eth0
  160 cpu0 tid9 irq_handler_exit irq=11 ret=1
  170 cpu0 tid9 syscall_entry_read fd=3 count=1
  180 cpu0 tid9 syscall_exit_read ret=1
  200 cpu0 tid9 sched_switch b:9:1>a:7
"""
    case = tmp_path / "case.txt"
    case.write_text(text)
    (tmp_path / "loaded").mkdir()
    connection, _ = view_case.load([view_case.read(case)], tmp_path / "loaded")
    path = tmp_path / "hostile.pftrace"
    with connection:
        for table, column in (
            ("runs", "name"),
            ("runs", "machine"),
            ("runs", "kernel"),
            ("threads", "comm"),
            ("hardirqs", "irq_name"),
            ("store.calls", "name"),
        ):
            connection.execute(f"UPDATE {table} SET {column} = ?", [HOSTILE])
        perfetto.export(connection, 1, path)
    trace = decode(path)
    assert [e.name for e in trace.of("irq")] == [HOSTILE]
    assert [e.name for e in trace.of("syscall")] == [HOSTILE]
    assert trace.threads[7].name == HOSTILE


@given(
    st.lists(
        st.tuples(
            st.integers(-(2**63), 2**63 - 1),
            st.integers(0, 2**64 - 1),
            st.text(st.characters(codec="utf-8"), max_size=200),
            st.booleans(),
            st.booleans(),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_columns_encode_as_the_library_does(
    rows: list[tuple[int, int, str, bool, bool]],
) -> None:
    event = schema.TrackEvent.DESCRIPTOR.fields_by_name
    note = schema.DebugAnnotation.DESCRIPTOR.fields_by_name
    signed, unsigned, texts, has_name, has_note = zip(*rows, strict=True)
    named, noted = np.array(has_name), np.array(has_note)
    value = wire.varint(note["int_value"].number, np.array(signed, np.int64))
    text = wire.text(note["name"].number, texts, np.arange(len(rows)), named)
    fields = [
        wire.fixed64(event["flow_ids"].number, np.array(unsigned, np.uint64), named),
        wire.varint(event["track_uuid"].number, np.array(unsigned, np.uint64)),
        wire.message(event["debug_annotations"].number, [text, value], noted),
    ]
    content = wire.joined(wire.message(11, fields))
    expected = []
    for number, uuid, name, is_named, is_noted in rows:
        packet = schema.TracePacket()
        packet.track_event.track_uuid = uuid
        if is_named:
            packet.track_event.flow_ids.append(uuid)
        if is_noted:
            added = packet.track_event.debug_annotations.add(int_value=number)
            if is_named:
                added.name = name
        expected.append(packet.track_event)
    whole = schema.TracePacket()
    place = 0
    for wanted in expected:
        # Each message comes back by itself: its key, its length, its content.
        size = len(wire.delimited(11, wanted.SerializeToString()))
        whole = schema.TracePacket.FromString(content[place : place + size])
        assert whole.track_event == wanted
        place += size
    assert place == len(content)


def test_a_failing_export_leaves_what_was_there(all_runs: Any, tmp_path: Path) -> None:
    path = tmp_path / "run.pftrace"
    path.write_bytes(b"old")
    with Warehouse(tmp_path / "w.duckdb") as made:
        made.connection.execute(
            "INSERT INTO runs BY NAME SELECT 1 AS run_id, 'a' AS name, '/a' AS source_path, "
            "0 AS events, 0 AS packets, 0 AS events_discarded, 'ok' AS status, [] AS warnings; "
            "DROP TABLE wakes CASCADE"
        )
        with pytest.raises((WarehouseError, duckdb.Error)):
            perfetto.export(made.connection, 1, path)
    assert path.read_bytes() == b"old"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["run.pftrace", "w.duckdb"]
    whole = all_runs(RUNS[-1])
    with pytest.raises(TcpdwError, match="cannot be written"):
        perfetto.export(whole.connection, whole.run, tmp_path / "missing" / "run.pftrace")


def test_the_command_writes_the_file(
    loaded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.pftrace"
    path.write_bytes(b"old")
    arguments = ["--warehouse", str(loaded), "export", "perfetto", "osprey-server-handshake-001"]
    assert entry.run([*arguments, "-o", str(path)]) == 0
    assert "ui.perfetto.dev" in capsys.readouterr().err
    assert decode(path).of("syscall")
