-- Every time between a thread's coming to a cpu and its next coming to one, where it was woken
-- meanwhile: the waking that made it come, the first since it last left. A waking of a thread still
-- on a cpu counts only where the thread is then switched out asleep (the two raced).
-- staged: `wakes` takes the rows that have a waking, `metric_counts` counts the others
CREATE VIEW thread_turns AS
WITH
marks AS MATERIALIZED (SELECT * FROM thread_marks),

turns AS (
    SELECT
        run_id,
        tid,
        turn,
        MAX(ts) FILTER (WHERE what = 'out') AS out_ts,
        ARG_MAX(state, ts) FILTER (WHERE what = 'out') AS out_state,
        MAX(ts) FILTER (WHERE what = 'in') AS in_ts,
        MAX(cpu_id) FILTER (WHERE what = 'in') AS in_cpu,
        MAX(comm) FILTER (WHERE what = 'in') AS comm
    FROM marks
    GROUP BY run_id, tid, turn
),

wakings AS (
    SELECT
        t.*,
        m.ts,
        m.cpu_id,
        m.waker_tid,
        COALESCE(m.ts <= t.out_ts, false) AS raced,
        CASE
            WHEN m.ts <= t.out_ts THEN t.out_state & 255 <> 0
            WHEN t.out_ts IS NULL AND t.in_ts IS NULL AND t.turn >= 0 THEN false
            ELSE true
        END AS counts,
        -- What was known of a waking is cleared with its cpu, and with the one that the thread
        -- comes to.
        l.windows IS NOT NULL
        AND (
            cleared_on(l.windows, m.cpu_id, m.ts, t.in_ts)
            OR cleared_on(l.windows, t.in_cpu, m.ts, t.in_ts)
        ) AS clears
    FROM marks AS m
    INNER JOIN turns AS t ON m.run_id = t.run_id AND m.tid = t.tid AND m.turn = t.turn
    LEFT JOIN run_losses AS l ON m.run_id = l.run_id
    WHERE m.what = 'waking'
)

SELECT
    -- The run.
    run_id,
    -- The thread.
    tid,
    -- When it was woken, ns since the Unix epoch; NULL where no waking counts.
    CASE WHEN counts AND NOT clears THEN ts END AS waking_ts,
    -- When it came to the cpu, ns since the Unix epoch; NULL where the trace does not show it.
    in_ts,
    -- When it had left a cpu before, ns since the Unix epoch; NULL where the trace does not show
    -- it.
    out_ts,
    -- The state in which it had left.
    out_state,
    -- True where the waking came while the thread was still on a cpu, on its way to sleep.
    raced,
    -- The cpu on which it was woken: the waker's.
    cpu_id AS waking_cpu,
    -- The cpu to which it came.
    in_cpu,
    -- The thread that was current on the waker's cpu.
    waker_tid,
    -- The thread's name as it came.
    comm,
    -- True where a loss cleared every waking that would have counted.
    counts AND clears AS cleared,
    -- Wakings that were dropped: the thread was on a cpu and left it runnable.
    COUNT(CASE WHEN NOT counts THEN 1 END) OVER turn_of AS dropped
FROM wakings
WINDOW turn_of AS (PARTITION BY run_id, tid, turn)
-- A waking after the thread has left shows that an earlier one, while it still ran, was used up.
QUALIFY
    ROW_NUMBER() OVER (
        PARTITION BY run_id, tid, turn ORDER BY counts AND NOT clears DESC, counts DESC, raced, ts
    ) = 1;
