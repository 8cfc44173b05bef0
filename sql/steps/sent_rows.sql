-- The rows of `store.sent`: each queued segment with what queued it and what became of it.
-- fills: store.sent
CREATE VIEW sent_rows AS
WITH
captures AS (
    SELECT
        run_id, event_ts, cpu_id, skbaddr, MIN(capture_ts) AS capture_ts, COUNT(*) AS packets,
        BOOL_AND(certain) AS certain
    FROM packet_events
    WHERE direction = 'queue'
    GROUP BY run_id, event_ts, cpu_id, skbaddr
),

points AS (
    SELECT
        g.*,
        q.context,
        q.tid,
        q.name,
        q.fd,
        q.entry_ts,
        q.exit_ts,
        p.capture_ts,
        COALESCE(p.packets, 0)::INTEGER AS packets,
        COALESCE(p.certain, true) AS certain,
        e.end_ts AS consume_ts,
        -- Of a buffer that the stack split, by its place in the payload before any other.
        COALESCE(
            CASE WHEN x.match = 'gso' THEN s.xmit_ts END,
            CASE WHEN NOT x.cleared THEN x.xmit_ts END,
            s.xmit_ts
        ) AS xmit_ts
    FROM segments AS g
    LEFT JOIN segment_queuers AS q
        ON
            g.run_id = q.run_id
            AND g.ts = q.ts
            AND g.cpu_id = q.cpu_id
            AND g.skbaddr = q.skbaddr
    LEFT JOIN captures AS p
        ON
            g.run_id = p.run_id
            AND g.ts = p.event_ts
            AND g.cpu_id = p.cpu_id
            AND g.skbaddr = p.skbaddr
    LEFT JOIN buffer_ends AS e
        ON
            g.run_id = e.run_id
            AND g.ts = e.ts
            AND g.cpu_id = e.cpu_id
            AND g.skbaddr = e.skbaddr
    LEFT JOIN transmits AS x
        ON
            g.run_id = x.run_id
            AND g.ts = x.ts
            AND g.cpu_id = x.cpu_id
            AND g.skbaddr = x.skbaddr
    LEFT JOIN gso_segments AS s
        ON
            g.run_id = s.run_id
            AND g.ts = s.ts
            AND g.cpu_id = s.cpu_id
            AND g.skbaddr = s.skbaddr
            AND s.payload_start = 0
    WHERE g.direction = 'queue'
)

SELECT
    -- The run.
    p.run_id,
    -- When it was queued, ns since the Unix epoch.
    p.ts,
    -- The cpu.
    p.cpu_id,
    -- The buffer's address.
    p.skbaddr,
    -- The network device.
    p.device,
    -- The connection.
    p.connection_id,
    -- True where it goes from the client to the server.
    p.from_client,
    -- The sequence number.
    p.seq,
    -- The acknowledgement number.
    p.ack_seq,
    -- The flags.
    p.flags,
    -- The payload's length in bytes.
    p.payload_len,
    -- True where any of its sequence numbers was sent before.
    p.retransmission,
    -- What queued it.
    p.context,
    -- The thread.
    p.tid,
    -- The call's name.
    p.name,
    -- The call's descriptor.
    p.fd,
    -- When the call began.
    p.entry_ts,
    -- When it returned.
    p.exit_ts,
    -- When the first packet of it was captured.
    p.capture_ts,
    -- How many captured packets are of it.
    p.packets,
    -- When the buffer was freed.
    p.consume_ts,
    -- When the driver took it.
    p.xmit_ts,
    -- False where the tracer may have lost events of any cpu between the first point and the last.
    p.certain
    AND NOT lost_anywhere(
        l.windows,
        LEAST(p.ts, p.entry_ts, p.capture_ts),
        GREATEST(p.ts, p.capture_ts, p.consume_ts, p.xmit_ts, p.exit_ts)
    ) AS certain
FROM points AS p
LEFT JOIN run_losses AS l ON p.run_id = l.run_id
ORDER BY p.run_id, p.ts;
