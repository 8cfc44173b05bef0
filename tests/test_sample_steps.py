"""The recorded runs of `data/`, step by step: each story whole, in order, shown by its events."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

DATA = Path(__file__).parent.parent / "data"

# What every run of these experiments shows, in the order of its times. Interrupts and softirqs may
# serve several segments, and so come earlier; a driver may be done with a segment after its answer
# came; where a thread sleeps, its wake lies between.
SERVER = (
    "exec, socket, setsockopt, bind, listen, fcntl, wait, SYN received, "
    "SYN-ACK queued, SYN-ACK captured, ACK received, wake, "
    "switch in, wait returns, accept, close of the listening socket, "
    "fcntl of the new descriptor, wait, wait returns, input read, send, data queued, "
    "data captured, ACK received, ACK wakes nobody, "
    "RST received, RST captured, wake, switch in, wait returns, read of the end, "
    "close, exit"
)
CLIENT = (
    "socket, connect, SYN queued, SYN captured, "
    "SYN-ACK received, ACK queued, ACK captured, connect returns, wait, "
    "data received, data captured, read, close, own RST queued, own RST captured, "
    "exit"
)
STORIES = {
    ("handshake", "server"): SERVER,
    ("ipv6", "server"): SERVER,
    ("nocontext", "server"): SERVER,
    ("handshake", "client"): CLIENT,
    ("ipv6", "client"): CLIENT,
    ("nocontext", "client"): CLIENT,
    ("epoll", "client"): CLIENT,
    ("epoll", "server"): (
        "exec, socket, setsockopt, bind, listen, epoll_create, epoll_ctl, wait, SYN received, "
        "SYN-ACK queued, SYN-ACK captured, ACK received, wake, switch in, "
        "wait returns, accept, epoll_ctl of the new descriptor, send, data queued, data captured, "
        "ACK received, ACK wakes nobody, RST received, RST captured, wake, "
        "switch in, wait returns, read of the end, close, exit"
    ),
    ("fork", "server"): (
        "exec, socket, setsockopt, bind, listen, fcntl, wait, SYN received, SYN-ACK queued, "
        "SYN-ACK captured, ACK received, wake, switch in, wait returns, "
        "accept, fork, parent closes its copy, wait, wait returns, input read, send, data queued, "
        "data captured, ACK received, ACK wakes nobody, FIN received, "
        "FIN captured, wake, switch in, wait returns, read of the end, close, exit, "
        "own FIN queued, own FIN captured"
    ),
    ("fork", "client"): (
        "socket, fcntl, connect, connect returns, wait, SYN queued, SYN captured, "
        "SYN-ACK received, wake, ACK queued, ACK captured, switch in, "
        "wait returns, wait, data received, data captured, wake, switch in, wait returns, read, "
        "exit, own FIN queued, own FIN captured, FIN received, FIN captured"
    ),
}


def runs_of(
    connection: duckdb.DuckDBPyConnection, experiment: str, role: str
) -> list[tuple[int, str]]:
    return connection.execute(
        "SELECT run_id, name FROM runs WHERE experiment = ? AND role = ?", [experiment, role]
    ).fetchall()


@pytest.mark.parametrize(("experiment", "role"), STORIES)
def test_each_story_has_its_steps_in_their_order(
    connection: duckdb.DuckDBPyConnection, experiment: str, role: str
) -> None:
    wanted = STORIES[experiment, role].split(", ")
    for run_id, name in runs_of(connection, experiment, role):
        told = connection.execute(
            "SELECT step FROM experiment_steps(?) WHERE status = 'expected' ORDER BY number",
            [run_id],
        ).fetchall()
        rest = iter(step for (step,) in told)
        missed = [step for step in wanted if step not in rest]
        assert missed == [], name


def test_each_segment_received_comes_by_a_softirq(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    for scene, kind in (("connect", "SYN"), ("connect", "ACK"), ("end", "RST"), ("end", "FIN")):
        [(received, softirqs)] = connection.execute(
            "SELECT COUNT(*) FILTER (step = $kind || ' received'), "
            "COUNT(*) FILTER (step = $kind || ': softirq') "
            "FROM story_steps JOIN step_patterns USING (code) JOIN runs USING (run_id) "
            "WHERE scene = $scene AND events_discarded = 0 AND story_steps.status = 'expected'",
            {"scene": scene, "kind": kind},
        ).fetchall()
        assert received > 0
        assert softirqs == received


@pytest.mark.parametrize("kind", ["SYN", "SYN-ACK", "ACK", "data", "own FIN", "own RST"])
def test_each_segment_queued_is_transmitted(
    connection: duckdb.DuckDBPyConnection, kind: str
) -> None:
    [(queued, transmitted)] = connection.execute(
        "SELECT COUNT(*) FILTER (step = $kind || ' queued'), "
        "COUNT(*) FILTER (step = $kind || ' transmitted') "
        "FROM story_steps JOIN step_patterns USING (code) JOIN runs USING (run_id) "
        "WHERE scene <> 'receive' AND events_discarded = 0 AND story_steps.status = 'expected'",
        {"kind": kind},
    ).fetchall()
    assert queued > 0
    assert transmitted == queued


def test_no_run_strayed(connection: duckdb.DuckDBPyConnection) -> None:
    assert connection.execute("FROM experiment_deviations").fetchall() == []


def test_every_connection_has_a_story(connection: duckdb.DuckDBPyConnection) -> None:
    without = connection.execute(
        "SELECT r.name, c.connection_id FROM connections AS c JOIN runs AS r USING (run_id) "
        "ANTI JOIN story_steps AS s ON c.run_id = s.run_id AND c.connection_id = s.connection_id "
        "WHERE r.events_discarded = 0"
    ).fetchall()
    assert without == []


def test_every_loaded_connection_is_accepted_served_and_ended(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    [(stories, accepted, sends, bytes_sent)] = connection.execute(
        "SELECT COUNT(DISTINCT connection_id), COUNT(*) FILTER (step = 'accept'), "
        "COUNT(DISTINCT CASE WHEN step = 'send' THEN connection_id END), "
        "SUM(ret) FILTER (step = 'send') "
        "FROM story_steps JOIN step_patterns USING (code) JOIN runs USING (run_id) "
        "WHERE name = 'kestrel-server-load-001' AND story_steps.status = 'expected'"
    ).fetchall()
    assert (stories, accepted, sends) == (400, 400, 400)
    queued = connection.execute(
        "SELECT SUM(server_unique_bytes) FROM connections JOIN runs USING (run_id) "
        "WHERE name = 'kestrel-server-load-001'"
    ).fetchone()
    assert queued == (bytes_sent,)


def test_no_acknowledgement_of_data_wakes_who_waits_on_the_connection(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    [(pure, silent)] = connection.execute(
        "SELECT COUNT(*) FILTER (step = 'ACK received' AND payload_len = 0 AND flags = 16), "
        "COUNT(*) FILTER (step = 'ACK wakes nobody') "
        "FROM story_steps JOIN step_patterns USING (code) JOIN runs USING (run_id) "
        "WHERE scene = 'send' AND events_discarded = 0 AND story_steps.status = 'expected'"
    ).fetchall()
    assert pure > 1000
    assert silent == pure


def test_the_evidence_is_an_event_of_that_time(connection: duckdb.DuckDBPyConnection) -> None:
    for (name,) in connection.execute(
        "SELECT DISTINCT event FROM story_steps WHERE event IS NOT NULL AND event <> 'packet'"
    ).fetchall():
        [(steps, shown)] = connection.execute(
            f"SELECT COUNT(*), COUNT(e.ts) FROM (SELECT DISTINCT run_id, ts FROM story_steps "
            f"WHERE event = ?) AS s LEFT JOIN (SELECT DISTINCT run_id, ts FROM event.{name}) AS e "
            "USING (run_id, ts)",
            [name],
        ).fetchall()
        assert (name, shown) == (name, steps)


def test_where_events_were_lost_no_step_is_called_missing(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    told = connection.execute(
        "SELECT DISTINCT story_steps.status FROM story_steps JOIN runs USING (run_id) "
        "WHERE events_discarded > 0 ORDER BY ALL"
    ).fetchall()
    assert told == [("expected",), ("may be lost",)] or told == [
        ("expected",),
        ("may be lost",),
        ("not shown",),
    ]


def test_steps_come_after_those_that_they_follow(connection: duckdb.DuckDBPyConnection) -> None:
    [(early,)] = connection.execute(
        "SELECT COUNT(*) FROM (SELECT s.ts, MAX(a.ts) AS accepted FROM story_steps AS s "
        "JOIN step_patterns AS p USING (code) "
        "JOIN story_steps AS a ON s.run_id = a.run_id AND s.connection_id = a.connection_id "
        "JOIN step_patterns AS q ON a.code = q.code AND q.step = 'accept' AND q.role = p.role "
        "WHERE p.scene = 'send' AND p.step = 'send' GROUP BY ALL) WHERE ts < accepted"
    ).fetchall()
    assert early == 0
