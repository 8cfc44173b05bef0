-- Every TCP segment that the kernel's events and the captures show, with the connection that it
-- belongs to. Addresses and ports that are used again make a new connection with a new SYN's
-- sequence number.
CREATE VIEW connection_segments AS
WITH
segments AS (
    SELECT
        run_id, ts, 'kernel' AS seen, saddr, sport, daddr, dport, seq, ack_seq, flags, payload_len,
        direction, device
    FROM tcp_segments
    UNION ALL
    SELECT
        run_id, ts, 'capture', saddr, sport, daddr, dport, seq, ack_seq, flags, payload_len, NULL,
        NULL
    FROM packets
    WHERE flags IS NOT NULL
),

-- One name for both directions; `up` where the segment goes from the lesser end to the greater.
ends AS (
    SELECT
        *,
        LEAST((saddr, sport), (daddr, dport)) AS one_end,
        GREATEST((saddr, sport), (daddr, dport)) AS other_end,
        (saddr, sport) <= (daddr, dport) AS up,
        CASE WHEN flags & 18 = 2 THEN seq END AS syn_seq
    FROM segments
),

syns AS (
    SELECT
        *,
        LAG(syn_seq) OVER (
            PARTITION BY run_id, one_end, other_end, syn_seq IS NULL ORDER BY ts
        ) AS syn_seq_before
    FROM ends
),

turns AS (
    SELECT
        *,
        COUNT(CASE WHEN syn_seq IS NOT NULL AND syn_seq IS DISTINCT FROM syn_seq_before THEN 1 END)
            OVER (
                PARTITION BY run_id, one_end, other_end ORDER BY ts
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            ) AS turn
    FROM syns
),

-- The client is the side that sent the SYN, else the one that was answered, else the one of the
-- higher port.
sides AS (
    SELECT
        *,
        COALESCE(
            BOOL_OR(up) FILTER (WHERE flags & 18 = 2) OVER of_turn,
            NOT BOOL_OR(up) FILTER (WHERE flags & 18 = 18) OVER of_turn,
            one_end[2] >= other_end[2]
        ) AS client_first
    FROM turns
    WINDOW of_turn AS (PARTITION BY run_id, one_end, other_end, turn)
)

SELECT
    -- The run.
    run_id,
    -- The client's end: address and port.
    CASE WHEN client_first THEN one_end ELSE other_end END AS client,
    -- The server's end: address and port.
    CASE WHEN client_first THEN other_end ELSE one_end END AS server,
    -- Which connection between the two, in order.
    turn,
    -- When it was seen, ns since the Unix epoch.
    ts,
    -- `kernel` or `capture`.
    seen,
    -- `rx` or `queue` for the kernel's events.
    direction,
    -- The network device, for the kernel's events.
    device,
    -- True where it goes from the client to the server.
    up = client_first AS from_client,
    -- The sequence number.
    seq,
    -- The acknowledgement number.
    ack_seq,
    -- The flags.
    flags,
    -- The payload's length in bytes.
    payload_len,
    -- The sequence number, for a SYN.
    syn_seq
FROM sides;
