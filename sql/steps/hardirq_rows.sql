-- The rows of the table `hardirqs`.
-- fills: hardirqs
CREATE VIEW hardirq_rows AS
SELECT
    -- The run.
    h.run_id,
    -- When the handler started, ns since the Unix epoch.
    h.ts,
    -- When it ended, ns since the Unix epoch; NULL where the trace does not show it.
    h.exit_ts,
    -- The cpu.
    h.cpu_id,
    -- The interrupt's number.
    h.irq,
    -- The handler's name.
    h.irq_name,
    -- The thread that was interrupted.
    h.ctx_tid,
    -- False where the tracer may have lost events of this cpu between the two.
    l.windows IS NULL OR NOT lost_on(l.windows, h.cpu_id, h.ts, h.exit_ts) AS certain
FROM hardirq_pairs AS h
LEFT JOIN run_losses AS l ON h.run_id = l.run_id
ORDER BY h.run_id, h.ts;
