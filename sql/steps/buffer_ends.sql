-- When each buffer that was handed to a device's queue was freed: the first `skb_consume` or
-- `skb_kfree` of its address before the address is queued again. A driver may free a buffer before
-- the event of its transmit, and the stack frees one that it splits before it sends the parts.
-- staged: several steps read it while a batch is loaded
CREATE VIEW buffer_ends AS
WITH
marks AS (
    SELECT run_id, skbaddr, ts, cpu_id, 0 AS what FROM transmits
    UNION ALL
    SELECT run_id, skbaddr, ts, cpu_id, 1 FROM event.skb_consume
    UNION ALL
    SELECT run_id, skbaddr, ts, cpu_id, 2 FROM event.skb_kfree
),

paired AS (
    SELECT
        m.run_id,
        m.skbaddr,
        m.ts,
        m.cpu_id,
        m.what,
        LEAD(m.what) OVER same_address AS end_what,
        LEAD(m.ts) OVER same_address AS end_ts,
        LEAD(m.cpu_id) OVER same_address AS end_cpu
    FROM marks AS m
    SEMI JOIN transmits AS t ON m.run_id = t.run_id AND m.skbaddr = t.skbaddr
    WINDOW same_address AS (PARTITION BY m.run_id, m.skbaddr ORDER BY m.ts, m.what)
)

SELECT
    -- The run.
    p.run_id,
    -- When the buffer was queued, ns since the Unix epoch.
    p.ts,
    -- The cpu on which it was queued.
    p.cpu_id,
    -- The buffer's address.
    p.skbaddr,
    -- When it was freed, ns since the Unix epoch.
    p.end_ts,
    -- The cpu on which it was freed.
    p.end_cpu,
    -- True for `skb_kfree`, which is what frees a buffer that is dropped.
    p.end_what = 2 AS is_kfree
FROM paired AS p
LEFT JOIN run_losses AS l ON p.run_id = l.run_id
WHERE
    p.what = 0
    AND p.end_what > 0
    AND NOT lost_anywhere(l.windows, p.ts, p.end_ts);
