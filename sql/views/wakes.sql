-- Every time that a thread came to a cpu, with the waking that made it come: the first one since it
-- last left a cpu. A waking of a thread still on a cpu counts only where the thread is then
-- switched out asleep (the two raced).
-- staged: several metrics read it while a batch is loaded
CREATE VIEW wakes AS
WITH
wakings AS (
    SELECT run_id, tid, ts, cpu_id, ctx_tid FROM event.sched_waking
    UNION ALL
    SELECT u.run_id, u.tid, u.ts, u.cpu_id, u.ctx_tid
    FROM event.sched_wakeup AS u
    ANTI JOIN event.sched_waking AS w ON u.run_id = w.run_id
),

marks AS (
    SELECT
        run_id,
        tid,
        ts,
        cpu_id,
        'waking' AS what,
        NULL::BIGINT AS prev_state,
        NULL AS comm,
        ctx_tid AS waker_tid
    FROM wakings
    WHERE tid <> 0
    UNION ALL
    SELECT run_id, prev_tid, ts, cpu_id, 'out', prev_state, NULL, NULL
    FROM event.sched_switch
    WHERE prev_tid <> 0
    UNION ALL
    SELECT run_id, next_tid, ts, cpu_id, 'in', NULL, next_comm, NULL
    FROM event.sched_switch
    WHERE next_tid <> 0
),

turns AS (
    SELECT
        *,
        COUNT(CASE WHEN what = 'in' THEN 1 END) OVER (
            PARTITION BY run_id, tid ORDER BY ts, what DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS turn
    FROM marks
),

left_cpu AS (
    SELECT
        *,
        MAX(CASE WHEN what = 'out' THEN ts END) OVER turn_of AS out_ts,
        ARG_MAX(prev_state, CASE WHEN what = 'out' THEN ts END) OVER turn_of AS out_state,
        MAX(CASE WHEN what = 'in' THEN ts END) OVER turn_of AS come_ts,
        MAX(CASE WHEN what = 'in' THEN cpu_id END) OVER turn_of AS come_cpu
    FROM turns
    WINDOW turn_of AS (PARTITION BY run_id, tid, turn)
),

counted AS (
    SELECT
        *,
        what = 'waking'
        AND CASE
            WHEN ts <= out_ts THEN out_state & 255 <> 0
            WHEN out_ts IS NULL AND come_ts IS NULL AND turn > 0 THEN false
            ELSE true
        END AS counts,
        COALESCE(ts <= out_ts, false) AS raced
    FROM left_cpu
),

-- What was known of a waking is cleared with its cpu, and with the cpu to which the thread comes.
standing AS (
    SELECT
        c.*,
        c.counts
        AND NOT (
            cleared_on(l.windows, c.cpu_id, c.ts, c.come_ts)
            OR cleared_on(l.windows, c.come_cpu, c.ts, c.come_ts)
        ) AS stands
    FROM counted AS c
    LEFT JOIN run_losses AS l ON c.run_id = l.run_id
),

-- A waking after the thread has left shows that an earlier one, while it still ran, was used up.
candidates AS (
    SELECT
        *,
        stands AND NOT (raced AND BOOL_OR(stands AND NOT raced) OVER turn_of) AS starts
    FROM standing
    WINDOW turn_of AS (PARTITION BY run_id, tid, turn)
)

SELECT
    -- The run.
    run_id,
    -- The thread that came to a cpu.
    tid,
    -- When it was woken, ns since the Unix epoch; NULL where no waking is known, as after a
    -- preemption.
    MIN(ts) FILTER (WHERE starts) AS waking_ts,
    -- When it came to the cpu, ns since the Unix epoch; NULL where the trace does not show it.
    MAX(ts) FILTER (WHERE what = 'in') AS in_ts,
    -- When it had left a cpu before, ns since the Unix epoch; NULL where the trace does not show
    -- it.
    MAX(out_ts) AS out_ts,
    -- The state in which it had left.
    MAX(out_state) AS out_state,
    -- True where the waking came while the thread was still on a cpu, on its way to sleep.
    COALESCE(ARG_MIN(raced, ts) FILTER (WHERE starts), false) AS raced,
    -- The cpu on which it was woken: the waker's.
    ARG_MIN(cpu_id, ts) FILTER (WHERE starts) AS waking_cpu,
    -- The thread that was current on the waker's cpu.
    ARG_MIN(waker_tid, ts) FILTER (WHERE starts) AS waker_tid,
    -- The cpu to which it came.
    MAX(cpu_id) FILTER (WHERE what = 'in') AS in_cpu,
    -- The thread's name as it came.
    MAX(comm) FILTER (WHERE what = 'in') AS comm,
    -- True where a loss cleared every waking that would have counted.
    BOOL_OR(counts) AND NOT BOOL_OR(starts) AS cleared,
    -- Wakings that were dropped: the thread was on a cpu and left it runnable.
    COUNT(*) FILTER (WHERE what = 'waking' AND NOT counts) AS dropped
FROM candidates
GROUP BY run_id, tid, turn;
