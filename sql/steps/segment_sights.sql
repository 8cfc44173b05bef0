-- Every TCP segment at the kernel's events, in runs with a capture, with what the same segment in
-- the capture must agree in, as one number.
-- staged: the steps from a packet to its event read it while a batch is loaded
CREATE VIEW segment_sights AS
SELECT
    -- The run.
    run_id,
    -- When it was received or queued, ns since the Unix epoch.
    ts,
    -- `rx` or `queue`.
    direction,
    -- The cpu.
    cpu_id,
    -- The buffer's address.
    skbaddr,
    -- The connection.
    connection_id,
    -- A hash of addresses, ports, sequence numbers, the six flags of old, and the payload's length.
    key,
    -- When the driver took it, ns since the Unix epoch; NULL where not known.
    xmit_ts,
    -- The same where it is the latest that the capture may have seen it: not on loopback, where the
    -- capture sees it as it is received, nor where the transmit may be another's.
    CASE WHEN is_own AND device <> 'lo' THEN xmit_ts END AS until_ts,
    -- Which of the segments alike it is, from 1.
    ROW_NUMBER() OVER (PARTITION BY run_id, direction, key ORDER BY ts, cpu_id) AS number,
    -- How many are alike.
    COUNT(*) OVER (PARTITION BY run_id, direction, key) AS alike
FROM (
    SELECT
        g.run_id,
        g.ts,
        g.direction,
        g.cpu_id,
        g.skbaddr,
        g.connection_id,
        HASH(
            g.saddr, g.sport, g.daddr, g.dport, g.seq, g.ack_seq, g.flags & 63, g.payload_len
        ) AS key,
        g.device,
        CASE WHEN NOT t.cleared THEN t.xmit_ts END AS xmit_ts,
        t.match = 'skbaddr' AS is_own
    FROM segments AS g
    LEFT JOIN transmits AS t
        ON
            g.direction = 'queue'
            AND g.run_id = t.run_id
            AND g.ts = t.ts
            AND g.cpu_id = t.cpu_id
            AND g.skbaddr = t.skbaddr
    SEMI JOIN packets AS p ON g.run_id = p.run_id
) AS hashed;
