-- The threads that run softirqs in task context: `ksoftirqd/N` (kernel/softirq.c).
CREATE VIEW ksoftirqd_threads AS
SELECT DISTINCT
    -- The run.
    run_id,
    -- The thread.
    tid
FROM threads
WHERE comm LIKE 'ksoftirqd/%';
