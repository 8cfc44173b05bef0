-- The rows of `connections`, derived from the segments that the kernel's events and the captures
-- show.
-- fills: connections
CREATE VIEW connection_rows AS
WITH
-- On one host a segment may be seen more than once, queued and received on loopback or on stacked
-- devices: each side counts where it was seen most.
sights AS (
    SELECT
        run_id, connection_id, from_client, direction, device, COUNT(*) AS n,
        SUM(payload_len) AS bytes
    FROM connection_segments
    WHERE direction <> 'capture'
    GROUP BY ALL
),

tallies AS (
    SELECT
        run_id,
        connection_id,
        MAX(n) FILTER (WHERE from_client) AS client_segments,
        MAX(n) FILTER (WHERE NOT from_client) AS server_segments,
        MAX(bytes) FILTER (WHERE from_client) AS client_bytes,
        MAX(bytes) FILTER (WHERE NOT from_client) AS server_bytes
    FROM sights
    GROUP BY ALL
),

grouped AS (
    SELECT
        run_id,
        connection_id,
        MIN(ts) FILTER (WHERE direction <> 'capture' AND flags & 18 = 2) AS syn_ts,
        MIN(ts) FILTER (WHERE direction <> 'capture' AND flags & 18 = 18) AS synack_ts,
        MIN(ts) FILTER (WHERE direction = 'capture' AND flags & 18 = 2) AS syn_capture_ts,
        MIN(ts) FILTER (WHERE direction = 'capture' AND flags & 18 = 18) AS synack_capture_ts,
        ARG_MIN(seq, ts) FILTER (WHERE from_client AND flags & 18 = 2) AS seq,
        ARG_MIN(seq, ts) FILTER (WHERE flags & 18 = 18) AS synack_seq,
        LIST((ts, ack_seq)) FILTER (
            WHERE direction <> 'capture' AND from_client AND flags & 22 = 16
        ) AS acks,
        BOOL_OR(flags & 4 <> 0) AS has_rst,
        BOOL_OR(flags & 1 <> 0) AS has_fin,
        COUNT(*) FILTER (WHERE direction = 'capture') AS captured
    FROM connection_segments
    GROUP BY run_id, connection_id
),

counted AS (
    SELECT
        n.saddr, n.sport, n.daddr, n.dport, n.start_ts, n.end_ts, g.*, t.client_segments,
        t.server_segments, t.client_bytes, t.server_bytes
    FROM connection_numbers AS n
    INNER JOIN grouped AS g ON n.run_id = g.run_id AND n.connection_id = g.connection_id
    LEFT JOIN tallies AS t ON n.run_id = t.run_id AND n.connection_id = t.connection_id
)

SELECT
    -- The run.
    run_id,
    -- The connection's number within its run.
    connection_id,
    -- The client's address.
    saddr,
    -- The client's port.
    sport,
    -- The server's address.
    daddr,
    -- The server's port.
    dport,
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
    COALESCE(client_segments, 0)::BIGINT AS client_segments,
    -- Segments from the server's side that the kernel's events show.
    COALESCE(server_segments, 0)::BIGINT AS server_segments,
    -- Payload bytes from the client's side.
    COALESCE(client_bytes, 0)::BIGINT AS client_bytes,
    -- Payload bytes from the server's side.
    COALESCE(server_bytes, 0)::BIGINT AS server_bytes,
    -- Packets in the capture.
    captured
FROM counted;
