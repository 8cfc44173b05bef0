"""What a run's timeline shows, from the warehouse: pure data, nothing of charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tcpdw import story
from tcpdw.report.timeline_window import Moment, Span

MAX_SLICES = 3000
"""Of so many slices each is drawn by itself; beyond, those that nearly touch are drawn as one."""

MAX_THREADS = 6
MAX_CPUS = 8
MAX_SEGMENTS = 1500
MAX_WAKES = 1500
MAX_LOSSES = 400

CPU_KINDS = ("hardirq", "softirq", "on cpu")

Origin = Literal["SYN", "first segment", "trace's start"]


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch of a lane: as `timeline_slices` has it, or several of them drawn as one.

    `ts`, `end`: ns since the Unix epoch; `ends`: whether the trace shows its end; `count`: how many
    are drawn as one; `busy`: how long those took in all whose end the trace shows, ns.
    """

    kind: str
    ts: int
    end: int
    ends: bool
    cpu_id: int | None
    tid: int | None
    name: str
    number: int | None
    certain: bool
    count: int
    busy: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A TCP segment of the connection: a row of `timeline_segments`."""

    direction: str
    ts: int | None
    capture_ts: int | None
    wire_ts: int | None
    begin_ts: int | None
    frame: int | None
    packets: int
    from_client: bool
    relative_seq: int | None
    relative_ack: int | None
    flags: int
    payload_len: int
    retransmission: bool | None
    device: str
    cpu_id: int | None
    context: str | None
    tid: int | None
    woken: int | None
    certain: bool

    @property
    def at(self) -> int:
        """When it was seen: by the kernel's event, else by the capture."""
        return self.ts if self.ts is not None else int(self.capture_ts or 0)


@dataclass(frozen=True, slots=True)
class Wake:
    """A waking of one of the threads: a row of `wakes`."""

    ts: int
    tid: int
    comm: str | None
    cpu_id: int | None
    waker_tid: int | None
    context: str | None
    irq: int | None
    vec: int | None
    rx_ts: int | None
    in_ts: int | None
    certain: bool


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the connection's story: a row of `experiment_steps`; `packet` draws its segment."""

    number: int
    role: str
    part: str
    step: str
    ts: int | None
    since: int | None
    status: str
    why: str | None
    event: str | None
    evidence: str
    packet: str
    tid: int | None
    comm: str | None
    cpu_id: int | None


@dataclass(frozen=True, slots=True)
class Loss:
    """A stretch in which the tracer may have lost events of a cpu; None for every cpu."""

    cpu_id: int | None
    start: int
    end: int
    events: int


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread that has a lane."""

    tid: int
    comm: str
    is_ksoftirqd: bool


@dataclass(frozen=True, slots=True)
class Run:
    """The run: who recorded it, and from when to when its trace goes (ns), None without one."""

    run_id: int
    name: str
    machine: str | None
    role: str | None
    experiment: str | None
    kernel: str | None
    driver: str | None
    interface: str | None
    first_ts: int | None
    last_ts: int | None
    started_at: int
    packets: int
    discarded: int
    capture_resolution: int | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """All that a timeline shows; times are ns since the Unix epoch.

    `origin`: the time that counts as 0, and `origin_name` what it is; `span`: what the data covers;
    `at`: the time that was asked for, and `focus` what to look at first for it;
    `notes`: what was left out, merged, or is missing, a sentence each.
    """

    run: Run
    connection: story.Connection | None
    connections: int
    origin: int
    origin_name: Origin
    span: Span
    at: int | None
    focus: Span | None
    moments: Sequence[Moment]
    steps: Sequence[Step]
    slices: Sequence[Slice]
    segments: Sequence[Segment]
    wakes: Sequence[Wake]
    losses: Sequence[Loss]
    threads: Sequence[Thread]
    cpus: Sequence[int]
    notes: Sequence[str]
