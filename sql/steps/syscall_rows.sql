-- The rows of `store.calls`, derived from the events: an entry goes with the exit that follows in
-- the same thread and bears the same name. An exit that opens a thread's events has no entry (the
-- call began before the trace), an entry that ends them no exit.
-- fills: store.calls
CREATE VIEW syscall_rows AS
WITH
-- Each call by a number: to compare numbers is quicker than names.
classes AS (
    SELECT
        code,
        name LIKE '%syscall\_entry\_%' ESCAPE '\' AS enters,
        REGEXP_REPLACE(name, 'syscall_(entry|exit)_', '') AS call,
        DENSE_RANK() OVER (ORDER BY REGEXP_REPLACE(name, 'syscall_(entry|exit)_', '')) AS number
    FROM store.classes
    WHERE
        STARTS_WITH(name, 'syscall_entry_')
        OR STARTS_WITH(name, 'syscall_exit_')
        OR STARTS_WITH(name, 'compat_syscall_entry_')
        OR STARTS_WITH(name, 'compat_syscall_exit_')
),

edges AS (
    SELECT e.run_id, e.tid, e.cpu_id, e.ts, e.ret, c.enters, c.number
    FROM store.all_rows AS e
    INNER JOIN classes AS c ON e.code = c.code
    WHERE e.tid IS NOT NULL
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
            WHEN NOT enters AND LAG(enters) OVER exit_first AND LAG(number) OVER exit_first = number
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
        enters
        AND COALESCE(
            LEAD(NOT enters) OVER in_thread AND LEAD(number) OVER in_thread = number, false
        ) AS returns,
        LAG(ts) OVER in_thread IS NULL AS opens
    FROM placed
    WINDOW in_thread AS (PARTITION BY run_id, tid ORDER BY ts, place)
),

names AS (SELECT DISTINCT number, call FROM classes)

SELECT
    -- The run.
    p.run_id,
    -- The thread.
    p.tid,
    -- The call's name; a 32-bit call on a 64-bit kernel begins with `compat_`.
    n.call AS name,
    -- When the call began, ns since the Unix epoch; NULL where it began before the trace.
    CASE WHEN p.enters THEN p.ts END AS entry_ts,
    -- How long it took, ns; NULL unless the trace shows both its ends.
    CASE WHEN p.returns THEN p.next_ts - p.ts END AS dur,
    -- When a call that began before the trace returned, ns since the Unix epoch; NULL for others.
    CASE WHEN NOT p.enters THEN p.ts END AS lone_exit_ts,
    -- The cpu on which it began.
    CASE WHEN p.enters THEN p.cpu_id END AS entry_cpu,
    -- The cpu on which it returned.
    CASE WHEN NOT p.enters THEN p.cpu_id WHEN p.returns THEN p.next_cpu_id END AS exit_cpu,
    -- What it returned.
    CASE WHEN NOT p.enters THEN p.ret WHEN p.returns THEN p.next_ret END AS ret,
    -- True where a loss began on the call's cpu before its exit: entry and exit may not belong
    -- together.
    CASE
        WHEN l.windows IS NULL THEN false
        WHEN NOT p.enters THEN cleared_on(l.windows, p.cpu_id, 0, p.ts)
        WHEN p.returns
            THEN
                cleared_on(l.windows, p.cpu_id, p.ts, p.next_ts)
                OR cleared_on(l.windows, p.next_cpu_id, p.ts, p.next_ts)
        ELSE false
    END AS cleared,
    -- False where the tracer may have lost events of any cpu during the call.
    l.windows IS NULL OR NOT p.returns OR NOT lost_anywhere(l.windows, p.ts, p.next_ts) AS certain
FROM paired AS p
INNER JOIN names AS n ON p.number = n.number
LEFT JOIN run_losses AS l ON p.run_id = l.run_id
WHERE p.enters OR p.opens
ORDER BY p.run_id, p.number, p.tid, p.ts;
