-- The ends of TCP connections that the run's host holds, each a story of its own: the end that was
-- asked (`server`) or the one that asked (`client`); on loopback both. A host that only forwards a
-- connection holds none.
-- staged: the steps read it while a batch is loaded
CREATE VIEW step_ends AS
WITH
ways AS (
    SELECT
        run_id,
        connection_id,
        BOOL_OR(direction = 'rx' AND from_client) AS client_came,
        BOOL_OR(direction = 'queue' AND from_client) AS client_left,
        BOOL_OR(direction = 'rx' AND NOT from_client) AS server_came,
        BOOL_OR(direction = 'queue' AND NOT from_client) AS server_left
    FROM segments
    GROUP BY run_id, connection_id
),

held AS (
    SELECT
        s.run_id,
        s.connection_id,
        CASE WHEN s.sport = c.dport AND s.saddr = c.daddr THEN 'server' ELSE 'client' END AS role,
        s.socket_id
    FROM sockets AS s
    INNER JOIN connections AS c
        ON s.run_id = c.run_id AND s.connection_id = c.connection_id
),

ends AS (
    SELECT run_id, connection_id, role, MIN(socket_id) AS socket_id
    FROM (
        SELECT run_id, connection_id, role, socket_id FROM held
        UNION ALL
        SELECT run_id, connection_id, 'server', NULL
        FROM ways
        WHERE client_came AND NOT client_left
        UNION ALL
        SELECT run_id, connection_id, 'client', NULL
        FROM ways
        WHERE server_came AND NOT server_left
    ) AS sides
    GROUP BY run_id, connection_id, role
),

-- What `accept` gave, with the descriptor that it was asked on.
accepted AS (
    SELECT
        f.run_id, f.socket_id, f.pid, f.fd, f.start_ts, a.tid, a.entry_ts, a.listen_fd
    FROM fds AS f
    INNER JOIN accepts AS a ON f.run_id = a.run_id AND f.start_ts = a.exit_ts AND f.fd = a.fd
    WHERE f.opened_by IN ('accept', 'accept4')
),

listeners AS (
    SELECT a.run_id, a.socket_id, MIN(f.socket_id) AS listener_id
    FROM accepted AS a
    INNER JOIN fds AS f
        ON
            a.run_id = f.run_id
            AND a.pid = f.pid
            AND a.listen_fd = f.fd
            AND f.start_ts <= a.start_ts
            AND f.end_ts >= a.entry_ts
    GROUP BY a.run_id, a.socket_id
),

-- Where no call names the listening socket, the one that listened at that port.
ports AS (
    SELECT run_id, sport, ARG_MIN(socket_id, start_ts) AS listener_id
    FROM sockets
    WHERE state = 'LISTEN' AND sport IS NOT NULL
    GROUP BY run_id, sport
),

joined AS (
    SELECT
        e.*, a.tid, a.pid, a.fd, a.entry_ts AS accept_entry_ts, a.start_ts AS accept_ts,
        CASE WHEN e.role = 'server' THEN COALESCE(l.listener_id, p.listener_id) END AS listener_id,
        COALESCE(a.start_ts, c.ack_ts, c.start_ts) AS begun_ts,
        c.ack_ts
    FROM ends AS e
    INNER JOIN connections AS c ON e.run_id = c.run_id AND e.connection_id = c.connection_id
    LEFT JOIN accepted AS a ON e.run_id = a.run_id AND e.socket_id = a.socket_id
    LEFT JOIN listeners AS l ON e.run_id = l.run_id AND e.socket_id = l.socket_id
    LEFT JOIN ports AS p ON e.run_id = p.run_id AND c.dport = p.sport
)

SELECT
    -- The run.
    j.run_id,
    -- The connection.
    j.connection_id,
    -- `server` or `client`.
    j.role,
    -- The socket that carries the connection; NULL where not known.
    j.socket_id,
    -- The socket that the host listened on; NULL where not known, and for a client.
    j.listener_id,
    -- The socket with which the story begins: the listening one, a client's own.
    CASE WHEN j.role = 'server' THEN j.listener_id ELSE j.socket_id END AS first_socket_id,
    -- The thread that accepted the connection; NULL where not known, and for a client.
    j.tid AS accept_tid,
    -- The descriptor that `accept` gave.
    j.fd AS accept_fd,
    -- When the call that accepted began, ns since the Unix epoch.
    j.accept_entry_ts,
    -- When it returned, ns since the Unix epoch.
    j.accept_ts,
    -- When the connection was there for the process: accepted, or its handshake done, ns since the
    -- Unix epoch.
    j.begun_ts,
    -- When the handshake's final ACK was seen, ns since the Unix epoch; NULL where it was not.
    j.ack_ts,
    -- The process that opened the story's first socket; NULL where not known.
    s.pid,
    -- How that socket is known: `statedump`, `syscall` or `proc`.
    s.source,
    -- From when on it is known, ns since the Unix epoch.
    s.start_ts
FROM joined AS j
LEFT JOIN sockets AS s
    ON
        j.run_id = s.run_id
        AND s.socket_id = CASE WHEN j.role = 'server' THEN j.listener_id ELSE j.socket_id END
-- A socket that more than one call gave: the first.
QUALIFY
    ROW_NUMBER() OVER (PARTITION BY j.run_id, j.connection_id, j.role ORDER BY j.accept_ts) = 1;
