-- Every start of a softirq that a hardware interrupt's handler raised, with that interrupt's start.
CREATE VIEW raised_by_handlers AS
SELECT
    -- The run.
    run_id,
    -- When the innermost handler open at the raise started, ns since the Unix epoch.
    irq_ts AS ts,
    -- How long from then to the start of the softirq's handler, ns.
    ts - irq_ts AS dur,
    -- False where the tracer may have lost events of this cpu meanwhile.
    irq_certain AS certain
FROM softirqs
WHERE ts IS NOT NULL AND irq_ts IS NOT NULL;
