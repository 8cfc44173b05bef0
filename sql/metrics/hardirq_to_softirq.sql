-- How long from a hardware interrupt to the softirq that its handler raised: from the start of the
-- innermost handler open at the raise to the start of the softirq's handler, on one cpu.
-- from: irq_handler_entry
-- to: irq_softirq_entry
-- requires: irq_handler_entry, irq_handler_exit, irq_softirq_raise, irq_softirq_entry
CREATE VIEW hardirq_to_softirq AS
SELECT
    -- The run.
    r.run_id,
    -- When the interrupt's handler started, ns since the Unix epoch.
    h.ts,
    -- How long until the softirq's handler started, ns.
    r.entry_ts - h.ts AS dur,
    -- False where the tracer may have lost events of this cpu meanwhile.
    NOT lost_on(l.windows, r.cpu_id, h.ts, r.entry_ts) AS certain,
    -- The cpu.
    r.cpu_id,
    -- The softirq's vector.
    r.vec,
    -- The vector's name, as in `/proc/softirqs`.
    v.vec_name,
    -- The interrupt's number.
    h.irq,
    -- The interrupt handler's name, as in `/proc/interrupts`.
    h.irq_name,
    -- When the handler raised the softirq, ns since the Unix epoch.
    r.raise_ts,
    -- From the end of the interrupt's handler to the start of the softirq's, ns; NULL where that
    -- end is not seen.
    r.entry_ts - h.exit_ts AS exit_to_entry,
    -- What ran the softirq: `interrupt` (on the way out of one, or where softirqs are enabled
    -- again) or `ksoftirqd`.
    CASE WHEN k.tid IS NOT NULL THEN 'ksoftirqd' ELSE 'interrupt' END AS runner
FROM softirq_raises AS r
LEFT JOIN run_losses AS l ON r.run_id = l.run_id
INNER JOIN hardirqs AS h
    ON r.run_id = h.run_id AND r.cpu_id = h.cpu_id AND r.handler_ts = h.ts
LEFT JOIN softirq_vectors AS v ON r.vec = v.vec
LEFT JOIN ksoftirqd_threads AS k ON r.run_id = k.run_id AND r.entry_tid = k.tid
WHERE r.entry_ts IS NOT NULL;

-- What `hardirq_to_softirq` leaves out: softirqs that a handler raised and whose start the trace
-- does not show.
CREATE VIEW hardirq_to_softirq_left_out AS
SELECT
    -- The run.
    r.run_id,
    -- `cleared_by_loss` where a loss on the cpu came after the raise, else `no_entry`: the trace's
    -- end cut it off.
    CASE
        WHEN cleared_on(l.windows, r.cpu_id, r.raise_ts, 9223372036854775807) THEN 'cleared_by_loss'
        ELSE 'no_entry'
    END AS reason,
    -- How many there were.
    COUNT(*) AS n
FROM softirq_raises AS r
LEFT JOIN run_losses AS l ON r.run_id = l.run_id
WHERE r.handler_ts IS NOT NULL AND r.entry_ts IS NULL
GROUP BY ALL;
