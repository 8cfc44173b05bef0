-- Every start of a softirq that a hardware interrupt's handler raised, with that interrupt's start.
CREATE VIEW raised_by_handlers AS
SELECT
    -- The run.
    run_id,
    -- When the innermost handler open at the raise started, ns since the Unix epoch.
    ts - waited - handled AS ts,
    -- How long from then to the start of the softirq's handler, ns.
    waited + handled AS dur,
    -- False where the tracer may have lost events of this cpu meanwhile.
    irq_certain AS certain
FROM store.softirq_spans
WHERE waited IS NOT NULL AND handled IS NOT NULL;
