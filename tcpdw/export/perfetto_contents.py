"""What lies on the tracks of a run in Perfetto, in SQL on the warehouse's tables.

Each query of `EVENTS` has the columns `track`, `ts`, `end_ts` and `name`; `flow` is the number of a
flow that starts there, `flow_end` of one that ends there; the others are shown as arguments. A row
with `end_ts` is a slice, one without is an instant.
"""

from __future__ import annotations

from dataclasses import dataclass

from tcpdw.export.perfetto_tracks import (
    CAPTURED,
    CONNECTIONS,
    INTERRUPTS,
    LOST,
    QUEUED,
    RECEIVED,
    SENT,
    SOFTIRQ,
    WAKES,
    of_cpu,
    of_device,
    of_thread,
    track,
)


@dataclass(frozen=True, slots=True)
class Events:
    """A query for events, and the category that they are shown with."""

    category: str
    query: str


_FLAGS = (
    "NULLIF(CONCAT_WS('-', "
    + ", ".join(
        f"CASE WHEN {{flags}} & {bit} > 0 THEN '{name}' END"
        for bit, name in ((2, "SYN"), (1, "FIN"), (4, "RST"), (8, "PSH"), (16, "ACK"))
    )
    + "), '')"
)


def _packet_name(flags: str, other: str) -> str:
    return (
        f"COALESCE({_FLAGS.format(flags=flags)} "
        "|| CASE WHEN payload_len > 0 THEN ' len ' || payload_len ELSE '' END, "
        f"{other})"
    )


def _kernel_packets(kind: int, event: str) -> str:
    return f"""
        SELECT {of_device(kind, "name")} AS track, ts, NULL::BIGINT AS end_ts,
            {_packet_name("tcp_flags", "transport_header_type, 'frame'")} AS name,
            name AS device, cpu_id, ctx_tid AS tid, skbaddr, len, saddr, sport, daddr, dport,
            seq, ack_seq, tcp_flags AS flags, "window", payload_len
        FROM event.{event} WHERE run_id = $run"""


_THREADS = "(SELECT tid, pid, start_ts FROM threads WHERE run_id = $run)"

EVENTS = (
    Events(
        "lost",
        f"""SELECT {of_cpu(LOST, "cpu_id")} AS track, start_ts AS ts, end_ts,
            CASE WHEN events > 0 THEN events || ' events lost' ELSE 'events lost' END AS name,
            events
        FROM lost_windows WHERE run_id = $run""",
    ),
    Events(
        "irq",
        f"""SELECT {of_cpu(INTERRUPTS, "cpu_id")} AS track, ts, exit_ts AS end_ts,
            COALESCE(irq_name, 'irq ' || irq, 'irq')
            || CASE WHEN exit_ts IS NULL THEN ' (end not seen)' ELSE '' END AS name,
            irq, ctx_tid AS tid, certain
        FROM hardirqs WHERE run_id = $run""",
    ),
    Events(
        "softirq",
        f"""SELECT {SOFTIRQ.format(cpu="cpu_id", vec="s.vec")} AS track,
            COALESCE(s.ts, s.raise_ts) AS ts,
            CASE WHEN NOT s.cleared THEN s.exit_ts END AS end_ts,
            COALESCE(softirq_name(s.vec), 'softirq ' || s.vec) || CASE
                WHEN s.ts IS NULL THEN ' (raised, start not seen)'
                WHEN s.cleared OR s.exit_ts IS NULL THEN ' (end not seen)'
                ELSE ''
            END AS name,
            s.vec, s.ctx_tid AS tid, s.origin AS raised_by, s.ts - s.raise_ts AS ns_since_raise,
            s.certain
        FROM softirqs AS s WHERE s.run_id = $run""",
    ),
    Events(
        "syscall",
        f"""WITH calls AS (
            SELECT *, COALESCE(entry_ts, lone_exit_ts) AS ts,
                LEAD(COALESCE(entry_ts, lone_exit_ts)) OVER (
                    PARTITION BY tid ORDER BY COALESCE(entry_ts, lone_exit_ts)
                ) AS next_ts
            FROM store.calls WHERE run_id = $run
        ),
        ends AS (
            SELECT tid, MAX(end_ts) AS end_ts FROM threads
            WHERE run_id = $run AND run_id NOT IN (SELECT run_id FROM lost_windows)
            GROUP BY tid
        ),
        bounded AS (
            SELECT c.*, CASE
                WHEN c.dur IS NOT NULL AND NOT c.cleared THEN c.entry_ts + c.dur
                WHEN c.dur IS NULL AND c.entry_ts < e.end_ts AND c.next_ts IS NULL THEN e.end_ts
            END AS end_ts
            FROM calls AS c LEFT JOIN ends AS e ON c.tid = e.tid
        )
        SELECT {of_thread("c.tid", "t.pid")} AS track, c.ts, c.end_ts,
            c.name || CASE
                WHEN c.entry_ts IS NULL THEN ' (start not seen)'
                WHEN c.end_ts IS NULL THEN ' (end not seen)'
                WHEN c.dur IS NULL THEN ' (has not returned)'
                ELSE ''
            END AS name,
            c.ret, c.entry_cpu, c.exit_cpu, c.certain
        FROM bounded AS c ASOF LEFT JOIN {_THREADS} AS t ON c.tid = t.tid AND c.ts >= t.start_ts""",
    ),
    Events(
        "wake",
        f"""WITH woken AS (
            SELECT *, ROW_NUMBER() OVER (ORDER BY waking_ts, tid) AS number
            FROM wakes WHERE run_id = $run
        ),
        waking AS (
            SELECT w.*, s.vec AS softirq_vec, t.pid AS waker_pid
            FROM woken AS w
            LEFT JOIN (
                SELECT DISTINCT cpu_id, ts, vec FROM softirqs
                WHERE run_id = $run AND ts IS NOT NULL
            ) AS s
                ON w.waking_cpu = s.cpu_id AND w.softirq_ts = s.ts AND w.vec = s.vec
            ASOF LEFT JOIN {_THREADS} AS t ON w.waker_tid = t.tid AND w.waking_ts >= t.start_ts
        ),
        coming AS (
            SELECT w.*, t.pid
            FROM woken AS w
            ASOF LEFT JOIN {_THREADS} AS t ON w.tid = t.tid AND w.in_ts >= t.start_ts
            WHERE w.in_ts IS NOT NULL
        )
        SELECT CASE
                WHEN context = 'hardirq' AND irq_ts IS NOT NULL
                    THEN {of_cpu(INTERRUPTS, "waking_cpu")}
                WHEN context = 'softirq' AND softirq_vec IS NOT NULL
                    THEN {SOFTIRQ.format(cpu="waking_cpu", vec="softirq_vec")}
                WHEN context = 'task' AND waker_tid > 0 THEN {of_thread("waker_tid", "waker_pid")}
                ELSE {of_cpu(WAKES, "waking_cpu")}
            END AS track, waking_ts AS ts, NULL::BIGINT AS end_ts,
            'wakes ' || COALESCE(comm, 'thread ' || tid) AS name,
            CASE WHEN in_ts IS NOT NULL THEN number END AS flow, NULL AS flow_end,
            tid AS woken_tid, waker_tid, context, NULL AS ns_since_wake, certain
        FROM waking
        UNION ALL
        SELECT {of_thread("tid", "pid")}, in_ts, NULL, 'woken', NULL, number,
            NULL, waker_tid, context, in_ts - waking_ts, certain
        FROM coming""",
    ),
    Events("net", _kernel_packets(RECEIVED, "net_if_receive_skb")),
    Events("net", _kernel_packets(QUEUED, "net_dev_queue")),
    Events(
        "net",
        f"""SELECT {of_device(SENT, "name")} AS track, ts, NULL::BIGINT AS end_ts,
            CASE WHEN rc = 0 THEN 'transmitted' ELSE 'refused' END AS name,
            name AS device, cpu_id, ctx_tid AS tid, skbaddr, len, rc
        FROM event.net_dev_xmit WHERE run_id = $run""",
    ),
    Events(
        "capture",
        f"""SELECT {of_device(CAPTURED, "interface")} AS track, ts, NULL::BIGINT AS end_ts,
            {_packet_name("flags", "'protocol ' || protocol, 'frame'")} AS name,
            frame, interface, connection_id, length, saddr, sport, daddr, dport, seq, ack_seq,
            flags, "window", payload_len, ttl, ip_id, tsval, tsecr
        FROM packets WHERE run_id = $run""",
    ),
    Events(
        "tcp",
        f"""SELECT {track(CONNECTIONS, "connection_id")} AS track, start_ts AS ts, end_ts,
            saddr || ' ' || sport || ' → ' || daddr || ' ' || dport AS name,
            saddr, sport, daddr, dport, ending, ended_by, client_segments, server_segments,
            client_unique_bytes, server_unique_bytes, client_retransmissions,
            server_retransmissions
        FROM connections WHERE run_id = $run""",
    ),
    Events(
        "step",
        f"""SELECT {track(CONNECTIONS, "s.connection_id")} AS track, s.ts,
            NULL::BIGINT AS end_ts, p.step AS name, p.role, p.scene AS part, s.event, s.status,
            s.why, s.tid, s.cpu_id, s.fd, s.ret, s.filename, s.frame, s.skbaddr, s.seq,
            s.ack_seq, s.flags, s.payload_len, s.times, s.bytes
        FROM story_steps AS s INNER JOIN step_patterns AS p ON s.code = p.code
        WHERE s.run_id = $run AND s.event IS NOT NULL""",
    ),
)
"""What lies on the tracks, a query a kind; what holds others comes before them."""


def ordered(query: str) -> str:
    """Write the query that gives each slice as two rows, its begin and its end, in order of time.

    `type` is TrackEvent's: 1 begins a slice, 2 ends one, 3 is an instant. At one time what ends
    comes before what begins, the inner end before the outer and the outer begin before the inner.
    """
    return f"""
        WITH base AS MATERIALIZED ({query})
        SELECT 1 AS type, * EXCLUDE (end_ts), 1 AS rank, -end_ts AS place
        FROM base WHERE end_ts >= ts
        UNION ALL BY NAME
        SELECT 2 AS type, track, end_ts AS ts, IF(end_ts = ts, 2, 0) AS rank, -ts AS place
        FROM base WHERE end_ts >= ts
        UNION ALL BY NAME
        SELECT 3 AS type, * EXCLUDE (end_ts), 1 AS rank, 0 AS place
        FROM base WHERE end_ts IS NULL OR end_ts < ts
        ORDER BY ts, rank, place"""
