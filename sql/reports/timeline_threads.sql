-- The threads that matter to one connection of a run, a row each, the most concerned first: those
-- whose calls and waking are steps of its story, its owners, and those in which its segments were
-- received or queued by `ksoftirqd`: `FROM timeline_threads(RUN_ID, CONNECTION_ID)`.
CREATE MACRO timeline_threads(run, connection) AS TABLE
WITH
of_connection AS (SELECT * FROM rx_path WHERE run_id = run AND connection_id = connection),

own_ksoftirqd AS (SELECT tid FROM ksoftirqd_threads WHERE run_id = run),

own_softirqs AS (
    SELECT ts, cpu_id, ctx_tid
    FROM softirqs
    WHERE run_id = run AND vec = 3 AND ctx_tid IN (SELECT k.tid FROM own_ksoftirqd AS k)
),

reasons AS (
    SELECT tid, 1 AS place, COUNT(*) AS n
    FROM story_steps
    WHERE
        run_id = run
        AND connection_id = connection
        AND (event LIKE 'syscall%' OR event LIKE 'compat%' OR event LIKE 'sched%')
    GROUP BY tid
    UNION ALL
    SELECT UNNEST([server_pid, client_pid]), 2, 1
    FROM connections
    WHERE run_id = run AND connection_id = connection
    UNION ALL
    SELECT tid, 3, COUNT(*)
    FROM of_connection
    GROUP BY tid
    UNION ALL
    SELECT s.ctx_tid, 4, COUNT(*)
    FROM of_connection AS r
    INNER JOIN own_softirqs AS s ON r.softirq_ts = s.ts AND r.cpu_id = s.cpu_id
    GROUP BY s.ctx_tid
),

threads_named AS (
    SELECT tid, ARG_MAX(comm, end_ts) AS comm, ARG_MAX(pid, end_ts) AS pid
    FROM threads
    WHERE run_id = run
    GROUP BY tid
)

SELECT
    -- The thread.
    r.tid,
    -- Its process; NULL where the trace does not say.
    ANY_VALUE(t.pid) AS pid,
    -- Its name, the last that it had.
    ANY_VALUE(t.comm) AS comm,
    -- True where it runs softirqs for the kernel (`ksoftirqd/N`).
    MIN(r.place) = 4 AS is_ksoftirqd,
    -- How many of the connection's steps, or segments, concern it.
    SUM(r.n)::BIGINT AS concerns
FROM reasons AS r
LEFT JOIN threads_named AS t ON r.tid = t.tid
WHERE r.tid IS NOT NULL AND r.tid <> 0
GROUP BY r.tid
ORDER BY MIN(r.place), SUM(r.n) DESC, r.tid;
