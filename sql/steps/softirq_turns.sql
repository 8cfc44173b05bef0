-- Every start of a softirq's handler with the oldest raise since the start before it on the same
-- cpu and vector, if any; and every raise that no start follows.
CREATE VIEW softirq_turns AS
WITH
marks AS (
    SELECT run_id, cpu_id, vec, ts, ctx_tid, true AS raises, NULL AS exit_ts
    FROM event.irq_softirq_raise
    UNION ALL
    SELECT run_id, cpu_id, vec, ts, ctx_tid, false, exit_ts FROM softirq_pairs
),

-- At one time, a raise comes before a start.
followed AS (
    SELECT
        *,
        COALESCE(LAG(raises) OVER same_vector, false) AS follows_raise,
        COALESCE(LAG(ts) OVER same_vector, 0) AS before_ts
    FROM marks
    WINDOW same_vector AS (PARTITION BY run_id, cpu_id, vec ORDER BY ts, raises DESC)
),

-- Across an edge of a window of loss nothing is known.
known AS (
    SELECT
        f.*,
        l.windows IS NOT NULL AND cleared_on(l.windows, f.cpu_id, f.before_ts, f.ts) AS clears,
        l.windows IS NOT NULL
        AND f.raises
        AND cleared_on(l.windows, f.cpu_id, f.ts, 9223372036854775807) AS clears_later
    FROM followed AS f
    LEFT JOIN run_losses AS l ON f.run_id = l.run_id
),

-- Of the raises before a start the oldest counts.
oldest AS (
    SELECT
        *,
        NOT raises AND follows_raise AND NOT clears AS is_raised,
        LAG(ts) OVER same_vector AS raise_ts,
        LAG(ctx_tid) OVER same_vector AS raise_tid,
        LEAD(NOT raises AND follows_raise AND NOT clears, 1, false) OVER same_vector AS starts
    FROM known
    WHERE NOT raises OR NOT follows_raise OR clears
    WINDOW same_vector AS (PARTITION BY run_id, cpu_id, vec ORDER BY ts, raises DESC)
)

SELECT
    -- The run.
    run_id,
    -- When the handler started, ns since the Unix epoch; NULL for a raise that no start follows.
    CASE WHEN NOT raises THEN ts END AS ts,
    -- When it ended, ns since the Unix epoch; NULL where the trace does not show it.
    exit_ts,
    -- The cpu.
    cpu_id,
    -- The softirq's vector.
    vec,
    -- The thread that was current as it started.
    CASE WHEN NOT raises THEN ctx_tid END AS ctx_tid,
    -- When the oldest raise happened, ns since the Unix epoch; NULL for none.
    CASE WHEN raises THEN ts WHEN is_raised THEN raise_ts END AS raise_ts,
    -- The thread that was current at that raise.
    CASE WHEN raises THEN ctx_tid WHEN is_raised THEN raise_tid END AS raise_tid,
    -- True where a loss on the cpu may hide what the row lacks: the raise, or the start.
    CASE WHEN raises THEN clears_later ELSE clears END AS lost
FROM oldest
WHERE NOT raises OR NOT starts;
