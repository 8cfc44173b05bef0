-- Every start of a softirq's handler with the oldest raise since the start before it on the same
-- cpu and vector, if any.
-- staged: several metrics read it while a batch is loaded
CREATE VIEW softirq_raises AS
WITH
numbered AS (
    SELECT
        *,
        COUNT(CASE WHEN what = 'softirq_entry' THEN 1 END) OVER (
            PARTITION BY run_id, cpu_id, subject, loss_epoch ORDER BY ts, what DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS turn
    FROM cpu_context
    WHERE what IN ('softirq_raise', 'softirq_entry')
)

SELECT
    -- The run.
    run_id,
    -- The cpu.
    cpu_id,
    -- The softirq's vector.
    subject::UINTEGER AS vec,
    -- How many losses began on the cpu before.
    loss_epoch,
    -- How many starts of the vector came before, since the last loss on the cpu.
    turn,
    -- When the oldest raise happened, ns since the Unix epoch; NULL for none.
    MIN(ts) FILTER (WHERE what = 'softirq_raise') AS raise_ts,
    -- When the handler started, ns since the Unix epoch; NULL where the trace does not show it.
    MIN(ts) FILTER (WHERE what = 'softirq_entry') AS entry_ts,
    -- When the innermost handler open at the raise started, ns since the Unix epoch; NULL for none.
    ARG_MIN_NULL(handler_ts, ts) FILTER (WHERE what = 'softirq_raise') AS handler_ts,
    -- True where a softirq ran on the cpu at the raise.
    ARG_MIN(softirq_ts IS NOT NULL, ts) FILTER (WHERE what = 'softirq_raise') AS in_softirq,
    -- True where a driver was handing a buffer to the backlog at the raise.
    ARG_MIN(hands_over, ts) FILTER (WHERE what = 'softirq_raise') AS hands_over,
    -- The thread that was current at the raise.
    ARG_MIN_NULL(ctx_tid, ts) FILTER (WHERE what = 'softirq_raise') AS raise_tid,
    -- The thread that was current when the handler started.
    ARG_MIN_NULL(ctx_tid, ts) FILTER (WHERE what = 'softirq_entry') AS entry_tid
FROM numbered
GROUP BY run_id, cpu_id, subject, loss_epoch, turn;
