-- The transmits of the segments into which the stack split a large buffer itself (GSO), each with
-- its place in the buffer's payload. The stack frees the buffers that it splits, some at once, and
-- then sends their segments in order on the same cpu: transmits that no queue event of their
-- address explains. What a segment holds beyond the headers, which are as long as its buffer's, is
-- its payload; only where the payload of such a turn of segments is just that of its buffers are
-- they theirs. Where the freeing is not traced, the queueing stands for it.
-- staged: several steps read it while a batch is loaded
CREATE VIEW gso_segments AS
WITH
strays AS (
    SELECT x.run_id, x.cpu_id, x.name, x.ts, x.len
    FROM event.net_dev_xmit AS x
    ANTI JOIN transmits AS t
        ON
            x.run_id = t.run_id
            AND x.ts = t.xmit_ts
            AND x.cpu_id = t.xmit_cpu
            AND x.skbaddr = t.skbaddr
            AND t.match = 'skbaddr'
    WHERE x.rc = 0
),

marks AS (
    SELECT
        t.run_id,
        COALESCE(e.end_cpu, t.cpu_id) AS on_cpu,
        t.device,
        COALESCE(e.end_ts, t.ts) AS mark_ts,
        0 AS what,
        t.ts,
        t.cpu_id,
        t.skbaddr,
        t.len - g.payload_len AS headers,
        g.payload_len AS bytes
    FROM transmits AS t
    INNER JOIN segments AS g
        ON
            t.run_id = g.run_id
            AND t.ts = g.ts
            AND t.cpu_id = g.cpu_id
            AND t.skbaddr = g.skbaddr
            AND g.direction = 'queue'
    LEFT JOIN buffer_ends AS e
        ON
            t.run_id = e.run_id
            AND t.ts = e.ts
            AND t.cpu_id = e.cpu_id
            AND t.skbaddr = e.skbaddr
    WHERE t.match IS DISTINCT FROM 'skbaddr' AND g.payload_len > 0 AND e.is_kfree IS NOT true
    UNION ALL
    SELECT run_id, cpu_id, name, ts, 1, NULL, NULL, NULL, NULL, len FROM strays
),

-- A turn begins with a buffer that comes after a segment.
starts AS (
    SELECT
        *,
        COALESCE(what = 0 AND LAG(what) OVER on_device = 1, false)::INTEGER AS starts,
        LAST_VALUE(headers IGNORE NULLS) OVER on_device AS turn_headers
    FROM marks
    WINDOW on_device AS (PARTITION BY run_id, on_cpu, device ORDER BY mark_ts, what, ts)
),

turns AS (
    SELECT
        *,
        SUM(starts) OVER (
            PARTITION BY run_id, on_cpu, device ORDER BY mark_ts, what, ts
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS turn
    FROM starts
),

placed AS (
    SELECT
        *,
        CASE WHEN what = 0 THEN bytes ELSE bytes - turn_headers END AS payload_len,
        SUM(CASE WHEN what = 0 THEN bytes END) OVER so_far AS queued,
        SUM(CASE WHEN what = 1 THEN bytes - turn_headers END) OVER so_far AS sent,
        SUM(CASE WHEN what = 0 THEN bytes ELSE turn_headers - bytes END) OVER of_turn AS excess
    FROM turns
    WINDOW
        of_turn AS (PARTITION BY run_id, on_cpu, device, turn),
        so_far AS (
            PARTITION BY run_id, on_cpu, device, turn ORDER BY mark_ts, what, ts
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )
)

SELECT
    -- The run.
    b.run_id,
    -- When the buffer was queued, ns since the Unix epoch.
    b.ts,
    -- The cpu on which it was queued.
    b.cpu_id,
    -- The buffer's address.
    b.skbaddr,
    -- How many of the buffer's bytes of payload come before the segment's.
    x.sent - x.payload_len - (b.queued - b.payload_len) AS payload_start,
    -- How many bytes of payload the segment has.
    x.payload_len,
    -- When the driver took it, ns since the Unix epoch.
    x.mark_ts AS xmit_ts
FROM placed AS b
INNER JOIN placed AS x
    ON
        b.run_id = x.run_id
        AND b.on_cpu = x.on_cpu
        AND b.device = x.device
        AND b.turn = x.turn
        AND x.what = 1
        AND x.sent - x.payload_len >= b.queued - b.payload_len
        AND x.sent <= b.queued
WHERE b.what = 0 AND b.excess = 0;
