-- How long the opening of a connection took at one of its ends: from the SYN to the final ACK,
-- queued and received as that end does. Over loopback one trace shows both ends.
-- from: net_if_receive_skb | net_dev_queue
-- to: net_if_receive_skb | net_dev_queue
-- requires: net_if_receive_skb, net_dev_queue
-- stages: syn_to_synack, synack_to_ack
CREATE VIEW handshake AS
SELECT
    -- The run.
    h.run_id,
    -- When the SYN was received (server) or queued (client), the first of its sequence number, ns
    -- since the Unix epoch.
    h.syn_ts AS ts,
    -- How long until the final ACK was received or queued, ns: the sum of the two stages.
    h.ack_ts - h.syn_ts AS dur,
    -- False where the tracer may have lost events of any cpu meanwhile.
    h.certain,
    -- From the SYN to the SYN-ACK, ns: at the server's end the stack's own time, at the client's
    -- the way there and back.
    h.synack_ts - h.syn_ts AS syn_to_synack,
    -- From the SYN-ACK to the final ACK, ns: at the server's end the way there and back, at the
    -- client's the stack's own time.
    h.ack_ts - h.synack_ts AS synack_to_ack,
    -- Which end the host is: `client` or `server`.
    h.sight AS side,
    -- The connection: `connections.connection_id`.
    h.connection_id,
    -- The client's address.
    c.saddr,
    -- The client's port.
    c.sport,
    -- The server's address.
    c.daddr,
    -- The server's port.
    c.dport
FROM handshake_times AS h
INNER JOIN connections AS c ON h.run_id = c.run_id AND h.connection_id = c.connection_id
WHERE
    h.sight <> 'capture'
    AND h.syn_ts <= h.synack_ts
    AND h.ack_ts IS NOT NULL
    AND NOT c.simultaneous;

-- What `handshake` leaves out: openings that the trace does not show whole.
CREATE VIEW handshake_left_out AS
SELECT
    -- The run.
    h.run_id,
    -- `simultaneous` where both sides opened at once; `cleared_by_loss` where a part may be lost,
    -- or all of what the capture shows; `no_syn` where it began before the trace; `refused` where
    -- the server answered with RST; `no_synack` and `no_ack` where none came.
    CASE
        WHEN c.simultaneous THEN 'simultaneous'
        WHEN lost_anywhere(l.windows, c.start_ts, c.end_ts) THEN 'cleared_by_loss'
        WHEN h.syn_ts IS NULL OR h.syn_ts > h.synack_ts THEN 'no_syn'
        WHEN h.synack_ts IS NOT NULL THEN 'no_ack'
        WHEN c.ending = 'rst' AND c.ended_by = 'server' THEN 'refused'
        ELSE 'no_synack'
    END AS reason,
    -- How many there were.
    COUNT(*) AS n
FROM handshake_times AS h
INNER JOIN connections AS c ON h.run_id = c.run_id AND h.connection_id = c.connection_id
LEFT JOIN run_losses AS l ON h.run_id = l.run_id
WHERE
    CASE
        WHEN h.sight = 'capture'
            THEN
            c.syn_ts IS NULL AND c.synack_ts IS NULL
            AND lost_anywhere(l.windows, c.start_ts, c.end_ts)
        ELSE
            h.syn_ts IS NULL OR h.synack_ts IS NULL OR h.ack_ts IS NULL
            OR h.syn_ts > h.synack_ts OR c.simultaneous
    END
GROUP BY ALL;
