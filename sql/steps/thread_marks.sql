-- Every waking of a thread, and every time that it left a cpu or came to one, with the time at
-- which it had last come before: marks that share it lie between the same two.
CREATE VIEW thread_marks AS
WITH
-- To join these, and not all wakings by ANTI JOIN, lets a condition on the run through.
waking_runs AS (SELECT run_id FROM event.sched_waking GROUP BY run_id),

marks AS (
    SELECT run_id, tid, ts, cpu_id, 'waking' AS what, NULL::BIGINT AS state, ctx_tid AS waker_tid,
        NULL AS comm
    FROM event.sched_waking
    UNION ALL
    SELECT u.run_id, u.tid, u.ts, u.cpu_id, 'waking', NULL, u.ctx_tid, NULL
    FROM event.sched_wakeup AS u
    LEFT JOIN waking_runs AS w ON u.run_id = w.run_id
    WHERE w.run_id IS NULL
    UNION ALL
    SELECT run_id, prev_tid, ts, cpu_id, 'out', prev_state, NULL, NULL
    FROM event.sched_switch
    UNION ALL
    SELECT run_id, next_tid, ts, cpu_id, 'in', NULL, NULL, next_comm
    FROM event.sched_switch
)

SELECT
    -- The run.
    run_id,
    -- The thread; never 0, the idle threads.
    tid,
    -- When it was woken, left or came, ns since the Unix epoch.
    ts,
    -- The cpu: the waker's for a waking.
    cpu_id,
    -- `waking`, `out` or `in`; at one time in this order.
    what,
    -- The state in which it left.
    state,
    -- The thread that was current where it was woken.
    waker_tid,
    -- Its name as it came.
    comm,
    -- When it had last come to a cpu before, ns since the Unix epoch; -1 where the trace does not
    -- show it.
    COALESCE(LAST_VALUE(CASE WHEN what = 'in' THEN ts END IGNORE NULLS) OVER before, -1) AS turn
FROM marks
WHERE tid <> 0
WINDOW before AS (
    PARTITION BY run_id, tid ORDER BY ts, what DESC
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
);
