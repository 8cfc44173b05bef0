-- The handshake's final ACK of each connection: the client's first segment without RST, at or after
-- the SYN-ACK, that acknowledges it, as the kernel's events and as the captures show it.
-- staged: several steps read it while a batch is loaded
CREATE VIEW connection_acks AS
SELECT
    -- The run.
    s.run_id,
    -- The connection.
    s.connection_id,
    -- When the kernel's events show it, ns since the Unix epoch.
    MIN(CASE WHEN s.direction <> 'capture' AND s.ts >= m.synack_ts THEN s.ts END) AS ack_ts,
    -- When the capture shows it, ns since the Unix epoch.
    MIN(CASE WHEN s.direction = 'capture' AND s.ts >= m.synack_capture_ts THEN s.ts END)
        AS ack_capture_ts
FROM connection_segments AS s
INNER JOIN connection_marks AS m ON s.run_id = m.run_id AND s.connection_id = m.connection_id
WHERE
    s.from_client
    AND s.flags & 22 = 16
    AND (s.ack_seq::BIGINT - m.synack_seq + 4294967296) % 4294967296 BETWEEN 1 AND 2147483648
GROUP BY s.run_id, s.connection_id;
