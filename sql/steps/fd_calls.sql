-- Every system call that returned and may have made or closed a descriptor, with the process of its
-- thread and that process's file table.
-- staged: several steps read it while a batch is loaded
CREATE VIEW fd_calls AS
WITH
calls AS (
    SELECT run_id, tid, name, entry_ts, exit_ts, ret
    FROM syscalls
    WHERE
        exit_ts IS NOT NULL
        AND NOT cleared
        AND (
            name IN ('close', 'close_range', 'connect', 'listen', 'bind', 'shutdown')
            OR name IN (SELECT m.name FROM fd_makers AS m)
        )
)

SELECT
    -- The run.
    c.run_id,
    -- The process.
    COALESCE(t.pid, c.tid) AS pid,
    -- The process's file table at that time.
    COALESCE(f.table_id, t.pid, c.tid) AS table_id,
    -- The thread.
    c.tid,
    -- The call's name.
    c.name,
    -- When it began, ns since the Unix epoch.
    c.entry_ts,
    -- When it returned, ns since the Unix epoch.
    c.exit_ts,
    -- What it returned.
    c.ret
FROM calls AS c
LEFT JOIN threads AS t
    ON
        c.run_id = t.run_id
        AND c.tid = t.tid
        AND t.start_ts <= c.exit_ts
        AND t.end_ts > c.exit_ts
LEFT JOIN file_tables AS f
    ON
        c.run_id = f.run_id
        AND COALESCE(t.pid, c.tid) = f.pid
        AND f.start_ts <= c.exit_ts
        AND f.next_ts > c.exit_ts;
