-- How long a softirq waited: from the oldest raise since its vector's last start on that cpu to the
-- start of its handler. A raise while the handler runs belongs to the next start.
-- from: irq_softirq_raise
-- to: irq_softirq_entry
-- requires: irq_softirq_raise, irq_softirq_entry
CREATE VIEW softirq_raise_to_entry AS
SELECT
    -- The run.
    r.run_id,
    -- When the softirq was raised, ns since the Unix epoch.
    r.raise_ts AS ts,
    -- How long it waited for its handler, ns.
    r.entry_ts - r.raise_ts AS dur,
    -- False where the tracer may have lost events of this cpu meanwhile.
    NOT lost_on(l.windows, r.cpu_id, r.raise_ts, r.entry_ts) AS certain,
    -- The cpu.
    r.cpu_id,
    -- The softirq's vector.
    r.vec,
    -- The vector's name, as in `/proc/softirqs`.
    v.vec_name,
    -- What raised it: `hardirq`, `softirq`, `task`, `threaded_irq`, or `unseen` where no event can
    -- tell.
    CASE
        WHEN r.handler_ts IS NOT NULL THEN 'hardirq'
        WHEN r.in_softirq THEN 'softirq'
        WHEN c.call IS NOT NULL THEN 'task'
        WHEN i.tid IS NOT NULL THEN 'threaded_irq'
        WHEN r.hands_over AND NOT v.unseen_causes AND r.raise_tid <> 0 THEN 'task'
        ELSE 'unseen'
    END AS origin
FROM softirq_raises AS r
LEFT JOIN run_losses AS l ON r.run_id = l.run_id
LEFT JOIN softirq_vectors AS v ON r.vec = v.vec
LEFT JOIN interrupt_threads AS i ON r.run_id = i.run_id AND r.raise_tid = i.tid
LEFT JOIN raise_calls AS c
    ON r.run_id = c.run_id AND r.cpu_id = c.cpu_id AND r.vec = c.vec AND r.raise_ts = c.ts
WHERE r.raise_ts IS NOT NULL AND r.entry_ts IS NOT NULL;

-- What `softirq_raise_to_entry` leaves out: starts without a raise, and raises without a start.
CREATE VIEW softirq_raise_to_entry_left_out AS
SELECT
    -- The run.
    r.run_id,
    -- `unpaired` for a start without a raise, `cleared_by_loss` for either where a loss on the cpu
    -- came before, `no_entry` for a raise that the trace's end cut off.
    CASE
        WHEN r.loss_epoch > 0 AND r.entry_ts IS NOT NULL AND r.turn = 0 THEN 'cleared_by_loss'
        WHEN r.entry_ts IS NOT NULL THEN 'unpaired'
        WHEN cleared_on(l.windows, r.cpu_id, r.raise_ts, 9223372036854775807) THEN 'cleared_by_loss'
        ELSE 'no_entry'
    END AS reason,
    -- How many there were.
    COUNT(*) AS n
FROM softirq_raises AS r
LEFT JOIN run_losses AS l ON r.run_id = l.run_id
WHERE r.raise_ts IS NULL OR r.entry_ts IS NULL
GROUP BY ALL;
