-- Every start of a softirq's handler with its end: the exit of the same vector that follows on the
-- same cpu.
-- staged: several steps read it while a batch is loaded
CREATE VIEW softirq_pairs AS
WITH
marks AS (
    SELECT run_id, cpu_id, vec, ts, ctx_tid, false AS ends
    FROM event.irq_softirq_entry
    UNION ALL
    SELECT run_id, cpu_id, vec, ts, NULL, true FROM event.irq_softirq_exit
)

SELECT
    -- The run.
    run_id,
    -- When the handler started, ns since the Unix epoch.
    ts,
    -- When it ended, ns since the Unix epoch; NULL where the trace does not show it. An end at the
    -- start's own time is its own unless one that had started before it still ran.
    CASE
        WHEN
            LAG(ends) OVER same_vector
            AND LAG(ts) OVER same_vector = ts
            AND COALESCE(LAG(ends, 2) OVER same_vector, true)
            THEN ts
        WHEN LEAD(ends) OVER same_vector THEN LEAD(ts) OVER same_vector
    END AS exit_ts,
    -- The cpu.
    cpu_id,
    -- The softirq's vector.
    vec,
    -- The thread that was current: the interrupted one, or `ksoftirqd`.
    ctx_tid
FROM marks
WINDOW same_vector AS (PARTITION BY run_id, cpu_id, vec ORDER BY ts, ends DESC)
QUALIFY NOT ends;
