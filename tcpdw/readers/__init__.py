"""Readers: one module an input format, bytes to Arrow columns; nothing of DuckDB or metrics.

A trace reader is any callable of the shape `TraceReader`: it yields one `TraceHead`, then
`EventBatch` items in any order of classes and streams, and ends with one `TraceEnd`.
The loader needs no more than that, so a new reader is one new module here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Clock:
    """A CTF clock class: its name and frequency in Hz, and its offset from the epoch in ns."""

    name: str
    frequency: int
    offset_ns: int


@dataclass(frozen=True, slots=True)
class TraceHead:
    """What a trace says of itself: its environment and its clock (None without one)."""

    env: Mapping[str, str | int]
    clock: Clock | None


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Rows of one event class; those of one data stream are in the stream's order.

    `columns` starts with `ts` (int64, ns since the epoch), `cpu_id` (int32, NULL where the trace
    has none), then the contexts as `ctx_<name>` (`ctx_tid`, `ctx_pid`, `ctx_procname`, ...),
    then the event's own fields under their own names.
    """

    name: str
    columns: pa.RecordBatch


@dataclass(frozen=True, slots=True)
class LostWindow:
    """`events` discarded by the tracer on `cpu_id` between `start_ts` and `end_ts` (ns)."""

    cpu_id: int | None
    start_ts: int
    end_ts: int
    events: int


@dataclass(frozen=True, slots=True)
class StreamCount:
    """How many events one data stream held; `stream` is the stream file's name."""

    stream: str
    cpu_id: int | None
    events: int


@dataclass(frozen=True, slots=True)
class TraceEnd:
    """What is known once all of a trace was read; `warnings` name the file and offset."""

    streams: tuple[StreamCount, ...] = ()
    lost: tuple[LostWindow, ...] = ()
    warnings: tuple[str, ...] = field(default=())


TraceItem = TraceHead | EventBatch | TraceEnd
TraceReader = Callable[[Path], Iterator[TraceItem]]


@dataclass(frozen=True, slots=True)
class Capture:
    """The packets of one capture file: a table in the shape of `PACKET_SCHEMA`, and warnings."""

    packets: pa.Table
    warnings: tuple[str, ...] = ()


CaptureReader = Callable[[Path], Capture]


class Declined(Exception):
    """A native reader's word that it does not read an input, and why; another reader may."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
