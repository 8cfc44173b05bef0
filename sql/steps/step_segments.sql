-- The segments of the steps' connections as their end saw them, with what the kernel and the
-- capture show of each.
-- staged: the steps read it while a batch is loaded
CREATE VIEW step_segments AS
WITH
-- The number that each side began with: its SYN's, else the first seen.
starts AS (
    SELECT
        run_id, connection_id, from_client, ARG_MIN(seq, (flags & 2 = 0, ts))::BIGINT AS isn
    FROM segments
    GROUP BY run_id, connection_id, from_client
),

captured AS (
    SELECT
        e.run_id,
        e.direction,
        e.event_ts,
        e.cpu_id,
        e.skbaddr,
        MIN(e.capture_ts) AS capture_ts,
        ARG_MIN(e.frame, e.capture_ts) AS frame,
        MIN(e.xmit_ts) AS xmit_ts
    FROM packet_events AS e
    GROUP BY e.run_id, e.direction, e.event_ts, e.cpu_id, e.skbaddr
)

SELECT
    -- The run.
    g.run_id,
    -- The connection.
    g.connection_id,
    -- The end: `server` or `client`.
    e.role,
    -- True where the segment came, false where it left.
    g.direction = 'rx' AS comes,
    -- When it was received or queued, ns since the Unix epoch.
    g.ts,
    -- The cpu.
    g.cpu_id,
    -- The thread that was current there.
    g.ctx_tid,
    -- The buffer's address.
    g.skbaddr,
    -- The sequence number.
    g.seq,
    -- The acknowledgement number.
    g.ack_seq,
    -- The flags.
    g.flags,
    -- The payload's length in bytes.
    g.payload_len,
    -- True where it, or part of it, was seen before.
    g.retransmission,
    -- Just past its last byte, counted from its side's first number.
    (g.seq - i.isn + 4294967296) % 4294967296 + g.payload_len AS end_seq,
    -- What it acknowledges, counted from the other side's first number; NULL where it does not, or
    -- what came before that.
    CASE
        WHEN g.flags & 16 <> 0 AND (g.ack_seq - o.isn + 4294967296) % 4294967296 < 2147483648
            THEN (g.ack_seq - o.isn + 4294967296) % 4294967296
    END AS acked,
    -- When the interrupt that brought it began, ns since the Unix epoch.
    r.irq_ts,
    -- When the softirq that brought it began.
    r.softirq_ts,
    -- When the stack answered it by itself.
    r.answer_ts,
    -- When it woke a thread that waited for it.
    r.waking_ts,
    -- That thread.
    r.tid AS waiter_tid,
    -- When that thread came to a cpu.
    r.in_ts,
    -- When the thread's wait returned.
    r.return_ts,
    -- False where the tracer may have lost what the segment brought.
    COALESCE(r.certain, false) AS rx_certain,
    -- True where the trace tells that no thread was woken that waited for it.
    COALESCE(LIST_CONTAINS(r.absent, 'waking'), false) AS wakes_nobody,
    -- When it was captured, ns since the Unix epoch.
    p.capture_ts,
    -- The frame in the capture, the first of several.
    p.frame,
    -- When the driver took it, ns since the Unix epoch.
    COALESCE(t.xmit_ts, p.xmit_ts) AS xmit_ts,
    -- True for the handshake's final ACK.
    COALESCE(g.ts = c.ack_ts, false) AS is_final_ack
FROM segments AS g
INNER JOIN step_ends AS e
    ON
        g.run_id = e.run_id
        AND g.connection_id = e.connection_id
        AND (g.direction = 'rx') = (g.from_client = (e.role = 'server'))
INNER JOIN connections AS c ON g.run_id = c.run_id AND g.connection_id = c.connection_id
INNER JOIN starts AS i
    ON
        g.run_id = i.run_id
        AND g.connection_id = i.connection_id
        AND g.from_client = i.from_client
LEFT JOIN starts AS o
    ON
        g.run_id = o.run_id
        AND g.connection_id = o.connection_id
        AND g.from_client <> o.from_client
LEFT JOIN rx_path AS r
    ON
        g.direction = 'rx'
        AND g.run_id = r.run_id
        AND g.ts = r.ts
        AND g.cpu_id = r.cpu_id
        AND g.skbaddr IS NOT DISTINCT FROM r.skbaddr
LEFT JOIN transmits AS t
    ON
        g.direction = 'queue'
        AND g.run_id = t.run_id
        AND g.ts = t.ts
        AND g.cpu_id = t.cpu_id
        AND g.skbaddr IS NOT DISTINCT FROM t.skbaddr
LEFT JOIN captured AS p
    ON
        g.run_id = p.run_id
        AND g.direction = p.direction
        AND g.ts = p.event_ts
        AND g.cpu_id = p.cpu_id
        AND g.skbaddr IS NOT DISTINCT FROM p.skbaddr;
