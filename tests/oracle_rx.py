"""What received segments wake: from a segment on a watched socket to the thread that waits."""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from oracle_cpu import Machine
from oracle_events import Address, Event, spelled
from oracle_fds import Asked, Fd, FdMachine
from oracle_state import Call, Row, Windows
from oracle_tcp import connections

_NET_RX = 3
_FIN, _SYN, _RST = 0x01, 0x02, 0x04
_SELECTS = frozenset({"select", "pselect6"})
_POLLS = frozenset({"poll", "ppoll"})
_EPOLLS = frozenset({"epoll_wait", "epoll_pwait", "epoll_pwait2"})
_READS = frozenset(
    {"accept", "accept4", "read", "readv", "recvfrom", "recvmsg", "recvmmsg"},
)
_ANYWHERE = ("0.0.0.0", "::")


class Receiver:
    """The metric over what the other parts of the oracle found."""

    def __init__(self, machine: Machine, fds: FdMachine, windows: Windows) -> None:
        self._fds = fds
        self._windows = windows
        self._wakes = {(row["tid"], row["ts"]): row for row in machine.rows["wake_to_run"]}
        self._calls: defaultdict[int, list[Call]] = defaultdict(list)
        for call in sorted(machine.calls, key=lambda call: call.ts):
            self._calls[call.tid].append(call)

    def rx_to_wake(self, events: Sequence[Event]) -> Iterable[Row]:
        """Yield a row for each wake that a segment with payload, FIN or RST can have caused."""
        final = {(h.client, h.ack) for h in connections(events) if h.ack is not None}
        taken: dict[int, list[Event]] = {}  # by cpu, in the NET_RX softirq that runs there
        before: dict[int, int] = {}  # by tid, its last wake
        for e in events:
            f = e.fields
            if e.name == "irq_softirq_entry" and f["vec"] == _NET_RX:
                taken[e.cpu] = []
            elif e.name == "irq_softirq_exit" and f["vec"] == _NET_RX:
                taken.pop(e.cpu, None)
            elif e.name == "net_if_receive_skb" and f.get("tcp_flags") is not None:
                if e.cpu in taken:
                    taken[e.cpu].append(e)
            elif e.name == "sched_waking" and (wake := self._wakes.get((f["tid"], e.ts))):
                last = before.get(f["tid"], -1)
                before[f["tid"]] = e.ts
                if e.cpu in taken and wake["waker_context"] == "softirq":
                    segments = [one for one in taken[e.cpu] if one.ts > last]
                    yield from self._woken(wake, segments, final)

    def _woken(
        self, wake: Row, segments: Sequence[Event], final: set[tuple[Address, int]]
    ) -> Iterable[Row]:
        calls = self._calls[wake["tid"]]
        at = bisect.bisect_right(calls, wake["ts"], key=lambda call: call.ts) - 1
        if at < 0 or (calls[at].exit_ts or 0) < wake["ts"]:
            return
        wait = calls[at]
        watched = self._watched(wait, wake["ts"])
        found: list[tuple[Event, int, Fd]] = []
        for one in segments:
            if not one.fields["payload_len"] and not one.fields["tcp_flags"] & (_FIN | _RST):
                continue
            fd = next((fd for fd, what in watched.items() if _is_for(one, what, final)), None)
            if fd is not None:
                found.append((one, fd, watched[fd]))
        if not found:
            return
        first, fd, socket = found[0]
        f = first.fields
        ran = wake["ts"] + wake["dur"]
        assert wait.exit_ts is not None
        read = wait if wait.name in _READS else self._read(wait, fd, socket)
        yield {
            "ts": first.ts,
            "dur": wake["ts"] - first.ts,
            "certain": self._windows.certain(first.ts, wake["ts"]),
            "kind": _kind(first, socket),
            "candidates": len(found),
            "tid": wake["tid"],
            "saddr": spelled(f["saddr"]),
            "sport": f["sport"],
            "daddr": spelled(f["daddr"]),
            "dport": f["dport"],
            "wake_to_run": wake["dur"],
            "run_to_return": wait.exit_ts - ran,
            "return_to_read": None if read is None else (read.exit_ts or 0) - wait.exit_ts,
        }

    def _watched(self, wait: Call, ts: int) -> Mapping[int, Fd]:
        asked = self._fds.asked.get((wait.tid, wait.ts))
        if asked is None:
            return {}
        f = wait.fields
        if wait.name in _EPOLLS:
            return self._interests(asked, f["epfd"], ts)
        if wait.name in _SELECTS:
            sets = [f.get(name) or () for name in ("readfds", "writefds", "exceptfds")]
            numbers = {
                8 * place + bit
                for bits in sets
                for place, byte in enumerate(bits)
                for bit in range(8)
                if byte >> bit & 1 and 8 * place + bit < f["n"]
            }
        elif wait.name in _POLLS:
            numbers = {item["fd"] for item in f.get("fds") or ()}
        elif wait.name in _READS or wait.name == "connect":
            numbers = {f["fd"]}
        else:
            return {}
        return {fd: asked.fds[fd] for fd in sorted(numbers) if fd in asked.fds}

    def _interests(self, asked: Asked, epfd: int, ts: int) -> Mapping[int, Fd]:
        found: dict[int, Fd] = {}
        for change in self._fds.changes:
            if change.ts <= ts and (change.table, change.epfd) == (asked.table, epfd):
                found.pop(change.fd, None)
                if change.adds and change.what is not None:
                    found[change.fd] = change.what
        return found

    def _read(self, wait: Call, fd: int, socket: Fd) -> Call | None:
        """Return the thread's first call after the wait that reads from the socket."""
        assert wait.exit_ts is not None
        for call in self._calls[wait.tid]:
            if call.ts >= wait.exit_ts and call.name in _READS:
                asked = self._fds.asked[call.tid, call.ts]
                what = asked.fds.get(call.fields["fd"])
                same = what is not None and what.remote == socket.remote
                if same and (socket.remote is not None or call.fields["fd"] == fd):
                    return call
        return None


def _is_for(one: Event, what: Fd, final: set[tuple[Address, int]]) -> bool:
    f = one.fields
    source, target = (spelled(f["saddr"]), f["sport"]), (spelled(f["daddr"]), f["dport"])
    if what.remote is not None:
        return what.remote == source and what.local in (None, target)
    if what.local is None or (source, one.ts) not in final:
        return False
    return what.local[1] == target[1] and what.local[0] in (target[0], *_ANYWHERE)


def _kind(one: Event, socket: Fd) -> str:
    flags = one.fields["tcp_flags"]
    if flags & _RST:
        return "rst"
    if flags & _SYN or socket.remote is None:
        return "handshake"
    return "data" if one.fields["payload_len"] else "fin"
