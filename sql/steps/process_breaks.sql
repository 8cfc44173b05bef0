-- When a process ended, with the last of its threads, or replaced its program: what ends the
-- meaning of its descriptors.
-- staged: several steps read it while a batch is loaded
CREATE VIEW process_breaks AS
WITH
-- A number that is given anew begins another life with its fork.
marks AS (
    SELECT e.run_id, t.pid, e.ts, e.tid = t.pid AS is_leader, false AS begins
    FROM event.sched_process_exit AS e
    INNER JOIN threads AS t
        ON e.run_id = t.run_id AND e.tid = t.tid AND t.start_ts <= e.ts AND t.end_ts > e.ts
    UNION ALL
    SELECT run_id, child_pid, ts, false, true
    FROM process_forks
),

lives AS (
    SELECT
        *,
        COUNT(CASE WHEN begins THEN 1 END) OVER (
            PARTITION BY run_id, pid ORDER BY ts, NOT begins
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS life
    FROM marks
)

SELECT
    -- The run.
    run_id,
    -- The process.
    pid,
    -- When it happened, ns since the Unix epoch.
    MAX(ts) AS ts,
    -- `exit` or `exec`.
    'exit' AS what
FROM lives
WHERE NOT begins
GROUP BY run_id, pid, life
HAVING BOOL_OR(is_leader)
UNION ALL
SELECT run_id, tid, ts, 'exec'
FROM event.sched_process_exec;
