"""The story of a run, for people: its steps with the packets in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tcpdw import query
from tcpdw.errors import UsageError
from tcpdw.output import Result

if TYPE_CHECKING:
    import duckdb

_SERIAL = 1 << 32
_FLAGS = ((2, "SYN"), (1, "FIN"), (4, "RST"), (16, "ACK"))
_SEGMENT_EVENTS = ("net_if_receive_skb", "net_dev_queue")
_COLUMNS = ("step", "ms", "after", "what", "packet", "shown by", "thread", "cpu", "note")
_RIGHT = frozenset({"step", "ms", "after", "cpu"})


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection whose story the warehouse has: its number, its ends, their first numbers."""

    number: int
    client: str
    server: str
    client_isn: int | None
    server_isn: int | None


def connections(connection: duckdb.DuckDBPyConnection, run_id: int) -> list[Connection]:
    """List the connections of a run that have a story, in order of time."""
    rows = query.execute(
        connection,
        "SELECT connection_id, saddr, sport, daddr, dport, seq, synack_seq FROM connections "
        "WHERE run_id = ? AND connection_id IN "
        "(SELECT connection_id FROM story_steps WHERE run_id = ?) ORDER BY connection_id",
        [run_id, run_id],
    ).rows
    return [connection_of(row) for row in rows]


def connection_of(row: Sequence[object]) -> Connection:
    """Make one of a row of `connections`: its number, both ends, both first numbers."""
    return Connection(
        int(str(row[0])), _end(row[1], row[2]), _end(row[3], row[4]), *map(_int, row[5:7])
    )


def chosen(known: Sequence[Connection], number: int | None) -> Connection | None:
    """Give the connection of this number, the first where none is asked for.

    Raises UsageError where there is none of that number.
    """
    if number is None:
        return known[0] if known else None
    for item in known:
        if item.number == number:
            return item
    raise UsageError(
        f"there is no connection {number} with a story",
        hint=f"they go from {known[0].number} to {known[-1].number}" if known else None,
    )


def steps(connection: duckdb.DuckDBPyConnection, run_id: int, number: int | None) -> Result:
    """Give a run's steps as data, those of one connection or of all."""
    return query.execute(
        connection,
        "SELECT * FROM experiment_steps(?) WHERE ?::BIGINT IS NULL OR connection_id = ? "
        "ORDER BY connection_id, role, number",
        [run_id, number, number],
    )


def stories(result: Result, of: Connection) -> list[tuple[str, Result]]:
    """Shape the steps of one connection for people: for each of its ends, a table."""
    rows = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    roles = sorted({str(row["role"]) for row in rows})
    return [
        (role, _table([row for row in rows if row["role"] == role], role, of)) for role in roles
    ]


def _table(rows: Sequence[Mapping[str, object]], role: str, of: Connection) -> Result:
    first = next((ts for row in rows if (ts := _int(row["ts"])) is not None), 0)
    lines: list[tuple[object, ...]] = []
    for row in rows:
        ts, since = _int(row["ts"]), _int(row["since"])
        lines.append(
            (
                row["number"],
                "" if ts is None else f"{(ts - first) / 1e6:.3f}",
                "" if since is None else f"+{since / 1e6:.3f}",
                row["step"],
                packet(row, role, of),
                evidence(row),
                _thread(row),
                row["cpu_id"],
                "" if row["status"] == "expected" else f"{row['status']}: {row['why']}",
            )
        )
    return Result(_COLUMNS, lines, right=_RIGHT)


def packet(row: Mapping[str, object], role: str, of: Connection) -> str:
    """Draw a step's segment: an arrow, from the client to the right, and its numbers from 0."""
    flags, seq = _int(row["flags"]), _int(row["seq"])
    if row["event"] not in _SEGMENT_EVENTS or flags is None or seq is None:
        return ""
    from_client = (row["event"] == "net_dev_queue") == (role == "client")
    own, other = of.client_isn, of.server_isn
    if not from_client:
        own, other = other, own
    names = "-".join(name for bit, name in _FLAGS if flags & bit)
    parts = ["-->" if from_client else "<--", names, f"seq {_relative(seq, own)}"]
    ack = _int(row["ack_seq"])
    if flags & 16 and ack is not None:
        parts.append(f"ack {_relative(ack, other)}")
    parts.append(f"len {row['payload_len']}")
    return " ".join(parts)


def evidence(row: Mapping[str, object]) -> str:
    """Tell what shows a step: the event and its fields of note, and how often it came."""
    parts = [str(row["event"] or "")]
    if row["event"] not in _SEGMENT_EVENTS:
        # Of a packet the numbers are drawn already.
        fields = str(row["fields"] or "").split(", seq = ")[0]
        parts.append(fields.replace(" = ", "="))
    times = _int(row["times"])
    if times is not None and times > 1:
        total = f", {row['bytes']} bytes" if row["bytes"] else ""
        parts.append(f"({times} times{total})")
    return " ".join(part for part in parts if part)


def _thread(row: Mapping[str, object]) -> str:
    return "" if row["tid"] is None else f"{row['comm'] or '?'} {row['tid']}"


def _relative(number: int, start: int | None) -> int:
    return number if start is None else (number - start) % _SERIAL


def _end(address: object, port: object) -> str:
    text = str(address)
    return f"[{text}]:{port}" if ":" in text else f"{text}:{port}"


def _int(value: object) -> int | None:
    return None if value is None else int(str(value))
