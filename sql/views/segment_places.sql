-- Every TCP segment that the kernel's events and the captures show, with the connection that it
-- belongs to and its place in its sender's stream, by point of sight: who sent it, whether it was
-- received, queued or captured, and at which device.
-- staged: several steps read it while a batch is loaded
CREATE VIEW segment_places AS
WITH
numbered AS (
    SELECT
        t.*,
        n.connection_id,
        t.up = n.client_is_low AS from_client,
        -- A SYN and a FIN take a number each; what a RST carries is no part of the stream.
        CASE
            WHEN t.flags & 4 = 0
                THEN COALESCE(t.payload_len, 0) + (t.flags >> 1 & 1) + (t.flags & 1)
            ELSE 0
        END AS span
    FROM connection_turns AS t
    INNER JOIN connection_numbers AS n
        ON t.run_id = n.run_id AND t.pair = n.pair AND t.turn = n.turn
),

steps AS (
    SELECT
        *,
        (
            seq::BIGINT - LAG(seq) OVER in_order + 6442450944
        ) % 4294967296 - 2147483648 AS step
    FROM numbered
    WINDOW in_order AS (
        PARTITION BY
            run_id, connection_id, from_client, direction, device, flags & 4
        ORDER BY ts, seq
    )
)

SELECT
    -- The run.
    run_id,
    -- The connection.
    connection_id,
    -- True where it goes from the client to the server.
    from_client,
    -- When it was seen, ns since the Unix epoch.
    ts,
    -- `rx`, `queue` or `capture`.
    direction,
    -- The network device; empty where not known.
    device,
    -- The cpu, for the kernel's events.
    cpu_id,
    -- The thread that was current there.
    ctx_tid,
    -- The buffer's address, for the kernel's events.
    skbaddr,
    -- The packet's row in `packets`, for the capture's.
    row_id,
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
    -- The flags.
    flags,
    -- The payload's length in bytes.
    payload_len,
    -- How many sequence numbers it takes: its payload, one for a SYN, one for a FIN; a RST none.
    span,
    -- Where it stands in its sender's stream at that point of sight: its sequence number, plus
    -- 2^32, and 2^32 more for every wrap since the first segment seen there.
    (4294967296 + FIRST_VALUE(seq) OVER so_far + SUM(COALESCE(step, 0)) OVER so_far)::BIGINT AS pos,
    -- Which segment of that side it is at that point of sight, in order of time; those with RST
    -- count apart.
    ROW_NUMBER() OVER so_far AS place
FROM steps
WINDOW so_far AS (
    PARTITION BY run_id, connection_id, from_client, direction, device, flags & 4
    ORDER BY ts, seq
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
);
