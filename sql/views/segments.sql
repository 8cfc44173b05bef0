-- Every TCP segment that the kernel's events show, received (`net_if_receive_skb`) or queued
-- (`net_dev_queue`), with the connection that it belongs to.
-- staged: several steps read it while a batch is loaded
CREATE VIEW segments AS
SELECT
    -- The run.
    run_id,
    -- When it was received or queued, ns since the Unix epoch.
    ts,
    -- `rx` or `queue`.
    direction,
    -- The cpu.
    cpu_id,
    -- The thread that was current there; NULL where unknown.
    ctx_tid,
    -- The buffer's address; addresses are reused at once.
    skbaddr,
    -- The network device; empty where not known.
    device,
    -- The source address.
    saddr,
    -- The source port.
    sport,
    -- The destination address.
    daddr,
    -- The destination port.
    dport,
    -- The sequence number.
    seq,
    -- The acknowledgement number.
    ack_seq,
    -- The flags: 1 FIN, 2 SYN, 4 RST, 8 PSH, 16 ACK.
    flags,
    -- The payload's length in bytes.
    payload_len,
    -- The connection: `connections.connection_id`.
    connection_id,
    -- True where it goes from the client to the server.
    from_client,
    -- True where any of its sequence numbers (payload, SYN or FIN; not a RST's) was in an earlier
    -- segment of that side at that point of sight: the same direction and device.
    retransmission
FROM connection_segments
WHERE direction <> 'capture';
