-- Every TCP segment that the kernel's events show, received (`net_if_receive_skb`) or queued
-- (`net_dev_queue`).
-- staged: several steps read it while a batch is loaded
CREATE VIEW tcp_segments AS
SELECT
    -- The run.
    run_id,
    -- When it was received or queued, ns since the Unix epoch.
    ts,
    -- `rx` or `queue`.
    direction,
    -- The cpu.
    cpu_id,
    -- The thread that was current there.
    ctx_tid,
    -- The buffer's address.
    skbaddr,
    -- The network device.
    name AS device,
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
    tcp_flags AS flags,
    -- The payload's length in bytes.
    payload_len
FROM (
    SELECT *, 'rx' AS direction FROM event.net_if_receive_skb
    UNION ALL BY NAME
    SELECT *, 'queue' AS direction FROM event.net_dev_queue
) AS buffers
WHERE tcp_flags IS NOT NULL;
