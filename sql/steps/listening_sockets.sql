-- The listening sockets that the last segment of a handshake may wake a thread on: the one that a
-- call then accepted the connection from, and those that listen at the connection's address.
-- staged: several steps read it while a batch is loaded
CREATE VIEW listening_sockets AS
SELECT
    -- The run.
    h.run_id,
    -- The client's address.
    h.saddr,
    -- The client's port.
    h.sport,
    -- When the handshake's final ACK was received, ns since the Unix epoch.
    h.ack_ts,
    -- The listening socket.
    c.socket_id
FROM accepted_handshakes AS h
INNER JOIN socket_calls AS c
    ON h.run_id = c.run_id AND h.tid = c.tid AND h.accept_ts = c.exit_ts
WHERE c.kind = 'accept'
UNION
SELECT h.run_id, h.saddr, h.sport, h.ack_ts, s.socket_id
FROM handshakes AS h
INNER JOIN sockets AS s
    ON
        h.run_id = s.run_id
        AND h.dport = s.sport
        AND s.start_ts <= h.ack_ts
        AND s.end_ts > h.ack_ts
WHERE
    s.dport IS NULL
    AND s.connection_id IS NULL
    AND COALESCE(s.protocol, 'tcp') = 'tcp'
    AND s.saddr IN (h.daddr, '0.0.0.0', '::');
