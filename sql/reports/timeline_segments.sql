-- The segments of one connection, a row each, for a ladder between client and server:
-- `FROM timeline_segments(RUN_ID, CONNECTION_ID)`. One that the kernel's events show has its time
-- there, with that at the interface (the interrupt, or the driver's transmit) and that in the
-- capture beside it; one that only the capture shows has that time alone.
CREATE MACRO timeline_segments(run, connection) AS TABLE
WITH
of_connection AS (
    SELECT connection_id, saddr, sport, seq AS client_isn, synack_seq AS server_isn
    FROM connections
    WHERE run_id = run AND connection_id = connection
),

captured AS (
    SELECT
        direction,
        event_ts,
        cpu_id,
        skbaddr,
        MIN(capture_ts) AS capture_ts,
        MIN(frame) AS frame,
        COUNT(*) AS packets
    FROM packet_events
    WHERE run_id = run AND connection_id = connection
    GROUP BY direction, event_ts, cpu_id, skbaddr
),

kernel_segments AS (
    SELECT
        'rx' AS direction, ts, cpu_id, skbaddr, device, from_client, seq, ack_seq, flags,
        payload_len, NULL::BOOLEAN AS retransmission, irq_ts AS wire_ts, softirq_ts AS begin_ts,
        woken, NULL AS context, NULL::INTEGER AS tid, certain
    FROM rx_path
    WHERE run_id = run AND connection_id = connection
    UNION ALL
    SELECT
        'queue', ts, cpu_id, skbaddr, device, from_client, seq, ack_seq, flags, payload_len,
        retransmission, xmit_ts, entry_ts, NULL, context, tid, certain
    FROM tx_path
    WHERE run_id = run AND connection_id = connection
),

of_capture AS (
    SELECT interface, saddr, sport, seq, ack_seq, flags, payload_len, ts, frame
    FROM packets
    WHERE run_id = run AND connection_id = connection
),

beside_events AS (
    SELECT frame FROM packet_events WHERE run_id = run AND connection_id = connection
),

only_captured AS (
    SELECT o.* FROM of_capture AS o
    ANTI JOIN beside_events AS e ON o.frame = e.frame
),

segments_shown AS (
    SELECT k.*, p.capture_ts, p.frame, COALESCE(p.packets, 0) AS packets
    FROM kernel_segments AS k
    LEFT JOIN captured AS p
        ON
            k.direction = p.direction
            AND k.ts = p.event_ts
            AND k.cpu_id IS NOT DISTINCT FROM p.cpu_id
            AND k.skbaddr IS NOT DISTINCT FROM p.skbaddr
    UNION ALL
    SELECT
        'capture', NULL, NULL, NULL, COALESCE(p.interface, ''),
        (p.saddr, p.sport) = (c.saddr, c.sport), p.seq, p.ack_seq, p.flags, p.payload_len, NULL,
        NULL, NULL, NULL, NULL, NULL, true, p.ts, p.frame, 1
    FROM only_captured AS p
    CROSS JOIN of_connection AS c
)

SELECT
    -- `rx` (`net_if_receive_skb`), `queue` (`net_dev_queue`), or `capture` for a packet that no
    -- event is beside.
    s.direction,
    -- The kernel's event, ns since the Unix epoch; NULL where only the capture shows the segment.
    s.ts,
    -- In the capture, ns since the Unix epoch; NULL where it is not in it.
    s.capture_ts,
    -- At the interface, ns since the Unix epoch: when the interrupt's handler started that brought
    -- what was received, when the driver took what was queued; NULL where the trace does not tell.
    s.wire_ts,
    -- When what handled it began, ns since the Unix epoch: the softirq that received it, or the
    -- call that queued it; NULL where there is none or the trace does not tell.
    s.begin_ts,
    -- The frame in the capture, the first of several; NULL for none.
    s.frame,
    -- How many captured packets are of it.
    s.packets,
    -- True where it goes from the client to the server.
    s.from_client,
    -- The sequence number, from 0 for its side's first; as on the wire where that was not seen.
    (
        s.seq::BIGINT + 4294967296
        - COALESCE(CASE WHEN s.from_client THEN c.client_isn ELSE c.server_isn END, 0)
    ) % 4294967296 AS relative_seq,
    -- The acknowledgement number, from 0 likewise; NULL where it acknowledges nothing.
    CASE
        WHEN s.flags & 16 > 0
            THEN
                (
                    s.ack_seq::BIGINT + 4294967296
                    - COALESCE(CASE WHEN s.from_client THEN c.server_isn ELSE c.client_isn END, 0)
                ) % 4294967296
    END AS relative_ack,
    -- The flags: 1 FIN, 2 SYN, 4 RST, 8 PSH, 16 ACK.
    s.flags,
    -- The payload's length in bytes.
    s.payload_len,
    -- True where any of its sequence numbers was sent before; NULL for what was received.
    s.retransmission,
    -- The network device, or the capture's interface; empty where not known.
    s.device,
    -- The cpu.
    s.cpu_id,
    -- What queued it: `call`, `softirq` or `task`; NULL for what was received.
    s.context,
    -- The thread that queued it; NULL for none.
    s.tid,
    -- How many threads that waited on its socket it may have woken; NULL for what was queued.
    s.woken,
    -- False where the tracer may have lost events on its way.
    s.certain
FROM segments_shown AS s
CROSS JOIN of_connection AS c
ORDER BY COALESCE(s.ts, s.capture_ts), s.frame;
