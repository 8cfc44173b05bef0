-- How long each hardware interrupt's handler ran: from its start to the end that closes it, the
-- innermost first, on one cpu.
-- from: irq_handler_entry
-- to: irq_handler_exit
-- requires: irq_handler_entry, irq_handler_exit
CREATE VIEW hardirq_duration AS
SELECT
    -- The run.
    run_id,
    -- When the handler started, ns since the Unix epoch.
    ts,
    -- How long it ran, ns.
    exit_ts - ts AS dur,
    -- False where the tracer may have lost events of this cpu meanwhile.
    certain,
    -- The cpu.
    cpu_id,
    -- The interrupt's number.
    irq,
    -- The handler's name, as in `/proc/interrupts`.
    irq_name
FROM hardirqs
WHERE exit_ts IS NOT NULL;

-- What `hardirq_duration` leaves out: handlers whose end the trace does not show.
CREATE VIEW hardirq_duration_left_out AS
SELECT
    -- The run.
    h.run_id,
    -- `cleared_by_loss` where a loss on the cpu came before its next handler, else `unpaired`.
    CASE
        WHEN cleared_on(l.windows, h.cpu_id, h.ts, COALESCE(h.next_ts, 9223372036854775807))
            THEN 'cleared_by_loss'
        ELSE 'unpaired'
    END AS reason,
    -- How many there were.
    COUNT(*) AS n
FROM (
    SELECT
        *,
        LEAD(ts) OVER (PARTITION BY run_id, cpu_id ORDER BY ts) AS next_ts
    FROM hardirqs
) AS h
LEFT JOIN run_losses AS l ON h.run_id = l.run_id
WHERE h.exit_ts IS NULL
GROUP BY ALL;
