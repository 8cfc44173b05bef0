-- The rows of the table `softirqs`.
-- fills: softirqs
CREATE VIEW softirq_rows AS
SELECT
    -- The run.
    r.run_id,
    -- When the handler started, ns since the Unix epoch; NULL for a raise that no start follows.
    r.ts,
    -- When it ended, ns since the Unix epoch; NULL where the trace does not show it.
    r.exit_ts,
    -- The cpu.
    r.cpu_id,
    -- The softirq's vector.
    r.vec,
    -- The thread that was current as it started.
    r.ctx_tid,
    -- True where a loss began on the cpu between start and end.
    l.windows IS NOT NULL AND cleared_on(l.windows, r.cpu_id, r.ts, r.exit_ts) AS cleared,
    -- False where the tracer may have lost events of this cpu between start and end.
    l.windows IS NULL OR NOT lost_on(l.windows, r.cpu_id, r.ts, r.exit_ts) AS certain,
    -- When the oldest raise since the start before happened, ns since the Unix epoch; NULL for
    -- none.
    r.raise_ts,
    -- The thread that was current at that raise.
    r.raise_tid,
    -- What raised it.
    CASE
        WHEN r.raise_ts IS NULL THEN NULL
        WHEN r.irq_ts IS NOT NULL THEN 'hardirq'
        WHEN r.in_softirq THEN 'softirq'
        WHEN c.in_call THEN 'task'
        WHEN i.tid IS NOT NULL THEN 'threaded_irq'
        WHEN c.in_hand_over THEN 'task'
        ELSE 'unseen'
    END AS origin,
    -- When the innermost handler open at the raise started, ns since the Unix epoch; NULL for none.
    r.irq_ts,
    -- False where the tracer may have lost events of this cpu between raise and start.
    l.windows IS NULL OR NOT lost_on(l.windows, r.cpu_id, r.raise_ts, r.ts) AS raise_certain,
    -- False where the tracer may have lost events of this cpu between that handler's start and the
    -- softirq's.
    l.windows IS NULL OR NOT lost_on(l.windows, r.cpu_id, r.irq_ts, r.ts) AS irq_certain,
    -- True where a loss on the cpu may hide what the row lacks: the raise, or the start.
    r.lost
FROM softirq_raises AS r
LEFT JOIN run_losses AS l ON r.run_id = l.run_id
LEFT JOIN interrupt_threads AS i ON r.run_id = i.run_id AND r.raise_tid = i.tid
LEFT JOIN raise_calls AS c
    ON r.run_id = c.run_id AND r.cpu_id = c.cpu_id AND r.vec = c.vec AND r.raise_ts = c.ts
ORDER BY r.run_id, COALESCE(r.ts, r.raise_ts);
