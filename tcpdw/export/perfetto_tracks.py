"""The tracks of a run in Perfetto, in SQL on the warehouse's tables.

A track is a number, its `uuid`, that SQL and Python make alike. A thread's is bit 62, its process
and itself; any other's is its kind, from bit 56 on, and what tells the kind's tracks apart below.
In the queries `$run` is the run, `$devices` its devices.
"""

from __future__ import annotations

from dataclasses import dataclass

INTERRUPTS, SOFTIRQS, WAKES, RECEIVED, QUEUED, SENT, CAPTURED, CONNECTIONS, LOST = range(1, 10)
"""The kinds of tracks that are no thread's."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group of tracks: its own uuid is the kind's first, and has no event."""

    kind: int
    name: str
    description: str
    tracks: str
    """The query that gives the group's tracks: `track` and `name`, in order."""


def track(kind: int, rest: str) -> str:
    """Write the uuid of a track of a kind."""
    return f"({kind << 56} + 1 + ({rest})::BIGINT)"


def of_cpu(kind: int, column: str) -> str:
    """Write the uuid of a cpu's track; where the cpu is not known it is another one's."""
    return track(kind, f"COALESCE({column}, 65535) & 65535")


def of_thread(tid: str, pid: str) -> str:
    """Write the uuid of a thread's track; a process that is not known is the thread itself."""
    return (
        f"({1 << 62} + (COALESCE({pid}, {tid})::BIGINT & 2147483647) * 2147483648 "
        f"+ ({tid}::BIGINT & 2147483647))"
    )


def _cpu_tracks(kind: int, table: str, column: str = "cpu_id") -> str:
    return (
        f"SELECT DISTINCT {of_cpu(kind, column)} AS track, "
        f"COALESCE('cpu ' || {column}, 'every cpu') AS name FROM {table} "
        "WHERE run_id = $run ORDER BY track"
    )


def _device_tracks(kind: int, table: str, column: str) -> str:
    return (
        f"SELECT DISTINCT {of_device(kind, column)} AS track, "
        f"COALESCE({column}, 'device not told') AS name FROM {table} "
        "WHERE run_id = $run ORDER BY track"
    )


def of_device(kind: int, column: str) -> str:
    """Write the uuid of a network device's track."""
    return track(kind, f"COALESCE(LIST_POSITION($devices, {column}), 0)")


SOFTIRQ = track(SOFTIRQS, "(COALESCE({cpu}, 65535) & 65535) * 4294967296 + {vec}")
"""The uuid of the track of a softirq's vector on a cpu."""

IDENTITIES = f"""
    WITH known AS (
        SELECT tid, COALESCE(pid, tid) AS pid, MIN(start_ts) AS start_ts,
            ARG_MAX(comm, start_ts) AS comm, ARG_MIN(ppid, start_ts) AS ppid
        FROM threads WHERE run_id = $run GROUP BY ALL
    ),
    others AS (
        SELECT tid FROM store.calls WHERE run_id = $run
        UNION SELECT tid FROM wakes WHERE run_id = $run
        UNION SELECT waker_tid FROM wakes WHERE run_id = $run AND waker_tid IS NOT NULL
    )
    SELECT {of_thread("tid", "pid")} AS track, tid, pid, ppid, comm, start_ts FROM known
    UNION ALL
    SELECT {of_thread("tid", "tid")}, tid, tid, NULL, NULL, NULL
    FROM others WHERE tid NOT IN (SELECT tid FROM known)
    ORDER BY start_ts NULLS FIRST, pid, tid"""
"""Each thread with its process, the name that it had last, and from when on it was there."""
GROUPS = (
    Group(
        CONNECTIONS,
        "Connections",
        "Each TCP connection from the first segment seen to the last, and the steps of its story.",
        f"""SELECT {track(CONNECTIONS, "connection_id")} AS track,
            'connection ' || connection_id AS name
            FROM connections WHERE run_id = $run ORDER BY track""",
    ),
    Group(
        RECEIVED,
        "Received",
        "What the stack took from each device (net_if_receive_skb).",
        _device_tracks(RECEIVED, "event.net_if_receive_skb", "name"),
    ),
    Group(
        QUEUED,
        "Queued",
        "What the stack handed to each device's queue (net_dev_queue).",
        _device_tracks(QUEUED, "event.net_dev_queue", "name"),
    ),
    Group(
        SENT,
        "Transmitted",
        "What each driver took to transmit (net_dev_xmit).",
        _device_tracks(SENT, "event.net_dev_xmit", "name"),
    ),
    Group(
        CAPTURED,
        "Captured",
        "The packets of the capture.",
        _device_tracks(CAPTURED, "packets", "interface"),
    ),
    Group(
        INTERRUPTS,
        "Interrupts",
        "The handlers of hardware interrupts.",
        _cpu_tracks(INTERRUPTS, "hardirqs"),
    ),
    Group(
        SOFTIRQS,
        "Softirqs",
        "The handlers of softirqs. One without an end is an instant.",
        f"""SELECT DISTINCT {SOFTIRQ.format(cpu="cpu_id", vec="vec")} AS track,
            COALESCE('cpu ' || cpu_id, 'every cpu') AS name
            FROM softirqs WHERE run_id = $run ORDER BY track""",
    ),
    Group(
        WAKES,
        "Wakes",
        "Wakes by what is no thread's own call and no softirq or interrupt that the trace shows.",
        _cpu_tracks(WAKES, "wakes", "waking_cpu"),
    ),
    Group(
        LOST,
        "Events lost",
        "When the tracer discarded events: what is missing there is not absent.",
        _cpu_tracks(LOST, "lost_windows"),
    ),
)
DEVICES = """
    SELECT LIST(name ORDER BY name) FROM (
        SELECT name FROM event.net_if_receive_skb WHERE run_id = $run
        UNION SELECT name FROM event.net_dev_queue WHERE run_id = $run
        UNION SELECT name FROM event.net_dev_xmit WHERE run_id = $run
        UNION SELECT interface FROM packets WHERE run_id = $run
    ) AS devices WHERE name IS NOT NULL"""
"""The network devices of a run, each of which has its place in `$devices`."""
