-- The rows of `connections`, derived from the segments that the kernel's events and the captures
-- show. Addresses and ports that are
-- used again make a new connection with a new SYN's sequence number.
-- fills: connections
CREATE VIEW connection_rows AS
WITH
segments AS (
    SELECT
        run_id, ts, 'kernel' AS seen, saddr, sport, daddr, dport, seq, ack_seq, flags, payload_len,
        direction
    FROM tcp_segments
    UNION ALL
    SELECT
        run_id, ts, 'capture', saddr, sport, daddr, dport, seq, ack_seq, flags, payload_len, NULL
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
        LAST_VALUE(syn_seq IGNORE NULLS) OVER (
            PARTITION BY run_id, one_end, other_end ORDER BY ts
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
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
),

facts AS (
    SELECT
        *,
        up = client_first AS from_client,
        CASE WHEN client_first THEN one_end ELSE other_end END AS client,
        CASE WHEN client_first THEN other_end ELSE one_end END AS server
    FROM sides
),

grouped AS (
    SELECT
        run_id,
        client,
        server,
        ANY_VALUE(syn_seq) AS seq,
        MIN(ts) AS start_ts,
        MAX(ts) + 1 AS end_ts,
        MIN(ts) FILTER (WHERE seen = 'kernel' AND flags & 18 = 2) AS syn_ts,
        MIN(ts) FILTER (WHERE seen = 'kernel' AND flags & 18 = 18) AS synack_ts,
        MIN(ts) FILTER (WHERE seen = 'capture' AND flags & 18 = 2) AS syn_capture_ts,
        MIN(ts) FILTER (WHERE seen = 'capture' AND flags & 18 = 18) AS synack_capture_ts,
        ARG_MIN(seq, ts) FILTER (WHERE flags & 18 = 18) AS synack_seq,
        LIST((ts, ack_seq)) FILTER (
            WHERE seen = 'kernel' AND from_client AND flags & 22 = 16
        ) AS acks,
        BOOL_OR(flags & 4 <> 0) AS has_rst,
        BOOL_OR(flags & 1 <> 0) AS has_fin,
        COUNT(*) FILTER (WHERE seen = 'kernel' AND from_client) AS client_segments,
        COUNT(*) FILTER (WHERE seen = 'kernel' AND NOT from_client) AS server_segments,
        COALESCE(SUM(payload_len) FILTER (WHERE seen = 'kernel' AND from_client), 0)::BIGINT
            AS client_bytes,
        COALESCE(SUM(payload_len) FILTER (WHERE seen = 'kernel' AND NOT from_client), 0)::BIGINT
            AS server_bytes,
        COUNT(*) FILTER (WHERE seen = 'capture') AS captured
    FROM facts
    GROUP BY run_id, client, server, turn
)

SELECT
    -- The run.
    run_id,
    -- The connection's number within its run.
    ROW_NUMBER() OVER (PARTITION BY run_id ORDER BY start_ts, client, server) AS connection_id,
    -- The client's address.
    client[1] AS saddr,
    -- The client's port.
    client[2] AS sport,
    -- The server's address.
    server[1] AS daddr,
    -- The server's port.
    server[2] AS dport,
    -- The SYN's sequence number.
    seq,
    -- The first segment seen, ns since the Unix epoch.
    start_ts,
    -- Just past the last segment seen, ns since the Unix epoch.
    end_ts,
    -- The first SYN at the kernel's events, ns since the Unix epoch.
    syn_ts,
    -- The first SYN-ACK at the kernel's events, ns since the Unix epoch.
    synack_ts,
    -- The handshake's final ACK at the kernel's events, ns since the Unix epoch.
    LIST_MIN(
        [
            a[1] FOR a IN acks
            IF a[1] >= synack_ts
            AND (a[2]::BIGINT - synack_seq + 4294967296) % 4294967296 BETWEEN 1 AND 2147483648
        ]
    ) AS ack_ts,
    -- The first SYN in the capture, ns since the Unix epoch.
    syn_capture_ts,
    -- The first SYN-ACK in the capture, ns since the Unix epoch.
    synack_capture_ts,
    -- `rst`, `fin` or `open`.
    CASE WHEN has_rst THEN 'rst' WHEN has_fin THEN 'fin' ELSE 'open' END AS ending,
    -- Segments from the client's side that the kernel's events show.
    client_segments,
    -- Segments from the server's side that the kernel's events show.
    server_segments,
    -- Payload bytes from the client's side.
    client_bytes,
    -- Payload bytes from the server's side.
    server_bytes,
    -- Packets in the capture.
    captured
FROM grouped;
