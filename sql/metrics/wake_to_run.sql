-- How long a woken thread waited for a cpu: from the first waking since it last left one to the
-- switch that brings it in. Where waking was not traced, the wakeup stands for it. The idle threads
-- (tid 0) never count.
-- from: sched_waking
-- to: sched_switch
-- requires: sched_waking | sched_wakeup, sched_switch
CREATE VIEW wake_to_run AS
SELECT
    -- The run.
    w.run_id,
    -- When the thread was woken, ns since the Unix epoch.
    w.waking_ts AS ts,
    -- How long until it came to a cpu, ns.
    w.in_ts - w.waking_ts AS dur,
    -- False where the tracer may have lost events of any cpu meanwhile.
    NOT lost_anywhere(l.windows, w.waking_ts, w.in_ts) AS certain,
    -- The thread.
    w.tid,
    -- Its name.
    w.comm,
    -- The thread that was current where the waking happened: the waker, or the one it interrupted.
    w.waker_tid,
    -- In which context the waker was: `hardirq`, `softirq` or `task`.
    c.context AS waker_context,
    -- The cpu to which the thread came.
    w.in_cpu AS cpu_id,
    -- True where the waking came while the thread was still on a cpu, on its way to sleep.
    w.raced
FROM wakes AS w
LEFT JOIN run_losses AS l ON w.run_id = l.run_id
LEFT JOIN cpu_context AS c
    ON
        w.run_id = c.run_id
        AND w.waking_cpu = c.cpu_id
        AND w.waking_ts = c.ts
        AND w.tid = c.subject
        AND c.what IN ('sched_waking', 'sched_wakeup')
WHERE
    w.waking_ts IS NOT NULL
    AND w.in_ts IS NOT NULL;

-- What `wake_to_run` leaves out: wakings without a run, and wakings of threads that had not slept.
CREATE VIEW wake_to_run_left_out AS
SELECT
    -- The run.
    run_id,
    -- `cleared_by_loss`, `no_switch` where the trace's end cut the wait off, or `not_asleep` for
    -- the dropped wakings.
    reason,
    -- How many there were.
    SUM(n)::BIGINT AS n
FROM (
    SELECT
        run_id,
        CASE WHEN in_ts IS NULL THEN 'no_switch' ELSE 'cleared_by_loss' END AS reason,
        1 AS n
    FROM wakes
    WHERE cleared OR (waking_ts IS NOT NULL AND in_ts IS NULL)
    UNION ALL
    SELECT run_id, 'not_asleep', dropped
    FROM wakes
    WHERE dropped > 0
) AS causes
GROUP BY ALL;
