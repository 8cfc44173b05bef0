"""The connection's metrics: from the SYN to the wake, from the send to the transmit."""

from __future__ import annotations

import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from oracle_cpu import Machine
from oracle_events import Address, Event, peer, spelled
from oracle_fds import Fd
from oracle_packets import Queued
from oracle_state import Call, Row, Windows

_FIN, _SYN, _RST, _ACK = 0x01, 0x02, 0x04, 0x10
_WAITS = frozenset(
    (
        *("select", "pselect6", "poll", "ppoll"),
        *("epoll_wait", "epoll_pwait", "epoll_pwait2", "accept", "accept4"),
    )
)
_SENDS = frozenset({"sendto", "sendmsg", "sendmmsg", "write", "writev"})


def _plain(name: str) -> str:
    return name.removeprefix("compat_")


def _flags(event: Event) -> int:
    flags = event.fields.get("tcp_flags")
    return -1 if flags is None else flags


def _ends(event: Event) -> tuple[Address, Address]:
    f = event.fields
    return (spelled(f["saddr"]), f["sport"]), (spelled(f["daddr"]), f["dport"])


@dataclass(slots=True)
class Connection:
    """A handshake as the server's host sees it."""

    client: Address
    server: Address
    seq: int
    syn: int
    synack: int | None = None
    expected: int = 0
    ack: int | None = None
    accepted: bool = False


def connections(events: Iterable[Event]) -> list[Connection]:
    """Return every connection whose SYN came in, each SYN by its first arrival."""
    known: dict[tuple[Address, Address, int], Connection] = {}
    latest: defaultdict[tuple[Address, Address], list[Connection]] = defaultdict(list)
    for event in events:
        if event.name not in ("net_if_receive_skb", "net_dev_queue") or _flags(event) < 0:
            continue
        flags, f = _flags(event), event.fields
        source, target = _ends(event)
        if event.name == "net_dev_queue":
            if flags & (_SYN | _ACK) == _SYN | _ACK:
                for one in latest[target, source]:
                    if one.synack is None and f["ack_seq"] == (one.seq + 1) % 2**32:
                        one.synack, one.expected = event.ts, (f["seq"] + 1) % 2**32
        elif flags & (_SYN | _ACK) == _SYN:
            key = (source, target, f["seq"])
            if key not in known:
                known[key] = Connection(*key, event.ts)
                latest[source, target].append(known[key])
        elif flags & _ACK and not flags & _RST:
            for one in latest[source, target]:
                if one.synack is not None and one.ack is None:
                    ahead = (f["ack_seq"] - one.expected) % 2**32
                    if ahead < 2**31:
                        one.ack = event.ts
    return list(known.values())


class Tcp:
    """The two metrics over what the other parts of the oracle found."""

    def __init__(self, machine: Machine, windows: Windows, notes: Counter[str]) -> None:
        self._machine = machine
        self._windows = windows
        self._notes = notes
        self._calls: defaultdict[int, list[Call]] = defaultdict(list)
        for call in sorted(machine.calls, key=lambda call: call.ts):
            self._calls[call.tid].append(call)

    def syn_to_wake(self, events: Sequence[Event], out: Counter[str]) -> list[Row]:
        """Return a row for each accepted connection that woke the thread which accepted it."""
        rows: list[Row] = []
        handshakes = connections(events)
        accepts = [c for c in self._machine.calls if _plain(c.name) in ("accept", "accept4")]
        for accept in sorted(accepts, key=lambda call: call.exit_ts or 0):
            if (accept.ret or 0) < 0:
                continue
            client = peer(accept.results, "sport")
            if client is None:
                self._notes["syn_to_wake: accept that names no TCP peer"] += 1
                continue
            fitting = [
                h
                for h in handshakes
                if h.client == client
                and not h.accepted
                and h.ack is not None
                and h.ack < (accept.exit_ts or 0)
            ]
            if len(fitting) > 1:
                self._notes["syn_to_wake: accept that fits several handshakes"] += 1
            if not fitting:
                out["unpaired"] += 1
                continue
            handshake = max(fitting, key=lambda h: h.syn)
            handshake.accepted = True
            row = self._woken(accept, handshake, out)
            if row is not None:
                rows.append(row)
        return rows

    def _woken(self, accept: Call, h: Connection, out: Counter[str]) -> Row | None:
        assert h.ack is not None
        assert h.synack is not None
        assert accept.exit_ts is not None
        calls = self._calls[accept.tid]
        at = bisect.bisect_left(calls, h.ack, key=lambda call: call.ts) - 1
        wait = calls[at] if at >= 0 else None
        if wait is None or wait.exit_ts is None or wait.exit_ts <= h.ack:
            self._notes["syn_to_wake: the ACK came in no call of the thread"] += 1
            broken = any(
                c.tid == accept.tid and c.ts < h.ack < (c.exit_ts or 0)
                for c in self._machine.cleared_calls
            )
            out["cleared_by_loss" if broken else "not_blocked"] += 1
            return None
        if _plain(wait.name) not in _WAITS:
            self._notes[f"syn_to_wake: the ACK came in a call to {wait.name}"] += 1
            out["not_blocked"] += 1
            return None
        waking = None
        for ts in self._machine.wakings[accept.tid]:
            if h.ack <= ts < wait.exit_ts:
                if self._state(accept.tid, ts) == "asleep":
                    waking = ts
                    break
                state = self._state(accept.tid, ts)
                self._notes[f"syn_to_wake: a waking skipped, thread {state}"] += 1
        if waking is None:
            self._notes[
                f"syn_to_wake: the ACK came in a wait without a wake, thread "
                f"{self._state(accept.tid, h.ack)}"
            ] += 1
            out["not_blocked"] += 1
            return None
        switches = self._machine.switches[accept.tid]
        ran = next((ts for ts, _, what in switches if ts >= waking and what == "in"), None)
        if ran is None or ran > wait.exit_ts:
            out["unpaired"] += 1
            return None
        if wait is not accept and _plain(wait.name).startswith("accept"):
            self._notes["syn_to_wake: the wait was an earlier accept"] += 1
        return {
            "ts": h.syn,
            "dur": waking - h.syn,
            "certain": self._windows.certain(h.syn, waking),
            "syn_to_synack": h.synack - h.syn,
            "synack_to_ack": h.ack - h.synack,
            "ack_to_wake": waking - h.ack,
            "wake_to_run": ran - waking,
            "run_to_return": wait.exit_ts - ran,
            "return_to_accept": accept.exit_ts - wait.exit_ts,
            "tid": accept.tid,
            "pid": accept.pid,
            "fd": accept.ret,
            "saddr": h.client[0],
            "sport": h.client[1],
            "daddr": h.server[0],
            "dport": h.server[1],
        }

    def _state(self, tid: int, ts: int) -> str:
        """Return 'in', 'asleep' or 'runnable' by the thread's last switch up to `ts`."""
        switches = self._machine.switches[tid]
        at = bisect.bisect_right(switches, ts, key=lambda one: one[0]) - 1
        return switches[at][2] if at >= 0 else "unknown"

    def sendto_to_xmit(
        self,
        queued: Sequence[Queued],
        sound: set[int],
        sends: Mapping[tuple[int, int], Fd],
        out: Counter[str],
    ) -> list[Row]:
        """Return a row for each call that sends on a TCP socket and queued a segment itself."""
        rows: list[Row] = []
        by_tid: defaultdict[int, list[Queued]] = defaultdict(list)
        for one in queued:
            payload = one.event.fields.get("payload_len") or 0
            if one.event.tid is not None and _flags(one.event) >= 0 and payload > 0:
                by_tid[one.event.tid].append(one)
        for call in sorted(self._machine.calls, key=lambda call: call.ts):
            fd = sends.get((call.tid, call.ts))
            if _plain(call.name) not in _SENDS or fd is None or fd.kind != "tcp":
                continue
            mine = [one for one in by_tid[call.tid] if self._queued_in(one, call, fd)]
            if fd.remote is None:
                self._notes["sendto: connection unknown"] += 1
            if not mine:
                out["deferred"] += 1
                if (call.ret or 0) < 0:
                    self._notes["sendto: deferred because the call failed"] += 1
                continue
            one, xmit = mine[0], mine[0].xmit
            if self._in_softirq(one):
                self._notes["sendto: the segment was queued in a softirq inside the call"] += 1
            if xmit is None or id(one) not in sound:
                out["no_xmit" if xmit is None else "cleared_by_loss"] += 1
                if xmit is None and any(other.xmit for other in mine):
                    self._notes["sendto: first segment without xmit, a later one with"] += 1
                continue
            assert call.exit_ts is not None
            rows.append(
                {
                    "ts": call.ts,
                    "dur": xmit.ts - call.ts,
                    "certain": self._windows.certain(call.ts, xmit.ts),
                    "entry_to_queue": one.event.ts - call.ts,
                    "queue_to_xmit": xmit.ts - one.event.ts,
                    "xmit_to_exit": call.exit_ts - xmit.ts,
                    "tid": call.tid,
                    "fd": call.fields["fd"],
                    "name": call.name,
                    "bytes": call.ret,
                    "skbaddr": one.event.fields["skbaddr"],
                    "match": one.match,
                    "xmit_cpu": xmit.cpu,
                }
            )
        return rows

    def _queued_in(self, one: Queued, call: Call, fd: Fd) -> bool:
        if call.exit_ts is None or not call.ts < one.event.ts < call.exit_ts:
            return False
        source, target = _ends(one.event)
        if fd.remote is None:
            return not self._in_softirq(one)
        if target != fd.remote or (fd.local is not None and source != fd.local):
            self._notes["sendto: a segment of another connection queued inside a call"] += 1
            return False
        return True

    def _in_softirq(self, one: Queued) -> bool:
        return (one.event.ts, one.event.cpu) in self._machine.in_softirq
