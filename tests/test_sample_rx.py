"""The way of received segments up the stack, in the recorded runs of `data/`."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import duckdb

DATA = Path(__file__).parent.parent / "data"
SOUND = "r.experiment <> 'lossy'"
ONE = "r.experiment NOT IN ('load', 'lossy')"
"""The runs in which one connection is opened, greeted on and closed."""


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()


def count(connection: duckdb.DuckDBPyConnection, what: str, where: str = "true") -> object:
    [(found,)] = rows(
        connection,
        f"SELECT COUNT(*) FILTER (WHERE {what}) FROM rx_path JOIN runs AS r USING (run_id) "
        f"WHERE {where}",
    )
    return found


def test_the_stages_sum_to_the_whole(connection: duckdb.DuckDBPyConnection) -> None:
    names = (
        *("raise", "softirq", "gro", "receive", "answer", "waking", "poll"),
        *("switch_in", "wait_return", "read"),
    )
    total = " + ".join(f"COALESCE(stages.{name}, 0)" for name in names)
    least = ", ".join(f"stages.{name}" for name in names)
    assert count(connection, "true") == 8781
    assert count(connection, f"{total} IS DISTINCT FROM dur") == 0
    assert count(connection, f"LEAST({least}) < 0") == 0


def test_each_point_is_seen_or_said_not_to_be(connection: duckdb.DuckDBPyConnection) -> None:
    points = {
        **{name: f"{name}_ts" for name in ("irq", "raise", "softirq", "gro", "answer", "waking")},
        "poll": "poll_ts",
        "switch_in": "in_ts",
        "wait_return": "return_ts",
        "read": "read_ts",
    }
    for name, column in points.items():
        said = f"LIST_CONTAINS(absent, '{name}')::INT + LIST_CONTAINS(unseen, '{name}')::INT"
        assert count(connection, f"({column} IS NULL)::INT <> {said}") == 0, name
    # Without losses the traces show all there is.
    assert count(connection, "unseen <> []", SOUND) == 0
    assert count(connection, "NOT certain", SOUND) == 0


def test_the_points_come_in_order(connection: duckdb.DuckDBPyConnection) -> None:
    order = ["irq_ts", "raise_ts", "softirq_ts", "gro_ts", "ts"]
    for earlier, later in pairwise(order):
        assert count(connection, f"{earlier} > {later}") == 0, later
    wake = ["ts", "waking_ts", "in_ts", "return_ts", "read_ts"]
    for earlier, later in pairwise(wake):
        assert count(connection, f"{earlier} > {later}") == 0, later
    assert count(connection, "answer_ts < ts OR poll_ts < ts") == 0
    assert count(connection, "softirq_ts IS NULL OR gro_ts IS NULL", SOUND) == 0


def test_every_received_segment_has_its_row(connection: duckdb.DuckDBPyConnection) -> None:
    assert (
        rows(
            connection,
            "SELECT run_id, ts, cpu_id, skbaddr FROM event.net_if_receive_skb "
            "WHERE tcp_flags IS NOT NULL EXCEPT SELECT run_id, ts, cpu_id, skbaddr FROM rx_path",
        )
        == []
    )


def test_the_stack_answers_a_syn_by_itself(connection: duckdb.DuckDBPyConnection) -> None:
    syn = f"kind = 'syn' AND {SOUND}"
    assert count(connection, "true", syn) == 428
    assert count(connection, "answer_flags = 18 AND woken = 0", syn) == 428
    assert count(connection, "LIST_CONTAINS(absent, 'waking')", syn) == 428


def test_an_ack_of_data_wakes_nobody(connection: duckdb.DuckDBPyConnection) -> None:
    ack = f"kind = 'ack' AND {SOUND}"
    assert count(connection, "true", ack) == 2019
    assert count(connection, "woken > 0", ack) == 0
    assert count(connection, "LIST_CONTAINS(absent, 'waking')", ack) == 2019


def test_the_final_ack_wakes_as_syn_to_wake_says(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    differing = rows(
        connection,
        "SELECT run_id, ts FROM rx_path AS p JOIN runs AS r USING (run_id) "
        "JOIN accepted_connections AS a USING (run_id) "
        f"WHERE {ONE} AND p.kind = 'handshake' AND a.ack_ts = p.ts AND a.waking_ts IS NOT NULL "
        "AND (p.waking_ts, p.tid, p.in_ts, p.return_ts, p.read_ts) "
        "IS DISTINCT FROM (a.waking_ts, a.tid, a.in_ts, a.wait_exit_ts, a.accept_ts)",
    )
    assert differing == []
    assert count(connection, "woken = 1", f"kind = 'handshake' AND {ONE}") == 28


def test_the_experiment_wakes_the_server_twice(connection: duckdb.DuckDBPyConnection) -> None:
    # By the handshake's ACK, and by the end of the connection; the client by the greeting.
    found = rows(
        connection,
        "SELECT r.role, m.kind, COUNT(*), COUNT(return_to_read) FROM rx_to_wake AS m "
        f"JOIN runs AS r USING (run_id) WHERE {ONE} GROUP BY ALL ORDER BY ALL",
    )
    assert found == [
        ("client", "data", 28, 28),
        ("server", "fin", 1, 1),
        ("server", "rst", 27, 27),
    ]


def test_nothing_is_claimed_that_a_loss_could_have_broken(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    assert count(connection, "true", "r.experiment = 'lossy'") == 54
    assert (
        rows(
            connection,
            "SELECT p.run_id, p.ts FROM rx_path AS p JOIN lost_windows AS l USING (run_id) "
            "WHERE LIST_CONTAINS(p.absent, 'waking') AND l.start_ts < p.ts",
        )
        == []
    )


def test_each_wait_of_a_server_watches_its_sockets(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    # Each thread that was woken waited on the socket that `wait_sockets` names.
    assert (
        rows(
            connection,
            "SELECT run_id, tid, entry_ts, socket_id FROM rx_wakes "
            "EXCEPT SELECT run_id, tid, entry_ts, socket_id FROM wait_sockets",
        )
        == []
    )
