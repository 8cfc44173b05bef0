"""The rows that a run's data make in the warehouse's tables, as Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tcpdw.event_rows import Extent
from tcpdw.rundata import RunData

if TYPE_CHECKING:
    import pyarrow as pa


def run_rows(numbered: Sequence[tuple[int, RunData]], extents: Mapping[int, Extent]) -> pa.Table:
    """Give the rows of `runs`; `extents` tells of each run's events."""
    import pyarrow as pa

    rows = [_run_row(number, run, extents[number]) for number, run in numbered]
    texts = pa.list_(pa.string())
    kinds = {"int": pa.int64(), "str": pa.string(), "list": texts}
    schema = pa.schema([(name, kinds[kind]) for name, kind in _RUN_COLUMNS.items()])
    return pa.Table.from_pylist(rows, schema)


_RUN_COLUMNS = {
    "run_id": "int",
    "name": "str",
    "machine": "str",
    "role": "str",
    "experiment": "str",
    "repetition": "int",
    "started_at": "int",
    "first_ts": "int",
    "last_ts": "int",
    "kernel": "str",
    "cpus": "int",
    "cpu_model": "str",
    "interface": "str",
    "driver": "str",
    "tracer": "str",
    "clock": "str",
    "clock_frequency": "int",
    "clock_offset": "int",
    "capture_resolution": "int",
    "content_hash": "str",
    "source_hash": "str",
    "source_path": "str",
    "events": "int",
    "packets": "int",
    "events_discarded": "int",
    "status": "str",
    "warnings": "list",
}


def warnings_of(run: RunData) -> tuple[str, ...]:
    """Give what was wrong with a run's inputs, why it failed before all."""
    return (*(() if run.failure is None else (run.failure,)), *run.warnings)


def _run_row(run_id: int, run: RunData, extent: Extent) -> dict[str, Any]:
    identity, clock = run.identity, run.clock
    started = identity.started_at
    if started is None:
        started = extent.first
    if started is None and run.packets is not None and run.packets.num_rows:
        started = run.packets["ts"][0].as_py()
    return {
        "run_id": run_id,
        "name": run.name,
        "machine": identity.machine,
        "role": identity.role,
        "experiment": identity.experiment,
        "repetition": identity.repetition,
        "started_at": started,
        "first_ts": extent.first,
        "last_ts": extent.last,
        "kernel": identity.kernel,
        "cpus": identity.cpus if identity.cpus is not None else len(extent.cpus) or None,
        "cpu_model": identity.cpu_model,
        "interface": identity.interface,
        "driver": identity.driver,
        "tracer": identity.tracer,
        "clock": clock.name if clock else None,
        "clock_frequency": clock.frequency if clock else None,
        "clock_offset": clock.offset_ns if clock else None,
        "capture_resolution": run.capture_resolution,
        "content_hash": run.content_hash,
        "source_hash": run.source_hash,
        "source_path": str(run.source_path),
        "events": extent.events,
        "packets": run.packets.num_rows if run.packets is not None else 0,
        "events_discarded": sum(window.events for window in run.lost),
        "status": run.status,
        "warnings": warnings_of(run),
    }


def _with_run(table: pa.Table, run_id: int) -> pa.Table:
    import pyarrow as pa

    column = pa.repeat(pa.scalar(run_id, pa.int32()), table.num_rows)
    return table.add_column(0, "run_id", column)


def side_tables(pairs: Sequence[tuple[int, RunData]]) -> Iterator[tuple[str, pa.Table]]:
    """Give the rows of the tables other than events: packets, streams, losses, snapshots."""
    import pyarrow as pa

    found: dict[str, list[pa.Table]] = {}

    def add(name: str, run_id: int, table: pa.Table) -> None:
        if table.num_rows:
            found.setdefault(name, []).append(_with_run(table, run_id))

    for run_id, run in pairs:
        if run.packets is not None:
            add("packets", run_id, run.packets)
        streams = [
            {"stream": s.stream, "cpu_id": s.cpu_id, "events": s.events} for s in run.streams
        ]
        lost = [
            {"cpu_id": w.cpu_id, "start_ts": w.start_ts, "end_ts": w.end_ts, "events": w.events}
            for w in run.lost
        ]
        add("streams", run_id, pa.Table.from_pylist(streams))
        add("lost_windows", run_id, pa.Table.from_pylist(lost))
        for shot in run.snapshots:
            for name, frame, columns in (
                ("proc_tcp", shot.tcp, _TCP_COLUMNS),
                ("proc_fds", shot.fds, _FD_COLUMNS),
                ("proc_processes", shot.processes.drop_null(), ("pid", "cmdline")),
            ):
                table = frame.select(columns)
                stage = pa.repeat(pa.scalar(shot.stage), table.num_rows)
                ts = pa.repeat(pa.scalar(shot.ts, pa.int64()), table.num_rows)
                table = table.append_column("stage", stage).append_column("ts", ts)
                add(name, run_id, table)
    for name, tables in found.items():
        yield name, pa.concat_tables(tables, promote_options="permissive")


_TCP_COLUMNS = ("family", "saddr", "sport", "daddr", "dport", "state", "uid", "inode")
_FD_COLUMNS = ("pid", "fd", "target", "kind", "inode")
