"""The packets of the recorded runs of `data/`: each beside its kernel event, and its way down."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import duckdb

DATA = Path(__file__).parent.parent / "data"
OFFSET_ERROR = 10_000
"""What the offset of a trace's clock may be wrong by here, ns."""


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()


def test_each_packet_has_its_event(connection: duckdb.DuckDBPyConnection) -> None:
    # The lossy run's tracer discarded most of the events.
    assert rows(
        connection,
        "SELECT r.experiment = 'lossy', COUNT(*), COUNT(e.event_ts), COUNT(DISTINCT (run_id, "
        "p.frame)), COUNT(*) FILTER (e.direction = CASE WHEN (p.sport = 5000) = "
        "(r.role = 'server') THEN 'queue' ELSE 'rx' END) FROM packets AS p JOIN runs AS r "
        "USING (run_id) LEFT JOIN packet_events AS e USING (run_id, frame) GROUP BY ALL ORDER BY 1",
    ) == [(False, 18151, 18151, 18151, 18151), (True, 1373, 119, 1373, 119)]


def test_what_is_exact_is_the_same_segment(connection: duckdb.DuckDBPyConnection) -> None:
    event = (
        "SELECT '{}' AS direction, run_id, ts, cpu_id, skbaddr, saddr, sport, daddr, dport, seq, "
        "ack_seq, tcp_flags, payload_len FROM event.{}"
    )
    events = " UNION ALL ".join(
        event.format(*pair) for pair in (("rx", "net_if_receive_skb"), ("queue", "net_dev_queue"))
    )
    join = (
        f"FROM packet_events AS e JOIN packets AS p USING (run_id, frame) JOIN ({events}) AS k "
        "ON k.run_id = e.run_id AND k.direction = e.direction AND k.ts = e.event_ts "
        "AND k.cpu_id = e.cpu_id AND k.skbaddr = e.skbaddr"
    )
    ends = "(k.saddr, k.sport, k.daddr, k.dport) = (p.saddr, p.sport, p.daddr, p.dport)"
    assert rows(
        connection,
        f"SELECT e.match, BOOL_AND({ends} AND k.ack_seq = p.ack_seq), BOOL_AND(CASE e.match "
        "WHEN 'exact' THEN (k.seq, k.tcp_flags, k.payload_len) = (p.seq, p.flags, p.payload_len) "
        "ELSE p.seq >= k.seq AND p.seq + p.payload_len <= k.seq + k.payload_len "
        f"AND p.payload_len < k.payload_len END), COUNT(*) > 1000 {join} GROUP BY ALL ORDER BY 1",
    ) == [("exact", True, True, True), ("range", True, True, True)]
    # The captured segments of a buffer do not overlap.
    spans: defaultdict[object, list[tuple[int, int]]] = defaultdict(list)
    for *key, seq, length in rows(
        connection,
        f"SELECT e.run_id, e.event_ts, e.skbaddr, p.seq, p.payload_len {join} "
        "WHERE e.match = 'range'",
    ):
        assert isinstance(seq, int)
        assert isinstance(length, int)
        spans[tuple(key)].append((seq, seq + length))
    assert len(spans) > 500
    for pieces in spans.values():
        pieces.sort()
        assert all(a[1] <= b[0] for a, b in pairwise(pieces))


def test_the_capture_lies_between_queue_and_driver(connection: duckdb.DuckDBPyConnection) -> None:
    """To within the error of the trace's offset, which only thousands of packets show."""
    found = rows(
        connection,
        "SELECT r.experiment = 'load', e.match, COUNT(*) - COUNT(e.xmit_ts), "
        "MAX(e.before_queue), MAX(e.after_xmit), BOOL_AND(e.after_xmit IS NOT DISTINCT FROM CASE "
        "WHEN e.xmit_ts < e.capture_ts THEN e.capture_ts - e.xmit_ts WHEN e.xmit_ts IS NOT NULL "
        "THEN 0 END), BOOL_AND(e.event_ts <= e.capture_ts + 999) FROM packet_events AS e "
        "JOIN runs AS r USING (run_id) WHERE e.direction = 'queue' AND r.experiment <> 'lossy' "
        "GROUP BY ALL ORDER BY ALL",
    )
    assert [row[:4] for row in found] == [
        (False, "exact", 0, 0),
        (True, "exact", 0, 0),
        (True, "range", 0, 0),
    ]
    assert found[0][4] == 0
    for *_, after, agrees, begun in found:
        assert isinstance(after, int)
        assert after < OFFSET_ERROR
        assert (agrees, begun) == (True, True)


def test_segments_follow_each_other(connection: duckdb.DuckDBPyConnection) -> None:
    """Of a buffer that the stack splits, each segment is captured before the next is taken."""
    found = rows(
        connection,
        "SELECT COUNT(*), COUNT(*) FILTER (xmit_ts <= before), COUNT(*) FILTER (capture_ts <= "
        f"before - {OFFSET_ERROR}) FROM (SELECT *, LAG(xmit_ts) OVER (PARTITION BY run_id, "
        "event_ts, skbaddr ORDER BY capture_ts) AS before FROM packet_events WHERE match = 'range' "
        "AND direction = 'queue') AS segments WHERE before IS NOT NULL AND xmit_ts IS NOT NULL",
    )
    ((count, *wrong),) = found
    assert isinstance(count, int)
    assert count > 500
    assert wrong == [0, 0]


def test_the_stages_sum_to_the_whole(connection: duckdb.DuckDBPyConnection) -> None:
    stages = ("queue", "capture", "consume", "xmit", "exit")
    total = " + ".join(f"COALESCE(stages.{name}, 0)" for name in stages)
    point = {"queue": "ts", **{name: f"{name}_ts" for name in stages[1:]}, "entry": "entry_ts"}
    named = " AND ".join(
        f"({column} IS NULL) = (LIST_CONTAINS(unseen, '{name}') OR LIST_CONTAINS(absent, '{name}'))"
        for name, column in point.items()
    )
    assert rows(
        connection,
        f"SELECT BOOL_AND(dur = {total}), BOOL_AND({named}), BOOL_AND(entry_ts IS NULL OR "
        "entry_ts <= ts), BOOL_AND(exit_ts IS NULL OR ts <= exit_ts), BOOL_AND(NOT "
        "LIST_HAS_ANY(absent, unseen)), (COUNT(*), COUNT(DISTINCT (run_id, ts, cpu_id, skbaddr))) "
        "= (SELECT (COUNT(*), COUNT(*)) FROM event.net_dev_queue WHERE tcp_flags IS NOT NULL) "
        "FROM tx_path",
    ) == [(True, True, True, True, True, True)]


def test_without_losses_the_way_is_seen(connection: duckdb.DuckDBPyConnection) -> None:
    # In the load runs tcpdump dropped packets. A `close` of Linux 6.1 leaves the rest to the
    # thread's way back to user space.
    assert rows(
        connection,
        "SELECT DISTINCT r.experiment = 'load', context, unseen FROM tx_path JOIN runs AS r "
        "USING (run_id) WHERE r.experiment <> 'lossy' ORDER BY ALL",
    ) == [
        (False, "call", []),
        (False, "softirq", []),
        (False, "task", []),
        (True, "call", []),
        (True, "call", ["capture"]),
        (True, "softirq", []),
        (True, "softirq", ["capture"]),
    ]
    assert rows(
        connection,
        "SELECT DISTINCT r.kernel LIKE '6.1.%', t.flags & 5 <> 0, t.tid > 0, t.name FROM tx_path "
        "AS t JOIN runs AS r USING (run_id) WHERE t.context = 'task' AND r.experiment <> 'lossy'",
    ) == [(True, True, True, None)]


def test_each_send_has_its_way(connection: duckdb.DuckDBPyConnection) -> None:
    """The way of a call's first segment, of a connection that is known, is `sendto_to_xmit`'s."""
    assert rows(
        connection,
        "SELECT COUNT(*) > 3000, BOOL_AND(t.context = 'call' AND (t.entry_ts, t.exit_ts, t.name, "
        "t.fd, t.xmit_ts) = (s.entry_ts, s.exit_ts, s.name, s.fd, s.xmit_ts) AND "
        "COALESCE(t.connection_id = s.connection_id, true)) FROM sends AS s JOIN runs AS r "
        "USING (run_id) LEFT JOIN tx_path AS t ON s.run_id = t.run_id AND s.queue_ts = t.ts "
        "AND s.queue_cpu = t.cpu_id AND s.skbaddr = t.skbaddr "
        "WHERE s.match = 'skbaddr' AND r.experiment <> 'lossy'",
    ) == [(True, True)]


def test_every_connection_of_the_load(connection: duckdb.DuckDBPyConnection) -> None:
    """Each has its handshake, its data and its end on the way down, and captured packets."""
    sent = "SELECT run_id, connection_id FROM tx_path WHERE {} GROUP BY ALL"
    for what in ("flags & 2 <> 0", "flags & 1 <> 0", "payload_len > 0"):
        assert rows(
            connection,
            f"SELECT COUNT(*) FROM connections AS c JOIN ({sent.format(what)}) AS t "
            "USING (run_id, connection_id) JOIN runs AS r USING (run_id) "
            "WHERE r.experiment = 'load' GROUP BY run_id",
        ) == [(400,), (400,)], what
    # As many are captured on their way down as the capture, which dropped packets, has from here.
    assert rows(
        connection,
        f"SELECT (SELECT COUNT(*) FROM ({sent.format('packets > 0')}) AS t JOIN runs AS r "
        "USING (run_id) WHERE r.experiment = 'load') - COUNT(DISTINCT (run_id, connection_id)) "
        "FROM packets AS p JOIN runs AS r USING (run_id) WHERE r.experiment = 'load' "
        "AND (p.sport = 5000) = (r.role = 'server')",
    ) == [(0,)]


def test_what_losses_could_have_broken_is_not_certain(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    lost = {
        (start, end)
        for start, end in rows(connection, "SELECT start_ts, end_ts FROM lost_windows")
        if isinstance(start, int) and isinstance(end, int)
    }
    assert len(lost) > 20
    seen: set[tuple[object, ...]] = set()
    for what, source in (
        ("packet", "SELECT run_id, certain, event_ts AS a, capture_ts AS b FROM packet_events"),
        (
            "way",
            "SELECT run_id, certain, COALESCE(entry_ts, ts) AS a, GREATEST(ts, capture_ts, "
            "consume_ts, xmit_ts, exit_ts) AS b FROM tx_path",
        ),
    ):
        for certain, start, end in rows(
            connection,
            f"SELECT certain, a, b FROM ({source}) AS s JOIN runs AS r USING (run_id) "
            "WHERE r.experiment = 'lossy'",
        ):
            assert isinstance(start, int)
            assert isinstance(end, int)
            # The capture's time is up to 999 ns early.
            assert certain is not True or not any(a < end and b > start for a, b in lost)
            seen.add((what, certain))
    assert len(seen) == 4
