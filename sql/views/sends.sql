-- Every call that wrote to a TCP socket, with the first segment with payload that its thread queued
-- before it returned: on the descriptor's connection where that is known, else outside of softirqs,
-- which may queue for others inside the call.
-- staged: several metrics read it while a batch is loaded
CREATE VIEW sends AS
WITH
calls AS (
    SELECT
        w.run_id,
        w.tid,
        w.pid,
        w.name,
        w.fd,
        w.entry_ts,
        w.exit_ts,
        w.ret,
        w.kind,
        s.protocol,
        s.connection_id,
        s.saddr,
        s.sport,
        s.daddr,
        s.dport
    FROM write_calls AS w
    LEFT JOIN sockets AS s ON w.run_id = s.run_id AND w.socket_id = s.socket_id
    -- A descriptor that is known to be no TCP socket is none; an unknown one may be.
    WHERE
        (w.kind IS NULL OR w.kind = 'socket')
        AND (s.protocol IS NULL OR s.protocol = 'tcp')
        AND (s.type IS NULL OR s.type = 'stream')
        AND (s.family IS NULL OR s.family IN ('ipv4', 'ipv6'))
),

queued AS (
    SELECT g.*, c.context = 'softirq' AS in_softirq
    FROM tcp_segments AS g
    LEFT JOIN cpu_context AS c
        ON
            g.run_id = c.run_id
            AND g.cpu_id = c.cpu_id
            AND g.ts = c.ts
            AND c.what = 'net_dev_queue'
    WHERE g.direction = 'queue' AND g.payload_len > 0
),

-- The calls of a thread do not overlap: a segment belongs to the last one entered before it.
placed AS (
    SELECT
        *,
        MAX(entry_ts) OVER (
            PARTITION BY run_id, ctx_tid ORDER BY ts, entry_ts IS NULL
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS call_ts
    FROM (
        SELECT run_id, ctx_tid, ts, NULL AS entry_ts, cpu_id, skbaddr, in_softirq, saddr, sport,
            daddr, dport
        FROM queued
        UNION ALL BY NAME
        SELECT run_id, tid AS ctx_tid, entry_ts AS ts, entry_ts FROM calls
    ) AS marks
)

SELECT
    -- The run.
    c.run_id,
    -- The thread.
    c.tid,
    -- The thread's process.
    ANY_VALUE(c.pid) AS pid,
    -- The call's name.
    ANY_VALUE(c.name) AS name,
    -- The descriptor.
    ANY_VALUE(c.fd) AS fd,
    -- When the call began, ns since the Unix epoch.
    c.entry_ts,
    -- When it returned, ns since the Unix epoch.
    ANY_VALUE(c.exit_ts) AS exit_ts,
    -- What it returned.
    ANY_VALUE(c.ret) AS ret,
    -- The connection; NULL where the descriptor's is not known.
    ANY_VALUE(c.connection_id) AS connection_id,
    -- When the segment was queued, ns since the Unix epoch; NULL where the call queued none.
    MIN(q.ts) AS queue_ts,
    -- The cpu on which it was queued.
    ARG_MIN(q.cpu_id, q.ts) AS queue_cpu,
    -- The segment's buffer.
    ARG_MIN(q.skbaddr, q.ts) AS skbaddr
FROM calls AS c
LEFT JOIN placed AS q
    ON
        c.run_id = q.run_id
        AND c.tid = q.ctx_tid
        AND c.entry_ts = q.call_ts
        AND q.entry_ts IS NULL
        AND q.ts < c.exit_ts
        AND CASE
            WHEN c.connection_id IS NULL THEN NOT q.in_softirq
            ELSE (q.saddr, q.sport, q.daddr, q.dport) = (c.saddr, c.sport, c.daddr, c.dport)
        END
GROUP BY c.run_id, c.tid, c.entry_ts
-- What is not known to be a TCP socket counts as one where the call queued a segment.
HAVING ANY_VALUE(c.protocol) = 'tcp' OR MIN(q.ts) IS NOT NULL;
