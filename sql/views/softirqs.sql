-- Every start of a softirq's handler with its end: the exit of the same vector that follows on the
-- same cpu, no loss between.
-- staged: several metrics read it while a batch is loaded
CREATE VIEW softirqs AS
WITH
marks AS (
    SELECT
        run_id,
        cpu_id,
        vec,
        ts,
        ctx_tid,
        'entry' AS what
    FROM event.irq_softirq_entry
    UNION ALL
    SELECT run_id, cpu_id, vec, ts, ctx_tid, 'exit' FROM event.irq_softirq_exit
),

placed AS (
    SELECT
        *,
        CASE
            WHEN what = 'exit' AND LAG(what) OVER exit_first = 'entry' THEN 0
            WHEN what = 'entry' THEN 1
            ELSE 2
        END AS place
    FROM marks
    WINDOW exit_first AS (PARTITION BY run_id, cpu_id, vec ORDER BY ts, what DESC)
),

paired AS (
    SELECT
        *,
        LEAD(ts) OVER same_vector AS next_ts,
        LEAD(what) OVER same_vector AS next_what
    FROM placed
    WINDOW same_vector AS (PARTITION BY run_id, cpu_id, vec ORDER BY ts, place)
)

SELECT
    -- The run.
    p.run_id,
    -- When the handler started, ns since the Unix epoch.
    p.ts,
    -- When it ended, ns since the Unix epoch; NULL where the trace does not show it.
    CASE WHEN p.next_what = 'exit' THEN p.next_ts END AS exit_ts,
    -- True where a loss began on the cpu between the two.
    p.next_what = 'exit' AND cleared_on(l.windows, p.cpu_id, p.ts, p.next_ts) AS cleared,
    -- The cpu.
    p.cpu_id,
    -- The softirq's vector.
    p.vec,
    -- The thread that was current: the interrupted one, or `ksoftirqd`.
    p.ctx_tid
FROM paired AS p
LEFT JOIN run_losses AS l ON p.run_id = l.run_id
WHERE p.what = 'entry';
