-- Every TCP segment that the kernel's events show, received (`net_if_receive_skb`) or queued
-- (`net_dev_queue`), with the connection that it belongs to.
-- staged: several steps read it while a batch is loaded
CREATE VIEW segments AS
SELECT
    -- The run.
    t.run_id,
    -- When it was received or queued, ns since the Unix epoch.
    t.ts,
    -- `rx` or `queue`.
    t.direction,
    -- The cpu.
    t.cpu_id,
    -- The thread that was current there; NULL where unknown.
    t.ctx_tid,
    -- The buffer's address; addresses are reused at once.
    t.skbaddr,
    -- The network device; empty where not known.
    COALESCE(t.device, '') AS device,
    -- The source address.
    t.saddr,
    -- The source port.
    t.sport,
    -- The destination address.
    t.daddr,
    -- The destination port.
    t.dport,
    -- The sequence number.
    t.seq,
    -- The acknowledgement number.
    t.ack_seq,
    -- The flags: 1 FIN, 2 SYN, 4 RST, 8 PSH, 16 ACK.
    t.flags,
    -- The payload's length in bytes.
    t.payload_len,
    -- The connection: `connections.connection_id`.
    s.connection_id,
    -- True where it goes from the client to the server.
    s.from_client,
    -- True where any of its sequence numbers (payload, SYN or FIN; not a RST's) was in an earlier
    -- segment of that side at that point of sight: the same direction and device.
    s.retransmission
FROM tcp_segments AS t
INNER JOIN store.segment_facts AS s
    ON
        t.run_id = s.run_id
        AND t.ts = s.ts
        AND t.direction = s.direction
        AND t.seq = s.seq
        AND t.cpu_id IS NOT DISTINCT FROM s.cpu_id
        AND t.skbaddr IS NOT DISTINCT FROM s.skbaddr;
