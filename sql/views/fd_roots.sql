-- Every meaning that a descriptor got within its process, with its end: opened or copied there by a
-- call, or open when the trace began.
CREATE VIEW fd_roots AS
WITH
opens AS (
    SELECT run_id, pid, fd, ts, name AS opened_by, 'syscall' AS source, kind, path, from_fd, cloexec
    FROM fd_opens
    UNION ALL
    -- Open since before the trace, as nothing earlier tells where it came from.
    SELECT
        k.run_id, k.pid, k.fd, r.first_ts, k.source AS opened_by, k.source, k.kind, k.path, NULL,
        false
    FROM fd_known AS k
    INNER JOIN runs AS r ON k.run_id = r.run_id
    ANTI JOIN fd_opens AS o
        ON k.run_id = o.run_id AND k.pid = o.pid AND k.fd = o.fd AND o.ts <= k.ts
    ANTI JOIN process_forks AS f
        ON k.run_id = f.run_id AND k.pid = f.child_pid AND f.ts <= k.ts
    QUALIFY
        ROW_NUMBER() OVER (
            PARTITION BY k.run_id, k.pid, k.fd ORDER BY k.source = 'proc', k.ts
        ) = 1
),

marks AS (
    SELECT run_id, pid, fd, ts, ts AS until_ts, false AS closes FROM opens
    UNION ALL
    SELECT run_id, pid, fd, ts, exit_ts, true FROM fd_ends WHERE fd = last_fd
),

-- A close that another thread's open overtakes ends the old meaning before the new one begins.
nexts AS (
    SELECT
        *,
        LEAST(
            LEAD(until_ts) OVER same_fd, LEAD(CASE WHEN NOT closes THEN ts END, 2) OVER same_fd
        ) AS end_ts
    FROM marks
    WINDOW same_fd AS (PARTITION BY run_id, pid, fd ORDER BY ts, closes)
),

-- The opening that each call marked to be closed at exec.
marked AS (
    SELECT DISTINCT run_id, pid, fd, opened_ts, true AS ts
    FROM (
        SELECT
            *,
            LAST_VALUE(
                CASE what WHEN 'open' THEN ts WHEN 'close' THEN -1 END IGNORE NULLS
            ) OVER (
                PARTITION BY run_id, pid, fd ORDER BY ts, what DESC
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            ) AS opened_ts
        FROM (
            SELECT run_id, pid, fd, ts, CASE WHEN closes THEN 'close' ELSE 'open' END AS what
            FROM marks
            UNION ALL
            SELECT run_id, pid, fd, ts, 'mark' FROM fd_cloexecs WHERE fd = last_fd
        ) AS calls
    ) AS found
    WHERE what = 'mark' AND opened_ts > 0
)

SELECT
    -- The run.
    o.run_id,
    -- The process.
    o.pid,
    -- The descriptor.
    o.fd,
    -- From when on it meant this, ns since the Unix epoch.
    o.ts AS start_ts,
    -- When it was closed, given anew, or its process ended or left it behind at exec, ns since the
    -- Unix epoch; NULL for never.
    LEAST(
        ANY_VALUE(n.end_ts),
        MIN(r.exit_ts),
        MIN(p.ts) FILTER (
            WHERE p.what = 'exit' OR o.cloexec OR f.ts IS NOT NULL OR g.ts IS NOT NULL
        )
    ) AS end_ts,
    -- The event that opened it.
    ANY_VALUE(o.opened_by) AS opened_by,
    -- `statedump`, `syscall` or `proc`.
    ANY_VALUE(o.source) AS source,
    -- `socket`, `path`, `pipe`, `anon_inode` or `other`; NULL for a copy.
    ANY_VALUE(o.kind) AS kind,
    -- The path or name.
    ANY_VALUE(o.path) AS path,
    -- The descriptor that this one is a copy of; NULL for none.
    ANY_VALUE(o.from_fd) AS from_fd,
    -- True where exec closes it.
    BOOL_OR(o.cloexec OR f.ts IS NOT NULL OR g.ts IS NOT NULL) AS cloexec
FROM opens AS o
LEFT JOIN nexts AS n
    ON o.run_id = n.run_id AND o.pid = n.pid AND o.fd = n.fd AND o.ts = n.ts AND NOT n.closes
LEFT JOIN fd_ends AS r
    ON
        o.run_id = r.run_id
        AND o.pid = r.pid
        AND r.fd < r.last_fd
        AND o.fd BETWEEN r.fd AND r.last_fd
        AND r.ts >= o.ts
LEFT JOIN process_breaks AS p ON o.run_id = p.run_id AND o.pid = p.pid AND p.ts >= o.ts
LEFT JOIN marked AS f
    ON o.run_id = f.run_id AND o.pid = f.pid AND o.fd = f.fd AND o.ts = f.opened_ts
LEFT JOIN fd_cloexecs AS g
    ON
        o.run_id = g.run_id
        AND o.pid = g.pid
        AND g.fd < g.last_fd
        AND o.fd BETWEEN g.fd AND g.last_fd
        AND g.ts >= o.ts
        AND (g.ts <= n.end_ts OR n.end_ts IS NULL)
GROUP BY o.run_id, o.pid, o.fd, o.ts;
