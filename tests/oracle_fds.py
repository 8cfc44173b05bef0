"""What each fd of each process was, as far as calls, the statedump and `/proc` tell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from oracle_events import Address, Event, Proc, peer, spelled

_CLONE_FILES = 0x400
_CLOEXEC = 0o2000000
_SYN, _ACK = 0x02, 0x10
_MAKES_OTHER = frozenset(
    (
        *("open", "openat", "openat2", "creat", "epoll_create", "epoll_create1", "eventfd"),
        *("eventfd2", "timerfd_create", "signalfd", "signalfd4", "inotify_init"),
        *("inotify_init1", "memfd_create", "pidfd_open", "perf_event_open", "io_uring_setup"),
    )
)
_SENDS = frozenset({"sendto", "sendmsg", "sendmmsg", "write", "writev"})
_ASKS = frozenset(
    (
        *("select", "pselect6", "poll", "ppoll", "epoll_wait", "epoll_pwait", "epoll_pwait2"),
        *("accept", "accept4", "connect", "read", "readv", "recvfrom", "recvmsg", "recvmmsg"),
    )
)


@dataclass(frozen=True, slots=True)
class Fd:
    """What an fd is: `kind` is 'tcp', 'other', or 'socket' where only that much is known."""

    kind: str
    inode: int | None = None
    local: Address | None = None
    remote: Address | None = None
    cloexec: bool = False


Table = dict[int, Fd]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a thread's descriptors were as it made a call, and which table they are in."""

    fds: Mapping[int, Fd]
    table: int


@dataclass(frozen=True, slots=True)
class Change:
    """A call of `epoll_ctl` that changed what an epoll descriptor watches."""

    ts: int
    table: int
    epfd: int
    fd: int
    adds: bool
    what: Fd | None


class FdMachine:
    """Walk a run's events once; afterwards `sends` tells the fd of each call that sends.

    `sends`: by (tid, ts of the call's entry). A call on an fd that nothing tells of is missing,
    and counts in `notes`. `asked` has all of them for each call that may wait or reads, and
    `changes` what epolls were told to watch.
    """

    def __init__(self, events: Sequence[Event], proc: Proc, notes: Counter[str]) -> None:
        self.sends: dict[tuple[int, int], Fd] = {}
        self.asked: dict[tuple[int, int], Asked] = {}
        self.changes: list[Change] = []
        self._seen_tables: list[Table] = []  # kept, so that no other gets the id of one
        self._notes = notes
        self._proc = proc
        self._tables: dict[int, Table] = {}  # by tid; threads of a process share one
        self._addresses: dict[int, Table] = {}  # by the statedump's file_table_address
        self._calls: dict[int, Event] = {}
        self._syn_to: dict[Address, Address] = {}
        self._syn_from: dict[int, tuple[Address, Address]] = {}
        self._stray_syns: list[tuple[int, Address, Address]] = []  # queued outside of `connect`
        self._does: dict[str, Callable[[Event], None]] = {
            "lttng_statedump_process_state": self._process,
            "lttng_statedump_file_descriptor": self._dumped,
            "sched_process_fork": self._fork,
            "sched_process_exec": self._exec,
            "sched_process_exit": self._exit,
            "net_if_receive_skb": self._received,
            "net_dev_queue": self._queued,
        }
        snapshots = list(reversed(proc.fds))
        for event in events:
            while snapshots and snapshots[-1][0] <= event.ts:
                _, pid, fd, inode = snapshots.pop()
                self._has_inode(self._table(pid, pid), fd, inode)
            name = event.name.removeprefix("compat_")
            if (does := self._does.get(name)) is not None:
                does(event)
            elif event.tid is not None and name.startswith("syscall_entry_"):
                self._entry(event, event.tid, name.removeprefix("syscall_entry_"))
            elif event.tid is not None and name.startswith("syscall_exit_"):
                self._return(event, event.tid, name.removeprefix("syscall_exit_"))

    def _table(self, tid: int, pid: int | None) -> Table:
        if tid not in self._tables:
            shared = self._tables.get(tid if pid is None else pid)
            self._tables[tid] = {} if shared is None else shared
            if pid is not None:
                self._tables.setdefault(pid, self._tables[tid])
        return self._tables[tid]

    # What is there already.

    def _process(self, e: Event) -> None:
        table = self._table(e.fields["tid"], e.fields["pid"])
        if (address := e.fields.get("file_table_address")) is not None:
            self._addresses.setdefault(address, table)

    def _dumped(self, e: Event) -> None:
        address = e.fields.get("file_table_address")
        pid = e.fields.get("pid")
        if address is not None:
            table = self._addresses.get(address)
        else:
            table = None if pid is None else self._tables.get(pid)
        if table is None:
            return
        found = re.fullmatch(r"socket:\[(\d{1,20})\]", e.fields["filename"] or "")
        if found:
            self._has_inode(table, e.fields["fd"], int(found[1]))
        else:
            table[e.fields["fd"]] = Fd("other")

    def _has_inode(self, table: Table, fd: int, inode: int) -> None:
        old = table.get(fd, Fd("socket"))
        if old.inode is not None and old.inode != inode:
            self._notes["fd: another inode than the one known"] += 1
            old = Fd("socket")
        socket = self._proc.sockets.get(inode)
        new = replace(old, inode=inode)
        if socket is not None:
            new = replace(new, kind="tcp")
            if socket.remote is not None and old.remote is None:
                new = replace(new, local=socket.local, remote=socket.remote)
        table[fd] = new

    # Processes.

    def _fork(self, e: Event) -> None:
        parent, child = e.fields["parent_tid"], e.fields["child_tid"]
        parent_pid = e.fields.get("parent_pid", e.pid)
        child_pid = e.fields.get("child_pid", child)
        table = self._table(parent, parent_pid)
        call = self._calls.get(parent)
        f: Mapping[str, Any] = {} if call is None else call.fields
        flags = f.get("flags", f.get("clone_flags")) or 0
        shares = child_pid == parent_pid or bool(flags & _CLONE_FILES)
        self._tables[child] = table if shares else dict(table)
        self._calls.pop(child, None)

    def _exec(self, e: Event) -> None:
        new = e.fields.get("tid", e.tid)
        old = e.fields.get("old_tid", new)
        if new is None or old is None:
            return
        table = self._table(old, e.pid)
        self._tables[new] = {fd: what for fd, what in table.items() if not what.cloexec}

    def _exit(self, e: Event) -> None:
        self._tables.pop(e.fields["tid"], None)
        self._calls.pop(e.fields["tid"], None)

    # Packets that tell a socket's addresses.

    def _received(self, e: Event) -> None:
        f = e.fields
        if (f.get("tcp_flags") or 0) & (_SYN | _ACK) == _SYN:
            self._syn_to[spelled(f["saddr"]), f["sport"]] = spelled(f["daddr"]), f["dport"]

    def _queued(self, e: Event) -> None:
        f = e.fields
        if e.tid is not None and (f.get("tcp_flags") or 0) & (_SYN | _ACK) == _SYN:
            local, remote = (spelled(f["saddr"]), f["sport"]), (spelled(f["daddr"]), f["dport"])
            self._syn_from.setdefault(e.tid, (local, remote))
            call = self._calls.get(e.tid)
            if call is None or not call.name.endswith("_connect"):
                self._stray_syns.append((e.ts, local, remote))

    # Calls.

    def _entry(self, e: Event, tid: int, name: str) -> None:
        self._calls[tid] = e
        table = self._table(tid, e.pid)
        if name in _ASKS:
            self._seen_tables.append(table)
            self.asked[tid, e.ts] = Asked(dict(table), id(table))
        if name == "close":
            table.pop(e.fields["fd"], None)
        elif name == "connect":
            self._syn_from.pop(tid, None)
        elif name in _SENDS:
            found = table.get(e.fields["fd"])
            if found is not None:
                self.sends[tid, e.ts] = found
            if found is None or found.kind == "socket":
                known = "an unknown fd" if found is None else "a socket of unknown kind"
                self._notes[f"fd: {name} on {known}"] += 1

    def _return(self, e: Event, tid: int, name: str) -> None:
        call = self._calls.pop(tid, None)
        ret = e.fields.get("ret")
        if call is None or not call.name.endswith(f"syscall_entry_{name}") or ret is None:
            return
        table, f = self._table(tid, e.pid), call.fields
        if name == "connect":
            self._connected(tid, table, call, ret)
        elif ret < 0:
            return
        elif name == "epoll_ctl":
            adds, fd = f["op_enum"] != 2, f["fd"]
            self.changes.append(Change(call.ts, id(table), f["epfd"], fd, adds, table.get(fd)))
        elif name == "socket":
            tcp = f["family"] in (2, 10) and f["type"] & 0xF == 1 and f["protocol"] in (0, 6)
            table[ret] = Fd("tcp" if tcp else "other", cloexec=bool(f["type"] & _CLOEXEC))
        elif name in ("accept", "accept4"):
            table[ret] = self._accepted(table, call, e)
        elif name in ("dup", "dup2", "dup3", "fcntl"):
            self._duplicated(table, name, f, ret)
        elif name == "close_range":
            if not (f.get("flags") or 0) & 4:
                for fd in [fd for fd in table if f["fd"] <= fd <= f["max_fd"]]:
                    del table[fd]
        elif name in ("pipe", "pipe2"):
            for fd in e.fields.get("fildes") or ():
                table[fd] = Fd("other", cloexec=bool((f.get("flags") or 0) & _CLOEXEC))
        elif name in _MAKES_OTHER:
            table[ret] = Fd("other", cloexec=bool((f.get("flags") or 0) & _CLOEXEC))

    def _accepted(self, table: Table, call: Event, e: Event) -> Fd:
        listener = table.get(call.fields["fd"])
        remote = peer(e.fields, "sport")
        local = None if remote is None else self._syn_to.get(remote)
        family = e.fields.get("family")
        if listener is not None and listener.kind != "socket":
            kind = listener.kind
        elif family is not None:
            kind = "tcp" if family in (2, 10) else "other"
        else:
            kind = "socket"
        cloexec = bool((call.fields.get("flags") or 0) & _CLOEXEC)
        if remote is not None and local is None:
            self._notes["fd: accepted without a SYN seen"] += 1
        return Fd(kind, None, local, remote, cloexec)

    def _connected(self, tid: int, table: Table, call: Event, ret: int) -> None:
        fd, remote = call.fields["fd"], peer(call.fields, "dport")
        old = table.get(fd, Fd("socket"))
        local, to = self._syn_from.pop(tid, (None, None))
        if ret not in (0, -115, -4) or old.kind == "other":  # EINPROGRESS, EINTR
            return
        if to is None:
            self._notes["fd: connect that queued no SYN"] += 1
            # Another thread may have queued it, in a softirq of the call's time.
            for stray in self._stray_syns:
                if stray[0] > call.ts and stray[2] == remote:
                    self._stray_syns.remove(stray)
                    local, to = stray[1:]
                    break
        if to is None:
            # A UDP or Unix socket, or a later call on a connection under way.
            if old.kind == "tcp" and old.remote is None and remote is not None:
                table[fd] = replace(old, remote=remote)
            return
        if remote is not None and remote != to:
            self._notes["fd: connect to another address than its SYN's"] += 1
        table[fd] = replace(old, kind="tcp", local=local, remote=to)

    def _duplicated(self, table: Table, name: str, f: Any, ret: int) -> None:
        cmd = f.get("cmd")
        if name == "fcntl" and cmd == 2 and f["fd"] in table:  # F_SETFD
            table[f["fd"]] = replace(table[f["fd"]], cloexec=bool(f["arg"] & 1))
        if name == "fcntl" and cmd not in (0, 1030):  # F_DUPFD, F_DUPFD_CLOEXEC
            return
        source = f.get("oldfd", f.get("fildes", f.get("fd")))
        if source == ret:  # dup2 of an fd to itself
            return
        cloexec = cmd == 1030 or (name == "dup3" and bool((f.get("flags") or 0) & _CLOEXEC))
        if source in table:
            table[ret] = replace(table[source], cloexec=cloexec)
        else:
            table.pop(ret, None)
