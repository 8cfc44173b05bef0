-- How long until data was acknowledged: from the queueing of a segment with payload to the receipt
-- of the first ACK that covers its last byte. Where any of its bytes was sent more than once there
-- is no interval (Karn).
-- from: net_dev_queue
-- to: net_if_receive_skb
-- requires: net_dev_queue, net_if_receive_skb
CREATE VIEW data_to_ack AS
SELECT
    -- The run.
    d.run_id,
    -- When the segment was queued, ns since the Unix epoch.
    d.ts,
    -- How long until the ACK was received, ns.
    d.dur,
    -- False where the tracer may have lost events of any cpu meanwhile, or between the segment
    -- before it of that side, which might hide an earlier sending, and it.
    d.certain,
    -- The connection: `connections.connection_id`.
    d.connection_id,
    -- The sender's address.
    CASE WHEN d.from_client THEN c.saddr ELSE c.daddr END AS saddr,
    -- The sender's port.
    CASE WHEN d.from_client THEN c.sport ELSE c.dport END AS sport,
    -- The receiver's address.
    CASE WHEN d.from_client THEN c.daddr ELSE c.saddr END AS daddr,
    -- The receiver's port.
    CASE WHEN d.from_client THEN c.dport ELSE c.sport END AS dport,
    -- The segment's sequence number.
    d.seq,
    -- Its payload's length in bytes.
    d.payload_len,
    -- The buffer's address; addresses are reused at once.
    d.skbaddr,
    -- The cpu on which it was queued.
    d.cpu_id
FROM data_acks AS d
INNER JOIN connections AS c ON d.run_id = c.run_id AND d.connection_id = c.connection_id
WHERE d.reason IS NULL;

-- What `data_to_ack` leaves out: segments with payload that no ACK can be paired with.
CREATE VIEW data_to_ack_left_out AS
SELECT
    -- The run.
    run_id,
    -- `retransmitted` where any of its bytes was sent more than once, `unacked` where no ACK that
    -- covers its last byte was received, `cleared_by_loss` where one may be lost.
    reason,
    -- How many there were.
    COUNT(*) AS n
FROM data_acks
WHERE reason IS NOT NULL
GROUP BY ALL;
