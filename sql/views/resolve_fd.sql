-- What a descriptor of a process was at a time: its path or inode, its socket with addresses and
-- state then, its connection, and how that is known. `run` is a `run_id`; a thread's number leads
-- to its process at that time. No row where the descriptor is not known then; an error where there
-- is no such run, or where the run has nothing that could tell.
CREATE MACRO resolve_fd(run, pid_or_tid, fd, ts) AS TABLE
WITH
asked AS (SELECT run AS run_id, pid_or_tid AS tid, fd AS number, ts AS at_ts),

processes AS (
    SELECT c.run_id, COALESCE(t.pid, c.tid) AS pid, c.number, c.at_ts
    FROM asked AS c
    LEFT JOIN threads AS t
        ON c.run_id = t.run_id AND c.tid = t.tid AND t.start_ts <= c.at_ts AND t.end_ts > c.at_ts
),

found AS (
    SELECT f.*, p.at_ts
    FROM processes AS p
    INNER JOIN fds AS f
        ON
            p.run_id = f.run_id
            AND p.pid = f.pid
            AND p.number = f.fd
            AND f.start_ts <= p.at_ts
            AND f.end_ts > p.at_ts
),

-- The last snapshot that showed the same.
shown AS (
    SELECT f.run_id, MAX(p.ts) AS ts
    FROM found AS f
    INNER JOIN proc_fds AS p
        ON
            f.run_id = p.run_id
            AND f.pid = p.pid
            AND f.fd = p.fd
            AND f.path = p.target
            AND p.ts >= f.start_ts
            AND p.ts <= f.at_ts
    GROUP BY f.run_id
),

lacking AS (
    SELECT
        CASE
            WHEN r.run_id IS NULL
                THEN CONCAT('there is no run ', COALESCE(a.run_id::VARCHAR, 'NULL'))
            ELSE CONCAT(
                'run ', r.name, ' lacks what resolve_fd needs: ',
                'lttng_statedump_file_descriptor, or syscall_exit_openat, syscall_exit_socket, ',
                'syscall_exit_accept4 and their like (fd_makers lists them), ',
                'or a snapshot of /proc/PID/fd'
            )
        END AS message
    FROM asked AS a
    LEFT JOIN runs AS r ON a.run_id = r.run_id
    WHERE r.run_id IS NULL OR (SELECT COUNT(*) FROM fds AS f WHERE f.run_id = a.run_id) = 0
)

SELECT
    -- The run.
    f.run_id,
    -- The process.
    f.pid,
    -- The descriptor.
    f.fd,
    -- `socket`, `path`, `pipe`, `anon_inode` or `other`.
    f.kind,
    -- The path, or the name that `/proc` gives; NULL for a socket whose inode is not known.
    f.path,
    -- The inode; NULL where not known, and for what has a path.
    COALESCE(f.inode, k.inode) AS inode,
    -- The socket: `sockets.socket_id`; NULL for what is none.
    f.socket_id,
    -- The socket's local address.
    k.saddr,
    -- The socket's local port.
    k.sport,
    -- The socket's remote address.
    k.daddr,
    -- The socket's remote port.
    k.dport,
    -- The socket's state at that time.
    s.state,
    -- The socket's connection: `connections.connection_id`; NULL for none.
    k.connection_id,
    -- From when on the descriptor meant this, ns since the Unix epoch.
    f.start_ts,
    -- Until when, ns since the Unix epoch.
    f.end_ts,
    -- How it is known: `statedump`, `syscall` or `proc`.
    f.source,
    -- The event that made it this process's.
    f.opened_by,
    -- False where a loss of events, since then or since the last snapshot that shows the same,
    -- could have hidden a change of this, or of the state.
    NOT lost_anywhere(l.windows, COALESCE(w.ts, f.start_ts), f.at_ts + 1)
    AND (s.state IS NULL OR NOT lost_anywhere(l.windows, s.start_ts, f.at_ts + 1)) AS certain
FROM found AS f
LEFT JOIN sockets AS k ON f.run_id = k.run_id AND f.socket_id = k.socket_id
LEFT JOIN socket_states AS s
    ON
        f.run_id = s.run_id
        AND f.socket_id = s.socket_id
        AND s.start_ts <= f.at_ts
        AND s.end_ts > f.at_ts
LEFT JOIN shown AS w ON f.run_id = w.run_id
LEFT JOIN run_losses AS l ON f.run_id = l.run_id
UNION ALL
SELECT
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL
FROM lacking AS n
WHERE ERROR(n.message)::BOOLEAN;
