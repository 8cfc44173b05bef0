-- How long each softirq's handler ran: from its start to its end, of one vector on one cpu.
-- from: irq_softirq_entry
-- to: irq_softirq_exit
-- requires: irq_softirq_entry, irq_softirq_exit
CREATE VIEW softirq_duration AS
SELECT
    -- The run.
    s.run_id,
    -- When the handler started, ns since the Unix epoch.
    s.ts,
    -- How long it ran, ns.
    s.dur,
    -- False where the tracer may have lost events of this cpu meanwhile.
    s.certain,
    -- The cpu.
    s.cpu_id,
    -- The softirq's vector.
    s.vec,
    -- The vector's name, as in `/proc/softirqs`.
    softirq_name(s.vec) AS vec_name
FROM store.softirq_spans AS s
WHERE s.dur IS NOT NULL AND NOT s.cleared;

-- What `softirq_duration` leaves out: handlers whose end the trace does not show.
CREATE VIEW softirq_duration_left_out AS
SELECT
    -- The run.
    run_id,
    -- `cleared_by_loss` where a loss on the cpu came between start and end, else `unpaired`.
    CASE WHEN cleared THEN 'cleared_by_loss' ELSE 'unpaired' END AS reason,
    -- How many there were.
    COUNT(*) AS n
FROM store.softirq_spans
WHERE ts IS NOT NULL AND (dur IS NULL OR cleared)
GROUP BY ALL;
