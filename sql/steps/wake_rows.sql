-- The rows of the table `wakes`.
-- fills: wakes
CREATE VIEW wake_rows AS
WITH
placed AS (
    SELECT
        w.*,
        CASE WHEN h.end_ts >= w.waking_ts THEN h.irq_ts END AS irq_ts,
        CASE WHEN h.end_ts >= w.waking_ts THEN h.irq END AS irq,
        CASE
            WHEN
                COALESCE(s.exit_ts >= w.waking_ts, true)
                AND NOT cleared_on(l.windows, w.waking_cpu, s.ts, w.waking_ts)
                THEN s.ts
        END AS softirq_ts,
        s.vec,
        -- No softirq has started on the cpu since the loss: one may run, or a handler.
        l.windows IS NOT NULL
        AND cleared_on(l.windows, w.waking_cpu, COALESCE(s.ts, 0), w.waking_ts) AS is_hidden,
        r.ts AS rx_ts,
        -- A switch that is not seen may be lost at any later time.
        l.windows IS NULL
        OR NOT lost_anywhere(
            l.windows, w.waking_ts, COALESCE(w.in_ts, 9223372036854775806)
        ) AS certain
    FROM thread_turns AS w
    LEFT JOIN run_losses AS l ON w.run_id = l.run_id
    ASOF LEFT JOIN handler_spans AS h
        ON w.run_id = h.run_id AND w.waking_cpu = h.cpu_id AND w.waking_ts >= h.start_ts
    ASOF LEFT JOIN softirq_pairs AS s
        ON w.run_id = s.run_id AND w.waking_cpu = s.cpu_id AND w.waking_ts > s.ts
    ASOF LEFT JOIN event.net_if_receive_skb AS r
        ON w.run_id = r.run_id AND w.waking_cpu = r.cpu_id AND w.waking_ts >= r.ts
    WHERE w.waking_ts IS NOT NULL
)

SELECT
    -- The run.
    run_id,
    -- When the thread was woken, ns since the Unix epoch.
    waking_ts,
    -- The thread.
    tid,
    -- When it came to a cpu, ns since the Unix epoch; NULL where the trace does not show it.
    in_ts,
    -- When it had left a cpu before, ns since the Unix epoch; NULL where the trace does not show
    -- it.
    out_ts,
    -- The state in which it had left.
    out_state,
    -- True where the waking came while the thread was still on a cpu, on its way to sleep.
    raced,
    -- The cpu on which it was woken: the waker's.
    waking_cpu,
    -- The cpu to which it came.
    in_cpu,
    -- The thread that was current on the waker's cpu.
    waker_tid,
    -- The thread's name as it came.
    comm,
    -- False where the tracer may have lost events of any cpu between the waking and the switch.
    certain,
    -- `hardirq`, `softirq` or `task`: in which context the waker's cpu was; NULL where a loss there
    -- leaves it open.
    CASE
        WHEN irq_ts IS NOT NULL THEN 'hardirq'
        WHEN softirq_ts IS NOT NULL THEN 'softirq'
        WHEN waking_cpu IS NOT NULL AND NOT is_hidden THEN 'task'
    END AS context,
    -- When the innermost handler open there started, ns since the Unix epoch; NULL for none.
    irq_ts,
    -- That interrupt's number.
    irq,
    -- When the softirq that ran there started, ns since the Unix epoch; NULL for none.
    softirq_ts,
    -- That softirq's vector.
    CASE WHEN softirq_ts IS NOT NULL THEN vec END AS vec,
    -- When the stack took the last segment before the waking, within that softirq, ns since the
    -- Unix epoch; NULL for none.
    CASE WHEN rx_ts >= softirq_ts THEN rx_ts END AS rx_ts
FROM placed
ORDER BY run_id, waking_ts;
