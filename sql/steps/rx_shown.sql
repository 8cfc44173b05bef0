-- Which of the points of `rx_path` each run's trace can show: whether it has their events at all.
-- staged: several steps read it while a batch is loaded
CREATE VIEW rx_shown AS
SELECT
    -- The run.
    run_id,
    -- The points, a bit each: 1 irq, 2 raise, 4 softirq, 8 gro, 16 answer, 32 poll, 64 waking, 128
    -- switch in, 256 return and read. Each segment adds 512 where the trace tells its socket and
    -- what the threads watched that its softirq woke.
    SUM(bit)::USMALLINT AS shown
FROM (
    SELECT DISTINCT run_id, 1 AS bit FROM event.irq_handler_entry
    UNION ALL
    SELECT DISTINCT run_id, 2 FROM event.irq_softirq_raise
    UNION ALL
    SELECT DISTINCT run_id, 4 FROM event.irq_softirq_entry
    UNION ALL
    SELECT DISTINCT run_id, 8
    FROM (
        SELECT run_id FROM event.net_napi_gro_receive_entry
        UNION ALL
        SELECT run_id FROM event.net_napi_gro_frags_entry
    ) AS gro
    UNION ALL
    SELECT DISTINCT run_id, 16 FROM event.net_dev_queue
    UNION ALL
    SELECT DISTINCT run_id, 32 FROM event.napi_poll
    UNION ALL
    -- A wakeup may come on another cpu than the waking, after an interrupt.
    SELECT DISTINCT run_id, 64 FROM event.sched_waking
    UNION ALL
    SELECT DISTINCT run_id, 128 FROM event.sched_switch
    UNION ALL
    SELECT DISTINCT run_id, 256 FROM store.calls
) AS bits
GROUP BY run_id;
