-- The rows of `store.softirq_spans`.
-- fills: store.softirq_spans
CREATE VIEW softirq_rows AS
SELECT
    -- The run.
    r.run_id,
    -- When the handler started, ns since the Unix epoch; NULL for a raise that no start follows.
    r.ts,
    -- How long it ran, ns; NULL where the trace does not show its end.
    r.exit_ts - r.ts AS dur,
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
    -- From the oldest raise since the start before to the start, ns; NULL where one is not shown.
    r.ts - r.raise_ts AS waited,
    -- When a raise that no start follows happened, ns since the Unix epoch; NULL for others.
    CASE WHEN r.ts IS NULL THEN r.raise_ts END AS lone_raise_ts,
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
    -- From the start of the innermost handler open at the raise to the raise, ns; NULL for none.
    r.raise_ts - r.irq_ts AS handled,
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
