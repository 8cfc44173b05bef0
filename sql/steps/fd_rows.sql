-- The rows of `fds`, derived from the calls, the statedump and the `/proc` snapshots.
-- fills: fds
CREATE VIEW fd_rows AS
WITH
roots AS (
    SELECT
        s.run_id,
        s.root_pid,
        s.root_fd,
        s.root_ts,
        ANY_VALUE(s.root_call) AS root_call,
        ANY_VALUE(s.source) AS source,
        MAX(COALESCE(s.end_ts, r.last_ts + 1)) AS end_ts,
        MAX(TRY_CAST(REGEXP_EXTRACT(s.path, '^socket:\[(\d+)\]$', 1) AS UBIGINT)) AS own_inode,
        MAX(k.inode) AS seen_inode
    FROM fd_meanings AS s
    INNER JOIN runs AS r ON s.run_id = r.run_id
    LEFT JOIN fd_known AS k
        ON
            s.run_id = k.run_id
            AND s.pid = k.pid
            AND s.fd = k.fd
            AND k.kind = 'socket'
            AND k.ts >= s.start_ts
            AND (k.ts < s.end_ts OR s.end_ts IS NULL)
    WHERE s.kind = 'socket'
    GROUP BY s.run_id, s.root_pid, s.root_fd, s.root_ts
),

-- One inode is one socket; where the inode is not known, each origin is one.
named AS (
    SELECT
        *,
        COALESCE(own_inode, seen_inode) AS inode,
        COALESCE(
            'inode ' || COALESCE(own_inode, seen_inode),
            'origin ' || root_pid || ' ' || root_fd || ' ' || root_ts
        ) AS identity
    FROM roots
),

dated AS (
    SELECT *, MIN(root_ts) OVER (PARTITION BY run_id, identity) AS first_ts
    FROM named
),

numbered AS (
    SELECT
        *,
        DENSE_RANK() OVER (PARTITION BY run_id ORDER BY first_ts, identity) AS socket_id
    FROM dated
)

SELECT
    -- The run.
    s.run_id,
    -- The process.
    s.pid,
    -- The descriptor.
    s.fd,
    -- From when on it meant this, ns since the Unix epoch.
    s.start_ts,
    -- Until when it meant this, ns since the Unix epoch.
    COALESCE(s.end_ts, r.last_ts + 1) AS end_ts,
    -- `socket`, `path`, `pipe`, `anon_inode` or `other`.
    s.kind,
    -- The path or name; NULL for a socket or pipe whose inode is not known.
    COALESCE(s.path, ANY_VALUE(k.path)) AS path,
    -- The socket's or pipe's inode; NULL where not known.
    COALESCE(ANY_VALUE(o.inode), ANY_VALUE(k.inode)) AS inode,
    -- Which socket it is; NULL for what is no socket.
    ANY_VALUE(o.socket_id) AS socket_id,
    -- `statedump`, `syscall` or `proc`.
    s.source,
    -- The event that made it this process's.
    s.opened_by,
    -- False where the tracer may have lost events meanwhile.
    NOT lost_anywhere(
        ANY_VALUE(l.windows), s.start_ts, COALESCE(s.end_ts, r.last_ts + 1)
    ) AS certain
FROM fd_meanings AS s
INNER JOIN runs AS r ON s.run_id = r.run_id
LEFT JOIN run_losses AS l ON s.run_id = l.run_id
LEFT JOIN numbered AS o
    ON
        s.kind = 'socket'
        AND s.run_id = o.run_id
        AND s.root_pid = o.root_pid
        AND s.root_fd = o.root_fd
        AND s.root_ts = o.root_ts
LEFT JOIN fd_known AS k
    ON
        s.run_id = k.run_id
        AND s.pid = k.pid
        AND s.fd = k.fd
        AND s.kind = k.kind
        AND k.ts >= s.start_ts
        AND (k.ts < s.end_ts OR s.end_ts IS NULL)
-- Without events nothing tells when; `proc_fds` has what a snapshot showed.
WHERE r.last_ts IS NOT NULL
GROUP BY
    s.run_id, s.pid, s.fd, s.start_ts, s.end_ts, r.last_ts, s.kind, s.path, s.source, s.opened_by;
