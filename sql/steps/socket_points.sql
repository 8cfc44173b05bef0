-- When each socket with a connection sent and received what changes its state: SYN, SYN-ACK, FIN,
-- the ACK of its own FIN, RST.
CREATE VIEW socket_points AS
WITH
seen AS (
    SELECT
        t.run_id,
        t.socket_id,
        t.is_client,
        t.connection_id,
        s.ts,
        s.seq,
        s.payload_len,
        s.flags,
        s.direction = 'queue' AS sent
    FROM socket_connections AS t
    INNER JOIN segments AS s
        ON
            t.run_id = s.run_id
            AND t.connection_id = s.connection_id
            -- What its own side queued, and what was received of the other.
            AND (s.from_client = t.is_client) = (s.direction = 'queue')
    WHERE s.flags & 7 <> 0
),

points AS (
    SELECT
        run_id,
        socket_id,
        connection_id,
        is_client,
        MIN(ts) FILTER (WHERE flags & 18 = 2 AND sent) AS syn_ts,
        MIN(ts) FILTER (WHERE flags & 18 = 2 AND NOT sent) AS syn_received_ts,
        MIN(ts) FILTER (WHERE flags & 18 = 18 AND NOT sent) AS synack_received_ts,
        MIN(ts) FILTER (WHERE flags & 5 = 1 AND sent) AS fin_ts,
        ARG_MIN((seq::BIGINT + payload_len + 1) % 4294967296, ts)
            FILTER (WHERE flags & 5 = 1 AND sent) AS fin_end,
        MIN(ts) FILTER (WHERE flags & 5 = 1 AND NOT sent) AS fin_received_ts,
        MIN(ts) FILTER (WHERE flags & 4 = 4) AS rst_ts
    FROM seen
    GROUP BY ALL
),

acked AS (
    SELECT p.run_id, p.socket_id, MIN(s.ts) AS ts
    FROM points AS p
    INNER JOIN segments AS s ON p.run_id = s.run_id AND p.connection_id = s.connection_id
    WHERE
        s.ts >= p.fin_ts
        AND s.direction = 'rx'
        AND s.from_client <> p.is_client
        AND s.flags & 20 = 16
        AND (s.ack_seq::BIGINT - p.fin_end + 4294967296) % 4294967296 < 2147483648
    GROUP BY ALL
)

SELECT
    -- The run.
    t.run_id,
    -- The socket's number within its run.
    t.socket_id,
    -- When the first segment of the connection was seen, ns since the Unix epoch.
    c.start_ts,
    -- When it sent its SYN, ns since the Unix epoch.
    p.syn_ts,
    -- When it received the peer's SYN, ns since the Unix epoch.
    p.syn_received_ts,
    -- When the handshake was complete for this side, ns since the Unix epoch.
    CASE WHEN t.is_client THEN p.synack_received_ts ELSE c.ack_ts END AS established_ts,
    -- When it sent its FIN, ns since the Unix epoch.
    p.fin_ts,
    -- When it received the ACK of that FIN, ns since the Unix epoch.
    a.ts AS fin_acked_ts,
    -- When it received the peer's FIN, ns since the Unix epoch.
    p.fin_received_ts,
    -- When it first sent or received a RST, ns since the Unix epoch.
    p.rst_ts
FROM socket_connections AS t
INNER JOIN connections AS c ON t.run_id = c.run_id AND t.connection_id = c.connection_id
LEFT JOIN points AS p ON t.run_id = p.run_id AND t.socket_id = p.socket_id
LEFT JOIN acked AS a ON t.run_id = a.run_id AND t.socket_id = a.socket_id;
