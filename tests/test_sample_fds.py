"""The descriptors and sockets of `data/`: the events, `/proc` and the captures agree."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tcpdw import catalog

DATA = Path(__file__).parent.parent / "data"

# Each descriptor that `accept` gave, resolved right when it was there, beside the connection that
# the capture shows of the peer that the call named, and the socket that `/proc/net/tcp` shows.
ACCEPTED = """
SELECT
    r.name, r.experiment, a.saddr AS peer, a.sport AS peer_port, f.inode, f.state, f.certain,
    c.saddr AS client, c.sport AS client_port, t.inode AS proc_inode,
    k.connection_id, (
        SELECT LIST(DISTINCT p.connection_id) FROM packets AS p
        WHERE p.run_id = a.run_id AND p.saddr = a.saddr AND p.sport = a.sport
    ) AS captured
FROM accepts AS a
JOIN runs AS r USING (run_id)
LEFT JOIN fds AS d
    ON d.run_id = a.run_id AND d.fd = a.fd AND d.start_ts = a.exit_ts AND d.opened_by LIKE 'accept%'
LEFT JOIN sockets AS k ON k.run_id = d.run_id AND k.socket_id = d.socket_id
LEFT JOIN connections AS c ON c.run_id = k.run_id AND c.connection_id = k.connection_id
LEFT JOIN proc_tcp AS t
    ON
        t.run_id = a.run_id AND t.daddr = a.saddr AND t.dport = a.sport AND t.inode <> 0
        AND t.ts BETWEEN c.start_ts AND k.end_ts
LEFT JOIN LATERAL resolve_fd(a.run_id, a.tid, a.fd, a.exit_ts) AS f ON true
WHERE a.saddr IS NOT NULL AND r.experiment <> 'lossy'
"""


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()


def test_each_accepted_descriptor_leads_to_proc_and_capture(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    found = rows(connection, ACCEPTED)
    assert sum(experiment == "load" for _, experiment, *_ in found) == 400
    assert len(found) == 428
    with_inode = uncaptured = 0
    for row in found:
        name, _, peer, peer_port, inode, state, certain, client, client_port, shown, *ids = row
        assert (client, client_port) == (peer, peer_port), name
        # The load run's capture dropped some.
        assert ids[1] in (None, [ids[0]]), name
        uncaptured += ids[1] is None
        assert state == "ESTABLISHED", name
        assert certain, name
        assert inode == shown, name
        with_inode += inode is not None
    assert with_inode >= 28
    assert uncaptured < 10


def test_snapshots_agree_with_the_events(connection: duckdb.DuckDBPyConnection) -> None:
    assert rows(connection, "FROM fd_contradictions") == []
    assert rows(connection, "SELECT name, warnings FROM runs WHERE LEN(warnings) > 0") == []
    # Every socket that a snapshot lists is known as this inode when the trace shows the reading.
    unknown = rows(
        connection,
        "SELECT r.name, p.stage, p.pid, p.fd, p.target FROM proc_fds AS p "
        "JOIN runs AS r USING (run_id) LEFT JOIN fds AS f ON f.run_id = p.run_id "
        "AND f.pid = p.pid AND f.fd = p.fd AND f.inode = p.inode "
        "WHERE p.kind = 'socket' AND f.run_id IS NULL",
    )
    assert unknown == []


def test_proc_shows_the_states_that_the_segments_tell(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    known = catalog.load()
    reads = known.rows_of(known.by_name["proc_reads"])
    compared = rows(
        connection,
        f"WITH proc_reads AS ({reads}) "
        "SELECT r.name, p.stage, p.inode, p.state, s.state FROM proc_tcp AS p "
        "JOIN runs AS r USING (run_id) JOIN sockets AS k ON k.run_id = p.run_id "
        "AND k.inode = p.inode LEFT JOIN proc_reads AS d ON d.run_id = p.run_id AND d.ts = p.ts "
        "AND d.file = IF(p.family = 'ipv6', 'net/tcp6', 'net/tcp') "
        "LEFT JOIN socket_states AS s ON s.run_id = k.run_id AND s.socket_id = k.socket_id "
        "AND s.start_ts <= COALESCE(d.read_ts, p.ts) AND s.end_ts > COALESCE(d.read_ts, p.ts)",
    )
    assert len(compared) > 80
    assert {row[3] for row in compared} >= {"LISTEN", "ESTABLISHED"}
    assert [row for row in compared if row[3] != row[4]] == []


def test_states_follow_each_other_without_gaps(connection: duckdb.DuckDBPyConnection) -> None:
    gaps = rows(
        connection,
        "SELECT * FROM (SELECT *, LEAD(start_ts) OVER (PARTITION BY run_id, socket_id "
        "ORDER BY start_ts) AS next_ts, LEAD(state) OVER (PARTITION BY run_id, socket_id "
        "ORDER BY start_ts) AS next_state FROM socket_states) AS s "
        "WHERE start_ts >= end_ts OR next_ts <> end_ts OR next_state = state",
    )
    assert gaps == []


def test_no_descriptor_means_two_things_at_once(connection: duckdb.DuckDBPyConnection) -> None:
    both = rows(
        connection,
        "SELECT * FROM (SELECT *, LEAD(start_ts) OVER (PARTITION BY run_id, pid, fd "
        "ORDER BY start_ts) AS next_ts FROM fds) AS f WHERE start_ts >= end_ts OR next_ts < end_ts",
    )
    assert both == []


def test_the_listening_sockets(connection: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        connection,
        "SELECT r.name, r.experiment, k.sport, k.backlog, k.comm, k.inode IS NOT NULL, "
        "LIST(s.state ORDER BY s.start_ts) FROM sockets AS k JOIN runs AS r USING (run_id) "
        "JOIN socket_states AS s USING (run_id, socket_id) "
        "WHERE r.role = 'server' AND k.sport = 5000 AND k.dport IS NULL AND k.backlog IS NOT NULL "
        "GROUP BY ALL",
    )
    assert {(experiment, port) for _, experiment, port, *_ in found} == {
        (experiment, 5000)
        for experiment in ("epoll", "fork", "handshake", "ipv6", "load", "nocontext")
    }
    for _, _, _, backlog, comm, has_inode, states in found:
        assert isinstance(backlog, int)
        assert backlog > 0
        assert comm in ("ncat", "server", "python3", "epollserver", "server.py"), comm
        assert has_inode
        assert states == ["CLOSE", "LISTEN", "CLOSE"]


def test_the_child_of_the_forking_server_holds_its_connection(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    holders = rows(
        connection,
        "SELECT DISTINCT f.opened_by = 'fork' AS inherited FROM fds AS f JOIN runs AS r "
        "USING (run_id) JOIN sockets AS k USING (run_id, socket_id) WHERE r.role = 'server' "
        "AND r.experiment = 'fork' AND k.connection_id IS NOT NULL ORDER BY 1",
    )
    assert holders == [(False,), (True,)]


@pytest.mark.parametrize(
    ("run", "message"),
    [("-1", "there is no run -1"), ("NULL", "there is no run NULL")],
)
def test_no_run_no_answer(run: str, message: str, connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error, match=message):
        rows(connection, f"FROM resolve_fd({run}, 1, 0, 0)")
