-- Every meaning of every descriptor of every process with what it was at its origin: copies by
-- `dup` followed back, and what a process inherits or shares.
-- staged: several steps read it while a batch is loaded
CREATE VIEW fd_spans AS
WITH
opened AS (
    SELECT
        *,
        LEAST(
            LEAD(until_ts) OVER same_fd, LEAD(CASE WHEN what = 'open' THEN ts END, 2) OVER same_fd
        ) AS end_ts
    FROM (SELECT * FROM fd_timeline WHERE what IN ('open', 'close')) AS ends
    WINDOW same_fd AS (PARTITION BY run_id, table_id, fd ORDER BY ts, place)
),

spans AS (
    SELECT run_id, table_id, fd, ts AS start_ts, end_ts, node_id, true AS is_call
    FROM opened
    WHERE what = 'open'
    UNION ALL
    SELECT run_id, table_id, fd, start_ts, end_ts, node_id, false
    FROM fd_inherited
),

held AS (
    SELECT
        s.run_id,
        COALESCE(f.pid, s.table_id) AS pid,
        s.fd,
        GREATEST(s.start_ts, f.start_ts) AS start_ts,
        LEAST(s.end_ts, f.end_ts) AS end_ts,
        s.node_id,
        CASE WHEN NOT s.is_call OR f.start_ts > s.start_ts THEN f.how END AS came_by
    FROM spans AS s
    LEFT JOIN file_tables AS f
        ON
            s.run_id = f.run_id
            AND s.table_id = f.table_id
            AND (f.end_ts > s.start_ts OR f.end_ts IS NULL)
            AND (f.start_ts < s.end_ts OR s.end_ts IS NULL)
)

SELECT
    -- The run.
    h.run_id,
    -- The process.
    h.pid,
    -- The descriptor.
    h.fd,
    -- From when on it meant this, ns since the Unix epoch.
    h.start_ts,
    -- Until when, ns since the Unix epoch; NULL for the trace's end.
    h.end_ts,
    -- `socket`, `path`, `pipe`, `anon_inode` or `other`.
    r.kind,
    -- The path or name.
    r.path,
    -- The event that made it this process's: a call's name, `fork`, `exec` or `unshare` where that
    -- parted a shared table, `statedump` or `proc`.
    COALESCE(h.came_by, n.opened_by) AS opened_by,
    -- `statedump`, `syscall` or `proc`.
    r.source,
    -- The process in which it was first opened.
    r.pid AS root_pid,
    -- The descriptor as which it was first opened.
    r.fd AS root_fd,
    -- When it was first opened, ns since the Unix epoch.
    r.ts AS root_ts,
    -- The event that first opened it.
    r.opened_by AS root_call
FROM held AS h
INNER JOIN fd_nodes AS n ON h.node_id = n.node_id
LEFT JOIN fd_origins AS o ON n.node_id = o.node_id
-- A copy of nobody knows what is not known either.
INNER JOIN fd_nodes AS r
    ON
        r.node_id = CASE WHEN n.from_fd IS NULL THEN n.node_id ELSE o.root_id END
        AND r.from_fd IS NULL
WHERE h.end_ts IS NULL OR h.end_ts > h.start_ts;
