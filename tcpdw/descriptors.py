"""What a process's descriptor was, and when: its socket, its connection, and who else held it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tcpdw import query
from tcpdw.errors import MissingEventsError, UsageError
from tcpdw.moments import relative
from tcpdw.names import closest
from tcpdw.output import Result

if TYPE_CHECKING:
    import duckdb

    from tcpdw.availability import RunName

Row = Mapping[str, Any]

_LONGEST = 20
"""At most so many numbers are listed in an error."""

_MEANINGS = """
SELECT
    f.pid, m.comm, f.fd, f.start_ts, f.end_ts, f.kind, f.path, COALESCE(f.inode, k.inode) AS inode,
    f.source, f.opened_by, f.certain,
    f.socket_id, k.family, k.type, k.protocol, k.saddr, k.sport, k.daddr, k.dport, k.backlog,
    k.connection_id, c.saddr AS client_addr, c.sport AS client_port, c.daddr AS server_addr,
    c.dport AS server_port, c.start_ts AS connection_start_ts, c.end_ts AS connection_end_ts,
    c.client_segments, c.server_segments, c.client_bytes, c.server_bytes, c.ending, c.ended_by
FROM fds AS f
LEFT JOIN threads AS m
    ON f.run_id = m.run_id AND f.pid = m.tid AND m.start_ts <= f.start_ts AND m.end_ts > f.start_ts
LEFT JOIN sockets AS k ON f.run_id = k.run_id AND f.socket_id = k.socket_id
LEFT JOIN connections AS c ON k.run_id = c.run_id AND k.connection_id = c.connection_id
WHERE f.run_id = $run AND f.pid = $pid AND f.fd = $fd
ORDER BY f.start_ts
"""

_STATES = """
SELECT socket_id, state, start_ts, end_ts, source FROM socket_states
WHERE run_id = $run AND socket_id IN (SELECT UNNEST($sockets)) ORDER BY start_ts
"""

_HOLDERS = """
SELECT f.socket_id, f.inode, f.pid, m.comm, f.fd, f.start_ts, f.end_ts
FROM fds AS f
LEFT JOIN threads AS m
    ON f.run_id = m.run_id AND f.pid = m.tid AND m.start_ts <= f.start_ts AND m.end_ts > f.start_ts
WHERE
    f.run_id = $run
    AND (
        f.socket_id IN (SELECT UNNEST($sockets))
        OR (f.kind = 'pipe' AND f.inode IN (SELECT UNNEST($pipes)))
    )
    AND NOT (f.pid = $pid AND f.fd = $fd)
ORDER BY f.start_ts, f.pid, f.fd
"""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a descriptor was for a while: the columns of `_MEANINGS`, and what goes with them.

    `states`: of its socket while it was held; `holders`: the other descriptors of the same socket
    or pipe.
    """

    row: Row
    states: tuple[Row, ...]
    holders: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """The times (ns since the epoch) of a run's first and last event."""

    first: int
    last: int


def span(connection: duckdb.DuckDBPyConnection, run: RunName) -> Span:
    """Give the run's span. Raises MissingEventsError where nothing tells of its descriptors."""
    [row] = _rows(
        connection,
        "SELECT first_ts, last_ts, (SELECT COUNT(*) FROM fds AS f WHERE f.run_id = $run) AS n "
        "FROM runs WHERE run_id = $run",
        {"run": run.run_id},
    )
    if not row["n"] or row["first_ts"] is None:
        raise MissingEventsError(
            f"run {run.name} lacks events that tell of descriptors: "
            "lttng_statedump_file_descriptor, syscall_exit_openat, syscall_exit_socket, "
            "syscall_exit_accept4 and their like",
            hint="record them with `lttng enable-event --kernel --syscall --all`",
        )
    return Span(int(row["first_ts"]), int(row["last_ts"]))


def process(
    connection: duckdb.DuckDBPyConnection, run: RunName, text: str, at: int | None = None
) -> int:
    """Give the process that a number (of a process or thread) or a name stands for, at a time.

    Raises UsageError where there is none, or several of that name.
    """
    rows = list(
        _rows(
            connection,
            "SELECT DISTINCT tid, COALESCE(pid, tid) AS pid, comm FROM threads WHERE run_id = $run "
            "AND ($at IS NULL OR (start_ts <= $at AND end_ts > $at))",
            {"run": run.run_id, "at": at},
        )
    )
    when = "" if at is None else " at that time"
    if text.isascii() and text.isdigit():
        number = int(text)
        if any(row["pid"] == number for row in rows):
            return number
        found = sorted({int(row["pid"]) for row in rows if row["tid"] == number})
    else:
        found = sorted({int(row["pid"]) for row in rows if row["comm"] == text})
    if len(found) > 1:
        raise UsageError(
            f"{len(found)} processes are called {text!r}{when}",
            hint=f"give a number: {_listed(found)}",
        )
    if not found:
        near = closest(text, {str(row["comm"]) for row in rows if row["comm"]})
        raise UsageError(
            f"run {run.name} shows no process {text!r}{when}",
            hint=f"did you mean {near[0]}?"
            if near
            else f'`tcpdw sql "FROM threads WHERE run_id = {run.run_id}"` lists them',
        )
    return found[0]


def meanings(
    connection: duckdb.DuckDBPyConnection, run: RunName, pid: int, fd: int, at: int | None = None
) -> list[Meaning]:
    """Give what a process's descriptor was, one after the other, or at one time.

    Raises UsageError, saying what there is, where the run shows nothing of it.
    """
    values = {"run": run.run_id, "pid": pid, "fd": fd}
    every = list(_rows(connection, _MEANINGS, values))
    if not every:
        known = _rows(
            connection,
            "SELECT DISTINCT fd FROM fds WHERE run_id = $run AND pid = $pid ORDER BY fd",
            {"run": run.run_id, "pid": pid},
        )
        numbers = _listed(int(row["fd"]) for row in known)
        raise UsageError(
            f"run {run.name} shows no fd {fd} of process {pid}",
            hint=f"it shows {numbers}" if numbers else "it shows none of that process",
        )
    found = [dict(row) for row in every]
    if at is not None:
        found = [row for row in found if row["start_ts"] <= at < row["end_ts"]]
        for row in found:
            [(row["certain"], row["state"])] = query.execute(
                connection,
                "SELECT certain, state FROM resolve_fd(?, ?, ?, ?)",
                [run.run_id, pid, fd, at],
            ).rows
    sockets = [row["socket_id"] for row in found if row["socket_id"] is not None]
    pipes = [row["inode"] for row in found if row["kind"] == "pipe" and row["inode"] is not None]
    states = list(_rows(connection, _STATES, {"run": run.run_id, "sockets": sockets}))
    holders = list(_rows(connection, _HOLDERS, {**values, "sockets": sockets, "pipes": pipes}))
    return [
        Meaning(
            row,
            tuple(s for s in states if s["socket_id"] == row["socket_id"] and _overlap(s, row)),
            tuple(h for h in holders if _is_same(h, row)),
        )
        for row in found
    ]


def as_data(found: Sequence[Meaning]) -> Result:
    """Give the meanings for programs: a row each, times in ns, states and holders as lists."""
    rows = [
        {
            **meaning.row,
            "states": [_without(state, "socket_id") for state in meaning.states],
            "holders": [_without(holder, "socket_id", "inode") for holder in meaning.holders],
        }
        for meaning in found
    ]
    columns = tuple(rows[0]) if rows else ("pid", "comm", "fd", "start_ts", "end_ts")
    return Result(columns, [tuple(row.values()) for row in rows])


def story(meaning: Meaning, start: int) -> Iterator[str]:
    """Tell one meaning in lines for people; times from the run's `start`."""
    row = meaning.row
    doubt = "" if row["certain"] else "; events were lost meanwhile: not certain"
    name = str(row["path"]) if row["path"] is not None else str(row["kind"])
    inode = "" if row["inode"] is None or str(row["inode"]) in name else f", inode {row['inode']}"
    yield f"{_range(row, start)}: {name}{inode} of {_process(row)}, {_how(row)}{doubt}"
    if row["socket_id"] is not None:
        yield f"socket {row['socket_id']}: {_socket(row)}"
    if meaning.states:
        told = (f"{s['state']} {relative(s['start_ts'], start)}" for s in meaning.states)
        then = f"; {row['state']} at that time" if row.get("state") else ""
        yield f"states: {', '.join(told)}{then}"
    if row["connection_id"] is not None:
        yield f"connection {row['connection_id']}: {_connection(row, start)}"
    for holder in meaning.holders:
        yield f"also fd {holder['fd']} of {_process(holder)}, {_range(holder, start)}"


def _how(row: Row) -> str:
    if row["opened_by"] == row["source"]:
        return f"known from {'/proc' if row['source'] == 'proc' else 'the statedump'}"
    return f"by {row['opened_by']}"


def _socket(row: Row) -> str:
    parts = [str(row[key]) for key in ("family", "type", "protocol") if row[key] is not None]
    ends = [_end(row["saddr"], row["sport"]), _end(row["daddr"], row["dport"])]
    if row["backlog"] is not None:
        parts.append(f"listens on {ends[0]}, backlog {row['backlog']}")
    elif row["saddr"] is not None or row["daddr"] is not None:
        parts.append(" with ".join(end for end in ends if end))
    return " ".join(parts) or "nothing more is known"


def _connection(row: Row, start: int) -> str:
    client = _end(row["client_addr"], row["client_port"])
    server = _end(row["server_addr"], row["server_port"])
    ending = {"rst": "reset", "fin": "closed"}.get(str(row["ending"]), "open at the end")
    by = f" by the {row['ended_by']}" if row["ended_by"] is not None else ""
    first = relative(row["connection_start_ts"], start)
    last = relative(row["connection_end_ts"], start)
    return (
        f"{client} to {server}, {first} to {last}, {ending}{by}; {row['client_bytes']:,} bytes "
        f"from the client, {row['server_bytes']:,} from the server"
    )


def _end(address: object, port: object) -> str:
    if address is None:
        return ""
    return f"[{address}]:{port}" if ":" in str(address) else f"{address}:{port}"


def _process(row: Row) -> str:
    return f"{row['comm'] or 'process'} ({row['pid']})"


def _range(row: Row, start: int) -> str:
    return f"{relative(row['start_ts'], start)} to {relative(row['end_ts'], start)}"


def _overlap(one: Row, other: Row) -> bool:
    return bool(one["start_ts"] < other["end_ts"] and one["end_ts"] > other["start_ts"])


def _is_same(holder: Row, row: Row) -> bool:
    if row["socket_id"] is not None:
        return bool(holder["socket_id"] == row["socket_id"])
    return row["kind"] == "pipe" and row["inode"] is not None and holder["inode"] == row["inode"]


def _without(row: Row, *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def _listed(numbers: Iterable[int]) -> str:
    some = [str(number) for number in numbers]
    more = ", ..." if len(some) > _LONGEST else ""
    return ", ".join(some[:_LONGEST]) + more


def _rows(
    connection: duckdb.DuckDBPyConnection, text: str, values: Mapping[str, object]
) -> Iterator[Row]:
    result = query.execute(connection, text, values)
    for row in result.rows:
        yield dict(zip(result.columns, row, strict=True))
