-- The processes that own each connection's two ends, with their descriptors: of those that hold the
-- socket the first, the one that connected or accepted it.
-- completes: connections.client_pid, client_comm, client_fd, server_pid, server_comm, server_fd
CREATE VIEW connection_owners AS
WITH
-- An end is told by its port, which the socket's family leaves as it is, else by its address.
ends AS (
    SELECT
        c.run_id,
        c.rowid AS row_id,
        s.pid,
        s.fd,
        s.start_ts,
        CASE WHEN c.sport <> c.dport THEN s.sport = c.sport ELSE s.saddr = c.saddr END
            AS is_client
    FROM connections AS c
    INNER JOIN sockets AS s ON c.run_id = s.run_id AND c.connection_id = s.connection_id
),

named AS (
    SELECT e.*, t.comm
    FROM ends AS e
    LEFT JOIN threads AS t
        ON
            e.run_id = t.run_id
            AND e.pid = t.tid
            AND t.start_ts <= e.start_ts
            AND t.end_ts > e.start_ts
)

SELECT
    -- The run.
    run_id,
    -- The connection's row in `connections`.
    row_id,
    -- The process that connected.
    ARG_MIN(pid, (start_ts, pid, fd)) FILTER (WHERE is_client) AS client_pid,
    -- Its name.
    ARG_MIN(comm, (start_ts, pid, fd)) FILTER (WHERE is_client) AS client_comm,
    -- Its descriptor.
    ARG_MIN(fd, (start_ts, pid, fd)) FILTER (WHERE is_client) AS client_fd,
    -- The process that accepted.
    ARG_MIN(pid, (start_ts, pid, fd)) FILTER (WHERE NOT is_client) AS server_pid,
    -- Its name.
    ARG_MIN(comm, (start_ts, pid, fd)) FILTER (WHERE NOT is_client) AS server_comm,
    -- Its descriptor.
    ARG_MIN(fd, (start_ts, pid, fd)) FILTER (WHERE NOT is_client) AS server_fd
FROM named
GROUP BY run_id, row_id;
