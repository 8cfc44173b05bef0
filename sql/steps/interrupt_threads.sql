-- The threads of threaded interrupt handlers: those that the statedump names, and those called
-- `irq/N-...` (kernel/irq/manage.c).
CREATE VIEW interrupt_threads AS
SELECT
    -- The run.
    run_id,
    -- The thread.
    tid
FROM threads
WHERE comm LIKE 'irq/%'
UNION
SELECT run_id, tid
FROM event.lttng_statedump_interrupt
WHERE tid > 0;
