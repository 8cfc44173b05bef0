"""The connections of the recorded runs of `data/`: the kernel's events and the captures agree."""

from __future__ import annotations

from pathlib import Path

import duckdb

DATA = Path(__file__).parent.parent / "data"
ONE = "r.experiment NOT IN ('load', 'lossy')"
"""The runs in which one connection is opened, greeted on and closed."""


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()


def test_each_run_has_its_connection(connection: duckdb.DuckDBPyConnection) -> None:
    counts = rows(
        connection,
        "SELECT r.experiment, COUNT(*), COUNT(DISTINCT run_id) FROM connections "
        "JOIN runs AS r USING (run_id) GROUP BY ALL ORDER BY ALL",
    )
    assert counts == [
        ("epoll", 2, 2),
        ("fork", 2, 2),
        ("handshake", 48, 48),
        ("ipv6", 2, 2),
        ("load", 800, 2),
        ("lossy", 60, 1),
        ("nocontext", 2, 2),
    ]


def test_what_the_experiment_says_of_it(connection: duckdb.DuckDBPyConnection) -> None:
    # Six bytes from the server; all but the forking server's client reset.
    found = rows(
        connection,
        "SELECT DISTINCT r.experiment = 'fork', dport, ending, ended_by, client_bytes, "
        "server_bytes, client_retransmissions, server_retransmissions, "
        "client_fin_ts IS NULL, server_fin_ts IS NULL, rst_ts IS NULL "
        f"FROM connections JOIN runs AS r USING (run_id) WHERE {ONE} ORDER BY ALL",
    )
    assert found == [
        (False, 5000, "rst", "client", 0, 6, 0, 0, True, True, False),
        (True, 5000, "fin", "client", 0, 6, 0, 0, False, False, True),
    ]


def test_kernel_and_capture_agree(connection: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        connection,
        "SELECT run_id, client_segments, client_captured, server_segments, server_captured "
        f"FROM connections JOIN runs AS r USING (run_id) WHERE {ONE}",
    )
    assert len(found) == 56
    for run, client, client_captured, server, server_captured in found:
        assert (client, server) == (client_captured, server_captured), run
    sums = rows(
        connection,
        "SELECT r.experiment, client_bytes, client_captured_bytes, client_unique_bytes, "
        "client_captured_unique_bytes, server_bytes, server_captured_bytes, server_unique_bytes, "
        "server_captured_unique_bytes, client_retransmissions, client_captured_retransmissions, "
        "server_retransmissions, server_captured_retransmissions "
        "FROM connections JOIN runs AS r USING (run_id) WHERE experiment <> 'lossy'",
    )
    # Under load tcpdump lost packets, so it has less of some connections; of none it has more.
    same = 0
    for experiment, *counts in sums:
        pairs = [
            (kernel, captured)
            for kernel, captured in zip(counts[::2], counts[1::2], strict=True)
            if isinstance(kernel, int) and isinstance(captured, int)
        ]
        assert len(pairs) == 6
        assert all(kernel >= captured for kernel, captured in pairs)
        equal = all(kernel == captured for kernel, captured in pairs)
        assert equal or experiment == "load"
        same += equal
    assert same > 56 + 750


def test_capture_and_kernel_are_in_the_order_of_the_stack(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    found = rows(
        connection,
        "SELECT role, syn_ts, syn_capture_ts, synack_ts, synack_capture_ts, ack_ts, "
        "ack_capture_ts FROM connections JOIN runs AS r USING (run_id) "
        f"WHERE {ONE} OR experiment = 'load' AND captured > 0",
    )
    assert len(found) > 800
    for _, *times in found:
        kernel = [ts for ts in times[::2] if isinstance(ts, int)]
        assert len(kernel) == 3
        assert kernel == sorted(kernel)
        captured = [ts for ts in times[1::2] if isinstance(ts, int)]
        assert captured == sorted(captured)


def test_each_connection_is_opened_whole(connection: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        connection,
        "SELECT r.role, COUNT(*), COUNT(h.ts), COUNT(DISTINCT h.side), "
        "COUNT(CASE WHEN h.side = r.role THEN 1 END), "
        "BOOL_AND(h.dur = h.syn_to_synack + h.synack_to_ack), MIN(LEAST(syn_to_synack, "
        "synack_to_ack)) > 0 FROM connections AS c "
        "JOIN runs AS r ON c.run_id = r.run_id LEFT JOIN handshake AS h "
        "ON c.run_id = h.run_id AND c.connection_id = h.connection_id "
        "WHERE experiment <> 'lossy' GROUP BY ALL ORDER BY ALL",
    )
    assert found == [
        ("client", 428, 428, 1, 428, True, True),
        ("server", 428, 428, 1, 428, True, True),
    ]


def test_a_server_s_handshake_is_that_of_syn_to_wake(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    found = rows(
        connection,
        "SELECT COUNT(*), COUNT(h.ts) FROM syn_to_wake AS s LEFT JOIN handshake AS h "
        "ON s.run_id = h.run_id AND s.ts = h.ts AND s.saddr = h.saddr AND s.sport = h.sport "
        "AND s.syn_to_synack = h.syn_to_synack AND s.synack_to_ack = h.synack_to_ack",
    )
    ((wakes, handshakes),) = found
    assert isinstance(wakes, int)
    assert wakes > 200
    assert handshakes == wakes


def test_both_hosts_saw_the_same_connection(connection: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        connection,
        "WITH sides AS (SELECT r.machine, r.experiment, r.repetition, r.role, c.* "
        "FROM connections AS c JOIN runs AS r ON c.run_id = r.run_id "
        "WHERE experiment <> 'lossy') "
        "SELECT COUNT(*), COUNT(CASE WHEN s.ending = c.ending AND s.ended_by = c.ended_by "
        "AND s.synack_seq = c.synack_seq AND s.client_unique_bytes = c.client_unique_bytes "
        "AND s.server_unique_bytes = c.server_unique_bytes THEN 1 END) "
        "FROM sides AS c LEFT JOIN sides AS s "
        "ON c.machine = s.machine AND c.experiment = s.experiment AND s.role = 'server' "
        "AND c.repetition = s.repetition AND c.saddr = s.saddr AND c.sport = s.sport "
        "AND c.seq = s.seq WHERE c.role = 'client'",
    )
    assert found == [(428, 428)]


def test_each_connection_has_its_owner(connection: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        connection,
        "SELECT r.role, COUNT(*), COUNT(client_pid), COUNT(client_fd), COUNT(client_comm), "
        "COUNT(server_pid), COUNT(server_fd), COUNT(server_comm) FROM connections "
        "JOIN runs AS r USING (run_id) WHERE experiment <> 'lossy' GROUP BY ALL ORDER BY ALL",
    )
    assert found == [
        ("client", 428, 428, 428, 428, 0, 0, 0),
        ("server", 428, 0, 0, 0, 428, 428, 428),
    ]
    accepted = rows(
        connection,
        "SELECT COUNT(*), COUNT(CASE WHEN c.server_pid = s.pid AND c.server_fd = s.fd THEN 1 END) "
        "FROM syn_to_wake AS s JOIN connections AS c ON s.run_id = c.run_id "
        "AND s.saddr = c.saddr AND s.sport = c.sport AND s.ts = c.syn_ts "
        "JOIN runs AS r ON s.run_id = r.run_id WHERE experiment <> 'lossy'",
    )
    ((n, same),) = accepted
    assert isinstance(n, int)
    assert n > 200
    assert same == n


def test_retransmissions_left_out_are_those_that_the_capture_shows(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    # Of every connection that the capture has whole: each packet sent again stands for one.
    found = rows(
        connection,
        "SELECT c.run_id, c.connection_id, COUNT(CASE WHEN d.reason = 'retransmitted' THEN 1 END) "
        "AS out, ANY_VALUE(c.server_captured_retransmissions) AS again FROM connections AS c "
        "JOIN runs AS r ON c.run_id = r.run_id JOIN data_acks AS d ON c.run_id = d.run_id "
        "AND c.connection_id = d.connection_id WHERE r.role = 'server' AND NOT d.from_client "
        "AND r.experiment <> 'lossy' AND c.server_unique_bytes = c.server_captured_unique_bytes "
        "GROUP BY ALL",
    )
    assert len(found) > 300
    sent_again = 0
    for run, number, left_out, again in found:
        assert isinstance(again, int)
        assert isinstance(left_out, int)
        assert again <= left_out <= 2 * again, (run, number)
        sent_again += again
    assert sent_again > 50
