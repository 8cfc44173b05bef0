-- The rows of `connections`, derived from the segments that the kernel's events and the captures
-- show.
-- fills: connections
CREATE VIEW connection_rows AS
WITH
tallies AS (
    SELECT
        run_id,
        connection_id,
        ANY_VALUE(t) FILTER (WHERE from_client AND NOT captured) AS client,
        ANY_VALUE(t) FILTER (WHERE NOT from_client AND NOT captured) AS server,
        ANY_VALUE(t) FILTER (WHERE from_client AND captured) AS client_captured,
        ANY_VALUE(t) FILTER (WHERE NOT from_client AND captured) AS server_captured
    FROM connection_tallies AS t
    GROUP BY run_id, connection_id
),

-- On loopback the kernel's events show both ends: the first of the two counts.
opened AS (
    SELECT
        run_id,
        connection_id,
        MIN(syn_ts) FILTER (WHERE sight <> 'capture') AS syn_ts,
        MIN(synack_ts) FILTER (WHERE sight <> 'capture') AS synack_ts,
        MIN(ack_ts) FILTER (WHERE sight <> 'capture') AS ack_ts,
        MIN(syn_ts) FILTER (WHERE sight = 'capture') AS syn_capture_ts,
        MIN(synack_ts) FILTER (WHERE sight = 'capture') AS synack_capture_ts,
        MIN(ack_ts) FILTER (WHERE sight = 'capture') AS ack_capture_ts
    FROM handshake_times
    GROUP BY run_id, connection_id
)

SELECT
    -- The run.
    n.run_id,
    -- The connection's number within its run.
    n.connection_id,
    -- The client's address.
    n.saddr,
    -- The client's port.
    n.sport,
    -- The server's address.
    n.daddr,
    -- The server's port.
    n.dport,
    -- The client's initial sequence number.
    m.seq,
    -- The server's initial sequence number.
    m.synack_seq,
    -- The first segment seen, ns since the Unix epoch.
    n.start_ts,
    -- Just past the last segment seen, ns since the Unix epoch.
    n.end_ts,
    -- The first SYN at the kernel's events, ns since the Unix epoch.
    o.syn_ts,
    -- The first SYN-ACK at the kernel's events, ns since the Unix epoch.
    o.synack_ts,
    -- The handshake's final ACK at the kernel's events, ns since the Unix epoch.
    o.ack_ts,
    -- The first SYN in the capture, ns since the Unix epoch.
    o.syn_capture_ts,
    -- The first SYN-ACK in the capture, ns since the Unix epoch.
    o.synack_capture_ts,
    -- The handshake's final ACK in the capture, ns since the Unix epoch.
    o.ack_capture_ts,
    -- True where both sides opened at once.
    COALESCE(m.simultaneous, false) AS simultaneous,
    -- `rst`, `fin` or `open`.
    CASE
        WHEN COALESCE(m.client_rst_ts, m.server_rst_ts) IS NOT NULL THEN 'rst'
        WHEN COALESCE(m.client_fin_ts, m.server_fin_ts) IS NOT NULL THEN 'fin'
        ELSE 'open'
    END AS ending,
    -- `client` or `server`: whose FIN or RST came first; NULL where it is open.
    CASE
        WHEN LEAST(m.client_fin_ts, m.client_rst_ts) <= LEAST(m.server_fin_ts, m.server_rst_ts)
            THEN 'client'
        WHEN LEAST(m.server_fin_ts, m.server_rst_ts) IS NOT NULL THEN 'server'
        WHEN LEAST(m.client_fin_ts, m.client_rst_ts) IS NOT NULL THEN 'client'
    END AS ended_by,
    -- The client's first FIN, ns since the Unix epoch.
    m.client_fin_ts,
    -- The server's first FIN, ns since the Unix epoch.
    m.server_fin_ts,
    -- The first RST, ns since the Unix epoch.
    LEAST(m.client_rst_ts, m.server_rst_ts) AS rst_ts,
    -- Segments from the client's side that the kernel's events show.
    COALESCE(t.client.n, 0) AS client_segments,
    -- Segments from the server's side that the kernel's events show.
    COALESCE(t.server.n, 0) AS server_segments,
    -- Payload bytes from the client's side, retransmissions included.
    COALESCE(t.client.bytes, 0) AS client_bytes,
    -- Payload bytes from the server's side, retransmissions included.
    COALESCE(t.server.bytes, 0) AS server_bytes,
    -- Payload bytes from the client's side, each part of the stream once.
    COALESCE(t.client.unique_bytes, 0) AS client_unique_bytes,
    -- Payload bytes from the server's side, each part of the stream once.
    COALESCE(t.server.unique_bytes, 0) AS server_unique_bytes,
    -- Segments of the client's that repeat what was sent before.
    COALESCE(t.client.retransmissions, 0) AS client_retransmissions,
    -- Segments of the server's that repeat what was sent before.
    COALESCE(t.server.retransmissions, 0) AS server_retransmissions,
    -- Packets in the capture.
    n.captured,
    -- Segments from the client's side that the capture shows.
    COALESCE(t.client_captured.n, 0) AS client_captured,
    -- Segments from the server's side that the capture shows.
    COALESCE(t.server_captured.n, 0) AS server_captured,
    -- Payload bytes from the client's side in the capture, retransmissions included.
    COALESCE(t.client_captured.bytes, 0) AS client_captured_bytes,
    -- Payload bytes from the server's side in the capture, retransmissions included.
    COALESCE(t.server_captured.bytes, 0) AS server_captured_bytes,
    -- Payload bytes from the client's side in the capture, each part of the stream once.
    COALESCE(t.client_captured.unique_bytes, 0) AS client_captured_unique_bytes,
    -- Payload bytes from the server's side in the capture, each part of the stream once.
    COALESCE(t.server_captured.unique_bytes, 0) AS server_captured_unique_bytes,
    -- Packets of the client's in the capture that repeat what was sent before.
    COALESCE(t.client_captured.retransmissions, 0) AS client_captured_retransmissions,
    -- Packets of the server's in the capture that repeat what was sent before.
    COALESCE(t.server_captured.retransmissions, 0) AS server_captured_retransmissions
FROM connection_numbers AS n
LEFT JOIN connection_marks AS m ON n.run_id = m.run_id AND n.connection_id = m.connection_id
LEFT JOIN opened AS o ON n.run_id = o.run_id AND n.connection_id = o.connection_id
LEFT JOIN tallies AS t ON n.run_id = t.run_id AND n.connection_id = t.connection_id
ORDER BY n.run_id, n.connection_id;
