"""`/proc` snapshots: a stage's directory of copied files to tables of sockets, fds and processes.

A stage holds `time_ns` (realtime clock, ns), `net_tcp` and `net_tcp6` (`/proc/net/tcp`, `tcp6`),
and for each process `pid-N-fd` (`ls -l /proc/N/fd`) and `pid-N-cmdline`. Other files are let be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tcpdw.errors import ProcError
from tcpdw.readers import addresses

if TYPE_CHECKING:
    import pyarrow as pa

ByteOrder = Literal["little", "big"]
Row = tuple[Any, ...]

TCP_SCHEMA: Mapping[str, str] = {
    "family": "string",  # The socket's: 'ipv4' or 'ipv6'.
    "saddr": "string",  # The local end, as `addresses.from_packed` spells it.
    "sport": "uint16",
    "daddr": "string",
    "dport": "uint16",
    "state": "string",  # As in `TCP_STATES`.
    "tx_queue": "uint32",  # Bytes; of a listening socket the longest queue of connections.
    "rx_queue": "uint32",  # Bytes; of a listening socket the connections not yet accepted.
    "timer": "uint8",  # 0 none, 1 retransmit, 2 keepalive, 3 TIME_WAIT, 4 zero window probe.
    "retransmits": "uint32",  # Of the segment that is unacknowledged now.
    "uid": "uint32",
    "probes": "int32",  # Keepalive or zero window probes unanswered now.
    "inode": "uint64",  # 0 where no file is tied to the socket any more, or not yet.
}
"""The columns of `Snapshot.tcp`: name to the Arrow type's name."""

FDS_SCHEMA: Mapping[str, str] = {
    "pid": "int32",
    "fd": "int32",
    "target": "string",  # What the link says, ` (deleted)` included.
    # 'path', 'socket', 'pipe', 'anon_inode', 'namespace', another type as it is called, 'other'.
    "kind": "string",
    "inode": "uint64",  # Of what has no path: `socket:[INODE]`; else NULL.
    "mode": "string",  # The link's: 'lr-x------' is open for reading.
}
"""The columns of `Snapshot.fds`: name to the Arrow type's name."""

PROCESSES_SCHEMA: Mapping[str, str] = {
    "pid": "int32",
    "cmdline": "string",  # Arguments with a blank between; NULL where only the fds were copied.
}
"""The columns of `Snapshot.processes`: name to the Arrow type's name."""

_STATE_NAMES = (
    *("ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE"),
    *("CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV", "BOUND_INACTIVE"),
)
TCP_STATES: Mapping[int, str] = dict(enumerate(_STATE_NAMES, start=1))
"""The states of a TCP socket by number (include/net/tcp_states.h)."""

# get_tcp4_sock, net/ipv4/tcp_ipv4.c; get_tcp6_sock, net/ipv6/tcp_ipv6.c. TIME_WAIT and SYN_RECV
# lines end after the inode, and later kernels may add fields.
_TCP_LINE = re.compile(
    r"\s*\d+:\s+([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})"
    r"\s+([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})\s+([0-9A-F]{2})"
    r"\s+([0-9A-F]{8}):([0-9A-F]{8})\s+([0-9A-F]{2}):[0-9A-F]+\s+([0-9A-F]{8})"
    r"\s+(\d{1,20})\s+(-?\d{1,20})\s+(\d{1,20})(?:\s.*)?",
    re.ASCII | re.IGNORECASE,
)
# Whatever the time style and language, the fd is the first number before an arrow.
_FD_LINE = re.compile(
    r"([-bcdlps][-rwxsStT]{9})[.+@]?\s.*?\s(?P<quote>\"?)(\d{1,20})(?P=quote) -> (.+)",
    re.ASCII | re.DOTALL,
)
_FD_HEADING = re.compile(r"\S+ [\d.,]+[A-Za-z]?|\S+/fd/?:", re.ASCII)
_FD_FILE = re.compile(r"pid-(\d{1,10})-(fd|cmdline)", re.ASCII)
_INODE = re.compile(r"(\w+):\[(\d{1,20})\]", re.ASCII)
_NAMESPACES = frozenset(
    (
        *("cgroup", "ipc", "mnt", "net", "pid", "pid_for_children"),
        *("time", "time_for_children", "user", "uts"),
    )
)
_INT32_MAX = 2**31 - 1
_INT64_MAX = 2**63 - 1
_UINT32_MAX = 2**32 - 1
_UINT64_MAX = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One stage: its name, its time (ns since the epoch), and its tables.

    `ts` is None, with a warning, where the stage has no `time_ns`. A line that could not be read is
    left out, with a warning that names the file and line.
    """

    stage: str
    ts: int | None
    tcp: pa.Table
    fds: pa.Table
    processes: pa.Table
    warnings: tuple[str, ...] = ()


def read(stage_dir: Path, *, byte_order: ByteOrder = "little") -> Snapshot:
    """Read one stage's directory; its name is the stage's.

    `byte_order` is that of the machine recorded: `/proc/net/tcp` prints addresses as words of that
    order. An IPv4 peer of an IPv6 socket (`::ffff:192.0.2.1`) is given as the IPv4 address, which
    is what packets and kernel events show of it. Raises `ProcError` where the directory or one of
    its files is not what its name says, or cannot be read.
    """
    if not stage_dir.is_dir():
        raise ProcError("no directory of a /proc snapshot", path=stage_dir)
    warnings: list[str] = []
    tcp: list[Row] = []
    fds: list[Row] = []
    cmdlines: dict[int, str | None] = {}
    known = False
    for path in _files(stage_dir):
        of_process = _FD_FILE.fullmatch(path.name)
        if path.name in ("net_tcp", "net_tcp6"):
            tcp.extend(_sockets(path, byte_order, warnings.append))
        elif of_process and int(of_process[1]) > _INT32_MAX:
            warnings.append(f"{path}: left out, its name has no process number")
            continue
        elif of_process and of_process[2] == "fd":
            pid = int(of_process[1])
            fds.extend((pid, *row) for row in _fds(path, warnings.append))
            cmdlines.setdefault(pid, None)
        elif of_process:
            cmdlines[int(of_process[1])] = _cmdline(path)
        elif path.name != "time_ns":
            continue
        known = True
    if not known:
        hint = "it should hold time_ns, net_tcp, pid-N-fd"
        raise ProcError("holds nothing of a /proc snapshot", path=stage_dir, hint=hint)
    return Snapshot(
        stage=stage_dir.name.encode(errors="replace").decode(),
        ts=_time(stage_dir / "time_ns", warnings.append),
        tcp=_table(tcp, TCP_SCHEMA),
        fds=_table(fds, FDS_SCHEMA),
        processes=_table(sorted(cmdlines.items()), PROCESSES_SCHEMA),
        warnings=tuple(warnings),
    )


def _files(stage_dir: Path) -> list[Path]:
    try:
        return sorted(stage_dir.iterdir(), key=lambda path: path.name)
    except OSError as error:
        raise ProcError(f"cannot be listed: {error.strerror}", path=stage_dir) from error


def _table(rows: Sequence[Row], kinds: Mapping[str, str]) -> pa.Table:
    import pyarrow as pa

    schema = pa.schema([(name, getattr(pa, kind)()) for name, kind in kinds.items()])
    columns = zip(*rows, strict=True) if rows else ((),) * len(kinds)
    arrays = [pa.array(c, kind) for c, kind in zip(columns, schema.types, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _bytes(path: Path) -> bytes:
    if not path.is_file():  # A pipe would keep us waiting.
        raise ProcError("is no regular file", path=path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise ProcError(f"cannot be read: {error.strerror}", path=path) from error


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    # Only "\n" ends a line: names may have any other character that Python takes for a line's end.
    text = _bytes(path).decode(errors="replace")
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line


def _time(path: Path, warn: Callable[[str], None]) -> int | None:
    if not path.exists():
        warn(f"{path}: missing; the snapshot's time is unknown")
        return None
    text = _bytes(path).strip()
    # 19 digits reach to the year 2262, where int64 ends too.
    if not re.fullmatch(rb"\d{1,19}", text) or int(text) > _INT64_MAX:
        raise ProcError("no time in ns since the epoch", path=path, line=1)
    return int(text)


def _sockets(path: Path, byte_order: ByteOrder, warn: Callable[[str], None]) -> Iterator[Row]:
    lines = _lines(path)
    number, heading = next(lines, (0, ""))
    if number == 0:
        warn(f"{path}: is empty; the kernel may have been without this family")
        return
    if "local_address" not in heading:
        message = "no copy of /proc/net/tcp: its heading is missing"
        raise ProcError(message, path=path, line=number)
    digits = 8 if path.name == "net_tcp" else 32
    for number, line in lines:
        found = _TCP_LINE.fullmatch(line)
        if found is None or not len(found[1]) == len(found[3]) == digits:
            warn(f"{path}:{number}: no socket in this line; left out")
            continue
        uid, probes, inode = int(found[10]), int(found[11]), int(found[12])
        if uid > _UINT32_MAX or abs(probes) > _INT32_MAX or inode > _UINT64_MAX:
            warn(f"{path}:{number}: a number in this line is too big; left out")
            continue
        state = int(found[5], 16)
        yield (
            "ipv4" if digits == 8 else "ipv6",
            _address(found[1], byte_order),
            int(found[2], 16),
            _address(found[3], byte_order),
            int(found[4], 16),
            TCP_STATES.get(state, f"0x{state:02X}"),
            int(found[6], 16),
            int(found[7], 16),
            int(found[8], 16),
            int(found[9], 16),
            uid,
            probes,
            inode,
        )


def _address(text: str, byte_order: ByteOrder) -> str:
    words = (int(text[at : at + 8], 16) for at in range(0, len(text), 8))
    return addresses.from_packed(b"".join(word.to_bytes(4, byte_order) for word in words))


def _fds(path: Path, warn: Callable[[str], None]) -> Iterator[Row]:
    """Yield fd, target, kind, inode, mode of each line of `ls -l`."""
    good = bad = 0
    for number, line in _lines(path):
        found = _FD_LINE.fullmatch(line)
        if found is None:
            if number > 1 or not _FD_HEADING.fullmatch(line.strip()):
                bad += 1
                warn(f"{path}:{number}: no fd in this line; left out")
            continue
        fd, target = int(found[3]), _unquoted(found[4])
        typed = _INODE.fullmatch(target)
        inode = None if typed is None else int(typed[2])
        if fd > _INT32_MAX or (inode or 0) > _UINT64_MAX:
            bad += 1
            warn(f"{path}:{number}: a number in this line is too big; left out")
            continue
        good += 1
        yield fd, target, _kind(target, typed and typed[1]), inode, found[1]
    if bad and not good:
        raise ProcError("no list of fds, as `ls -l /proc/N/fd` prints", path=path, line=1)


def _kind(target: str, prefix: str | None) -> str:
    if prefix in _NAMESPACES:
        return "namespace"
    if target.startswith("/"):
        return "path"
    if target.startswith("anon_inode:"):
        return "anon_inode"
    return prefix or "other"


_ESCAPES = {"a": 7, "b": 8, "e": 27, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}


def _unquoted(target: str) -> str:
    """Undo what `ls` does to names on request: `-Q` quotes as in C, a terminal as for a shell.

    No target of an fd starts with a quote by itself: it is a path or has a type before a colon.
    """
    if len(target) > 1 and target[0] == target[-1] == '"':
        return _unescaped(target[1:-1])
    if target[0] != "'":
        return target
    parts = re.findall(r"\$'((?:[^'\\]|\\.)*)'|'([^']*)'|\\(.)|([^'\\$]+|\$)", target, re.DOTALL)
    return "".join(_unescaped(escaped) + a + b + c for escaped, a, b, c in parts)


def _unescaped(text: str) -> str:
    raw = bytearray()
    for octal, letter, plain in re.findall(r"\\([0-7]{3})|\\(.)|([^\\]+)", text, re.DOTALL):
        if octal:
            raw.append(int(octal, 8) & 0xFF)
        elif letter in _ESCAPES:
            raw.append(_ESCAPES[letter])
        else:
            raw += (letter or plain).encode()
    return raw.decode(errors="replace")


def _cmdline(path: Path) -> str:
    text = _bytes(path).decode(errors="replace")
    return text.rstrip("\0\n ").replace("\0", " ")
