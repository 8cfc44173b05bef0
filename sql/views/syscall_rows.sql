-- The rows of `syscalls`, derived from `events`: an entry goes with the exit that follows in the
-- same thread and bears the same name.
-- An exit that opens a thread's events has no entry (the call began before the trace), an entry
-- that ends them no exit.
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
    FROM edges
    WINDOW in_thread AS (PARTITION BY run_id, tid ORDER BY ts)
)

SELECT
    -- The run.
    run_id,
    -- The thread.
    tid,
    -- The call's name; a 32-bit call on a 64-bit kernel begins with `compat_`.
    call AS name,
    -- When the call began, ns since the Unix epoch; NULL where it began before the trace.
    CASE WHEN enters THEN ts END AS entry_ts,
    -- When it returned, ns since the Unix epoch; NULL where the trace does not show it.
    CASE WHEN NOT enters THEN ts WHEN returns THEN next_ts END AS exit_ts,
    -- The cpu on which it began.
    CASE WHEN enters THEN cpu_id END AS entry_cpu,
    -- The cpu on which it returned.
    CASE WHEN NOT enters THEN cpu_id WHEN returns THEN next_cpu_id END AS exit_cpu,
    -- What it returned.
    CASE WHEN NOT enters THEN ret WHEN returns THEN next_ret END AS ret,
    -- True where a loss began on the call's cpu before its exit: entry and exit may not belong
    -- together.
    CASE
        WHEN NOT enters THEN cleared_on(run_id, cpu_id, 0, ts)
        WHEN returns
            THEN
                cleared_on(run_id, cpu_id, ts, next_ts)
                OR cleared_on(run_id, next_cpu_id, ts, next_ts)
        ELSE false
    END AS cleared
FROM paired
WHERE enters OR opens;
