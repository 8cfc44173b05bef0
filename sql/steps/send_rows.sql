-- The rows of the table `sends`: the write calls on TCP sockets, each with the first segment with
-- payload that its thread queued before it returned: on the descriptor's connection where that is
-- known, else outside of softirqs, which may queue for others inside the call.
-- fills: sends
CREATE VIEW send_rows AS
WITH
calls AS MATERIALIZED (SELECT * FROM socket_writes),

-- The calls of a thread do not overlap: a segment belongs to the last one entered before it.
placed AS (
    SELECT
        *,
        LAST_VALUE(entry_ts IGNORE NULLS) OVER (
            PARTITION BY run_id, ctx_tid ORDER BY ts, entry_ts IS NULL
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS call_ts
    FROM (
        SELECT *, NULL AS entry_ts FROM queued_segments
        WHERE payload_len > 0
        UNION ALL BY NAME
        SELECT run_id, tid AS ctx_tid, entry_ts AS ts, entry_ts FROM calls
    ) AS marks
),

firsts AS (
    SELECT
        c.run_id,
        c.tid,
        c.entry_ts,
        MIN(q.ts) AS queue_ts,
        ARG_MIN(q.cpu_id, q.ts) AS queue_cpu,
        ARG_MIN(q.skbaddr, q.ts) AS skbaddr
    FROM placed AS q
    INNER JOIN calls AS c ON q.run_id = c.run_id AND q.ctx_tid = c.tid AND q.call_ts = c.entry_ts
    WHERE
        q.entry_ts IS NULL
        AND q.ts < c.exit_ts
        AND CASE
            WHEN c.connection_id IS NULL THEN NOT q.in_softirq
            ELSE (q.saddr, q.sport, q.daddr, q.dport) = (c.saddr, c.sport, c.daddr, c.dport)
        END
    GROUP BY c.run_id, c.tid, c.entry_ts
)

SELECT
    -- The run.
    c.run_id,
    -- When the call began, ns since the Unix epoch.
    c.entry_ts,
    -- When it returned, ns since the Unix epoch.
    c.exit_ts,
    -- The thread.
    c.tid,
    -- The thread's process.
    c.pid,
    -- The descriptor.
    c.fd,
    -- The call's name.
    c.name,
    -- What it returned.
    c.ret,
    -- The connection; NULL where the descriptor's is not known.
    c.connection_id,
    -- When the segment was queued, ns since the Unix epoch; NULL where the call queued none.
    f.queue_ts,
    -- The cpu on which it was queued.
    f.queue_cpu,
    -- The segment's buffer.
    f.skbaddr,
    -- When the driver took it, ns since the Unix epoch; NULL where the trace does not show it.
    x.xmit_ts,
    -- The cpu on which the driver took it.
    x.xmit_cpu,
    -- How the transmit was matched: `skbaddr` or `gso`; NULL where neither holds.
    x.match,
    -- True where a loss began between queue and transmit.
    COALESCE(x.cleared, false) AS cleared,
    -- False where the tracer may have lost events of any cpu between entry and transmit.
    l.windows IS NULL OR NOT lost_anywhere(l.windows, c.entry_ts, x.xmit_ts) AS certain,
    -- The same up to the later of transmit and exit.
    l.windows IS NULL
    OR NOT lost_anywhere(l.windows, c.entry_ts, GREATEST(x.xmit_ts, c.exit_ts)) AS certain_to_end
FROM calls AS c
LEFT JOIN firsts AS f ON c.run_id = f.run_id AND c.tid = f.tid AND c.entry_ts = f.entry_ts
LEFT JOIN transmits AS x
    ON
        f.run_id = x.run_id
        AND f.queue_ts = x.ts
        AND f.queue_cpu = x.cpu_id
        AND f.skbaddr = x.skbaddr
LEFT JOIN run_losses AS l ON c.run_id = l.run_id
-- What is not known to be a TCP socket counts as one where the call queued a segment.
WHERE c.is_tcp OR f.queue_ts IS NOT NULL
ORDER BY c.run_id, c.entry_ts;
