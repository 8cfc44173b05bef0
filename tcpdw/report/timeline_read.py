"""Read a run's timeline from the warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tcpdw import story
from tcpdw.errors import UsageError, WarehouseError
from tcpdw.report import timeline_data as data
from tcpdw.report.timeline_missing import missing
from tcpdw.report.timeline_rows import rows
from tcpdw.report.timeline_slices import cpus_of, slices_of
from tcpdw.report.timeline_window import Point, Span, moments_of

if TYPE_CHECKING:
    import duckdb

    from tcpdw.availability import RunName

_WIDER = 0.03
"""A story is shown with this part of its length before and after."""

_AROUND = 50_000_000
"""So many ns before and after a time are shown where it is not in the story."""

_MACROS = "SELECT 1 FROM duckdb_functions() WHERE function_name = 'timeline_slices'"
_RUN = (
    "SELECT run_id, name, machine, role, experiment, kernel, driver, interface, first_ts, last_ts, "
    "COALESCE(started_at, first_ts, 0), packets, events_discarded, capture_resolution FROM runs "
    "WHERE run_id = ?"
)
_CONNECTION = (
    "SELECT connection_id, saddr, sport, daddr, dport, seq, synack_seq, start_ts, end_ts, "
    "COALESCE(syn_ts, syn_capture_ts) FROM connections WHERE run_id = ? "
    "AND (?::BIGINT IS NULL OR connection_id = ?) ORDER BY connection_id LIMIT 1"
)
_ALIVE = (
    "SELECT connection_id FROM connections WHERE run_id = ? AND start_ts <= ? AND end_ts > ? "
    "ORDER BY start_ts DESC, connection_id DESC LIMIT 1"
)
_SEGMENTS = (
    "SELECT direction, ts, capture_ts, wire_ts, begin_ts, frame, packets, from_client, "
    "relative_seq, relative_ack, COALESCE(flags, 0), COALESCE(payload_len, 0), retransmission, "
    "device, cpu_id, context, tid, woken, certain FROM timeline_segments(?, ?) "
    "WHERE COALESCE(ts, capture_ts) BETWEEN ? AND ? ORDER BY COALESCE(ts, capture_ts), frame"
)
_WAKES = (
    "SELECT waking_ts, tid, comm, waking_cpu, waker_tid, context, irq, vec, rx_ts, in_ts, certain "
    "FROM wakes WHERE run_id = ? AND waking_ts BETWEEN ? AND ? AND tid IN (SELECT UNNEST(?)) "
    "ORDER BY waking_ts LIMIT ?"
)
_LOSSES = (
    "SELECT cpu_id, start_ts, end_ts, events FROM lost_windows WHERE run_id = ? "
    "AND start_ts <= ? AND end_ts >= ? ORDER BY start_ts LIMIT ?"
)
_THREADS = "SELECT tid, comm, is_ksoftirqd FROM timeline_threads(?, ?)"
# Of a run without a connection, those that were woken most.
_BUSY_THREADS = (
    "SELECT tid, ANY_VALUE(comm), false FROM wakes WHERE run_id = ? "
    "AND waking_ts BETWEEN ? AND ? GROUP BY tid ORDER BY COUNT(*) DESC, tid"
)


def read(
    connection: duckdb.DuckDBPyConnection,
    run: RunName,
    number: int | None = None,
    at: int | None = None,
    around: int | None = None,
) -> data.Timeline:
    """Read the timeline of a run's connection: of `number`, else of the first with a story.

    `at`: a time to look at first (ns since the Unix epoch), and where no number is given the
    connection that lived then; with `around` (ns) no more than that much before and after it is
    covered, else the story, where it is not too much. Raises UsageError where there is no such
    connection, WarehouseError where the warehouse is older than timelines.
    """
    if not rows(connection, _MACROS, []):
        raise WarehouseError(
            "the warehouse was made before tcpdw drew timelines",
            hint="ingest the runs again, into another file",
        )
    notes: list[str] = []
    about = data.Run(*rows(connection, _RUN, [run.run_id])[0])
    told = story.connections(connection, run.run_id)
    if number is None and told:
        number = None if at is None else _alive(connection, run.run_id, at)
        number = number or told[0].number
    one, life, origin, name = _life(connection, about, number)
    steps = _steps(connection, run.run_id, one) if one is not None and one in told else []
    came = [Point(s.ts, s.part, s.step) for s in steps if s.ts is not None]
    moments = moments_of(came, origin)
    times = [point.ts for point in came]
    story_span = Span(min([life.first, *times]), max([life.last, *times])).widened(_WIDER)
    spans = _spans([story_span, life.widened(_WIDER)], at, around)
    threads = _threads(connection, run.run_id, one, spans[0], notes)
    tids = [thread.tid for thread in threads]
    span, slices = slices_of(connection, run.run_id, spans, moments, tids, notes)
    limits = [run.run_id, span.first, span.last]
    shown = [
        replace(m, span=m.span.within(span))
        for m in moments
        if m.span.first < span.last and m.span.last > span.first
    ]
    focus = span if around is not None else _focus(at, span, shown)
    segments = _segments(connection, about, one, span, notes)
    wakes = [data.Wake(*row) for row in rows(connection, _WAKES, [*limits, tids, data.MAX_WAKES])]
    losses = [
        data.Loss(*row)
        for row in rows(connection, _LOSSES, [run.run_id, span.last, span.first, data.MAX_LOSSES])
    ]
    cpus, slices = cpus_of(slices, steps, segments, wakes, tids, losses, notes)
    missing(connection, about, one, steps, notes)
    return data.Timeline(
        about, one, len(told), origin, name, span, at, focus, shown, steps, slices,
        segments, wakes, losses, threads, cpus, notes,
    )  # fmt: skip


def _alive(connection: duckdb.DuckDBPyConnection, run_id: int, at: int) -> int | None:
    """Give the connection that began last before a time and lived then."""
    found = rows(connection, _ALIVE, [run_id, at, at])
    return int(found[0][0]) if found else None


def _spans(usual: list[Span], at: int | None, around: int | None) -> list[Span]:
    """Give the times that may be covered, the best first."""
    if at is None:
        return usual
    near = [Span(at, at).stretched(around or _AROUND)]
    return near if around is not None else [span for span in usual if span.holds(at)] or near


def _focus(at: int | None, span: Span, moments: Sequence[data.Moment]) -> Span | None:
    """Give what to look at first: the moment around a time, else a small part of all."""
    if at is None:
        return None
    held = [moment.span for moment in moments if moment.span.holds(at)]
    return held[0] if held else Span(at, at).stretched(span.length // 100).within(span)


def start_of(connection: duckdb.DuckDBPyConnection, run: RunName) -> int:
    """Give the time from which a run's own times count: its first event, ns; else its start."""
    about = data.Run(*rows(connection, _RUN, [run.run_id])[0])
    return about.started_at if about.first_ts is None else about.first_ts


def _life(
    connection: duckdb.DuckDBPyConnection, run: data.Run, number: int | None
) -> tuple[story.Connection | None, Span, int, data.Origin]:
    """Give the connection, from when to when it lived, what counts as time 0, and its name."""
    found = rows(connection, _CONNECTION, [run.run_id, number, number])
    if not found and number is not None:
        raise UsageError(
            f"run {run.name} has no connection {number}",
            hint='`tcpdw sql "FROM connections"` lists them',
        )
    if not found:
        first = run.first_ts if run.first_ts is not None else run.started_at
        last = run.last_ts if run.last_ts is not None else first
        return None, Span(first, max(last, first + 1)), first, "trace's start"
    *known, start, end, syn = found[0]
    life = Span(int(start), int(end))
    one = story.connection_of(known)
    return (one, life, life.first, "first segment") if syn is None else (one, life, syn, "SYN")


def _segments(
    connection: duckdb.DuckDBPyConnection,
    run: data.Run,
    one: story.Connection | None,
    span: Span,
    notes: list[str],
) -> list[data.Segment]:
    if one is None:
        return []
    values = [run.run_id, one.number, span.first, span.last]
    found = [data.Segment(*row) for row in rows(connection, _SEGMENTS, values)]
    if len(found) > data.MAX_SEGMENTS:
        notes.append(
            f"Of {len(found)} segments the first {data.MAX_SEGMENTS} are drawn; "
            "--at and --around show others."
        )
    return found[: data.MAX_SEGMENTS]


def _threads(
    connection: duckdb.DuckDBPyConnection,
    run_id: int,
    one: story.Connection | None,
    span: Span,
    notes: list[str],
) -> list[data.Thread]:
    found: list[tuple[Any, ...]] = []
    if one is not None:
        found = rows(connection, _THREADS, [run_id, one.number])
    if not found:
        found = rows(connection, _BUSY_THREADS, [run_id, span.first, span.last])
    if len(found) > data.MAX_THREADS:
        notes.append(f"Of {len(found)} threads the {data.MAX_THREADS} most concerned have a lane.")
    return [data.Thread(int(r[0]), str(r[1] or "?"), bool(r[2])) for r in found[: data.MAX_THREADS]]


def _steps(
    connection: duckdb.DuckDBPyConnection, run_id: int, one: story.Connection
) -> list[data.Step]:
    result = story.steps(connection, run_id, one.number)
    rows = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    rows.sort(key=lambda row: (str(row["role"]), int(str(row["number"]))))
    return [
        data.Step(
            number=int(str(row["number"])),
            role=str(row["role"]),
            part=str(row["part"]),
            step=str(row["step"]),
            ts=_int(row["ts"]),
            since=_int(row["since"]),
            status=str(row["status"]),
            why=_text(row["why"]),
            event=_text(row["event"]),
            evidence=story.evidence(row),
            packet=story.packet(row, str(row["role"]), one),
            tid=_int(row["tid"]),
            comm=_text(row["comm"]),
            cpu_id=_int(row["cpu_id"]),
        )
        for row in rows
    ]


def _int(value: object) -> int | None:
    return None if value is None else int(str(value))


def _text(value: object) -> str | None:
    return None if value is None else str(value)
