-- The raises outside of interrupts, of vectors that a task raises knowingly.
CREATE VIEW task_raises AS
SELECT
    -- The run.
    r.run_id,
    -- When it was raised, ns since the Unix epoch.
    r.raise_ts AS ts,
    -- The cpu.
    r.cpu_id,
    -- The softirq's vector.
    r.vec,
    -- The thread that was current there.
    r.raise_tid AS tid
FROM softirq_raises AS r
INNER JOIN softirq_vectors AS v ON r.vec = v.vec
WHERE
    NOT v.unseen_causes
    AND r.raise_tid > 0
    AND r.irq_ts IS NULL
    AND NOT r.in_softirq;
