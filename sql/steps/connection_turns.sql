-- Every TCP segment that the kernel's events and the captures show, with the connection's turn
-- among those between the same two ends.
-- staged: several steps read it while a batch is loaded
CREATE VIEW connection_turns AS
WITH
opened AS (
    SELECT run_id, pair, COUNT(*) AS n, MIN(ts) AS first_ts
    FROM connection_openings
    GROUP BY run_id, pair
),

pairs AS (
    SELECT p.*, o.first_ts, COALESCE(o.n, 0) > 1 AS is_reused
    FROM address_pairs AS p
    LEFT JOIN opened AS o ON p.run_id = o.run_id AND p.pair = o.pair
),

sighted AS NOT MATERIALIZED (
    SELECT s.*, p.pair, p.up, p.first_ts, p.is_reused
    FROM (
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
    ) AS s
    INNER JOIN pairs AS p
        ON
            s.run_id = p.run_id
            AND s.saddr = p.saddr
            AND s.sport = p.sport
            AND s.daddr = p.daddr
            AND s.dport = p.dport
)

-- Most ends have one connection, whose turns need no sorting.
SELECT
    -- The run.
    run_id,
    -- The two ends: `address_pairs.pair`.
    pair,
    -- Which connection between the two, in order; 0 for what was there before the run.
    CASE WHEN ts >= first_ts THEN 1 ELSE 0 END AS turn,
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
FROM sighted
WHERE NOT is_reused
UNION ALL
SELECT
    s.run_id, s.pair,
    COALESCE(MAX(o.turn) OVER (PARTITION BY s.run_id, s.pair ORDER BY s.ts), 0), s.up, s.ts,
    s.direction, s.device, s.cpu_id, s.ctx_tid, s.skbaddr, s.row_id, s.saddr, s.sport, s.daddr,
    s.dport, s.seq, s.ack_seq, s.flags, s.payload_len
FROM sighted AS s
LEFT JOIN connection_openings AS o
    ON s.run_id = o.run_id AND s.pair = o.pair AND s.ts = o.ts
WHERE s.is_reused;
