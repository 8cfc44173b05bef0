-- The rows of `handshake_times`.
-- fills: handshake_times
CREATE VIEW handshake_rows AS
WITH
sighted AS (
    SELECT
        run_id, connection_id, from_client, ts, flags, ack_seq,
        CASE
            WHEN direction = 'capture' THEN 'capture'
            WHEN (direction = 'rx') = from_client THEN 'server'
            ELSE 'client'
        END AS sight
    FROM connection_segments
    WHERE (flags & 18 = 18 AND NOT from_client) OR (flags & 4 = 0 AND from_client)
),

opened AS (
    SELECT
        run_id,
        connection_id,
        sight,
        MIN(CASE WHEN from_client THEN ts END) AS syn_ts,
        MIN(CASE WHEN NOT from_client THEN ts END) AS synack_ts
    FROM sighted
    WHERE flags & 2 <> 0 AND (flags & 16 = 0 OR NOT from_client)
    GROUP BY run_id, connection_id, sight
),

answered AS (
    SELECT s.run_id, s.connection_id, s.sight, MIN(s.ts) AS ack_ts
    FROM sighted AS s
    INNER JOIN connection_marks AS m ON s.run_id = m.run_id AND s.connection_id = m.connection_id
    INNER JOIN opened AS o
        ON s.run_id = o.run_id AND s.connection_id = o.connection_id AND s.sight = o.sight
    WHERE
        s.flags & 18 = 16
        AND s.ts >= o.synack_ts
        AND (s.ack_seq::BIGINT - m.synack_seq + 4294967296) % 4294967296
        BETWEEN 1 AND 2147483648
    GROUP BY s.run_id, s.connection_id, s.sight
)

SELECT
    -- The run.
    o.run_id,
    -- The connection.
    o.connection_id,
    -- `client`, `server` or `capture`.
    o.sight,
    -- The first SYN there, ns since the Unix epoch.
    o.syn_ts,
    -- The first SYN-ACK there, ns since the Unix epoch.
    o.synack_ts,
    -- The final ACK there, ns since the Unix epoch.
    a.ack_ts,
    -- False where the tracer may have lost events of any cpu between the SYN and the final ACK.
    NOT lost_anywhere(l.windows, o.syn_ts, a.ack_ts) AS certain
FROM opened AS o
LEFT JOIN run_losses AS l ON o.run_id = l.run_id
LEFT JOIN answered AS a
    ON o.run_id = a.run_id AND o.connection_id = a.connection_id AND o.sight = a.sight
ORDER BY o.run_id, o.connection_id, o.sight;
