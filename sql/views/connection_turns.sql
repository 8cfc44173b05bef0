-- Every TCP segment that the kernel's events and the captures show, with the connection's turn
-- among those between the same two ends: a SYN with another sequence number than the one before
-- from that side makes a new connection, as does the answer to a SYN that was not seen. Two SYNs
-- that cross make one (simultaneous open).
-- staged: several steps read it while a batch is loaded
CREATE VIEW connection_turns AS
WITH
sighted AS (
    SELECT
        run_id, ts, direction, saddr, sport, daddr, dport, seq, ack_seq, flags, payload_len,
        COALESCE(device, '') AS device, cpu_id, ctx_tid, skbaddr, NULL::BIGINT AS row_id
    FROM tcp_segments
    UNION ALL
    SELECT
        run_id, ts, 'capture', saddr, sport, daddr, dport, seq, ack_seq, flags, payload_len,
        COALESCE(interface, ''), NULL, NULL, NULL, rowid
    FROM packets
    WHERE flags IS NOT NULL
),

-- A SYN tells its sender's first sequence number, and its answer both sides'.
told AS (
    SELECT
        s.*,
        p.up,
        p.pair,
        CASE
            WHEN p.up AND s.flags & 2 <> 0 THEN s.seq::BIGINT
            WHEN s.flags & 18 = 18 THEN (s.ack_seq::BIGINT + 4294967295) % 4294967296
        END AS up_isn,
        CASE
            WHEN NOT p.up AND s.flags & 2 <> 0 THEN s.seq::BIGINT
            WHEN s.flags & 18 = 18 THEN (s.ack_seq::BIGINT + 4294967295) % 4294967296
        END AS down_isn
    FROM sighted AS s
    INNER JOIN address_pairs AS p
        ON
            s.run_id = p.run_id
            AND s.saddr = p.saddr
            AND s.sport = p.sport
            AND s.daddr = p.daddr
            AND s.dport = p.dport
),

preceded AS (
    SELECT
        *,
        LAST_VALUE(up_isn IGNORE NULLS) OVER earlier AS up_isn_before,
        LAST_VALUE(down_isn IGNORE NULLS) OVER earlier AS down_isn_before,
        COALESCE(LAG(flags & 18 = 2 AND NOT up) OVER in_order, false) AS after_down_syn,
        COALESCE(LAG(flags & 18 = 2 AND up) OVER in_order, false) AS after_up_syn
    FROM told
    WINDOW
        in_order AS (PARTITION BY run_id, pair ORDER BY ts, flags & 2 DESC, flags & 16),
        earlier AS (
            PARTITION BY run_id, pair ORDER BY ts, flags & 2 DESC, flags & 16
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
),

-- Whose connection it is tells the SYN's sender, or the one that the SYN-ACK answers.
starts AS (
    SELECT
        *,
        CASE
            WHEN flags & 18 = 2 AND up
                THEN up_isn <> COALESCE(up_isn_before, -1) AND NOT after_down_syn
            WHEN flags & 18 = 2
                THEN down_isn <> COALESCE(down_isn_before, -1) AND NOT after_up_syn
            WHEN flags & 18 = 18
                THEN (ack_seq::BIGINT + 4294967295) % 4294967296
                NOT IN (COALESCE(up_isn_before, -1), COALESCE(down_isn_before, -1))
            ELSE false
        END AS opens
    FROM preceded
)

SELECT
    -- The run.
    run_id,
    -- The two ends: `address_pairs.pair`.
    pair,
    -- Which connection between the two, in order; 0 for what was there before the run.
    COUNT(CASE WHEN opens THEN 1 END) OVER (
        PARTITION BY run_id, pair ORDER BY ts, flags & 2 DESC, flags & 16
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS turn,
    -- True where it goes from the lesser end to the greater.
    up,
    -- When it was seen, ns since the Unix epoch.
    ts,
    -- `rx`, `queue` or `capture`.
    direction,
    -- The network device; empty where not known.
    device,
    -- The cpu, for the kernel's events.
    cpu_id,
    -- The thread that was current there.
    ctx_tid,
    -- The buffer's address, for the kernel's events.
    skbaddr,
    -- The packet's row in `packets`, for the capture's.
    row_id,
    -- The source address.
    saddr,
    -- The source port.
    sport,
    -- The destination address.
    daddr,
    -- The destination port.
    dport,
    -- The sequence number.
    seq,
    -- The acknowledgement number.
    ack_seq,
    -- The flags.
    flags,
    -- The payload's length in bytes.
    payload_len
FROM starts;
