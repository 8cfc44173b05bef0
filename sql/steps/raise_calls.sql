-- The raises of softirqs that a task raises knowingly, of which the trace shows that it did: in a
-- system call of the current thread, or in a driver's hand-over of a buffer to the backlog.
CREATE VIEW raise_calls AS
WITH
calls AS (
    SELECT
        c.run_id,
        c.tid,
        COALESCE(c.entry_ts, 0) AS entry_ts,
        c.exit_ts,
        c.entry_cpu
    FROM syscalls AS c
    SEMI JOIN task_raises AS r ON c.run_id = r.run_id AND c.tid = r.tid
    WHERE c.entry_ts IS NOT NULL OR NOT c.cleared
)

SELECT
    -- The run.
    r.run_id,
    -- The cpu.
    r.cpu_id,
    -- The softirq's vector.
    r.vec,
    -- When it was raised, ns since the Unix epoch.
    r.ts,
    -- True in a system call.
    c.entry_ts IS NOT NULL
    AND COALESCE(c.exit_ts > r.ts, true)
    AND NOT cleared_on(l.windows, r.cpu_id, c.entry_ts, r.ts)
    AND NOT cleared_on(l.windows, c.entry_cpu, c.entry_ts, r.ts) AS in_call,
    -- True in a hand-over.
    e.ts IS NOT NULL
    AND COALESCE(x.ts < e.ts, true)
    AND NOT cleared_on(l.windows, r.cpu_id, e.ts, r.ts) AS in_hand_over
FROM task_raises AS r
LEFT JOIN run_losses AS l ON r.run_id = l.run_id
ASOF LEFT JOIN calls AS c ON r.run_id = c.run_id AND r.tid = c.tid AND r.ts >= c.entry_ts
ASOF LEFT JOIN event.net_if_rx_entry AS e
    ON r.run_id = e.run_id AND r.cpu_id = e.cpu_id AND r.ts >= e.ts
ASOF LEFT JOIN event.net_if_rx_exit AS x
    ON r.run_id = x.run_id AND r.cpu_id = x.cpu_id AND r.ts > x.ts;
