-- The rows of `threads`, derived from the events: a thread begins with the fork that made it, else
-- with the trace; a new row begins where its name changes; it ends when it last leaves a cpu after
-- its exit.
-- fills: threads
CREATE VIEW thread_rows AS
WITH
marks AS (
    SELECT run_id, tid, ts, 'statedump' AS source, pid, ppid, name AS comm
    FROM event.lttng_statedump_process_state
    UNION ALL
    SELECT
        run_id, child_tid, ts, 'fork', child_pid,
        CASE WHEN child_pid <> parent_pid THEN parent_pid END, child_comm
    FROM event.sched_process_fork
    UNION ALL
    SELECT
        run_id, tid, ts, 'exec', NULL, NULL,
        LEFT(LIST_EXTRACT(STRING_SPLIT(filename, '/'), -1), 15)
    FROM event.sched_process_exec
    UNION ALL
    SELECT run_id, prev_tid, ts, 'switch', ctx_pid, NULL, prev_comm FROM event.sched_switch
    UNION ALL
    SELECT run_id, next_tid, ts, 'switch', NULL, NULL, next_comm FROM event.sched_switch
    UNION ALL
    SELECT e.run_id, e.tid, e.ts, 'exit', NULL, NULL, NULL
    FROM event.sched_process_exit AS e
    -- The first thread ends, and its number goes on, where another thread of it calls exec.
    ANTI JOIN event.sched_process_exec AS x
        ON e.run_id = x.run_id AND e.tid = x.tid AND x.old_tid <> x.tid AND e.ts <= x.ts
    UNION ALL
    SELECT run_id, old_tid, ts, 'gone', NULL, NULL, NULL FROM event.sched_process_exec
    WHERE old_tid <> tid
    UNION ALL
    SELECT run_id, tid, ts, 'context', pid, ppid, comm FROM thread_contexts
),

-- Every cpu has an idle thread of its own, all of them tid 0.
named AS (
    SELECT * REPLACE (CASE WHEN tid = 0 THEN 'swapper' ELSE comm END AS comm)
    FROM marks
    WHERE tid IS NOT NULL
),

-- A running count is slow: it is made for the threads alone that were forked.
lives AS (
    SELECT
        n.*,
        COUNT(CASE WHEN n.source = 'fork' THEN 1 END) OVER (
            PARTITION BY n.run_id, n.tid ORDER BY n.ts, n.source = 'fork'
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS life
    FROM named AS n
    SEMI JOIN event.sched_process_fork AS f ON n.run_id = f.run_id AND n.tid = f.child_tid
    UNION ALL
    SELECT n.*, 0
    FROM named AS n
    ANTI JOIN event.sched_process_fork AS f ON n.run_id = f.run_id AND n.tid = f.child_tid
),

known AS (
    SELECT
        *,
        LAG(comm IGNORE NULLS) OVER so_far AS comm_before,
        MIN(CASE WHEN source = 'exit' THEN ts END) OVER of_life AS exit_ts,
        ROW_NUMBER() OVER so_far AS place,
        FIRST_VALUE(source) OVER so_far AS first_source,
        MAX(pid) OVER of_life AS life_pid,
        MAX(CASE WHEN source = 'fork' THEN ppid END) OVER of_life AS fork_ppid,
        MAX(ppid) OVER of_life AS known_ppid
    FROM lives
    WINDOW
        of_life AS (PARTITION BY run_id, tid, life),
        so_far AS (PARTITION BY run_id, tid, life ORDER BY ts, source = 'switch')
),

dying AS (
    SELECT
        *,
        MIN(
            CASE
                WHEN source = 'switch' AND ts >= exit_ts THEN ts
                WHEN source = 'gone' THEN ts - 1
            END
        ) OVER (
            PARTITION BY run_id, tid, life
        ) AS dead_ts
    FROM known
),

changes AS (
    SELECT
        *,
        LEAD(ts) OVER (PARTITION BY run_id, tid ORDER BY ts, life) AS next_ts
    FROM dying
    WHERE source NOT IN ('exit', 'gone') AND (place = 1 OR comm IS DISTINCT FROM comm_before)
    QUALIFY comm IS NOT NULL OR place = 1
)

SELECT
    -- The run.
    c.run_id,
    -- The thread.
    c.tid,
    -- The thread's process; NULL where the trace does not say.
    CASE WHEN c.tid = 0 THEN 0 ELSE c.life_pid END AS pid,
    -- The parent process; NULL where the trace does not say.
    COALESCE(
        c.fork_ppid, c.known_ppid, MAX(c.known_ppid) OVER (PARTITION BY c.run_id, c.life_pid)
    ) AS ppid,
    -- The thread's name.
    c.comm,
    -- From when on the row holds, ns since the Unix epoch.
    CASE WHEN c.place = 1 AND c.source <> 'fork' THEN LEAST(r.first_ts, c.ts) ELSE c.ts END
        AS start_ts,
    -- Until when the row holds, ns since the Unix epoch.
    LEAST(
        COALESCE(c.next_ts, r.last_ts + 1), COALESCE(c.dead_ts + 1, r.last_ts + 1)
    ) AS end_ts,
    -- What made the row known: `statedump`, `fork`, `exec`, `switch` or `context`.
    c.source
FROM changes AS c
INNER JOIN runs AS r ON c.run_id = r.run_id;
