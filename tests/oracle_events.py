"""A run's events, lost windows and sockets, as plain rows for the oracle.

Reads with `tcpdw.readers` alone: nothing here knows of SQL or of the warehouse.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from tcpdw.readers import EventBatch, LostWindow, TraceEnd

Address = tuple[str, int]
"""An IP address as `ipaddress` spells it, and a TCP port."""

NO_CPU = -1
"""The cpu of an event whose trace names none."""


class Event(NamedTuple):
    """One kernel event: `tid`, `pid`, `comm` of the thread it came in, and its own `fields`.

    The fields stand apart, for some classes have fields `tid` or `name` of their own.
    """

    ts: int
    cpu: int
    name: str
    tid: int | None = None
    pid: int | None = None
    comm: str | None = None
    fields: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Socket:
    """A line of `/proc/net/tcp`: `remote` is None for one that listens."""

    local: Address
    remote: Address | None


@dataclass(frozen=True, slots=True)
class Proc:
    """What the `/proc` snapshots say: TCP sockets by inode, and (ts, pid, fd, inode) rows."""

    sockets: Mapping[int, Socket] = field(default_factory=dict[int, Socket])
    fds: Sequence[tuple[int, int, int, int]] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """All events in the order of time, and the windows in which some are missing."""

    events: list[Event]
    lost: tuple[LostWindow, ...]


_PACKET = (
    *("skbaddr", "len", "name", "saddr", "sport", "daddr", "dport", "seq", "ack_seq"),
    *("tcp_flags", "payload_len"),
)
_ARGUMENTS = (
    *("ret", "fd", "oldfd", "newfd", "fildes", "cmd", "arg", "flags", "clone_flags", "type"),
    *("protocol", "family", "dport", "sport", "v4addr", "v6addr", "addr", "max_fd"),
    *("n", "readfds", "writefds", "exceptfds", "fds", "epfd", "op_enum"),
)
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "irq_handler_entry": ("irq", "name"),
    "irq_handler_exit": ("irq",),
    "irq_softirq_raise": ("vec",),
    "irq_softirq_entry": ("vec",),
    "irq_softirq_exit": ("vec",),
    "sched_switch": ("prev_comm", "prev_tid", "prev_state", "next_comm", "next_tid"),
    "sched_waking": ("comm", "tid", "target_cpu"),
    "sched_wakeup": ("comm", "tid", "target_cpu"),
    "sched_process_fork": ("parent_tid", "parent_pid", "child_tid", "child_pid"),
    "sched_process_exec": ("tid", "old_tid"),
    "sched_process_exit": ("tid",),
    "net_dev_queue": _PACKET,
    "net_if_receive_skb": _PACKET,
    "net_dev_xmit": ("skbaddr", "rc", "len", "name"),
    "skb_consume": ("skbaddr",),
    "skb_kfree": ("skbaddr",),
    "lttng_statedump_process_state": ("tid", "pid", "name", "file_table_address"),
    "lttng_statedump_file_descriptor": ("file_table_address", "pid", "fd", "filename"),
    "lttng_statedump_interrupt": ("irq", "name", "tid"),
}


def events_of(trace_dir: Path) -> Trace:
    """Read the CTF trace in `trace_dir`; of each class the fields that some metric looks at."""
    from tcpdw.readers import ctf_bt2

    events: list[Event] = []
    lost: tuple[LostWindow, ...] = ()
    for item in ctf_bt2.read(trace_dir):
        if isinstance(item, EventBatch):
            events.extend(_rows(item))
        elif isinstance(item, TraceEnd):
            lost = item.lost
    events.sort(key=_place)
    return Trace(with_current_thread(events, lost), lost)


def proc_of(run_dir: Path) -> Proc:
    """Read every stage of `run_dir`/proc; nothing where there is none."""
    from tcpdw.readers import proc

    sockets: dict[int, Socket] = {}
    fds: list[tuple[int, int, int, int]] = []
    stages = sorted((run_dir / "proc").glob("*/")) if (run_dir / "proc").is_dir() else []
    for snapshot in [proc.read(stage) for stage in stages]:
        for row in snapshot.tcp.to_pylist():
            if row["inode"]:
                remote = (spelled(row["daddr"]), row["dport"])
                sockets[row["inode"]] = Socket(
                    (spelled(row["saddr"]), row["sport"]), remote if row["dport"] else None
                )
        for row in snapshot.fds.to_pylist():
            if snapshot.ts is not None and row["kind"] == "socket" and row["inode"] is not None:
                fds.append((snapshot.ts, row["pid"], row["fd"], row["inode"]))
    return Proc(sockets, sorted(fds))


def with_current_thread(events: Sequence[Event], lost: Iterable[LostWindow]) -> list[Event]:
    """Give each event without a tid the one that the `sched_switch` events of its cpu tell.

    `events` are in the order of time. Before a cpu's first switch, and its first one after the
    start of a lost window, the thread that this switch takes off the cpu was on it.
    """
    if all(event.tid is not None for event in events):
        return list(events)
    switches: dict[int, list[tuple[int, int, int]]] = {}
    names: dict[int, str] = {}
    pids: dict[int, int] = {0: 0}
    for at, event in enumerate(events):
        f = event.fields
        if event.name == "sched_switch":
            switches.setdefault(event.cpu, []).append((at, f["prev_tid"], f["next_tid"]))
        elif event.name == "lttng_statedump_process_state":
            pids.setdefault(f["tid"], f["pid"])
            names.setdefault(f["tid"], f["name"])
    clears = clearings(lost, ("start",))
    current: dict[int, int | None] = {}
    place: dict[int, int] = {}
    done: list[Event] = []
    for event in events:
        cpu, f = event.cpu, event.fields
        while clears and clears[0][0] < event.ts:
            _, cleared = clears.pop(0)
            for one in [cleared] if cleared is not None else list(current):
                current.pop(one, None)
        mine = switches.get(cpu, [])
        if cpu not in current:
            # Only up to the next window does the next switch tell who is on the cpu now.
            until = next((ts for ts, one in clears if one in (cpu, None)), None)
            here = place.get(cpu, 0)
            known = here < len(mine) and (until is None or events[mine[here][0]].ts <= until)
            current[cpu] = mine[here][1] if known else None
        tid = current[cpu]
        if event.name == "sched_switch":
            tid, current[cpu] = f["prev_tid"], f["next_tid"]
            names[f["prev_tid"]], names[f["next_tid"]] = f["prev_comm"], f["next_comm"]
            place[cpu] = place.get(cpu, 0) + 1
        elif event.name == "sched_process_fork":
            pids[f["child_tid"]] = f.get("child_pid", f["child_tid"])
        if event.tid is None and tid is not None:
            event = event._replace(tid=tid, pid=pids.get(tid), comm=names.get(tid))
        done.append(event)
    return done


def clearings(
    lost: Iterable[LostWindow], ends: Sequence[str] = ("start",)
) -> list[tuple[int, int | None]]:
    """Return (ts, cpu) of every moment at which a window clears its cpu, in the order of time.

    What came at or before that ts is forgotten. cpu None stands for every cpu.
    """
    return sorted(
        ((w.start_ts if end == "start" else w.end_ts, w.cpu_id) for w in lost for end in ends),
        key=lambda one: one[0],
    )


def spelled(address: str | None) -> str:
    """Return `address` in one spelling, an IPv4-mapped one as the IPv4 address in it."""
    if address is None:
        return ""
    ip = ipaddress.ip_address(address)
    return str(getattr(ip, "ipv4_mapped", None) or ip)


def peer(fields: Mapping[str, Any], port: str) -> Address | None:
    """Return the address that an `accept` exit or `connect` entry names, None if it names none."""
    v4, v6 = fields.get("v4addr"), fields.get("v6addr")
    if fields.get(port) is None:
        return None
    if fields.get("family") == 2 and v4 and len(v4) == 4:
        return spelled(str(ipaddress.IPv4Address(bytes(v4)))), fields[port]
    if fields.get("family") == 10 and v6 and len(v6) in (8, 16):
        packed = b"".join(word.to_bytes(16 // len(v6), "big") for word in v6)
        return spelled(str(ipaddress.IPv6Address(packed))), fields[port]
    return None


def _place(event: Event) -> tuple[int, bool]:
    # Two cpus can read the same time: then a wake came before the switch that it caused.
    return event.ts, event.name == "sched_switch"


def _rows(batch: EventBatch) -> Iterable[Event]:
    columns = batch.columns
    wanted = _ARGUMENTS if "syscall_" in batch.name else _FIELDS.get(batch.name, ())
    own = [name for name in wanted if name in columns.schema.names]
    # Without a column pyarrow would give no rows.
    fields: list[dict[str, Any]] = (
        columns.select(own).to_pylist() if own else [dict[str, Any]()] * columns.num_rows
    )
    nothing: list[Any] = [None] * columns.num_rows

    def column(name: str) -> list[Any]:
        if name not in columns.schema.names:
            return nothing
        return cast("list[Any]", columns[name].to_pylist())

    cpus = [NO_CPU if cpu is None else cpu for cpu in column("cpu_id")]
    context = (column("ctx_tid"), column("ctx_pid"), column("ctx_procname"))
    for ts, cpu, tid, pid, comm, own_fields in zip(
        column("ts"), cpus, *context, fields, strict=True
    ):
        yield Event(ts, cpu, batch.name, tid, pid, comm, own_fields)
