"""A run as a trace of Perfetto: protos/perfetto/trace in github.com/google/perfetto.

Threads' running is told as ftrace's events, of which Perfetto's own importer makes cpu tracks,
thread states and wake-up latencies; all else as track events, whose names, arguments and ends the
warehouse knows better than an importer could. Times are BOOTTIME: the trace's clock, which counts
from the boot; a snapshot of the clocks ties them to the time of day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import numpy as np
from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as schema

from tcpdw import query
from tcpdw.export import perfetto_contents, perfetto_sched, perfetto_tracks, wire
from tcpdw.export.perfetto_events import (
    PACKET,
    Column,
    TrackEvents,
    coded,
    column,
    integers,
    number,
)
from tcpdw.new_file import replacing

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_ROWS = 65_536
_SCHED_ROWS = 8_192
_COMM = 64
"""A thread's name is cut after so many characters; the kernel's have 15."""

_HEAD, _SCHED, _TRACKS = 1, 2, 3
_KTHREADD = 2
_REALTIME, _MONOTONIC, _BOOTTIME = 1, 3, 6


def export(connection: duckdb.DuckDBPyConnection, run_id: int, path: Path) -> int:
    """Write a run to `path`, in whole or not at all, and give the file's size in bytes.

    Raises TcpdwError where the file cannot be written. Memory does not grow with the run, but for
    what DuckDB sorts, and that spills.
    """
    with replacing(path) as file:
        return _Export(connection, run_id, file).write()


class _Export:
    def __init__(self, connection: duckdb.DuckDBPyConnection, run_id: int, file: IO[bytes]) -> None:
        self._connection = connection
        self._run = run_id
        self._file = file
        self._size = 0
        [(self._name, machine, self._kernel, self._cpus, offset, first)] = self._rows(
            "SELECT name, machine, kernel, cpus, clock_offset, "
            "COALESCE(first_ts, started_at, 0) FROM runs WHERE run_id = $run"
        )
        self._machine = machine
        self._first = cast(int, first)
        self._offset = cast(int, offset or 0)
        if not 0 <= self._offset <= self._first:
            self._offset = 0
        [(devices,)] = self._rows(perfetto_tracks.DEVICES)
        self._devices = cast("list[str]", devices or [])

    def write(self) -> int:
        for part in chain(
            self._head(),
            self._identities(),
            self._switches(),
            self._wakings(),
            self._groups(),
            *(
                self._events(place, events)
                for place, events in enumerate(perfetto_contents.EVENTS, _TRACKS)
            ),
        ):
            self._file.write(part)
            self._size += len(part)
        return self._size

    def _values(self, text: str) -> dict[str, object]:
        values: dict[str, object] = {"run": self._run}
        return values | ({"devices": self._devices} if "$devices" in text else {})

    def _rows(self, text: str) -> list[Sequence[object]]:
        return list(query.execute(self._connection, text, self._values(text)).rows)

    def _batches(self, text: str, rows: int) -> Iterator[pa.RecordBatch]:
        relation = self._connection.sql(text, params=self._values(text))
        yield from relation.to_arrow_reader(rows)

    def _head(self) -> Iterator[bytes]:
        """Tell the clocks, the system and the run's name."""
        packet = schema.TracePacket(trusted_packet_sequence_id=_HEAD)
        packet.clock_snapshot.primary_trace_clock = schema.BUILTIN_CLOCK_BOOTTIME
        for clock, ts in (
            (_REALTIME, self._first),
            (_MONOTONIC, self._first - self._offset),
            (_BOOTTIME, self._first - self._offset),
        ):
            packet.clock_snapshot.clocks.add(clock_id=clock, timestamp=ts)
        yield _framed(packet)
        packet = schema.TracePacket(trusted_packet_sequence_id=_HEAD)
        packet.trace_config.unique_session_name = str(self._name)
        yield _framed(packet)
        packet = schema.TracePacket(trusted_packet_sequence_id=_HEAD)
        packet.system_info.utsname.sysname = "Linux"
        if self._kernel is not None:
            packet.system_info.utsname.release = str(self._kernel)
        if self._machine is not None:
            packet.system_info.machine_name = str(self._machine)
        if self._cpus is not None:
            packet.system_info.num_cpus = int(str(self._cpus))
        yield _framed(packet)

    def _identities(self) -> Iterator[bytes]:
        """Tell the processes and threads, and the tracks of the threads."""
        rows = self._rows(perfetto_tracks.IDENTITIES)
        tree = schema.TracePacket(trusted_packet_sequence_id=_HEAD)
        told: set[object] = set()
        for track, tid, pid, ppid, comm, start in rows:
            ts = max(0, cast(int, start if start is not None else self._first) - self._offset)
            if tree.timestamp != ts and tree.HasField("process_tree"):
                yield _framed(tree)
                tree = schema.TracePacket(trusted_packet_sequence_id=_HEAD)
            tree.timestamp = ts
            if pid not in told:
                told.add(pid)
                process = tree.process_tree.processes.add(pid=cast(int, pid))
                process.is_kthread = _KTHREADD in (pid, ppid)
                if ppid is not None:
                    process.ppid = cast(int, ppid)
            if comm is not None and pid == tid:
                tree.process_tree.processes.add(
                    pid=cast(int, pid), cmdline=[str(comm)], cmdline_is_comm=True
                )
            thread = tree.process_tree.threads.add(tid=cast(int, tid), tgid=cast(int, pid))
            if comm is not None:
                thread.name = str(comm)
            packet = schema.TracePacket(trusted_packet_sequence_id=_HEAD)
            packet.track_descriptor.uuid = cast(int, track)
            packet.track_descriptor.thread.pid = cast(int, pid)
            packet.track_descriptor.thread.tid = cast(int, tid)
            yield _framed(packet)
        if tree.HasField("process_tree"):
            yield _framed(tree)

    def _groups(self) -> Iterator[bytes]:
        """Tell the tracks that are no thread's, each below its group."""
        for rank, group in enumerate(perfetto_tracks.GROUPS):
            tracks = self._rows(group.tracks)
            if not tracks:
                continue
            parent = group.kind << 56
            packet = schema.TracePacket(trusted_packet_sequence_id=_HEAD)
            described = packet.track_descriptor
            described.uuid, described.name = parent, group.name
            described.description = group.description
            described.sibling_order_rank = rank
            described.child_ordering = schema.TrackDescriptor.EXPLICIT
            yield _framed(packet)
            for place, (track, name) in enumerate(tracks):
                packet = schema.TracePacket(trusted_packet_sequence_id=_HEAD)
                described = packet.track_descriptor
                described.uuid, described.parent_uuid = cast(int, track), parent
                described.name, described.sibling_order_rank = str(name), place
                yield _framed(packet)

    def _switches(self) -> Iterator[bytes]:
        for batch in self._batches(perfetto_sched.SWITCHES, _SCHED_ROWS):
            switch = schema.SchedSwitchFtraceEvent
            numbers = ("prev_tid", "prev_prio", "prev_state", "next_tid", "next_prio")
            fields = [
                wire.varint(
                    number(switch, name.replace("tid", "pid")), *integers(column(batch, name))
                )
                for name in numbers
            ]
            fields += [
                _comms(number(switch, name), column(batch, name))
                for name in ("prev_comm", "next_comm")
            ]
            yield from self._bundles(batch, "sched_switch", fields, column(batch, "prev_tid"))

    def _wakings(self) -> Iterator[bytes]:
        found = (
            "SELECT COUNT(*) FROM (SELECT 1 FROM event.sched_waking WHERE run_id = $run LIMIT 1)"
        )
        # Where waking was not traced, the wakeup stands for it, as in the table `wakes`.
        event = "sched_waking" if self._rows(found) == [(1,)] else "sched_wakeup"
        for batch in self._batches(perfetto_sched.WAKINGS.format(event=event), _SCHED_ROWS):
            waking = schema.SchedWakingFtraceEvent
            fields = [
                wire.varint(
                    number(waking, name.replace("tid", "pid")), *integers(column(batch, name))
                )
                for name in ("tid", "prio", "target_cpu")
            ]
            fields.append(_comms(number(waking, "comm"), column(batch, "comm")))
            flags = wire.varint(
                number(schema.FtraceEvent, "common_flags"),
                *integers(column(batch, "common_flags")),
            )
            yield from self._bundles(batch, "sched_waking", fields, column(batch, "waker"), flags)

    def _bundles(
        self,
        batch: pa.RecordBatch,
        event: str,
        fields: list[wire.Field],
        pid: Column,
        *more: wire.Field,
    ) -> Iterator[bytes]:
        """Write ftrace's events of a batch, a bundle a cpu."""
        described = schema.FtraceEvent
        times, _ = integers(column(batch, "ts"))
        whole = wire.message(
            number(schema.FtraceEventBundle, "event"),
            [
                wire.varint(number(described, "timestamp"), times - self._offset),
                wire.varint(number(described, "pid"), *integers(pid)),
                *more,
                wire.message(number(described, event), fields),
            ],
        )
        content = memoryview(wire.joined(whole))
        ends = np.concatenate(([0], np.cumsum(whole.lengths))).astype(np.int64)
        cpus, _ = integers(column(batch, "cpu_id"))
        edges = [0, *(np.flatnonzero(np.diff(cpus)) + 1).tolist(), len(cpus)]
        for first, last in pairwise(edges):
            if first == last:
                continue
            bundle = schema.FtraceEventBundle(cpu=int(cpus[first]) & 0xFFFF).SerializeToString()
            events = content[ends[first] : ends[last]]
            packet = schema.TracePacket(trusted_packet_sequence_id=_SCHED).SerializeToString()
            place = number(schema.TracePacket, "ftrace_events")
            yield wire.delimited(PACKET, packet + wire.delimited(place, bundle + bytes(events)))

    def _events(self, place: int, events: perfetto_contents.Events) -> Iterator[bytes]:
        sequence = TrackEvents(place, events.category, self._offset)
        for batch in self._batches(perfetto_contents.ordered(events.query), _ROWS):
            yield from sequence.packets(batch)


def _framed(packet: schema.TracePacket) -> bytes:
    return wire.delimited(PACKET, packet.SerializeToString())


def _comms(place: int, names: Column) -> wire.Field:
    words, codes, present = coded(names)
    return wire.text(place, [word[:_COMM] for word in words], codes, present)
