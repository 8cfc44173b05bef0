-- The rows of the table `transmits`: every buffer handed to a device's queue with the transmit that
-- ended its wait: by its address, else, where the stack split a large buffer itself (GSO), the
-- first transmit on that cpu and device that no queue event of its address explains.
-- fills: transmits
CREATE VIEW transmit_rows AS
WITH
marks AS (
    SELECT run_id, skbaddr, ts, cpu_id, name, len, ctx_tid, 'queue' AS what
    FROM event.net_dev_queue
    UNION ALL
    SELECT run_id, skbaddr, ts, cpu_id, name, len, ctx_tid, 'xmit'
    FROM event.net_dev_xmit
    WHERE rc = 0
),

by_address AS (
    SELECT
        *,
        CASE WHEN LEAD(what) OVER same_address = 'xmit' THEN LEAD(ts) OVER same_address END
            AS own_ts,
        CASE WHEN LEAD(what) OVER same_address = 'xmit' THEN LEAD(cpu_id) OVER same_address END
            AS own_cpu,
        what = 'xmit' AND COALESCE(LAG(what) OVER same_address, 'xmit') = 'xmit' AS is_stray
    FROM marks
    WINDOW same_address AS (PARTITION BY run_id, skbaddr ORDER BY ts, what)
),

-- On one cpu, a stray transmit belongs to the queue event before it.
turns AS (
    SELECT
        *,
        COUNT(CASE WHEN what = 'queue' THEN 1 END) OVER (
            PARTITION BY run_id, cpu_id ORDER BY ts, what
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS turn
    FROM by_address
    WHERE what = 'queue' OR is_stray
),

with_strays AS (
    SELECT
        *,
        MIN(CASE WHEN is_stray THEN ts END) OVER (PARTITION BY run_id, cpu_id, turn, name)
            AS stray_ts
    FROM turns
)

SELECT
    -- The run.
    s.run_id,
    -- When the buffer was handed to the queue, ns since the Unix epoch.
    s.ts,
    -- When the driver took it, ns since the Unix epoch; NULL where the trace does not show it.
    COALESCE(s.own_ts, s.stray_ts) AS xmit_ts,
    -- The cpu on which the driver took it.
    CASE
        WHEN s.own_ts IS NOT NULL THEN s.own_cpu WHEN s.stray_ts IS NOT NULL THEN s.cpu_id
    END AS xmit_cpu,
    -- How the two were matched: `skbaddr` or `gso`; NULL where neither holds.
    CASE
        WHEN s.own_ts IS NOT NULL THEN 'skbaddr' WHEN s.stray_ts IS NOT NULL THEN 'gso'
    END AS match,
    -- True where a loss began on one of the two cpus between the two.
    l.windows IS NOT NULL
    AND COALESCE(s.own_ts, s.stray_ts) IS NOT NULL
    AND (
        cleared_on(l.windows, s.cpu_id, s.ts, COALESCE(s.own_ts, s.stray_ts))
        OR cleared_on(
            l.windows, COALESCE(s.own_cpu, s.cpu_id), s.ts, COALESCE(s.own_ts, s.stray_ts)
        )
    ) AS cleared,
    -- False where the tracer may have lost events of any cpu between the two.
    l.windows IS NULL
    OR NOT lost_anywhere(l.windows, s.ts, COALESCE(s.own_ts, s.stray_ts)) AS certain,
    -- The buffer's address.
    s.skbaddr,
    -- The buffer's length in bytes.
    s.len,
    -- The network device.
    s.name AS device,
    -- The cpu on which it was queued.
    s.cpu_id,
    -- The thread that was current there.
    s.ctx_tid
FROM with_strays AS s
LEFT JOIN run_losses AS l ON s.run_id = l.run_id
WHERE s.what = 'queue'
ORDER BY s.run_id, s.ts;
