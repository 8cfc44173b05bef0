-- What was going on on a cpu when a softirq was raised or started, a thread woken or a buffer
-- queued there: the innermost open hardware interrupt's handler and the softirq that ran. A loss
-- clears both; a `sched_switch` closes open handlers.
-- staged: several metrics read it while a batch is loaded
CREATE VIEW cpu_context AS
WITH
marks AS (
    SELECT
        run_id,
        cpu_id,
        ts,
        'irq_handler_entry' AS what,
        ctx_tid,
        NULL::BIGINT AS subject
    FROM event.irq_handler_entry
    UNION ALL
    SELECT run_id, cpu_id, ts, 'irq_handler_exit', ctx_tid, NULL FROM event.irq_handler_exit
    UNION ALL
    SELECT run_id, cpu_id, ts, 'softirq_entry', ctx_tid, vec FROM event.irq_softirq_entry
    UNION ALL
    SELECT run_id, cpu_id, ts, 'softirq_exit', ctx_tid, vec FROM event.irq_softirq_exit
    UNION ALL
    SELECT run_id, cpu_id, ts, 'softirq_raise', ctx_tid, vec FROM event.irq_softirq_raise
    UNION ALL
    SELECT run_id, cpu_id, ts, 'sched_waking', ctx_tid, tid FROM event.sched_waking
    UNION ALL
    SELECT run_id, cpu_id, ts, 'sched_wakeup', ctx_tid, tid FROM event.sched_wakeup
    UNION ALL
    SELECT run_id, cpu_id, ts, 'net_dev_queue', ctx_tid, NULL FROM event.net_dev_queue
    UNION ALL
    SELECT run_id, cpu_id, ts, 'net_if_rx_entry', ctx_tid, NULL FROM event.net_if_rx_entry
    UNION ALL
    SELECT run_id, cpu_id, ts, 'net_if_rx_exit', ctx_tid, NULL FROM event.net_if_rx_exit
    UNION ALL
    SELECT run_id, cpu_id, ts, 'switch', ctx_tid, NULL FROM event.sched_switch
    UNION ALL
    SELECT run_id, cpu_id, ts, 'lost', NULL, NULL FROM loss_edges
),

-- At one time, what opens comes first, what closes after what happens within it, a loss last.
ranked AS (
    SELECT
        *,
        CASE
            WHEN what = 'irq_handler_entry' THEN 0
            WHEN what = 'net_if_rx_entry' THEN 0
            WHEN what IN ('softirq_exit', 'irq_handler_exit', 'net_if_rx_exit') THEN 3
            WHEN what = 'softirq_entry' THEN 2
            WHEN what = 'switch' THEN 4
            WHEN what = 'lost' THEN 5
            ELSE 1
        END AS place
    FROM marks
),

epochs AS (
    SELECT
        *,
        COUNT(CASE WHEN what = 'lost' THEN 1 END) OVER so_far AS loss_epoch,
        COUNT(CASE WHEN what IN ('lost', 'switch') THEN 1 END) OVER so_far AS irq_epoch
    FROM ranked
    WINDOW so_far AS (
        PARTITION BY run_id, cpu_id ORDER BY ts, place
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
),

softirqs_known AS (
    SELECT
        *,
        LAST_VALUE(
            CASE what WHEN 'softirq_entry' THEN ts WHEN 'softirq_exit' THEN -1 END IGNORE NULLS
        ) OVER so_far AS softirq_ts,
        LAST_VALUE(
            CASE WHEN what IN ('softirq_entry', 'softirq_exit') THEN subject END IGNORE NULLS
        ) OVER so_far AS softirq_vec,
        LAST_VALUE(
            CASE what WHEN 'net_if_rx_entry' THEN true WHEN 'net_if_rx_exit' THEN false END
            IGNORE NULLS
        ) OVER so_far AS hands_over
    FROM epochs
    WINDOW so_far AS (
        PARTITION BY run_id, cpu_id, loss_epoch ORDER BY ts, place
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),

levels AS (
    SELECT
        *,
        COUNT(CASE WHEN what = 'irq_handler_entry' THEN 1 END) OVER so_far
        - COUNT(CASE WHEN what = 'irq_handler_exit' THEN 1 END) OVER so_far
        + CASE WHEN what = 'irq_handler_exit' THEN 1 ELSE 0 END AS level
    FROM softirqs_known
    WINDOW so_far AS (
        PARTITION BY run_id, cpu_id, irq_epoch ORDER BY ts, place
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
),

handlers_known AS (
    SELECT
        *,
        LAST_VALUE(
            CASE what
                WHEN 'irq_handler_entry' THEN ts
                WHEN 'irq_handler_exit' THEN -1
            END IGNORE NULLS
        ) OVER (
            PARTITION BY run_id, cpu_id, irq_epoch, level ORDER BY ts, place
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS handler_ts
    FROM levels
)

SELECT
    -- The run.
    run_id,
    -- The cpu.
    cpu_id,
    -- When it happened, ns since the Unix epoch.
    ts,
    -- The event: `softirq_raise`, `softirq_entry`, `sched_waking`, `sched_wakeup` or
    -- `net_dev_queue`.
    what,
    -- The softirq's vector, or the thread that was woken; NULL for a buffer.
    subject,
    -- The thread that was current there.
    ctx_tid,
    -- How many windows of loss began or ended on the cpu before: nothing known before one is known
    -- after it.
    loss_epoch,
    -- When the innermost open handler started, ns since the Unix epoch; NULL for none.
    NULLIF(handler_ts, -1) AS handler_ts,
    -- When the softirq that ran there started, ns since the Unix epoch; NULL for none.
    NULLIF(softirq_ts, -1) AS softirq_ts,
    -- The vector of the softirq that ran there; NULL for none.
    CASE WHEN softirq_ts > 0 THEN softirq_vec END AS softirq_vec,
    -- True where a driver was handing a buffer to the backlog.
    COALESCE(hands_over, false) AS hands_over,
    -- `hardirq`, `softirq` or `task`: in which context the cpu was, as far as the trace shows.
    CASE
        WHEN handler_ts > 0 THEN 'hardirq' WHEN softirq_ts > 0 THEN 'softirq' ELSE 'task'
    END AS context
FROM handlers_known
WHERE what IN ('softirq_raise', 'softirq_entry', 'sched_waking', 'sched_wakeup', 'net_dev_queue');
