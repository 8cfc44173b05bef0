-- What was going on on a cpu when a softirq was raised or started, a thread woken or a buffer
-- queued there: the innermost open hardware interrupt's handler and the softirq that ran. A loss
-- clears both; a `sched_switch` closes open handlers.
-- staged: several metrics read it while a batch is loaded
CREATE VIEW cpu_context AS
WITH
-- `place`: at one time, what opens comes first, what closes after what happens within it, a switch
-- and then a loss last.
marks AS (
    SELECT
        run_id,
        cpu_id,
        ts,
        'irq_handler_entry' AS what,
        0 AS place,
        ctx_tid,
        NULL::BIGINT AS subject
    FROM event.irq_handler_entry
    UNION ALL
    SELECT run_id, cpu_id, ts, 'irq_handler_exit', 3, ctx_tid, NULL FROM event.irq_handler_exit
    UNION ALL
    SELECT run_id, cpu_id, ts, 'softirq_entry', 2, ctx_tid, vec FROM event.irq_softirq_entry
    UNION ALL
    SELECT run_id, cpu_id, ts, 'softirq_exit', 3, ctx_tid, vec FROM event.irq_softirq_exit
    UNION ALL
    SELECT run_id, cpu_id, ts, 'softirq_raise', 1, ctx_tid, vec FROM event.irq_softirq_raise
    UNION ALL
    SELECT run_id, cpu_id, ts, 'sched_waking', 1, ctx_tid, tid FROM event.sched_waking
    UNION ALL
    SELECT run_id, cpu_id, ts, 'sched_wakeup', 1, ctx_tid, tid FROM event.sched_wakeup
    UNION ALL
    SELECT run_id, cpu_id, ts, 'net_dev_queue', 1, ctx_tid, NULL FROM event.net_dev_queue
    UNION ALL
    SELECT run_id, cpu_id, ts, 'net_if_rx_entry', 0, ctx_tid, NULL FROM event.net_if_rx_entry
    UNION ALL
    SELECT run_id, cpu_id, ts, 'net_if_rx_exit', 3, ctx_tid, NULL FROM event.net_if_rx_exit
    UNION ALL
    SELECT run_id, cpu_id, ts, 'switch', 4, ctx_tid, NULL FROM event.sched_switch
    UNION ALL
    SELECT run_id, cpu_id, ts, 'lost', 5, NULL, NULL FROM loss_edges
),

-- The last mark of a kind is looked for in buckets of 134 ms, after what the buckets before them
-- tell: to look back row by row is slow where marks are rare, and a running maximum everywhere.
placed AS (
    SELECT *, COALESCE(cpu_id, -1) AS lane, ts // 134217728 AS bucket
    FROM marks
),

buckets AS (
    SELECT
        run_id,
        lane,
        bucket,
        MAX(ts) FILTER (WHERE what = 'softirq_entry') AS entry_ts,
        ARG_MAX(subject, ts) FILTER (WHERE what = 'softirq_entry') AS vec,
        MAX(ts) FILTER (WHERE what = 'softirq_exit') AS exit_ts,
        MAX(ts) FILTER (WHERE what = 'net_if_rx_entry') AS rx_entry_ts,
        MAX(ts) FILTER (WHERE what = 'net_if_rx_exit') AS rx_exit_ts,
        MAX(ts) FILTER (WHERE what IN ('irq_handler_entry', 'irq_handler_exit')) AS irq_ts,
        MAX(ts) FILTER (WHERE place >= 4) AS cleared_ts,
        MAX(ts) FILTER (WHERE place = 5) AS lost_ts
    FROM placed
    GROUP BY run_id, lane, bucket
),

before_buckets AS (
    SELECT
        run_id,
        lane,
        bucket,
        MAX(entry_ts) OVER before AS entry_ts,
        LAST_VALUE(vec IGNORE NULLS) OVER before AS vec,
        MAX(exit_ts) OVER before AS exit_ts,
        MAX(rx_entry_ts) OVER before AS rx_entry_ts,
        MAX(rx_exit_ts) OVER before AS rx_exit_ts,
        MAX(irq_ts) OVER before AS irq_ts,
        MAX(cleared_ts) OVER before AS cleared_ts,
        MAX(lost_ts) OVER before AS lost_ts
    FROM buckets
    WINDOW before AS (
        PARTITION BY run_id, lane ORDER BY bucket
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),

carried AS (
    SELECT
        run_id,
        lane,
        bucket,
        CASE WHEN COALESCE(entry_ts > GREATEST(exit_ts, lost_ts), true) THEN entry_ts END
            AS softirq_ts,
        vec AS softirq_vec,
        COALESCE(rx_entry_ts > GREATEST(rx_exit_ts, lost_ts), rx_entry_ts IS NOT NULL)
            AS hands_over,
        irq_ts,
        cleared_ts,
        lost_ts
    FROM before_buckets
),

seen AS (
    SELECT
        *,
        LAST_VALUE(
            CASE
                WHEN what = 'softirq_entry' THEN ts WHEN what IN ('softirq_exit', 'lost') THEN -1
            END IGNORE NULLS
        ) OVER before AS softirq_ts,
        LAST_VALUE(CASE WHEN what = 'softirq_entry' THEN subject END IGNORE NULLS) OVER before
            AS softirq_vec,
        LAST_VALUE(
            CASE
                WHEN what = 'net_if_rx_entry' THEN true
                WHEN what IN ('net_if_rx_exit', 'lost') THEN false
            END IGNORE NULLS
        ) OVER before AS hands_over,
        LAST_VALUE(
            CASE WHEN what IN ('irq_handler_entry', 'irq_handler_exit') THEN ts END IGNORE NULLS
        ) OVER so_far AS irq_ts,
        LAST_VALUE(CASE WHEN place >= 4 THEN ts END IGNORE NULLS) OVER so_far AS cleared_ts,
        LAST_VALUE(CASE WHEN place = 5 THEN ts END IGNORE NULLS) OVER so_far AS lost_ts
    FROM placed
    WINDOW
        before AS (
            PARTITION BY run_id, lane, bucket ORDER BY ts, place
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ),
        so_far AS (
            PARTITION BY run_id, lane, bucket ORDER BY ts, place
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )
),

known AS (
    SELECT
        s.run_id,
        s.lane,
        s.cpu_id,
        s.ts,
        s.place,
        s.what,
        s.subject,
        s.ctx_tid,
        CASE WHEN s.softirq_ts IS NULL THEN c.softirq_ts WHEN s.softirq_ts > 0 THEN s.softirq_ts END
            AS softirq_ts,
        COALESCE(s.softirq_vec, c.softirq_vec) AS softirq_vec,
        COALESCE(s.hands_over, c.hands_over) AS hands_over,
        COALESCE(s.irq_ts, c.irq_ts) AS irq_ts,
        COALESCE(s.cleared_ts, c.cleared_ts) AS cleared_ts,
        COALESCE(s.lost_ts, c.lost_ts) AS lost_ts
    FROM seen AS s
    INNER JOIN carried AS c ON s.run_id = c.run_id AND s.lane = c.lane AND s.bucket = c.bucket
),

-- Where no handler started or ended since what clears them, none is open.
levels AS (
    SELECT
        *,
        COUNT(CASE WHEN what = 'irq_handler_entry' THEN 1 END) OVER so_far
        - COUNT(CASE WHEN what = 'irq_handler_exit' THEN 1 END) OVER so_far
        + CASE WHEN what = 'irq_handler_exit' THEN 1 ELSE 0 END AS level
    FROM known
    WHERE irq_ts > cleared_ts OR (irq_ts IS NOT NULL AND cleared_ts IS NULL)
    WINDOW so_far AS (
        PARTITION BY run_id, lane, cleared_ts ORDER BY ts, place
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
),

opened AS (
    SELECT
        *,
        MAX(CASE WHEN what = 'irq_handler_entry' THEN ts END) OVER so_far AS open_ts,
        MAX(CASE WHEN what = 'irq_handler_exit' THEN ts END) OVER so_far AS closed_ts
    FROM levels
    WINDOW so_far AS (
        PARTITION BY run_id, lane, cleared_ts, level ORDER BY ts, place
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
),

handlers_known AS (
    SELECT
        * EXCLUDE (level, open_ts, closed_ts),
        CASE WHEN COALESCE(open_ts > closed_ts, true) THEN open_ts END AS handler_ts
    FROM opened
    UNION ALL
    SELECT *, NULL
    FROM known
    WHERE irq_ts IS NULL OR irq_ts <= cleared_ts
),

loss_epochs AS (
    SELECT
        run_id,
        lane,
        ts,
        SUM(edges) OVER (PARTITION BY run_id, lane ORDER BY ts)::BIGINT AS loss_epoch
    FROM (
        SELECT run_id, COALESCE(cpu_id, -1) AS lane, ts, COUNT(*) AS edges
        FROM loss_edges
        GROUP BY ALL
    ) AS counted
)

SELECT
    -- The run.
    k.run_id,
    -- The cpu.
    k.cpu_id,
    -- When it happened, ns since the Unix epoch.
    k.ts,
    -- The event: `softirq_raise`, `softirq_entry`, `sched_waking`, `sched_wakeup` or
    -- `net_dev_queue`.
    k.what,
    -- The softirq's vector, or the thread that was woken; NULL for a buffer.
    k.subject,
    -- The thread that was current there.
    k.ctx_tid,
    -- How many windows of loss began or ended on the cpu before: nothing known before one is known
    -- after it.
    COALESCE(l.loss_epoch, 0) AS loss_epoch,
    -- When the innermost open handler started, ns since the Unix epoch; NULL for none.
    k.handler_ts,
    -- When the softirq that ran there started, ns since the Unix epoch; NULL for none.
    k.softirq_ts,
    -- The vector of the softirq that ran there; NULL for none.
    CASE WHEN k.softirq_ts IS NOT NULL THEN k.softirq_vec END AS softirq_vec,
    -- True where a driver was handing a buffer to the backlog.
    k.hands_over,
    -- `hardirq`, `softirq` or `task`: in which context the cpu was, as far as the trace shows.
    CASE
        WHEN k.handler_ts IS NOT NULL THEN 'hardirq'
        WHEN k.softirq_ts IS NOT NULL THEN 'softirq'
        ELSE 'task'
    END AS context
FROM handlers_known AS k
LEFT JOIN loss_epochs AS l ON k.run_id = l.run_id AND k.lane = l.lane AND k.lost_ts = l.ts
WHERE k.what IN ('softirq_raise', 'softirq_entry', 'sched_waking', 'sched_wakeup', 'net_dev_queue');
