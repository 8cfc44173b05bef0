-- How long from a hardware interrupt to the softirq that its handler raised: from the start of the
-- innermost handler open at the raise to the start of the softirq's handler, on one cpu.
-- from: irq_handler_entry
-- to: irq_softirq_entry
-- requires: irq_handler_entry, irq_handler_exit, irq_softirq_raise, irq_softirq_entry
-- intervals: raised_by_handlers
CREATE VIEW hardirq_to_softirq AS
SELECT
    -- The run.
    s.run_id,
    -- When the interrupt's handler started, ns since the Unix epoch.
    h.ts,
    -- How long until the softirq's handler started, ns.
    s.ts - h.ts AS dur,
    -- False where the tracer may have lost events of this cpu meanwhile.
    s.irq_certain AS certain,
    -- The cpu.
    s.cpu_id,
    -- The softirq's vector.
    s.vec,
    -- The vector's name, as in `/proc/softirqs`.
    softirq_name(s.vec) AS vec_name,
    -- The interrupt's number.
    h.irq,
    -- The interrupt handler's name, as in `/proc/interrupts`.
    h.irq_name,
    -- When the handler raised the softirq, ns since the Unix epoch.
    s.raise_ts,
    -- From the end of the interrupt's handler to the start of the softirq's, ns; NULL where that
    -- end is not seen.
    s.ts - h.exit_ts AS exit_to_entry,
    -- What ran the softirq: `interrupt` (on the way out of one, or where softirqs are enabled
    -- again) or `ksoftirqd`.
    CASE WHEN k.tid IS NOT NULL THEN 'ksoftirqd' ELSE 'interrupt' END AS runner
FROM softirqs AS s
INNER JOIN hardirqs AS h ON s.run_id = h.run_id AND s.cpu_id = h.cpu_id AND s.irq_ts = h.ts
LEFT JOIN ksoftirqd_threads AS k ON s.run_id = k.run_id AND s.ctx_tid = k.tid
WHERE s.ts IS NOT NULL;

-- What `hardirq_to_softirq` leaves out: softirqs that a handler raised and whose start the trace
-- does not show.
CREATE VIEW hardirq_to_softirq_left_out AS
SELECT
    -- The run.
    run_id,
    -- `cleared_by_loss` where a loss on the cpu came after the raise, else `no_entry`: the trace's
    -- end cut it off.
    CASE WHEN lost THEN 'cleared_by_loss' ELSE 'no_entry' END AS reason,
    -- How many there were.
    COUNT(*) AS n
FROM softirqs
WHERE irq_ts IS NOT NULL AND ts IS NULL
GROUP BY ALL;
