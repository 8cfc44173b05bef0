"""What each metric should be: a plain walk over a run's events, written apart from the SQL.

It is the other opinion for the differential tests: from the metrics' definitions alone, brute
force, and slow. Where a definition leaves something open, `Result.notes` counts how often the
events ran into it, and the comments say which reading was taken.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oracle_captures import Captured, captured, queue_to_capture
from oracle_connections import connections, data_to_ack, handshake
from oracle_cpu import Machine
from oracle_events import (
    NO_CPU,
    Event,
    Proc,
    Socket,
    Trace,
    events_of,
    proc_of,
    with_current_thread,
)
from oracle_fds import FdMachine
from oracle_packets import matched, queue_to_xmit
from oracle_rx import Receiver
from oracle_state import Row, Windows
from oracle_tcp import Tcp

from tcpdw.readers import LostWindow

__all__ = [
    "METRICS",
    "NO_CPU",
    "Captured",
    "Event",
    "Proc",
    "Result",
    "Row",
    "Socket",
    "Trace",
    "captured",
    "events_of",
    "left_out",
    "metrics",
    "proc_of",
    "run",
    "with_current_thread",
]

METRICS = (
    *("hardirq_duration", "softirq_raise_to_entry", "hardirq_to_softirq", "softirq_duration"),
    *("wake_to_run", "syscall_latency", "queue_to_xmit", "syn_to_wake", "sendto_to_xmit"),
    *("handshake", "data_to_ack", "queue_to_capture", "rx_to_wake"),
)


@dataclass(frozen=True, slots=True)
class Result:
    """All metrics' rows, what has no row by reason, and how often something was left open."""

    rows: dict[str, list[Row]]
    left_out: dict[str, Counter[str]]
    notes: Counter[str]


def run(
    events: Iterable[Event],
    lost: Iterable[LostWindow] = (),
    proc: Proc | None = None,
    *,
    clear_at: Sequence[str] = ("start",),
    capture: Captured | None = None,
) -> Result:
    """Work out every metric over `events`, which are in the order of time.

    A row is `ts`, `dur` (ns), `certain` and the metric's own columns; rows come in the order of
    `ts`. `clear_at` says at which ends ('start', 'end') a lost window clears its cpu.
    """
    lost = tuple(lost)
    known = with_current_thread(list(events), lost)
    windows = Windows(lost, clear_at)
    machine = Machine(known, windows)
    notes, out = machine.notes, defaultdict(Counter[str], machine.left_out)
    queued = matched(known, notes)
    rows, sound = queue_to_xmit(queued, windows, out["queue_to_xmit"])
    fds = FdMachine(known, proc or Proc(), notes)
    tcp = Tcp(machine, windows, notes)
    whole = connections(known)
    found = {
        **machine.rows,
        "queue_to_xmit": rows,
        "queue_to_capture": queue_to_capture(
            known, queued, sound, capture or Captured(), windows, out["queue_to_capture"]
        ),
        "syn_to_wake": tcp.syn_to_wake(known, out["syn_to_wake"]),
        "sendto_to_xmit": tcp.sendto_to_xmit(queued, sound, fds.sends, out["sendto_to_xmit"]),
        "handshake": list(handshake(whole, windows, out["handshake"])),
        "data_to_ack": list(data_to_ack(whole, windows, out["data_to_ack"])),
        "rx_to_wake": list(Receiver(machine, fds, windows).rx_to_wake(known)),
    }
    return Result(
        {name: sorted(found.get(name, []), key=lambda row: row["ts"]) for name in METRICS},
        {name: out[name] for name in METRICS},
        notes,
    )


def metrics(
    events: Iterable[Event],
    lost: Iterable[LostWindow] = (),
    proc: Proc | None = None,
    *,
    clear_at: Sequence[str] = ("start",),
) -> dict[str, list[Row]]:
    """Return every metric's rows (see `run`)."""
    return run(events, lost, proc, clear_at=clear_at).rows


def left_out(
    events: Iterable[Event],
    lost: Iterable[LostWindow] = (),
    proc: Proc | None = None,
    *,
    clear_at: Sequence[str] = ("start",),
) -> dict[str, Counter[str]]:
    """Return how many intervals each metric leaves out, by reason (see `run`)."""
    return run(events, lost, proc, clear_at=clear_at).left_out
