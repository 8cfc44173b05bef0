-- How long a softirq waited: from the oldest raise since its vector's last start on that cpu to the
-- start of its handler. A raise while the handler runs belongs to the next start.
-- from: irq_softirq_raise
-- to: irq_softirq_entry
-- requires: irq_softirq_raise, irq_softirq_entry
CREATE VIEW softirq_raise_to_entry AS
SELECT
    -- The run.
    s.run_id,
    -- When the softirq was raised, ns since the Unix epoch.
    s.ts - s.waited AS ts,
    -- How long it waited for its handler, ns.
    s.waited AS dur,
    -- False where the tracer may have lost events of this cpu meanwhile.
    s.raise_certain AS certain,
    -- The cpu.
    s.cpu_id,
    -- The softirq's vector.
    s.vec,
    -- The vector's name, as in `/proc/softirqs`.
    softirq_name(s.vec) AS vec_name,
    -- What raised it: `hardirq`, `softirq`, `task`, `threaded_irq`, or `unseen` where no event can
    -- tell.
    s.origin
FROM store.softirq_spans AS s
WHERE s.waited IS NOT NULL;

-- What `softirq_raise_to_entry` leaves out: starts without a raise, and raises without a start.
CREATE VIEW softirq_raise_to_entry_left_out AS
SELECT
    -- The run.
    run_id,
    -- `unpaired` for a start without a raise, `cleared_by_loss` for either where a loss on the cpu
    -- may hide the other, `no_entry` for a raise that the trace's end cut off.
    CASE
        WHEN lost THEN 'cleared_by_loss' WHEN ts IS NOT NULL THEN 'unpaired' ELSE 'no_entry'
    END AS reason,
    -- How many there were.
    COUNT(*) AS n
FROM store.softirq_spans
WHERE waited IS NULL
GROUP BY ALL;
