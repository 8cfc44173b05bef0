-- The rows of `syscalls`, derived from `events`: an entry goes with the exit that follows in the
-- same thread and bears the same name. An exit that opens a thread's events has no entry (the call
-- began before the trace), an entry that ends them no exit.
-- fills: syscalls
CREATE VIEW syscall_rows AS
WITH
edges AS (
    SELECT
        run_id,
        tid,
        cpu_id,
        ts,
        ret,
        name LIKE '%syscall\_entry\_%' ESCAPE '\' AS enters,
        REGEXP_REPLACE(name, 'syscall_(entry|exit)_', '') AS call
    FROM events
    WHERE
        tid IS NOT NULL
        AND (
            STARTS_WITH(name, 'syscall_entry_')
            OR STARTS_WITH(name, 'syscall_exit_')
            OR STARTS_WITH(name, 'compat_syscall_entry_')
            OR STARTS_WITH(name, 'compat_syscall_exit_')
        )
    UNION ALL
    -- A fork gives the number to a new thread, whose first event is the end of its parent's call.
    SELECT run_id, child_tid, NULL, ts, NULL, NULL, NULL
    FROM event.sched_process_fork
),

-- At one time, the exit of a call that was entered earlier comes before the next entry.
placed AS (
    SELECT
        *,
        CASE
            WHEN NOT enters AND LAG(enters) OVER exit_first AND LAG(call) OVER exit_first = call
                THEN 0
            WHEN enters THEN 1
            ELSE 2
        END AS place
    FROM edges
    WINDOW exit_first AS (PARTITION BY run_id, tid ORDER BY ts, enters)
),

paired AS (
    SELECT
        *,
        LEAD(ts) OVER in_thread AS next_ts,
        LEAD(cpu_id) OVER in_thread AS next_cpu_id,
        LEAD(ret) OVER in_thread AS next_ret,
        COALESCE(LEAD(NOT enters) OVER in_thread AND LEAD(call) OVER in_thread = call, false)
            AS returns,
        LAG(ts) OVER in_thread IS NULL AS opens
    FROM placed
    WINDOW in_thread AS (PARTITION BY run_id, tid ORDER BY ts, place)
)

SELECT
    -- The run.
    p.run_id,
    -- The thread.
    p.tid,
    -- The p.call's name; a 32-bit p.call on a 64-bit kernel begins with `compat_`.
    p.call AS name,
    -- When the p.call began, ns since the Unix epoch; NULL where it began before the trace.
    CASE WHEN p.enters THEN p.ts END AS entry_ts,
    -- When it returned, ns since the Unix epoch; NULL where the trace does not show it.
    CASE WHEN NOT p.enters THEN p.ts WHEN p.returns THEN p.next_ts END AS exit_ts,
    -- The cpu on which it began.
    CASE WHEN p.enters THEN p.cpu_id END AS entry_cpu,
    -- The cpu on which it returned.
    CASE WHEN NOT p.enters THEN p.cpu_id WHEN p.returns THEN p.next_cpu_id END AS exit_cpu,
    -- What it returned.
    CASE WHEN NOT p.enters THEN p.ret WHEN p.returns THEN p.next_ret END AS ret,
    -- True where a loss began on the p.call's cpu before its exit: entry and exit may not belong
    -- together.
    CASE
        WHEN NOT p.enters THEN cleared_on(l.windows, p.cpu_id, 0, p.ts)
        WHEN p.returns
            THEN
                cleared_on(l.windows, p.cpu_id, p.ts, p.next_ts)
                OR cleared_on(l.windows, p.next_cpu_id, p.ts, p.next_ts)
        ELSE false
    END AS cleared
FROM paired AS p
LEFT JOIN run_losses AS l ON p.run_id = l.run_id
WHERE p.call IS NOT NULL AND (p.enters OR p.opens);
