-- The turns of the softirqs with what was going on on the cpu at the raise.
-- staged: what raised them is told by several steps
CREATE VIEW softirq_raises AS
SELECT
    -- The run.
    t.run_id,
    -- When the handler started, ns since the Unix epoch; NULL for a raise that no start follows.
    t.ts,
    -- When it ended, ns since the Unix epoch; NULL where the trace does not show it.
    t.exit_ts,
    -- The cpu.
    t.cpu_id,
    -- The softirq's vector.
    t.vec,
    -- The thread that was current as it started.
    t.ctx_tid,
    -- When the oldest raise happened, ns since the Unix epoch; NULL for none.
    t.raise_ts,
    -- The thread that was current at that raise.
    t.raise_tid,
    -- True where a loss on the cpu may hide what the row lacks: the raise, or the start.
    t.lost,
    -- When the innermost handler open at the raise started, ns since the Unix epoch; NULL for none.
    CASE WHEN h.end_ts >= t.raise_ts THEN h.irq_ts END AS irq_ts,
    -- True where a softirq ran on the cpu at the raise.
    s.ts IS NOT NULL
    AND COALESCE(s.exit_ts >= t.raise_ts, true)
    AND NOT cleared_on(l.windows, t.cpu_id, s.ts, t.raise_ts) AS in_softirq
FROM softirq_turns AS t
LEFT JOIN run_losses AS l ON t.run_id = l.run_id
ASOF LEFT JOIN handler_spans AS h
    ON t.run_id = h.run_id AND t.cpu_id = h.cpu_id AND t.raise_ts >= h.start_ts
ASOF LEFT JOIN softirq_pairs AS s
    ON t.run_id = s.run_id AND t.cpu_id = s.cpu_id AND t.raise_ts > s.ts;
