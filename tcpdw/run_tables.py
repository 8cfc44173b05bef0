"""The rows that a run's data make in the warehouse's tables, as Arrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tcpdw.rundata import RunData

if TYPE_CHECKING:
    import pyarrow as pa


def run_row(run_id: int, run: RunData) -> dict[str, Any]:
    """Give a run's row of `runs`, by column."""
    identity, clock = run.identity, run.clock
    tables = list((run.classes or {}).values())
    first, last, cpus = _extent(tables)
    started = identity.started_at
    if started is None:
        started = first
    if started is None and run.packets is not None and run.packets.num_rows:
        started = run.packets["ts"][0].as_py()
    warnings = list(run.warnings)
    if run.failure is not None:
        warnings.insert(0, run.failure)
    return {
        "run_id": run_id,
        "name": run.name,
        "machine": identity.machine,
        "role": identity.role,
        "experiment": identity.experiment,
        "repetition": identity.repetition,
        "started_at": started,
        "first_ts": first,
        "last_ts": last,
        "kernel": identity.kernel,
        "cpus": identity.cpus if identity.cpus is not None else cpus,
        "cpu_model": identity.cpu_model,
        "interface": identity.interface,
        "driver": identity.driver,
        "tracer": identity.tracer,
        "clock": clock.name if clock else None,
        "clock_frequency": clock.frequency if clock else None,
        "clock_offset": clock.offset_ns if clock else None,
        "content_hash": run.content_hash,
        "source_hash": run.source_hash,
        "source_path": str(run.source_path),
        "events": sum(table.num_rows for table in tables),
        "packets": run.packets.num_rows if run.packets is not None else 0,
        "events_discarded": sum(window.events for window in run.lost),
        "status": run.status,
        "warnings": warnings,
    }


def _extent(tables: Iterable[pa.Table]) -> tuple[int | None, int | None, int | None]:
    """Give the first and last time and the number of cpus seen."""
    import pyarrow.compute as pc

    first: int | None = None
    last: int | None = None
    cpus: set[int] = set()
    for table in tables:
        if not table.num_rows:
            continue
        lowest: int = pc.min(table["ts"]).as_py()
        highest: int = pc.max(table["ts"]).as_py()
        first = lowest if first is None else min(first, lowest)
        last = highest if last is None else max(last, highest)
        cpus.update(cpu for cpu in pc.unique(table["cpu_id"]).to_pylist() if cpu is not None)
    return first, last, len(cpus) or None


def with_run(table: pa.Table, run_id: int) -> pa.Table:
    """Put the column `run_id` (int32) before a run's rows."""
    import pyarrow as pa

    column = pa.repeat(pa.scalar(run_id, pa.int32()), table.num_rows)
    return table.add_column(0, "run_id", column)


def by_shape(tables: Sequence[pa.Table]) -> Iterator[pa.Table]:
    """Join tables of one shape; those with another kernel's fields come apart."""
    import pyarrow as pa

    shapes: dict[str, list[pa.Table]] = {}
    for table in tables:
        shape = table.schema.remove_metadata().to_string(show_field_metadata=False)
        shapes.setdefault(shape, []).append(table)
    for alike in shapes.values():
        yield pa.concat_tables(alike).unify_dictionaries()


def narrow_rows(name: str, rows: pa.Table) -> pa.Table:
    """Give the rows of `events` that an event class's rows make."""
    import pyarrow as pa

    count = rows.num_rows
    codes = pa.repeat(pa.scalar(0, pa.int32()), count)
    ret = pa.chunked_array([pa.nulls(count, pa.int64())])
    if "syscall_exit_" in name and "ret" in rows.column_names:
        returned = rows["ret"]
        # What is a pointer is unsigned, and an error in it a negative number all the same.
        if pa.types.is_integer(returned.type):
            ret = returned.cast(pa.int64(), safe=False)
    return pa.table(
        {
            "run_id": rows["run_id"],
            "ts": rows["ts"],
            "cpu_id": rows["cpu_id"],
            "tid": rows["ctx_tid"],
            "name": pa.DictionaryArray.from_arrays(codes, pa.array([name])),
            "ret": ret,
        }
    )


def side_tables(pairs: Sequence[tuple[int, RunData]]) -> Iterator[tuple[str, pa.Table]]:
    """Give the rows of the tables other than events: packets, streams, losses, snapshots."""
    import pyarrow as pa

    found: dict[str, list[pa.Table]] = {}

    def add(name: str, run_id: int, table: pa.Table) -> None:
        if table.num_rows:
            found.setdefault(name, []).append(with_run(table, run_id))

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
                ("proc_processes", shot.processes.drop_nulls("cmdline"), ("pid", "cmdline")),
            ):
                table = frame.select(columns).to_arrow()
                stage = pa.repeat(pa.scalar(shot.stage), table.num_rows)
                ts = pa.repeat(pa.scalar(shot.ts, pa.int64()), table.num_rows)
                table = table.append_column("stage", stage).append_column("ts", ts)
                add(name, run_id, table)
    for name, tables in found.items():
        yield name, pa.concat_tables(tables, promote_options="permissive")


_TCP_COLUMNS = ("family", "saddr", "sport", "daddr", "dport", "state", "uid", "inode")
_FD_COLUMNS = ("pid", "fd", "target", "kind", "inode")
