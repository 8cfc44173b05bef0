"""What the oracle keeps of a run while it walks: lost windows, open calls, pending wakes."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from oracle_events import clearings

from tcpdw.readers import LostWindow

Row = dict[str, Any]
"""One interval: `ts`, `dur`, `certain`, and the metric's own columns."""


class Windows:
    """The lost windows of a run, asked whether an interval overlaps one, or spans a clearing."""

    def __init__(self, lost: Iterable[LostWindow], clear_at: Sequence[str]) -> None:
        self.lost = tuple(lost)
        self.clearings = clearings(self.lost, clear_at)

    def certain(self, start: int, end: int, cpu: int | None = None) -> bool:
        """Tell whether `start` to `end` meets no window of `cpu` (None: of any cpu)."""
        return not any(
            end > w.start_ts and start < w.end_ts
            for w in self.lost
            if cpu is None or w.cpu_id is None or w.cpu_id == cpu
        )

    def spans(self, start: int, end: int, cpu: int) -> bool:
        """Tell whether `cpu` was cleared at or after `start` and before `end`."""
        at = bisect.bisect_left(self.clearings, start, key=lambda one: one[0])
        for ts, cleared in self.clearings[at:]:
            if ts >= end:
                return False
            if cleared in (cpu, None):
                return True
        return False


@dataclass(slots=True)
class Handler:
    irq: int
    name: str
    ts: int
    exit_ts: int | None = None


@dataclass(slots=True)
class Raise:
    ts: int
    origin: str
    handler: Handler | None


@dataclass(slots=True)
class Call:
    """A system call; `exit_ts` and `ret` are None while it is open."""

    name: str
    tid: int
    pid: int | None
    comm: str | None
    ts: int
    cpu: int
    fields: Mapping[str, Any]
    moved: bool = False
    exit_ts: int | None = None
    ret: int | None = None
    results: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(slots=True)
class Wake:
    ts: int
    waker_tid: int | None
    context: str | None
    carrier: int
    raced: bool = False


@dataclass(slots=True)
class Cpu:
    handlers: list[Handler] = field(default_factory=list[Handler])
    raises: dict[int, Raise] = field(default_factory=dict[int, Raise])
    softirqs: dict[int, int] = field(default_factory=dict[int, int])
    receiving: int = 0
    lost_handlers: int = 0
    lost_raises: set[int] = field(default_factory=set[int])
    lost_softirqs: set[int] = field(default_factory=set[int])
    otherwise: str | None = "task"
    """The context where no handler and no softirq is open: unknown from a loss to a softirq."""
