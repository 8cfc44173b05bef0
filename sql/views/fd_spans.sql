-- Every meaning of every descriptor of every process with what it was at its origin: copies by
-- `dup` followed back, and what a process inherits at fork.
CREATE MACRO fd_spans(first_run, last_run) AS TABLE
WITH RECURSIVE
roots AS MATERIALIZED (
    SELECT * FROM fd_roots WHERE run_id BETWEEN first_run AND last_run
),

copies AS (
    SELECT
        run_id, pid AS from_pid, from_fd, start_ts AS ts, pid, fd, end_ts, cloexec, opened_by
    FROM roots
    WHERE from_fd IS NOT NULL
    UNION ALL
    SELECT
        run_id, parent_pid, NULL, ts, child_pid, NULL, NULL, NULL, 'fork'
    FROM process_forks
    WHERE run_id BETWEEN first_run AND last_run
),

-- What ends an inherited descriptor in the process that inherits it.
breaks AS (
    SELECT run_id, pid, fd, fd AS last_fd, start_ts AS ts, start_ts AS end_ts, false AS at_exec
    FROM roots
    UNION ALL
    SELECT run_id, pid, fd, last_fd, ts, exit_ts, false
    FROM fd_ends
    WHERE run_id BETWEEN first_run AND last_run
    UNION ALL
    SELECT run_id, pid, 0, 2147483647, ts, ts AS end_ts, what = 'exec'
    FROM process_breaks
    WHERE run_id BETWEEN first_run AND last_run
),

spans AS (
    SELECT
        run_id, pid, fd, start_ts, end_ts, kind, path, opened_by, source, cloexec,
        pid AS root_pid, fd AS root_fd, start_ts AS root_ts, opened_by AS root_call
    FROM roots
    WHERE from_fd IS NULL
    UNION ALL
    SELECT
        s.run_id,
        c.pid,
        COALESCE(c.fd, s.fd) AS fd,
        c.ts AS start_ts,
        COALESCE(c.end_ts, CASE WHEN c.fd IS NULL THEN MIN(b.end_ts) END) AS end_ts,
        s.kind,
        s.path,
        c.opened_by,
        s.source,
        COALESCE(c.cloexec, s.cloexec) AS cloexec,
        s.root_pid,
        s.root_fd,
        s.root_ts,
        s.root_call
    FROM spans AS s
    INNER JOIN copies AS c
        ON
            s.run_id = c.run_id
            AND s.pid = c.from_pid
            AND (s.fd = c.from_fd OR c.from_fd IS NULL)
            AND c.ts >= s.start_ts
            AND (c.ts < s.end_ts OR s.end_ts IS NULL)
    LEFT JOIN breaks AS b
        ON
            s.run_id = b.run_id
            AND c.pid = b.pid
            AND c.fd IS NULL
            AND s.fd BETWEEN b.fd AND b.last_fd
            AND b.ts >= c.ts
            AND (s.cloexec OR NOT b.at_exec)
    GROUP BY
        s.run_id, c.pid, c.fd, s.fd, c.ts, c.end_ts, s.kind, s.path, c.opened_by, s.source,
        c.cloexec, s.cloexec, s.root_pid, s.root_fd, s.root_ts, s.root_call
)

SELECT
    -- The run.
    run_id,
    -- The process.
    pid,
    -- The descriptor.
    fd,
    -- From when on it meant this, ns since the Unix epoch.
    start_ts,
    -- Until when, ns since the Unix epoch; NULL for the trace's end.
    end_ts,
    -- `socket`, `path`, `pipe`, `anon_inode` or `other`.
    kind,
    -- The path or name.
    path,
    -- The event that made it this process's: a call's name, `fork`, `statedump` or `proc`.
    opened_by,
    -- `statedump`, `syscall` or `proc`.
    source,
    -- The process in which it was first opened.
    root_pid,
    -- The descriptor as which it was first opened.
    root_fd,
    -- When it was first opened, ns since the Unix epoch.
    root_ts,
    -- The event that first opened it.
    root_call
FROM spans;
